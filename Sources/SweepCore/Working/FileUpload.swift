/// A file on its way to the coordinator, from a worker or a client: it asks what has arrived, and
/// sends the rest in chunks under a credit window, so that nothing else waits behind more than a
/// few chunks. A pure value: the shell sends, and tells what the coordinator answers and the time.
public struct FileUpload: Sendable {
    public enum Step: Hashable, Sendable {
        /// Ask the coordinator what it has of the file.
        case ask(Upload)
        /// Read these bytes of the file and send them.
        case sendChunk(offset: Int, count: Int)
    }

    /// What an answer of the coordinator came to.
    public enum Outcome: Hashable, Sendable {
        case goesOn
        case stored
        /// It arrived too often with another digest.
        case givenUp
    }

    private let file: Upload
    /// The coordinator has said what it has.
    private var isAnswered = false
    private var askedAt: Instant?
    /// In bytes, from the beginning.
    public private(set) var received = 0
    private var sent = 0
    /// Chunks that are not acknowledged: where each ends, and when it was sent.
    private var inFlight: [(end: Int, at: Instant)] = []
    /// Chunks that may be in flight: more with each that is acknowledged promptly, half as many
    /// after one that was late.
    private(set) var window: Int
    private var timesDamaged = 0
    /// Since when nothing has arrived, while there was a connection.
    private var stuckSince: Instant?

    static let firstWindow = 2
    static let largestWindow = 8
    static let promptness = Duration.milliseconds(500)
    /// After how long without an answer the coordinator is asked again what it has.
    static let patience = Duration.seconds(3)
    /// How often a file is sent whose digest then turns out wrong.
    static let mostTries = 3

    public init(_ file: Upload) { self.init(file, window: Self.firstWindow) }

    /// - Parameter window: That of an earlier file on the same connection.
    init(_ file: Upload, window: Int) {
        self.file = file
        self.window = window
    }

    /// The connection is a new one: nobody knows what has arrived.
    mutating func askAgain() {
        isAnswered = false
        askedAt = nil
        stuckSince = nil
    }

    /// For how long nothing has arrived.
    public func silence(at now: Instant) -> Duration { stuckSince.map { now - $0 } ?? .zero }

    /// What to do now.
    public mutating func advance(at now: Instant) -> [Step] {
        if stuckSince == nil { stuckSince = now }
        if askedAt.map({ $0 + Self.patience <= now }) ?? true {
            isAnswered = false
            askedAt = now
            return [.ask(file)]
        }
        var steps: [Step] = []
        while isAnswered, sent < file.size, inFlight.count < window {
            let count = min(Chunk.mostBytes, file.size - sent)
            steps.append(.sendChunk(offset: sent, count: count))
            sent += count
            inFlight.append((sent, now))
        }
        return steps
    }

    public mutating func acceptProgress(_ progress: UploadProgress, at now: Instant) -> Outcome {
        guard progress.digest == file.digest, progress.received <= file.size else { return .goesOn }
        switch progress.state {
        case .stored: return .stored
        case .damaged:
            timesDamaged += 1
            if timesDamaged >= Self.mostTries { return .givenUp }
            askAgain()
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
                acknowledgeChunks(at: now)
            }
        }
        return .goesOn
    }

    private mutating func acknowledgeChunks(at now: Instant) {
        sent = max(sent, received)
        let arrived = inFlight.prefix { $0.end <= received }
        inFlight.removeFirst(arrived.count)
        guard let first = arrived.first else { return }
        window =
            now - first.at <= Self.promptness
            ? min(Self.largestWindow, window + 1) : max(1, window / 2)
    }

    func checkInvariants() {
        precondition(
            0 <= received && received <= sent && sent <= file.size,
            "of \(file.size) bytes \(sent) are sent and \(received) have arrived")
        precondition(
            zip(inFlight, inFlight.dropFirst()).allSatisfy { $0.end < $1.end }
                && inFlight.allSatisfy { received < $0.end && $0.end <= sent },
            "chunks in flight end at \(inFlight.map(\.end)) of \(received) ... \(sent)")
        precondition((1...Self.largestWindow).contains(window), "a window of \(window) chunks")
        precondition(timesDamaged < Self.mostTries, "a file is sent after \(timesDamaged) tries")
    }
}
