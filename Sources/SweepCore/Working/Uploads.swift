/// A worker's files on their way to the coordinator, one after the other, in chunks under a credit
/// window, so that heartbeats and reports never wait behind more than a few chunks.
struct Uploads: Sendable {
    struct Item: Hashable, Sendable {
        let attempt: AttemptID
        let artifact: Artifact
        /// The state that its run ends with: wanted beyond the end, but no reason to wait long.
        var isLast = false
    }

    /// What an answer of the coordinator came to.
    enum Outcome: Hashable, Sendable {
        case goesOn
        case stored(Item)
        case givenUp(Item)
    }

    /// The first one is being sent.
    private(set) var items: [Item] = []
    /// The coordinator has said what it has of the first.
    private var isAnswered = false
    private var askedAt: Instant?
    /// In bytes of the first.
    private var received = 0
    private var sent = 0
    /// Chunks that are not acknowledged: where each ends, and when it was sent.
    private var inFlight: [(end: Int, at: Instant)] = []
    /// Chunks that may be in flight: more with each that is acknowledged promptly, half as many
    /// after one that was late.
    private var window = 2
    private var timesDamaged = 0
    /// Since when nothing has arrived of the first, while there was a connection.
    private var stuckSince: Instant?

    static let largestWindow = 8
    static let promptness = Duration.milliseconds(500)
    /// After how long without an answer the coordinator is asked again what it has.
    static let patience = Duration.seconds(3)
    /// How often a file is sent whose digest then turns out wrong.
    static let mostTries = 3
    /// How long the end of an attempt waits for its last state, if nothing of it arrives.
    static let patienceForLast = Duration.seconds(30)

    func contains(_ attempt: AttemptID) -> Bool { items.contains { $0.attempt == attempt } }

    /// Appends the artifact. A state takes the place of earlier ones of its attempt, but for one
    /// that is being sent; what it took the place of is returned.
    ///
    /// - Parameter isLast: Whether it is the state that its run ends with.
    mutating func add(
        _ artifact: Artifact, of attempt: AttemptID, isLast: Bool = false
    ) -> [Item] {
        let replaced = items.dropFirst().filter {
            $0.attempt == attempt && $0.artifact.kind == .state && artifact.kind == .state
        }
        items.removeAll { replaced.contains($0) }
        items.append(Item(attempt: attempt, artifact: artifact, isLast: isLast))
        return Array(replaced)
    }

    /// Takes out those of the attempt; only its states, without that of its run's end, if the
    /// others are still wanted.
    mutating func remove(_ attempt: AttemptID, onlyStates: Bool) -> [Item] {
        let removed = items.filter {
            $0.attempt == attempt
                && (!onlyStates || $0.artifact.kind == .state && !$0.isLast)
        }
        if let first = items.first, removed.contains(first) { startOver() }
        items.removeAll { removed.contains($0) }
        return removed
    }

    /// Takes out one that can't be sent.
    mutating func remove(_ digest: Digest) -> [Item] {
        let removed = items.filter { $0.artifact.file.digest == digest }
        if items.first?.artifact.file.digest == digest { startOver() }
        items.removeAll { $0.artifact.file.digest == digest }
        return removed
    }

    /// The connection is a new one.
    mutating func ask() {
        isAnswered = false
        askedAt = nil
        stuckSince = nil
    }

    /// A last state of which nothing has arrived for long.
    func stuckLast(at now: Instant) -> Item? {
        guard let first = items.first, first.isLast, let stuckSince,
            stuckSince + Self.patienceForLast <= now
        else { return nil }
        return first
    }

    /// What to send now: the question what has arrived, or chunks.
    mutating func advance(at now: Instant) -> [WorkerMachine.Effect] {
        guard let artifact = items.first?.artifact else { return [] }
        if stuckSince == nil { stuckSince = now }
        if askedAt.map({ $0 + Self.patience <= now }) ?? true {
            isAnswered = false
            askedAt = now
            let upload = Upload(digest: artifact.file.digest, size: artifact.size)
            return [.send(.upload(upload))]
        }
        var effects: [WorkerMachine.Effect] = []
        while isAnswered, sent < artifact.size, inFlight.count < window {
            let count = min(Chunk.mostBytes, artifact.size - sent)
            effects.append(.sendChunk(artifact, offset: sent, count: count))
            sent += count
            inFlight.append((sent, now))
        }
        return effects
    }

    mutating func take(_ progress: UploadProgress, at now: Instant) -> Outcome {
        guard let item = items.first, item.artifact.file.digest == progress.digest,
            progress.received <= item.artifact.size
        else { return .goesOn }
        switch progress.state {
        case .stored:
            finishFirst()
            return .stored(item)
        case .damaged:
            timesDamaged += 1
            if timesDamaged >= Self.mostTries {
                finishFirst()
                return .givenUp(item)
            }
            ask()
        case .arriving:
            askedAt = now
            if !isAnswered {
                isAnswered = true
                received = progress.received
                sent = received
                inFlight = []
            } else if progress.received > received {
                received = progress.received
                stuckSince = now
                acknowledge(at: now)
            }
        }
        return .goesOn
    }

    private mutating func acknowledge(at now: Instant) {
        sent = max(sent, received)
        let arrived = inFlight.prefix { $0.end <= received }
        inFlight.removeFirst(arrived.count)
        guard let first = arrived.first else { return }
        window =
            now - first.at <= Self.promptness
            ? min(Self.largestWindow, window + 1) : max(1, window / 2)
    }

    func checkInvariants() {
        let size = items.first?.artifact.size ?? 0
        precondition(
            0 <= received && received <= sent && sent <= size,
            "of \(size) bytes \(sent) are sent and \(received) have arrived")
        precondition(
            zip(inFlight, inFlight.dropFirst()).allSatisfy { $0.end < $1.end }
                && inFlight.allSatisfy { received < $0.end && $0.end <= sent },
            "chunks in flight end at \(inFlight.map(\.end)) of \(received) ... \(sent)")
        precondition((1...Self.largestWindow).contains(window), "a window of \(window) chunks")
        precondition(timesDamaged < Self.mostTries, "a file is sent after \(timesDamaged) tries")
    }

    private mutating func finishFirst() {
        items.removeFirst()
        startOver()
    }

    private mutating func startOver() {
        ask()
        received = 0
        sent = 0
        inFlight = []
        timesDamaged = 0
    }
}
