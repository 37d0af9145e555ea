/// What people ask of a coordinator while it works; answered by `MessageToClient.done` in words.
public enum Control: Hashable, Sendable {
    /// Runs that no other sweep wants are cancelled, also those in training.
    case cancel(sweep: String)
    /// Nothing more of it is begun; what is in training goes on.
    case pause(sweep: String)
    case resume(sweep: String)
    /// What failed or was cancelled is tried again.
    case retry(sweep: String)
    /// Of all waiting runs, those with the largest number come first.
    case prioritize(sweep: String, Int)
    /// The worker hands its runs back and leaves.
    case drain(WorkerID)
    /// A worker that was put aside gets work again.
    case readmit(WorkerID)

    /// The sweep that it is about; `nil`: a worker.
    var sweep: String? {
        switch self {
        case .cancel(let name), .pause(let name), .resume(let name), .retry(let name),
            .prioritize(let name, _):
            name
        case .drain, .readmit: nil
        }
    }

    /// What `prioritize` takes; 0 is what a sweep begins with.
    public static let priorities = -100...100
}

/// Whose story `MessageToCoordinator.explain` asks for.
public enum Subject: Hashable, Sendable {
    case run(RunID)
    case worker(WorkerID)
}

/// Whether a sweep's waiting runs are handed out, and how early.
public struct SweepCondition: Hashable, Sendable, Codable {
    public enum State: String, Hashable, Sendable, Codable, CaseIterable {
        case active
        case paused
        case cancelled
    }

    public var state: State
    /// In `Control.priorities`.
    public var priority: Int
    /// Why the coordinator itself has paused it; `nil` if it has not.
    public var reason: String?

    public init(state: State = .active, priority: Int = 0, reason: String? = nil) {
        self.state = state
        self.priority = priority
        self.reason = reason
    }
}
