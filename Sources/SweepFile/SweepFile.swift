import Foundation
import SweepCore
import Yams

/// Reads a sweep file: YAML that names a model, data and the axes of a grid.
///
/// `sweeps/movie-reviews.yaml` is the commented example. Paths in a sweep file are relative to it.
/// What is read is checked as far as it can be before a training starts: each value, each file it
/// names, each line of the sentences, and whether each attack can be carried out on them.
public struct SweepFile {
    /// The checked sweep that the file at `path` describes.
    ///
    /// - Parameter knownDigest: Of a model's file; `nil`: it has to be read.
    /// - Throws: the first mistake found, as one message with the file, the line and the key.
    public static func read(
        path: String, knownDigest: @escaping (String) -> Digest? = { _ in nil }
    ) throws(SweepFileError) -> SweepSpec {
        let bytes: [UInt8]
        do throws(FileProblem) {
            bytes = try readBytes(path: path)
        } catch {
            throw .unreadable(file: path, problem: error.explanation)
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw .unreadable(
                file: path,
                problem: "the text is not UTF-8; convert the file, for example with iconv")
        }
        return try read(text: text, path: path, knownDigest: knownDigest)
    }

    /// The checked sweep that `text` describes, read as if it stood in the file at `path`.
    public static func read(
        text: String, path: String, knownDigest: @escaping (String) -> Digest? = { _ in nil }
    ) throws(SweepFileError) -> SweepSpec {
        let root = try Entry(parsing: text, file: path)
        let fields = try root.fields(
            ["name", "model", "data", "grid", "training", "keep", "needs"],
            required: ["name", "model", "data", "grid"], what: "a sweep file")
        guard let name = fields["name"], let model = fields["model"], let data = fields["data"],
            let grid = fields["grid"]
        else { preconditionFailure("`fields` gives all that is required") }

        let sweepName = try readName(name)
        let settings = try TrainingSettings(reading: fields["training"])
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent()
        var files = SweepFiles(relativeTo: folder, knownDigest: knownDigest)
        let backbone = try files.backbone(
            model, maxLength: settings.maxLength, of: fields["training"])
        let taskData = try files.taskData(data)
        let gridReader = try GridReader(grid, files: &files, data: taskData)
        try gridReader.checkHorizon(settings.schedule)
        try gridReader.checkAttacks(taskData, files: files)
        return SweepSpec(
            name: sweepName, backbone: backbone, data: taskData, grid: gridReader.grid,
            settings: settings, trainingSamples: files.trainingSamples,
            keep: try Keepsakes(reading: fields["keep"], epochs: gridReader.grid.epochs),
            needs: try readNeeds(fields["needs"]))
    }

    /// Labels of workers, such as `gpu=a100`.
    private static func readNeeds(_ entry: Entry?) throws(SweepFileError) -> [String] {
        try entry?.axis { label throws(SweepFileError) in
            let text = try label.text("a label")
            guard (1...100).contains(text.count), !text.contains(where: \.isWhitespace) else {
                throw label.mistake("a label has 1 to 100 characters and no space, as gpu=a100 has")
            }
            return text
        } ?? []
    }

    private static func readName(_ entry: Entry) throws(SweepFileError) -> String {
        let name = try entry.text("a name")
        guard (1...100).contains(name.count) else {
            throw entry.mistake("the name has \(name.count) characters; write 1 to 100")
        }
        let isPrintable = name.unicodeScalars.allSatisfy {
            $0.properties.generalCategory != .control
        }
        guard isPrintable, name.first?.isWhitespace == false, name.last?.isWhitespace == false
        else {
            throw entry.mistake(
                "the name has white space around it, or a control character; write it without")
        }
        guard !name.contains("@"), name.first != "-" else {
            throw entry.mistake(
                "the name has an '@', which stands before the number of a submission, or begins "
                    + "with '-', as options do; write it without")
        }
        return name
    }
}

extension Entry {
    /// The whole of a file.
    init(parsing text: String, file: String) throws(SweepFileError) {
        // Yams takes the byte-order mark for a character of the first key.
        let text =
            text.unicodeScalars.first == "\u{FEFF}" ? String(text.unicodeScalars.dropFirst()) : text
        let root: Node?
        do {
            root = try Yams.compose(yaml: text)
        } catch {
            throw Entry.mistake(error, text: text, file: file)
        }
        guard let root else {
            throw .unreadable(
                file: file, problem: "the file is empty; see sweeps/movie-reviews.yaml")
        }
        self.init(file: file, key: "", line: 1, node: root)
    }

    /// A mistake in the YAML itself.
    private static func mistake(_ error: any Error, text: String, file: String) -> SweepFileError {
        func at(_ line: Int, _ problem: String) -> SweepFileError {
            .mistake(file: file, line: max(line, 1), key: "", problem: problem)
        }
        guard let error = error as? YamlError else { return at(1, "no YAML: \(error)") }
        switch error {
        case .scanner(let context, let problem, let mark, _),
            .parser(let context, let problem, let mark, _):
            let line =
                text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
                .dropFirst(mark.line - 1).first ?? ""
            let cure =
                line.prefix { $0.isWhitespace }.contains("\t")
                ? "indent with spaces, not with tabs" : "check the indentation, colons and brackets"
            let place = context.map { " \($0.text) that starts in line \($0.mark.line)" } ?? ""
            return at(mark.line, "the text is not YAML: \(problem)\(place); \(cure)")
        case .composer(_, let problem, let mark, _):
            return problem.contains("alias")
                ? at(mark.line, "a value that starts with * is an alias; quote it if it is text")
                : at(mark.line, "another document starts here; write one sweep in a file")
        case .duplicatedKeysInMapping(let duplicates, let context):
            return at(
                context.mark.line,
                "the key '\(duplicates.first ?? "?")' comes again further down; keep one of the two"
            )
        case .reader(let problem, let offset, _, _):
            let line = text.prefix(offset ?? 0).count { $0.isNewline } + 1
            return at(line, "the text is not YAML: \(problem); take the character out")
        case .no, .memory, .writer, .emitter, .representer, .dataCouldNotBeDecoded:
            return at(1, "the text is not YAML: \(error)")
        }
    }
}
