/// Decides on files that workers and clients send to the coordinator and workers fetch from it. A
/// pure value; the shell carries out the effects at once, in their order, and tells what came of
/// them.
///
/// What has arrived of a file lies on the disk, so that an upload goes on where it stopped, also
/// after either end has been started anew.
public struct Transfers: Sendable {
    public enum Event: Hashable, Sendable {
        case upload(Upload, from: Route)
        case chunk(Chunk, from: Route)
        case fetch(Fetch, by: Reader, from: Route)
        case outcome(Outcome)
        /// The connection has ended.
        case gone(Route)
        /// Time has passed; sent at least twice a second.
        case tick
    }

    /// Who fetches: workers have everything, clients what runs have left behind, and none of the
    /// data that others submitted. Without keys anyone may be a worker that has connected anew,
    /// and is asked.
    public enum Reader: Hashable, Sendable {
        case worker, client, anyone
    }

    /// What came of an effect.
    public enum Outcome: Hashable, Sendable {
        /// What `open` found of the file.
        case opened(Digest, UploadProgress.State, received: Int, for: Route)
        /// What `finish` came to.
        case finished(Digest, UploadProgress.State, for: Route)
        /// A file could not be written; its worker tries again after a while.
        case failed(Digest, String)
    }

    public enum Effect: Hashable, Sendable {
        /// Find the file, or make it ready to be written; answered by `opened`.
        case open(Upload, for: Route)
        case write(Chunk)
        /// Compare the digest and put the file in its place; answered by `finished`.
        case finish(Digest, for: Route)
        /// Nobody has sent anything of it for long: close it and throw away what there is.
        case abandon(Digest)
        /// Who began it is gone: close it, and keep what there is.
        case close(Digest)
        /// Read the chunk and send it, if this reader may have it, or say that it is missing.
        case read(Fetch, by: Reader, for: Route)
        /// Send which of these are not here.
        case look([Digest], for: Route)
        /// What is left of uploads that nobody goes on with may go.
        case clear
    }

    private struct Arriving: Sendable {
        let size: Int
        /// Who asked for it last.
        var route: Route
        /// `nil` until the file is open.
        var received: Int?
        var lastHeard: Instant
    }

    private var arriving: [Digest: Arriving] = [:]
    private var lastClear: Instant?
    /// One line of the log tells of many.
    private var lastFailure: Instant?
    /// Messages that made no sense.
    public private(set) var droppedMessages = 0

    /// Files that arrive at the same time, at most.
    static let mostFiles = 1_024
    /// Of them from one connection; a worker sends one at a time.
    static let mostFilesOfAPeer = 16
    /// How long an upload may be silent.
    static let patience = Duration.seconds(600)
    private static let clearInterval = Duration.seconds(600)
    private static let failureInterval = Duration.seconds(10)

    public init() {}

    public mutating func handle(_ event: Event, at now: Instant) -> [SweepCore.Effect] {
        switch event {
        case .upload(let upload, let route): return begin(upload, from: route, at: now)
        case .chunk(let chunk, let route): return append(chunk, from: route, at: now)
        case .fetch(let fetch, let reader, let route):
            return [.file(.read(fetch, by: reader, for: route))]
        case .outcome(.opened(let digest, let state, let received, let asker)):
            let route = arriving[digest]?.route ?? asker
            guard state == .arriving else {
                arriving[digest] = nil
                return [progress(digest, received, state, route)]
            }
            // Whoever wanted to send it is gone meanwhile.
            guard arriving[digest] != nil else { return [.file(.close(digest))] }
            arriving[digest]?.received = received
            return received == arriving[digest]?.size
                ? [.file(.finish(digest, for: route))]
                : [progress(digest, received, .arriving, route)]
        case .outcome(.finished(let digest, let state, let route)):
            let size = arriving.removeValue(forKey: digest)?.size ?? 0
            return [progress(digest, state == .stored ? size : 0, state, route)]
        case .outcome(.failed(let digest, let reason)):
            arriving[digest] = nil
            if let lastFailure, now < lastFailure + Self.failureInterval { return [] }
            lastFailure = now
            return [.note("\(digest.short) can't be stored: \(reason)")]
        case .gone(let route):
            let begun = arriving.filter { $0.value.route == route }.keys.sorted()
            for digest in begun { arriving[digest] = nil }
            return begun.map { .file(.close($0)) }
        case .tick:
            let silent = arriving.filter { $0.value.lastHeard + Self.patience <= now }.keys.sorted()
            for digest in silent { arriving[digest] = nil }
            return silent.map { .file(.abandon($0)) } + clearNowAndThen(at: now)
        }
    }

    private mutating func clearNowAndThen(at now: Instant) -> [SweepCore.Effect] {
        if let lastClear, now < lastClear + Self.clearInterval { return [] }
        defer { lastClear = now }
        return lastClear == nil ? [] : [.file(.clear)]
    }

    private mutating func begin(
        _ upload: Upload, from route: Route, at now: Instant
    ) -> [SweepCore.Effect] {
        if let known = arriving[upload.digest] {
            guard known.size == upload.size else { return drop() }
            arriving[upload.digest]?.lastHeard = now
            arriving[upload.digest]?.route = route
            guard let received = known.received else { return [] }
            return [progress(upload.digest, received, .arriving, route)]
        }
        guard arriving.count < Self.mostFiles,
            arriving.values.count(where: { $0.route == route }) < Self.mostFilesOfAPeer
        else { return drop() }
        arriving[upload.digest] = Arriving(size: upload.size, route: route, lastHeard: now)
        return [.file(.open(upload, for: route))]
    }

    private mutating func append(
        _ chunk: Chunk, from route: Route, at now: Instant
    ) -> [SweepCore.Effect] {
        // Of a file that is not being sent: its worker will ask what has arrived.
        guard let file = arriving[chunk.digest], let before = file.received else { return drop() }
        guard chunk.bytes.count <= file.size - chunk.offset else { return drop() }
        arriving[chunk.digest]?.lastHeard = now
        guard chunk.offset == before else {
            return [progress(chunk.digest, before, .arriving, route)]
        }
        let received = before + chunk.bytes.count
        arriving[chunk.digest]?.received = received
        return received == file.size
            ? [.file(.write(chunk)), .file(.finish(chunk.digest, for: route))]
            : [.file(.write(chunk)), progress(chunk.digest, received, .arriving, route)]
    }

    /// Traps with the state in words if the bookkeeping contradicts itself.
    public func checkInvariants() {
        precondition(arriving.count <= Self.mostFiles, "\(arriving.count) files arrive at once")
        for (digest, file) in arriving {
            let received = file.received ?? 0
            precondition(
                0 <= received && received <= file.size,
                "\(received) of \(file.size) bytes of \(digest) have arrived")
        }
    }

    private mutating func drop() -> [SweepCore.Effect] {
        droppedMessages += 1
        return []
    }

    private func progress(
        _ digest: Digest, _ received: Int, _ state: UploadProgress.State, _ route: Route
    ) -> SweepCore.Effect {
        let progress = UploadProgress(digest: digest, received: received, state: state)
        return .answerFile(.progress(progress), to: route)
    }
}
