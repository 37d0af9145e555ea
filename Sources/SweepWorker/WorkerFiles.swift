import Glibc
import SweepCore
import SweepWire

/// The worker's files: what its trainers read, found on this host or fetched, and what they write.
final class WorkerFiles {
    private let folder: String
    private let cache: FileCache
    private var search = FileSearch()
    /// States that are being fetched.
    private var states: [Digest: IncomingFile] = [:]
    /// Digests that are those of models.
    private var models: Set<Digest> = []
    /// Files of models that are used where they lie, when they were compared with their digests.
    private var compared: [Digest: [String: LocalFile.Stamp]] = [:]

    /// - Parameters:
    ///   - folder: Of what trainers leave behind, and of states that they go on from.
    ///   - cache: Of models and data.
    init(folder: String, cache: FileCache) {
        self.folder = folder
        self.cache = cache
    }

    func chunk(of artifact: Artifact, offset: Int, count: Int) throws(WireError) -> Chunk {
        let path = artifact.file.path
        let bytes = try LocalFile.read(path, offset: offset, count: count)
        guard bytes.count == count else { throw .file(path: path, reason: "it is too short") }
        return Chunk(
            digest: artifact.file.digest, offset: offset, bytes: bytes, total: artifact.size)
    }

    func remove(_ path: String) { LocalFile.remove(path) }

    /// Whether `goOn` has something to do.
    var isBusy: Bool { !search.isIdle }

    /// Goes on looking for files.
    func goOn() -> [WorkerMachine.FileEvent] {
        search.goOn().map { outcome in
            let digest = outcome.want.digest
            guard let place = outcome.place else {
                if outcome.isDamaged { cache.discard(digest) }
                return .absent(digest)
            }
            if place == cache.path(of: digest) {
                cache.hold(digest)
            } else if case .model = outcome.want {
                compared[digest] = outcome.stamps
            }
            return .ready(digest, path: place)
        }
    }

    /// The file of the model that has changed since it was compared with its digest, if one has.
    /// Trainers read what the worker has compared, and do not compare it again.
    func changedFile(of model: BackboneReference) -> String? {
        compared[model.digest]?.filter { LocalFile.stamp($0.key) != $0.value }.keys.min()
    }

    func find(_ want: Want) {
        compared[want.digest] = nil
        if case .state(let artifact) = want {
            return search.look(for: want, cached: place(ofState: artifact.file.digest))
        }
        search.look(for: want, cached: cache.path(of: want.digest))
    }

    func open(_ want: Want) -> WorkerMachine.FileEvent {
        let digest = want.digest
        do {
            if case .state = want {
                let part = "\(place(ofState: digest)).\(getpid()).part"
                let file = try IncomingFile(part: part, isDurable: false)
                while try !file.readWhatIsThere() {}
                states[digest] = file
                return .opened(digest, received: file.received)
            }
            if case .model = want { models.insert(digest) }
            guard let received = try cache.openPart(of: digest) else { return .busy(digest) }
            return .opened(digest, received: received)
        } catch {
            return .failed(digest, "\(error)")
        }
    }

    /// What went wrong, if anything did.
    func store(_ chunk: Chunk) -> WorkerMachine.FileEvent? {
        do {
            if let file = states[chunk.digest] {
                try file.append(chunk.bytes)
            } else {
                try cache.append(chunk)
            }
            return nil
        } catch {
            return .failed(chunk.digest, "\(error)")
        }
    }

    func finish(_ digest: Digest) -> WorkerMachine.FileEvent {
        do {
            let state = states.removeValue(forKey: digest)
            let place =
                state != nil
                ? place(ofState: digest)
                : models.contains(digest) ? cache.list(of: digest) : cache.path(of: digest)
            let isWhole = try state?.finish(digest, as: place) ?? cache.finish(digest, as: place)
            return isWhole
                ? .ready(digest, path: place) : .failed(digest, "it came with another digest")
        } catch {
            return .failed(digest, "\(error)")
        }
    }

    func readManifest(_ digest: Digest, _ path: String) -> WorkerMachine.FileEvent {
        guard let content = try? LocalFile.read(path, offset: 0, count: 1 << 20),
            let files = BackboneReference.files(inManifest: content)
        else { return .failed(digest, "what came is no list of a model's files") }
        return .listed(digest, files)
    }

    func assemble(_ digest: Digest, _ files: [String: String]) -> WorkerMachine.FileEvent {
        do {
            try cache.assemble(digest, files)
            return .ready(digest, path: cache.path(of: digest))
        } catch {
            return .failed(digest, "\(error)")
        }
    }

    /// Not needed now; of what has not arrived whole nothing is kept.
    func release(_ digest: Digest) {
        states.removeValue(forKey: digest)?.abandon()
        cache.abandon(digest)
    }

    /// Throws away states that have not arrived whole; of other files the next worker has the use.
    func close() {
        for file in states.values { file.abandon() }
        states.removeAll()
        cache.releaseAll()
    }

    /// As trainers name what they write.
    private func place(ofState digest: Digest) -> String { "\(folder)/\(digest.hex).safetensors" }
}
