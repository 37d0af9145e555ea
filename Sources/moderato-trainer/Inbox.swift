import Foundation
import SweepCore
import SweepWire

/// What the worker asks for, read by a thread of its own, so that a stop is noticed while a step
/// is computed.
final class Inbox: @unchecked Sendable {
    // All state is behind the condition.
    private let condition = NSCondition()
    private var assignments: [Assignment] = []
    private var revoked: Set<AttemptID> = []

    /// Begins to read; the process ends when the worker is gone.
    init(reading descriptor: Int32) {
        Thread.detachNewThread { [self] in
            var stream = FrameStream()
            while let messages = try? stream.read(from: descriptor, as: MessageToTrainer.self) {
                condition.withLock {
                    for message in messages { file(message) }
                    condition.signal()
                }
            }
            // End of input, or nonsense: nobody is there to train for.
            _exit(0)
        }
    }

    private func file(_ message: MessageToTrainer) {
        switch message {
        case .assign(let assignment): assignments.append(assignment)
        case .revoke(let attempt): revoked.insert(attempt)
        }
    }

    func next() -> Assignment {
        condition.withLock {
            while assignments.isEmpty { condition.wait() }
            return assignments.removeFirst()
        }
    }

    func isRevoked(_ attempt: AttemptID) -> Bool {
        condition.withLock { revoked.contains(attempt) }
    }

    func forget(_ attempt: AttemptID) { condition.withLock { _ = revoked.remove(attempt) } }
}
