import Glibc
import SweepCore
import SweepWire

/// The worker's folder: what it fetches from the coordinator, and what its trainers write there.
final class WorkerFiles {
    private let folder: String
    /// Files that are being fetched.
    private var arriving: [Digest: IncomingFile] = [:]

    init(folder: String) { self.folder = folder }

    func chunk(of artifact: Artifact, offset: Int, count: Int) throws(WireError) -> Chunk {
        let path = artifact.file.path
        let bytes = try LocalFile.read(path, offset: offset, count: count)
        guard bytes.count == count else { throw .file(path: path, reason: "it is too short") }
        return Chunk(digest: artifact.file.digest, offset: offset, bytes: bytes)
    }

    /// Finds a file that is whole, or opens what is there of it.
    func open(_ artifact: Artifact) -> WorkerMachine.Event {
        let digest = artifact.file.digest
        let place = place(of: digest)
        do {
            if LocalFile.size(place) == artifact.size, try LocalFile.digest(place) == digest {
                return .fileReady(digest, path: place)
            }
            let file = try IncomingFile(part: "\(place).\(getpid()).part", isDurable: false)
            arriving[digest] = file
            return .fileOpened(digest, received: file.received)
        } catch {
            return .fileFailed(digest, "\(error)")
        }
    }

    /// What went wrong, if anything did.
    func store(_ chunk: Chunk) -> WorkerMachine.Event? {
        do {
            try arriving[chunk.digest]?.append(chunk.bytes)
            return nil
        } catch {
            arriving.removeValue(forKey: chunk.digest)?.abandon()
            return .fileFailed(chunk.digest, "\(error)")
        }
    }

    func finish(_ artifact: Artifact) -> WorkerMachine.Event {
        let digest = artifact.file.digest
        guard let file = arriving.removeValue(forKey: digest) else {
            return .fileFailed(digest, "it was not being fetched")
        }
        do {
            let place = place(of: digest)
            return try file.finish(digest, as: place)
                ? .fileReady(digest, path: place)
                : .fileFailed(digest, "it came with another digest")
        } catch {
            file.abandon()
            return .fileFailed(digest, "\(error)")
        }
    }

    func remove(_ path: String) { LocalFile.remove(path) }

    /// Throws away what has not arrived whole.
    func close() {
        for file in arriving.values { file.abandon() }
        arriving.removeAll()
    }

    /// As trainers name what they write.
    private func place(of digest: Digest) -> String { "\(folder)/\(digest.hex).safetensors" }
}
