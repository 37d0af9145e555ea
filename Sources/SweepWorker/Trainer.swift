import SweepCore

/// What trains under a worker, in one slot.
public protocol Trainer: AnyObject {
    /// Files that can be read when the trainer has something to say.
    var descriptors: [Int32] { get }
    /// When `poll` has something to say without any file; `nil` if only files tell.
    var wakeUp: Instant? { get }

    /// Begins an attempt. Whatever goes wrong is told by `poll`.
    func train(_ assignment: Assignment, at now: Instant)
    /// Ends the attempt with `handedBack` as soon as it can.
    func stop(_ attempt: AttemptID)
    /// What happened since the last time, in order.
    func poll(at now: Instant) -> [TrainerEvent]
    /// Ends the trainer for good.
    func shutDown()
}

public enum TrainerEvent: Hashable, Sendable {
    case progress(AttemptProgress)
    case report(AttemptID, Report.Event)
    /// The trainer is gone; the text tells how, with its last words.
    case exited(String)
}
