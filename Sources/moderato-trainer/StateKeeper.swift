/// When a run leaves behind what another attempt goes on from.
struct StatePolicy {
    /// The least time between two states, and from the beginning of an attempt to its first.
    let interval: Duration
    /// A state that has more is not kept.
    let mostBytes: Int
}

/// Follows the policy through one attempt.
struct StateKeeper {
    private let policy: StatePolicy
    private var last = ContinuousClock.now
    /// None of this run will do.
    private(set) var isTooLarge = false

    init(_ policy: StatePolicy) { self.policy = policy }

    var isDue: Bool { ContinuousClock.now - last >= policy.interval }

    /// Whether a state of so many bytes is kept.
    mutating func keeps(_ bytes: Int) -> Bool {
        last = ContinuousClock.now
        isTooLarge = bytes > policy.mostBytes
        return !isTooLarge
    }
}
