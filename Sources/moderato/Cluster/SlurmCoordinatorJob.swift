import Foundation

/// The job of Slurm that this process is, if it looks after a home there. Slurm may end it at any
/// time and begin it anew, perhaps on another node; workers stay meanwhile.
struct SlurmCoordinatorJob {
    private let id: String
    private let restarts: Int
    /// When it asks of itself to be begun anew, as its time limit is near; `nil`: never.
    private let leaves: Date?

    /// `nil`: this process is no such job.
    init?(named name: String) {
        let environment = ProcessInfo.processInfo.environment
        guard environment["SLURM_JOB_NAME"] == name, let id = environment["SLURM_JOB_ID"] else {
            return nil
        }
        self.id = id
        restarts = environment["SLURM_RESTART_COUNT"].flatMap(Int.init) ?? 0
        leaves = Deadline.ofSlurmJob().map { end in
            end.date - min(120, max(0, end.date.timeIntervalSinceNow) / 4)
        }
    }

    var isTimeOver: Bool { leaves.map { $0 <= Date() } ?? false }

    /// Slurm ends it, and begins it again.
    func beginAnew() throws(SlurmError) { _ = try Slurm.call("scontrol", ["requeue", id]) }

    /// Whether that is why Slurm ends it now; otherwise somebody wants it to end.
    var isBegunAnew: Bool {
        guard let text = try? Slurm.call("scontrol", ["show", "job", "--oneliner", id]),
            let field = text.split(separator: " ").first(where: { $0.hasPrefix("Restarts=") }),
            let count = Int(field.dropFirst("Restarts=".count))
        else { return false }
        return count > restarts
    }
}
