/// A file on its way from the coordinator: asked for chunk by chunk, a few at a time, so that it
/// goes on where it stopped whatever was lost, and does not fill a slow connection with chunks that
/// nobody waits for any more.
struct Download: Sendable {
    let digest: Digest
    /// In bytes; `nil` until the first chunk has told.
    private var size: Int?
    /// In bytes, from the beginning; `nil` until the shell has opened the file.
    private var received: Int?
    private var requested = 0
    private var lastHeard: Instant
    /// Chunks that are asked for at the same time: more with each that comes, one after silence.
    private var window = 2
    /// After how long without a chunk it asks again; longer each time.
    private var patience = Self.leastPatience

    static let largestWindow = 8
    static let leastPatience = Duration.seconds(3)
    static let mostPatience = Duration.seconds(60)

    init(_ digest: Digest, at now: Instant) {
        self.digest = digest
        lastHeard = now
    }

    /// The file is open, and has `count` bytes of an earlier attempt to fetch it.
    mutating func open(with count: Int, at now: Instant) -> [WorkerMachine.Effect] {
        received = max(0, count)
        requested = max(0, count)
        lastHeard = now
        return requests()
    }

    /// Whether the chunk is of a file of another size.
    func contradicts(_ chunk: Chunk) -> Bool {
        (size ?? chunk.total) != chunk.total
            || chunk.bytes.count != min(Chunk.mostBytes, chunk.total - chunk.offset)
    }

    /// Takes a chunk that does not contradict.
    mutating func acceptChunk(_ chunk: Chunk, at now: Instant) -> [WorkerMachine.Effect] {
        // Any other comes after one that was lost, or twice.
        guard let offset = received, chunk.offset == offset else { return [] }
        size = chunk.total
        lastHeard = now
        window = min(Self.largestWindow, window + 1)
        patience = Self.leastPatience
        received = offset + chunk.bytes.count
        requested = max(requested, offset + chunk.bytes.count)
        let store: [WorkerMachine.Effect] = chunk.bytes.isEmpty ? [] : [.storeChunk(chunk)]
        return store + (received == size ? [.finishFile(digest)] : requests())
    }

    /// Asks again when nothing has come for long.
    mutating func remind(at now: Instant) -> [WorkerMachine.Effect] {
        guard let received, lastHeard + patience <= now else { return [] }
        lastHeard = now
        window = 1
        patience = min(Self.mostPatience, patience * 2)
        requested = received
        return requests()
    }

    func checkInvariants() {
        let received = received ?? 0
        precondition(
            0 <= received && received <= requested && received <= size ?? received,
            "\(digest): \(received) of \(size ?? 0) bytes are here, \(requested) were asked for")
        precondition((1...Self.largestWindow).contains(window), "a window of \(window) chunks")
    }

    private mutating func requests() -> [WorkerMachine.Effect] {
        guard let received else { return [] }
        var effects: [WorkerMachine.Effect] = []
        func ask() {
            effects.append(.send(.file(.fetch(Fetch(digest: digest, offset: requested)))))
        }
        guard let size else {
            // The first chunk tells how large the file is.
            if requested == received {
                ask()
                requested += Chunk.mostBytes
            }
            return effects
        }
        while requested < size, requested - received < window * Chunk.mostBytes {
            ask()
            requested += Chunk.mostBytes
        }
        return effects
    }
}
