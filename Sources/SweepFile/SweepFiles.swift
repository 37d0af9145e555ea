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

/// The path from the root, as the kernel goes it: `..` after a link is the parent of where the link
/// leads to, not of where it lies.
public func physicalPath(_ path: String, in folder: String) -> String {
    var whole = path.hasPrefix("/") ? path : "\(folder)/\(path)"
    if !whole.hasPrefix("/") { whole = "\(FileManager.default.currentDirectoryPath)/\(whole)" }
    var place = ""
    for part in whole.split(separator: "/") where part != "." {
        guard part == ".." else {
            place += "/\(part)"
            continue
        }
        if let real = realpath(place.isEmpty ? "/" : place, nil) {
            place = String(cString: real)
            free(real)
        }
        place = place.lastIndex(of: "/").map { String(place[..<$0]) } ?? ""
    }
    return place.isEmpty ? "/" : place
}

func readBytes(path: String) throws(FileProblem) -> [UInt8] {
    var bytes: [UInt8] = []
    try readPieces(path: path) { bytes += $0 }
    return bytes
}

/// A file of sentences, read as somebody says that it is written.
struct SentenceKey: Hashable {
    let path: String
    let request: TextRequest
}

/// Finds, reads and checks the files that a sweep file names; each file of data once.
struct SweepFiles {
    /// Training samples by the digest of their set.
    private(set) var trainingSamples: [Digest: Int] = [:]
    /// The sweep's model if it reads images; `nil` if it reads sentences.
    var vgg: VGGConfiguration?
    /// The clean data, once they are read.
    var task: TaskData?
    let folder: URL
    /// How files of sentences are written, where nobody says otherwise.
    var request = TextRequest()
    var labelNames = LabelNames()
    private(set) var knownSentences: [SentenceKey: (reference: FileReference, text: LabelledText)] =
        [:]
    private var texts: [FileReference: LabelledText] = [:]
    private var knownImages: [[String]: (set: DataSet, images: ImageSet)] = [:]

    /// `nil`: the file has to be read.
    let knownDigest: (String) -> Digest?

    init(relativeTo folder: URL, knownDigest: @escaping (String) -> Digest?) {
        self.folder = folder
        self.knownDigest = knownDigest
    }

    /// What was read of a file of sentences.
    func sentences(of file: FileReference) -> LabelledText {
        guard let text = texts[file] else {
            preconditionFailure("\(file.path) has not been read")
        }
        return text
    }

    /// What was read of a set of images.
    func images(of set: DataSet) -> ImageSet {
        guard let images = knownImages[set.files.map(\.path)]?.images else {
            preconditionFailure("\(set.path) has not been read")
        }
        return images
    }

    func labels(of set: DataSet) -> [Int] {
        set.isImages ? images(of: set).labels : sentences(of: set.files[0]).labels
    }

    mutating func count(training set: DataSet) {
        trainingSamples[set.digest] = labels(of: set).count
    }

    mutating func remember(
        _ file: (reference: FileReference, text: LabelledText), as key: SentenceKey
    ) {
        knownSentences[key] = file
        texts[file.reference] = file.text
    }

    /// - Parameters:
    ///   - entries: The paths of the files, each with the place it is written at.
    ///   - make: The set, from the files in this order.
    mutating func images(
        _ entries: [Entry], labels: Int, at entry: Entry, make: ([FileReference]) -> DataSet
    ) throws(SweepFileError) -> DataSet {
        var paths: [String] = []
        for entry in entries { paths.append(absolute(try entry.text("the path of a file"))) }
        if let found = knownImages[paths] { return found.set }
        var references: [FileReference] = []
        var contents: [[UInt8]] = []
        for (path, entry) in zip(paths, entries) {
            let bytes = try content(of: path, at: entry)
            references.append(FileReference(path: path, digest: Digest(of: bytes)))
            contents.append(bytes)
        }
        let set = make(references)
        do throws(DataError) {
            let images = try ImageSet(set, contents: contents, classes: labels)
            knownImages[paths] = (set, images)
        } catch {
            throw entry.mistake("\(error)")
        }
        return set
    }

    private func content(of path: String, at entry: Entry) throws(SweepFileError) -> [UInt8] {
        do throws(FileProblem) {
            return try readBytes(path: path)
        } catch {
            throw entry.mistake("\(path): \(error.explanation)")
        }
    }

    func absolute(_ path: String) -> String {
        physicalPath(path, in: folder.path)
    }
}
