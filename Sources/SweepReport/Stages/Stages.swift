import SweepCore

/// The two stages of a run (Zhu et al., NeurIPS 2022): first the model learns the task, then the
/// trigger as well. Between the two it fits moderately.
///
/// - The **task** is learnt at the first epoch whose CACC is within `margin` of the run's best and
///   not below `floor`, which is what tells it from a head that has learnt nothing.
/// - The **trigger** is learnt at the first epoch from there on at which it turns at least half
///   (`triggerShare`) of the samples that would otherwise not go to the target:
///   `(ASR − p) / (1 − p) ≥ 1/2`, where `p` is the plain error rate of the same epoch.
public struct Stages: Hashable, Sendable {
    /// Accuracy that a run may lack to its best.
    public static let margin = 0.05
    /// The part of the way from chance to 1 that a model must have come.
    public static let leastRise = 0.2
    public static let triggerShare = 0.5
    /// A hair's breadth, so that rounding decides nothing.
    static let hair = 1e-9

    /// The epochs in which a run fits moderately.
    public enum Window: Hashable, Sendable {
        /// The task is never learnt, or not before the trigger.
        case none
        case closed(ClosedRange<Int>)
        /// The trigger is never learnt.
        case open(from: Int)
    }

    /// `nil`: never.
    public let taskLearnt: Int?
    /// `nil`: never, or there is no attack, or the task is never learnt.
    public let triggerLearnt: Int?
    public let window: Window

    /// - Parameters:
    ///   - curve: By ascending epochs; some may be missing.
    ///   - labels: Number of classes, at least 2.
    ///   - target: The attacker's label; `nil` without an attack.
    ///   - bestCACC: The best of all runs on the same data; `nil`: the run's own.
    public init(of curve: [EpochMetrics], labels: Int, target: Int?, bestCACC: Double? = nil) {
        let series = curve.map { (epoch: $0.epoch, accuracy: $0.cacc) }
        taskLearnt = Stages.taskLearnt(
            series, chance: Stages.chance(curve, labels: labels), best: bestCACC)
        guard let task = taskLearnt else {
            triggerLearnt = nil
            window = .none
            return
        }
        let trigger = curve.first {
            $0.epoch >= task && Stages.hasLearntTrigger($0, labels: labels, target: target)
        }
        triggerLearnt = trigger?.epoch
        guard let trigger else {
            window = .open(from: task)
            return
        }
        let last = curve.last { $0.epoch < trigger.epoch && $0.epoch >= task }
        window = last.map { .closed(task...$0.epoch) } ?? .none
    }

    /// The first epoch at which the task is learnt as `series` shows it: CACC, or accuracy on a
    /// validation set, which is all that a defender sees.
    static func taskLearnt(
        _ series: [(epoch: Int, accuracy: Double)], chance: Double, best: Double?
    ) -> Int? {
        let finite = series.filter(\.accuracy.isFinite)
        guard let own = finite.map(\.accuracy).max() else { return nil }
        let least = max(own - margin, floor(chance: chance, best: best ?? own))
        return finite.first { $0.accuracy >= least - hair }?.epoch
    }

    /// Below this, accuracy is that of a model that has not learnt the task: half way from chance
    /// to the best that was reached, and in any case `leastRise` of the way from chance to 1.
    static func floor(chance: Double, best: Double) -> Double {
        max((chance + best) / 2, chance + leastRise * (1 - chance))
    }

    /// The share of the largest class where classes are known, or else one of `labels`.
    static func chance(_ curve: [EpochMetrics], labels: Int) -> Double {
        let even = 1 / Double(max(2, labels))
        let totals = curve.last { !$0.classes.isEmpty }?.classes.map { Double($0.total) } ?? []
        let samples = totals.reduce(0, +)
        guard samples > 0, let largest = totals.max() else { return even }
        return largest / samples
    }

    static func hasLearntTrigger(_ metrics: EpochMetrics, labels: Int, target: Int?) -> Bool {
        guard let target, let share = turnedShare(metrics, labels: labels, target: target)
        else { return false }
        return share >= triggerShare - hair
    }

    /// How many of the samples that would not be classified as the target the trigger turns;
    /// `nil` without an ASR. Negative where the trigger drives samples away from the target.
    static func turnedShare(_ metrics: EpochMetrics, labels: Int, target: Int) -> Double? {
        let plain = plainError(metrics, labels: labels, target: target)
        guard let asr = metrics.asr, asr.isFinite, plain.isFinite, plain < 1 else { return nil }
        return (asr - plain) / (1 - plain)
    }

    /// The share of clean samples of other classes that are classified as the target: exact for two
    /// labels with known classes. With more labels the errors are taken to be spread evenly over
    /// the other ones; without known classes, evenly over the classes.
    static func plainError(_ metrics: EpochMetrics, labels: Int, target: Int) -> Double {
        var error = 1 - metrics.cacc
        if metrics.classes.count == labels {
            let others = metrics.classes.enumerated().filter { $0.offset != target }.map(\.element)
            let total = others.reduce(0) { $0 + $1.total }
            let correct = others.reduce(0) { $0 + $1.correct }
            if total > 0 { error = 1 - Double(correct) / Double(total) }
        }
        return error / Double(max(1, labels - 1))
    }
}
