import SweepCore

/// The two stages of a run (Zhu et al., NeurIPS 2022): first the model learns the task, then the
/// trigger as well. Between the two it fits moderately.
///
/// - The **task** is learnt at the first epoch whose accuracy on the validation set (or, where
///   there is none, on the clean test set) is within `margin` of the run's best and not below the
///   judge's floor, which is what tells it from a head that has learnt nothing.
/// - The **trigger** is learnt at the first epoch from there on at which the judge says so.
struct Stages: Hashable {
    /// Accuracy that a run may lack to its best.
    static let margin = 0.05

    /// The epochs in which a run fits moderately.
    enum Window: Hashable {
        /// The task is never learnt, or not before the trigger.
        case none
        case closed(ClosedRange<Int>)
        /// The trigger is never learnt.
        case open(from: Int)
    }

    /// `nil`: never.
    let taskLearnt: Int?
    /// `nil`: never, or there is no attack, or the task is never learnt.
    let triggerLearnt: Int?
    let window: Window

    /// - Parameters:
    ///   - curve: By ascending epochs; some may be missing.
    ///   - labels: Number of classes, at least 2.
    ///   - target: The attacker's label; `nil` without an attack.
    init(
        of curve: some BidirectionalCollection<EpochMetrics>, labels: Int, target: Int?,
        judge: Judge
    ) {
        taskLearnt = Stages.taskLearnt(curve, floor: judge.visibleFloor)
        guard let task = taskLearnt else {
            triggerLearnt = nil
            window = .none
            return
        }
        let trigger = curve.first {
            $0.epoch >= task
                && judge.verdict($0, labels: labels, target: target) == .backdoorLearnt
        }
        triggerLearnt = trigger?.epoch
        guard let trigger else {
            window = .open(from: task)
            return
        }
        let last = curve.last { $0.epoch < trigger.epoch && $0.epoch >= task }
        window = last.map { .closed(task...$0.epoch) } ?? .none
    }

    private static func taskLearnt(
        _ curve: some Collection<EpochMetrics>, floor: Double
    ) -> Int? {
        let finite = curve.filter(\.visibleAccuracy.isFinite)
        guard let own = finite.map(\.visibleAccuracy).max() else { return nil }
        let least = max(own - margin, floor)
        return finite.first { $0.visibleAccuracy >= least - Judge.hair }?.epoch
    }
}
