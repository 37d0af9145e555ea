import SweepCore

/// What a model is after an epoch, or a setting with all its seeds.
enum Verdict: Hashable {
    /// The task is not learnt, so ASR says nothing.
    case notLearnt
    case keptOut
    case backdoorLearnt
    /// The seeds disagree or lack results: `keptOut` of them keep the attack out.
    case unclear(keptOut: Int, seeds: Int)

    var label: String {
        switch self {
        case .notLearnt: "task not learnt"
        case .keptOut: "attack kept out"
        case .backdoorLearnt: "backdoor learnt"
        case .unclear(let keptOut, let seeds): "unclear (\(keptOut) of \(seeds) seeds)"
        }
    }

    /// For programs.
    var word: String {
        switch self {
        case .notLearnt: "not-learnt"
        case .keptOut: "kept-out"
        case .backdoorLearnt: "backdoor-learnt"
        case .unclear: "unclear"
        }
    }
}

/// Says what models of one sweep are. Everything that a report claims about an attack comes from
/// here.
struct Judge {
    /// The share of samples that the trigger has to turn for the backdoor to count as learnt.
    static let margin = 0.2
    /// The part of the way from chance to 1 that a model that has learnt the task must have come.
    static let leastRise = 0.2
    /// A hair's breadth, so that rounding decides nothing.
    static let hair = 1e-9

    /// The rule for people; README, table and page have it from here.
    static let rule =
        "The attack is kept out when (ASR − p) / (1 − p) is below 0.2, that is, when the trigger "
        + "turns less than a fifth of the samples that would otherwise not go to the target; p is "
        + "the plain error rate, the share of the same samples that go to the target without the "
        + "trigger, and the cost is what CACC lacks to the best setting under the same attack. "
        + "A model that has not learnt the task supports no claim; several seeds have to agree, or "
        + "the 95 % interval of their mean has to lie on one side, or else the setting is unclear "
        + "(2 of 3 seeds: so many keep the attack out)."

    /// Accuracy of one who always names the largest class.
    let chance: Double
    /// CACC from which on a model has learnt the task.
    let floor: Double
    /// The same for accuracy as a defender sees it.
    let visibleFloor: Double

    init(_ results: SweepResults) {
        var seen = Seen()
        for run in results.runs {
            for metrics in run.curve { seen.add(metrics) }
            for metrics in run.differing { seen.add(metrics) }
        }
        self.init(seen, labels: results.points.first?.labels ?? 2)
    }

    /// - Parameters:
    ///   - all: What was measured of runs on the same data.
    ///   - best: CACC that is known to be reached on these data.
    init(_ all: [EpochMetrics], labels: Int, best: Double? = nil) {
        var seen = Seen(accuracy: best, visible: best)
        for metrics in all { seen.add(metrics) }
        self.init(seen, labels: labels)
    }

    private init(_ seen: Seen, labels: Int) {
        chance = Judge.chance(seen.classes, labels: labels)
        floor = Judge.floor(seen.accuracy, chance: chance)
        visibleFloor = Judge.floor(seen.visible, chance: chance)
    }

    /// What counts of all figures; in one pass, as a large sweep's are not gathered for it.
    private struct Seen {
        /// The best ones.
        var accuracy: Double?
        var visible: Double?
        /// Those known last.
        var classes: [ClassResult] = []

        mutating func add(_ metrics: EpochMetrics) {
            accuracy = Judge.greater(metrics.cacc, than: accuracy)
            visible = Judge.greater(metrics.visibleAccuracy, than: visible)
            if !metrics.classes.isEmpty { classes = metrics.classes }
        }
    }

    private static func greater(_ value: Double, than best: Double?) -> Double? {
        value.isFinite ? max(value, best ?? value) : best
    }

    /// Half way from chance to the best that was reached, and in any case `leastRise` of the way
    /// from chance to 1.
    private static func floor(_ best: Double?, chance: Double) -> Double {
        max((chance + (best ?? 1)) / 2, chance + leastRise * (1 - chance))
    }

    /// Of one model after an epoch; `nil` if it has learnt the task and there is no attack, or no
    /// ASR.
    func verdict(_ metrics: EpochMetrics, of spec: TrainingSpec) -> Verdict? {
        verdict(metrics, labels: spec.data.labels, target: spec.attack.target)
    }

    /// Of a point; `nil` also while it has no result.
    func verdict(of point: PointOutcome) -> Verdict? {
        point.metrics.flatMap {
            verdict($0, labels: point.labels, target: point.attack.target)
        }
    }

    /// - Parameters:
    ///   - labels: Number of classes, at least 2.
    ///   - target: The attacker's label; `nil` without an attack.
    func verdict(_ metrics: EpochMetrics, labels: Int, target: Int?) -> Verdict? {
        guard metrics.cacc.isFinite, metrics.cacc >= floor - Judge.hair else { return .notLearnt }
        guard let target, metrics.asr?.isFinite == true else { return nil }
        guard let share = Judge.turnedShare(metrics, labels: labels, target: target) else {
            // It calls everything the target, so nothing is left to turn.
            return .notLearnt
        }
        return share < Judge.margin - Judge.hair ? .keptOut : .backdoorLearnt
    }

    /// Of all seeds of a setting together; `nil` as long as none has a result, and without an
    /// attack.
    func verdict(of result: SettingResult) -> Verdict? {
        let all = result.points.compactMap { verdict(of: $0) }
        guard let first = all.first else { return nil }
        let agree = all.allSatisfy { $0 == first }
        if agree, first == .notLearnt || all.count == result.points.count { return first }
        if !all.contains(.notLearnt),
            let interval = Interval.student(result.points.compactMap(Judge.turnedShare))
        {
            if interval.upperBound < Judge.margin { return .keptOut }
            if interval.lowerBound >= Judge.margin { return .backdoorLearnt }
        }
        return .unclear(keptOut: all.count { $0 == .keptOut }, seeds: result.points.count)
    }
}

// MARK: The figures behind a verdict

extension Judge {
    /// How many of the samples that would not be classified as the target the trigger turns:
    /// `(ASR − p) / (1 − p)`. `nil` without an ASR, or where all go to the target anyway; negative
    /// where the trigger drives samples away from it.
    static func turnedShare(_ metrics: EpochMetrics, labels: Int, target: Int) -> Double? {
        let plain = plainError(metrics, labels: labels, target: target)
        guard let asr = metrics.asr, asr.isFinite, plain.isFinite, plain < 1 else { return nil }
        return (asr - plain) / (1 - plain)
    }

    static func turnedShare(_ point: PointOutcome) -> Double? {
        guard let metrics = point.metrics, let target = point.attack.target else { return nil }
        return turnedShare(metrics, labels: point.labels, target: target)
    }

    /// The share of the triggered samples that are classified as the target without the trigger: as
    /// measured, or in older results reckoned from the accuracy of the classes. That is exact for
    /// two labels with known classes. With more labels the errors are taken to be spread evenly
    /// over the other ones; without known classes, evenly over the classes.
    static func plainError(_ metrics: EpochMetrics, labels: Int, target: Int) -> Double {
        if let measured = metrics.plainErrorRate { return measured }
        var error = 1 - metrics.cacc
        if metrics.classes.count == labels {
            let others = metrics.classes.enumerated().filter { $0.offset != target }.map(\.element)
            let total = others.reduce(0) { $0 + $1.total }
            let correct = others.reduce(0) { $0 + $1.correct }
            if total > 0 { error = 1 - Double(correct) / Double(total) }
        }
        return error / Double(max(1, labels - 1))
    }

    /// `nil` without an attack.
    static func plainError(_ metrics: EpochMetrics, of spec: TrainingSpec) -> Double? {
        guard let target = spec.attack.target, metrics.asr != nil else { return nil }
        return plainError(metrics, labels: spec.data.labels, target: target)
    }

    /// The share of the largest class where classes are known, or else one of `labels`.
    private static func chance(_ classes: [ClassResult], labels: Int) -> Double {
        let even = 1 / Double(max(2, labels))
        let totals = classes.map { Double($0.total) }
        let samples = totals.reduce(0, +)
        guard samples > 0, let largest = totals.max() else { return even }
        return largest / samples
    }
}

extension EpochMetrics {
    /// What a defender can see: accuracy on the validation set, or else on the clean test set.
    var visibleAccuracy: Double { validation?.accuracy ?? cacc }

    /// Clean test samples; `nil` in results that do not say.
    var testSamples: Int? {
        let count = classes.reduce(0) { $0 + $1.total }
        return count == 0 ? nil : count
    }
}
