import DequeModule

/// What the trainers of a worker read: found on its host, or fetched from the coordinator, one file
/// after the other. All slots share it.
struct Supplies: Sendable {
    /// Where a thing is that a trainer reads.
    enum Place: Hashable, Sendable {
        case here(path: String)
        case nowhere(why: String)
    }

    private enum Stage: Hashable, Sendable {
        /// The shell looks for it.
        case sought
        /// Another process of this host fetches it; looked for again then.
        case elsewhere(until: Instant)
        /// Its turn to be fetched has not come; of a model, the manifest.
        case queued
        case fetched
        /// A model whose files are being gathered, by their names.
        case gathered([String: Digest])
        case assembled
        case over(Place)
    }

    private struct Item: Sendable {
        let want: Want
        var stage = Stage.sought
    }

    private var items: [Digest: Item] = [:]
    private var queue = Deque<Digest>()
    private var download: Download?

    static let pauseBetweenLooks = Duration.seconds(1)

    /// `nil` while it is on its way.
    func place(of want: Want) -> Place? {
        if case .over(let place) = items[want.digest]?.stage { place } else { nil }
    }

    /// Looks for what is not known yet.
    mutating func need(_ wants: [Want]) -> [WorkerMachine.Effect] {
        wants.filter { !isKnown($0.digest) }.map { want in
            items[want.digest] = Item(want: want)
            return .findFile(want)
        }
    }

    /// What could not be had before is tried again.
    private func isKnown(_ digest: Digest) -> Bool {
        switch items[digest]?.stage {
        case nil, .over(.nowhere): false
        case .sought, .elsewhere, .queued, .fetched, .gathered, .assembled, .over(.here): true
        }
    }

    /// It is not what it was when it was found.
    mutating func lookAgain(for digest: Digest) -> [WorkerMachine.Effect] {
        guard let item = items[digest] else { return [] }
        items[digest]?.stage = .sought
        return [.findFile(item.want)]
    }

    /// Forgets all that is not among these, but for what is on its way.
    mutating func keepOnly(_ wants: Set<Digest>) -> [WorkerMachine.Effect] {
        let done = items.values.filter { item in
            guard !wants.contains(item.want.digest), !isPart(item.want.digest) else { return false }
            if case .over = item.stage { return true }
            return false
        }.map(\.want.digest).sorted()
        for digest in done { items[digest] = nil }
        return done.map { .releaseFile($0) }
    }

    private func isPart(_ digest: Digest) -> Bool {
        items.values.contains { item in
            if case .gathered(let files) = item.stage {
                files.values.contains(digest)
            } else {
                false
            }
        }
    }

    mutating func handle(
        _ event: WorkerMachine.FileEvent, at now: Instant
    ) -> [WorkerMachine.Effect] {
        guard let item = items[event.digest] else { return [] }
        var effects: [WorkerMachine.Effect] = []
        switch event {
        case .ready(let digest, let path): arrived(digest, path, item, &effects)
        case .absent(let digest):
            items[digest]?.stage = .queued
            queue.append(digest)
        case .busy(let digest):
            items[digest]?.stage = .elsewhere(until: now + Self.pauseBetweenLooks)
            if download?.digest == digest { download = nil }
        case .opened(let digest, let received):
            if download?.digest == digest {
                effects += download?.open(with: received, at: now) ?? []
            }
        case .listed(let digest, let files):
            items[digest]?.stage = .gathered(files)
            effects += need(
                files.values.sorted().map { .file(FileReference(path: "", digest: $0)) })
            assemble(&effects)
        case .failed(let digest, let why): fail(digest, why, &effects)
        }
        fetchNext(at: now, &effects)
        return effects
    }

    private mutating func arrived(
        _ digest: Digest, _ path: String, _ item: Item, _ effects: inout [WorkerMachine.Effect]
    ) {
        let isFetched = download?.digest == digest
        if isFetched { download = nil }
        if case .model = item.want, isFetched {
            effects.append(.readManifest(digest, path: path))
            return
        }
        items[digest]?.stage = .over(.here(path: path))
        assemble(&effects)
    }

    /// Puts models together whose files are all here, and gives up those that lack one for good.
    private mutating func assemble(_ effects: inout [WorkerMachine.Effect]) {
        for digest in items.keys.sorted() {
            guard case .gathered(let files) = items[digest]?.stage else { continue }
            var paths: [String: String] = [:]
            // The first that is missing, by name, is told.
            var missing: String?
            for (name, part) in files.sorted(by: { $0.key < $1.key }) {
                switch items[part]?.stage {
                case .over(.here(let path)): paths[name] = path
                case .over(.nowhere(let why)): missing = missing ?? why
                case .sought, .elsewhere, .queued, .fetched, .gathered, .assembled, nil: break
                }
            }
            if let missing {
                fail(digest, missing, &effects)
            } else if paths.count == files.count {
                items[digest]?.stage = .assembled
                effects.append(.assembleModel(digest, paths))
            }
        }
    }

    private mutating func fail(
        _ digest: Digest, _ why: String, _ effects: inout [WorkerMachine.Effect]
    ) {
        if download?.digest == digest { download = nil }
        items[digest]?.stage = .over(.nowhere(why: why))
        assemble(&effects)
    }

    private mutating func fetchNext(at now: Instant, _ effects: inout [WorkerMachine.Effect]) {
        guard download == nil else { return }
        while let digest = queue.popFirst() {
            guard let item = items[digest], item.stage == .queued else { continue }
            items[digest]?.stage = .fetched
            download = Download(digest, at: now)
            effects.append(.openFile(item.want))
            return
        }
    }

    mutating func acceptChunk(_ chunk: Chunk, at now: Instant) -> [WorkerMachine.Effect] {
        guard let current = download, current.digest == chunk.digest else { return [] }
        if current.contradicts(chunk) {
            let why = "the coordinator's file has another size"
            return handle(.failed(chunk.digest, why), at: now) + [.releaseFile(chunk.digest)]
        }
        return download?.acceptChunk(chunk, at: now) ?? []
    }

    func checkInvariants() {
        download?.checkInvariants()
        for (digest, item) in items {
            precondition(item.want.digest == digest, "\(digest) is kept as \(item.want.digest)")
            switch item.stage {
            case .queued: precondition(queue.contains(digest), "\(digest) waits in no queue")
            case .gathered(let files):
                for (name, part) in files {
                    precondition(items[part] != nil, "\(name) of \(digest) is not on its way")
                }
            case .sought, .elsewhere, .fetched, .assembled, .over: break
            }
        }
        precondition(
            download != nil || queue.allSatisfy { items[$0]?.stage != .queued },
            "nothing is fetched, though \(queue.count) files wait")
        precondition(
            download.map { items[$0.digest]?.stage == .fetched } ?? true,
            "\(download.map { "\($0.digest)" } ?? "") is fetched, and nobody wants it")
    }

    /// Asks again for what did not come, and looks again for what others fetch.
    mutating func remind(at now: Instant) -> [WorkerMachine.Effect] {
        var effects = download?.remind(at: now) ?? []
        for (digest, item) in items.sorted(by: { $0.key < $1.key }) {
            guard case .elsewhere(let time) = item.stage, time <= now else { continue }
            items[digest]?.stage = .sought
            effects.append(.findFile(item.want))
        }
        return effects
    }
}

/// A thing that a trainer reads.
public enum Want: Hashable, Sendable {
    /// Where an attempt goes on from; its path is one of the coordinator's.
    indirect case state(Artifact)
    case model(BackboneReference)
    case file(FileReference)

    public var digest: Digest {
        switch self {
        case .state(let artifact): artifact.file.digest
        case .model(let model): model.digest
        case .file(let file): file.digest
        }
    }
}

extension WorkerMachine {
    /// What came of an effect about a file that trainers read.
    public enum FileEvent: Hashable, Sendable {
        /// All of it is there, with the right digest.
        case ready(Digest, path: String)
        /// Not on this host.
        case absent(Digest)
        /// Another process of this host fetches it.
        case busy(Digest)
        /// After `openFile`: so many bytes of it are there.
        case opened(Digest, received: Int)
        /// The files of a model, by their names.
        case listed(Digest, [String: Digest])
        /// It can't be written, or came with another digest, or the coordinator does not have it.
        case failed(Digest, String)

        var digest: Digest {
            switch self {
            case .ready(let digest, _), .absent(let digest), .busy(let digest),
                .opened(let digest, _), .listed(let digest, _), .failed(let digest, _):
                digest
            }
        }
    }
}
