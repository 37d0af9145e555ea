import SweepCore

/// What trains under a worker, in one slot.
public protocol Trainer: AnyObject {
    /// Files that can be read when the trainer has something to say.
    var descriptors: [Int32] { get }
    /// When `poll` has something to say without any file; `nil` if only files tell.
    var wakeUp: Instant? { get }

    /// Waits until it has shown that it can train. Called once, before all else.
    ///
    /// - Parameter stop: a file; the wait is over when it can be read.
    /// - Throws: `WorkerError.unusable` if it can't train, or says nothing within `limit`.
    func prove(within limit: Duration, until stop: Int32) throws -> Proof

    /// Begins an attempt. Whatever goes wrong is told by `poll`.
    func train(_ assignment: Assignment, at now: Instant)
    /// Ends the attempt with `handedBack` as soon as it can.
    func stop(_ attempt: AttemptID)
    /// What happened since the last time, in order.
    func poll(at now: Instant) -> [TrainerEvent]
    /// Ends the trainer for good.
    func shutDown()
}

/// What came of a wait for a trainer.
public enum Proof: Hashable, Sendable {
    /// The version of libtorch; empty where there is none.
    case ready(libtorch: String)
    case stopped
}

public enum TrainerEvent: Hashable, Sendable {
    case progress(AttemptProgress)
    case report(AttemptID, Report.Event)
    /// The trainer is gone; the text tells how, with its last words.
    case exited(String)
    /// The trainer is gone, or silent, before it has shown that it can train.
    case unusable(String)
}
