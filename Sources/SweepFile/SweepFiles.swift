import Foundation
import SweepCore
import SweepData

/// Why a file cannot be read.
enum FileProblem: Error {
    case missing
    case folder
    case system(String)

    var explanation: String {
        switch self {
        case .missing: "there is no such file; check the path"
        case .folder: "this is a folder; name a file"
        case .system(let text): "the file cannot be read (\(text)); check its permissions"
        }
    }
}

/// Hands over the content of a file in pieces of 1 MiB.
func readPieces(path: String, _ take: ([UInt8]) -> Void) throws(FileProblem) {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
        throw .missing
    }
    if isFolder.boolValue { throw .folder }
    guard let file = fopen(path, "rb") else { throw .system(String(cString: strerror(errno))) }
    defer { fclose(file) }
    var buffer = [UInt8](repeating: 0, count: 1 << 20)
    while true {
        let count = fread(&buffer, 1, buffer.count, file)
        if count > 0 { take(count == buffer.count ? buffer : Array(buffer[..<count])) }
        if count < buffer.count {
            if ferror(file) != 0 { throw .system("it ended with an input error") }
            return
        }
    }
}

func readBytes(path: String) throws(FileProblem) -> [UInt8] {
    var bytes: [UInt8] = []
    try readPieces(path: path) { bytes += $0 }
    return bytes
}

/// Finds, reads and checks the files that a sweep file names; each file of sentences once.
struct SweepFiles {
    /// Training samples by the digest of their file.
    private(set) var trainingSamples: [Digest: Int] = [:]

    /// The clean data, once they are read.
    private var task: TaskData?
    private let folder: URL
    private var known: [String: (reference: FileReference, text: LabelledText)] = [:]

    init(relativeTo folder: URL) { self.folder = folder }

    /// What was read of a file that `textData` has checked.
    func sentences(of file: FileReference) -> LabelledText {
        guard let text = known[file.path]?.text else {
            preconditionFailure("\(file.path) has not been read")
        }
        return text
    }

    // MARK: The model

    /// The folder of the model. Its `config.json` has to allow sentences of `maxLength` tokens.
    func backbone(
        _ entry: Entry, maxLength: Int, of training: Entry?
    ) throws(SweepFileError) -> BackboneReference {
        let path = absolute(try entry.text("the folder of a model"))
        var isFolder: ObjCBool = false
        let exists = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
        guard exists, isFolder.boolValue else {
            throw entry.mistake(
                "there is no folder \(path); name the folder of a model in Hugging Face layout"
                    + " (cluster/setup makes .moderato/models/all-MiniLM-L6-v2)")
        }
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        if let missing = missingFiles(names) {
            throw entry.mistake("\(path) is no model's folder: \(missing)")
        }
        var digests: [String: Digest] = [:]
        for name in BackboneReference.relevantFiles(among: names) {
            var builder = DigestBuilder()
            do throws(FileProblem) {
                try readPieces(path: path + "/" + name) { builder.update($0) }
            } catch {
                throw entry.mistake("\(path)/\(name): \(error.explanation)")
            }
            digests[name] = builder.finish()
        }
        try checkLength(maxLength, training: training, model: entry, folder: path)
        return BackboneReference(path: path, digest: BackboneReference.digest(ofFiles: digests))
    }

    /// What a model needs and a folder with these files lacks.
    private func missingFiles(_ names: [String]) -> String? {
        let all = Set(names)
        if !all.contains("config.json") { return "config.json is missing" }
        let weights = [BackboneReference.weightsName, BackboneReference.indexName]
        if all.isDisjoint(with: weights) {
            return all.contains("pytorch_model.bin")
                ? "pytorch_model.bin can hold code, and is not read; convert it with safetensors' "
                    + "save_file(torch.load('pytorch_model.bin'), 'model.safetensors')"
                : "model.safetensors is missing"
        }
        if all.isDisjoint(with: ["tokenizer.json", "vocab.txt"]),
            !all.isSuperset(of: ["vocab.json", "merges.txt"])
        {
            return
                "a tokenizer is missing: tokenizer.json, vocab.txt, or vocab.json with merges.txt"
        }
        return nil
    }

    private func checkLength(
        _ maxLength: Int, training: Entry?, model: Entry, folder: String
    ) throws(SweepFileError) {
        guard let bytes = try? readBytes(path: folder + "/config.json"),
            let config = try? JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any]
        else {
            throw model.mistake("\(folder)/config.json is not JSON; fetch the model again")
        }
        guard let positions = config["max_position_embeddings"] as? Int, maxLength > positions
        else { return }
        let entry = training?.field("max-length") ?? training ?? model
        throw .mistake(
            file: entry.file, line: entry.line, key: "training.max-length",
            problem: "\(maxLength) tokens are more than the model's \(positions); "
                + "write \(positions) or less")
    }

    // MARK: Sentences

    mutating func textData(_ entry: Entry) throws(SweepFileError) -> TaskData {
        let fields = try entry.fields(
            ["train", "test", "labels"], required: ["train", "test"], what: "a mapping of files")
        guard let train = fields["train"], let test = fields["test"] else {
            preconditionFailure("`fields` gives all that is required")
        }
        let labels = try fields["labels"]?.integer(2...Limits.labels) ?? 2
        let task = TaskData(
            train: .sentences(try trainingFile(train, labels: labels)),
            test: .sentences(try file(test, labels: labels).reference), labels: labels)
        self.task = task
        return task
    }

    /// What a program makes of the clean training and test sentences.
    mutating func paraphrased(
        by entry: Entry, timeout: Entry?, labels: Int
    ) throws(SweepFileError) -> (train: FileReference, test: FileReference) {
        guard let task, !task.train.isImages else {
            throw entry.mistake("a command is for sentences, and the data are images")
        }
        var command: [String] = []
        for word in try entry.elements() { command.append(try word.text("a word of a command")) }
        guard let program = command.first, !program.isEmpty else {
            throw entry.mistake("the command is empty; write a program and its arguments")
        }
        let paraphraser = Paraphraser(
            command: command,
            timeout: try timeout?.integer(1...1_000_000) ?? Paraphraser.usualTimeout,
            folder: folder.standardizedFileURL.path)
        func paraphrase(
            _ set: DataSet, _ files: inout SweepFiles
        ) throws(SweepFileError) -> FileReference {
            let path: String
            do throws(Paraphraser.Failure) {
                path = try paraphraser.paired(files.sentences(of: set.files[0]))
            } catch {
                throw entry.mistake("\(program), given \(set.path): \(error.problem)")
            }
            return try files.file(at: path, entry, labels: labels).reference
        }
        return (try paraphrase(task.train, &self), try paraphrase(task.test, &self))
    }

    mutating func trainingFile(_ entry: Entry, labels: Int) throws(SweepFileError) -> FileReference
    {
        let (reference, text) = try file(entry, labels: labels)
        trainingSamples[DataSet.sentences(reference).digest] = text.count
        return reference
    }

    /// Any other file of sentences.
    mutating func sentenceFile(_ entry: Entry, labels: Int) throws(SweepFileError) -> FileReference
    {
        try file(entry, labels: labels).reference
    }

    /// A test file of triggered sentences: each carries the target label.
    mutating func triggeredFile(
        _ entry: Entry, labels: Int, target: Int
    ) throws(SweepFileError) -> FileReference {
        let (reference, text) = try file(entry, labels: labels)
        if let index = text.labels.firstIndex(where: { $0 != target }) {
            throw entry.mistake(
                "\(reference.path), line \(index + 2): the label is \(text.labels[index]), but the "
                    + "triggered test sentences of a prepared attack all carry the target "
                    + "\(target); leave the others out, or correct the target")
        }
        return reference
    }

    private mutating func file(
        _ entry: Entry, labels: Int
    ) throws(SweepFileError) -> (reference: FileReference, text: LabelledText) {
        try file(at: absolute(try entry.text("the path of a file")), entry, labels: labels)
    }

    private mutating func file(
        at path: String, _ entry: Entry, labels: Int
    ) throws(SweepFileError) -> (reference: FileReference, text: LabelledText) {
        if let file = known[path] { return file }
        let bytes: [UInt8]
        do throws(FileProblem) {
            bytes = try readBytes(path: path)
        } catch {
            throw entry.mistake("\(path): \(error.explanation)")
        }
        let text: LabelledText
        do throws(LabelledTextError) {
            text = try LabelledText(parsing: bytes, labels: labels, file: path)
        } catch {
            throw .data(error, file: entry.file, line: entry.line, key: entry.key)
        }
        let file = (reference: FileReference(path: path, digest: Digest(of: bytes)), text: text)
        known[path] = file
        return file
    }

    private func absolute(_ path: String) -> String {
        URL(fileURLWithPath: path, relativeTo: folder).standardizedFileURL.path
    }
}
