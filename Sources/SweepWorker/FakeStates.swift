import Glibc
import SweepCore
import SweepWire

/// What the fake trainer leaves behind to go on from: files that say which run it is of, and how
/// many epochs are done.
public struct FakeStates: Sendable {
    let folder: String
    /// The least time between two of an attempt.
    let interval: Duration

    public init(folder: String, interval: Duration) {
        self.folder = folder
        self.interval = interval
    }

    /// `nil` if it can't be written.
    func write(_ assignment: Assignment, epochs: Int) -> Artifact? {
        let text =
            "\(epochs) epochs of \(assignment.run), \(PointKey(of: assignment.spec).digest)\n"
        let bytes = Array(text.utf8)
        let digest = Digest(of: bytes)
        let path = "\(folder)/\(digest.hex).safetensors"
        do {
            let file = try IncomingFile(part: "\(path).\(getpid()).part", isDurable: false)
            try file.append(bytes)
            guard try file.finish(digest, as: path) else { return nil }
        } catch {
            return nil
        }
        return Artifact(
            kind: .state, epoch: epochs, file: FileReference(path: path, digest: digest),
            size: bytes.count, steps: epochs)
    }

    /// `nil` for a file that is none of its own.
    static func epochs(in path: String) -> Int? {
        guard let bytes = try? LocalFile.read(path, offset: 0, count: 4_096) else { return nil }
        return String(decoding: bytes, as: UTF8.self).split(separator: " ").first.flatMap {
            Int($0)
        }
    }
}
