/// A worker's files on their way to the coordinator, one after the other.
struct Uploads: Sendable {
    struct Item: Hashable, Sendable {
        let attempt: AttemptID
        let artifact: Artifact
        /// The state that its run ends with: wanted beyond the end, but no reason to wait long.
        var isLast = false

        var upload: Upload { Upload(digest: artifact.file.digest, size: artifact.size) }
    }

    /// What an answer of the coordinator came to.
    enum Outcome: Hashable, Sendable {
        case goesOn
        case stored(Item)
        case givenUp(Item)
    }

    /// The first one is being sent.
    private(set) var items: [Item] = []
    /// Of the first; `nil` before it begins.
    private var current: FileUpload?
    /// Of the file before.
    private var window = FileUpload.firstWindow

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
        remove {
            $0.attempt == attempt
                && (!onlyStates || $0.artifact.kind == .state && !$0.isLast)
        }
    }

    /// Takes out one that can't be sent.
    mutating func remove(_ digest: Digest) -> [Item] {
        remove { $0.artifact.file.digest == digest }
    }

    private mutating func remove(_ isUnwanted: (Item) -> Bool) -> [Item] {
        let removed = items.filter(isUnwanted)
        if let first = items.first, isUnwanted(first) { end() }
        items.removeAll(where: isUnwanted)
        return removed
    }

    /// The connection is a new one.
    mutating func askAgain() { current?.askAgain() }

    /// A last state of which nothing has arrived for long.
    func stuckLast(at now: Instant) -> Item? {
        guard let first = items.first, first.isLast, let current,
            current.silence(at: now) >= Self.patienceForLast
        else { return nil }
        return first
    }

    /// What to send now: the question what has arrived, or chunks.
    mutating func advance(at now: Instant) -> [WorkerMachine.Effect] {
        guard let item = items.first else { return [] }
        var upload = current ?? FileUpload(item.upload, window: window)
        defer { current = upload }
        return upload.advance(at: now).map { step in
            switch step {
            case .ask(let upload): .send(.file(.upload(upload)))
            case .sendChunk(let offset, let count):
                .sendChunk(item.artifact, offset: offset, count: count)
            }
        }
    }

    mutating func acceptProgress(_ progress: UploadProgress, at now: Instant) -> Outcome {
        guard let item = items.first, var upload = current else { return .goesOn }
        switch upload.acceptProgress(progress, at: now) {
        case .goesOn:
            current = upload
            return .goesOn
        case .stored:
            endFirst()
            return .stored(item)
        case .givenUp:
            endFirst()
            return .givenUp(item)
        }
    }

    func checkInvariants() {
        precondition(current == nil || !items.isEmpty, "a file is sent that is not in line")
        current?.checkInvariants()
    }

    private mutating func endFirst() {
        items.removeFirst()
        end()
    }

    private mutating func end() {
        window = current?.window ?? window
        current = nil
    }
}
