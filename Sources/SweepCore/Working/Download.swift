/// A file on its way from the coordinator: asked for chunk by chunk, a few at a time, so that it
/// goes on where it stopped whatever was lost.
struct Download: Sendable {
    let artifact: Artifact
    /// In bytes, from the beginning; `nil` until the shell has opened the file.
    private(set) var received: Int?
    private var requested = 0
    private var lastHeard: Instant

    /// Chunks that are asked for at the same time.
    static let window = 8
    /// After how long without a chunk it asks again.
    static let patience = Duration.seconds(3)

    init(_ artifact: Artifact, at now: Instant) {
        self.artifact = artifact
        lastHeard = now
    }

    /// The file is open, and has `count` bytes of an earlier attempt to fetch it.
    mutating func open(with count: Int, at now: Instant) -> [WorkerMachine.Effect] {
        received = min(max(0, count), artifact.size)
        requested = received ?? 0
        lastHeard = now
        return received == artifact.size ? [.finishFile(artifact)] : requests()
    }

    mutating func take(_ chunk: Chunk, at now: Instant) -> [WorkerMachine.Effect] {
        // Any other comes after one that was lost, or twice.
        guard let offset = received, chunk.offset == offset,
            chunk.bytes.count == min(Chunk.mostBytes, artifact.size - offset)
        else { return [] }
        lastHeard = now
        received = offset + chunk.bytes.count
        requested = max(requested, offset + chunk.bytes.count)
        let store = WorkerMachine.Effect.storeChunk(chunk)
        return received == artifact.size ? [store, .finishFile(artifact)] : [store] + requests()
    }

    /// Asks again when nothing has come for long.
    mutating func remind(at now: Instant) -> [WorkerMachine.Effect] {
        guard let received, received < artifact.size, lastHeard + Self.patience <= now
        else { return [] }
        lastHeard = now
        requested = received
        return requests()
    }

    private mutating func requests() -> [WorkerMachine.Effect] {
        guard let received else { return [] }
        var effects: [WorkerMachine.Effect] = []
        while requested < artifact.size, requested - received < Self.window * Chunk.mostBytes {
            effects.append(
                .send(.fetch(Fetch(digest: artifact.file.digest, offset: requested))))
            requested += Chunk.mostBytes
        }
        return effects
    }
}
