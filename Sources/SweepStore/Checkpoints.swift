import Dispatch
import GRDB
import Synchronization

/// Moves what was committed from the write-ahead log into the database, beside the commits: one
/// that did so itself would take a tenth of a second.
final class Checkpoints: Sendable {
    private static let interval = Duration.seconds(2)

    private let database: DatabaseQueue
    private let queue = DispatchQueue(label: "moderato.checkpoints")
    private let state: Mutex<State>

    private struct State {
        var isRunning = false
        var last = ContinuousClock.now
    }

    /// - Parameter database: A connection of its own.
    init(_ database: DatabaseQueue) {
        self.database = database
        state = Mutex(State())
    }

    /// Something was committed.
    func countCommit() {
        let isDue = state.withLock { state in
            let now = ContinuousClock.now
            guard !state.isRunning, now - state.last >= Self.interval else { return false }
            state.isRunning = true
            state.last = now
            return true
        }
        guard isDue else { return }
        queue.async { [self] in
            // Passive: nobody waits for it. What fails, as on a full disk, is tried with the next.
            _ = try? database.writeWithoutTransaction { try $0.checkpoint(.passive) }
            state.withLock { $0.isRunning = false }
        }
    }
}
