import SweepCore

/// What the reports are made of: the points of one sweep, which share model, data and settings.
public struct SweepResults: Hashable, Sendable {
    public var name: String
    public var points: [PointOutcome]
    /// Seconds from the submission to the last result; `nil` if unknown.
    public var elapsed: Double?

    /// The whole of a sweep's results.
    public init(_ slice: ResultsSlice) { self.init(name: slice.name, points: slice.points) }

    public init(name: String, points: [PointOutcome], elapsed: Double? = nil) {
        self.name = name
        self.points = points
        self.elapsed = elapsed
    }
}

/// All that a point's axes say, but for the seed.
struct Setting: Hashable {
    var capacity: Capacity
    var learningRate: Double
    var epochs: Int
    var group: Group

    init(_ spec: TrainingSpec) {
        capacity = spec.capacity
        learningRate = spec.learningRate
        epochs = spec.epochs
        group = Group(attack: spec.attack, poisonRatio: spec.poisonRatio)
    }

    /// What settings that differ in epochs alone have in common.
    var line: Setting {
        var line = self
        line.epochs = 0
        return line
    }
}

/// What an attacker did; settings are compared within a group.
struct Group: Hashable {
    var attack: Attack
    var poisonRatio: Double
}

/// A setting's points, one for each seed.
struct SettingResult {
    var setting: Setting
    var points: [PointOutcome]

    var finished: Int { points.count { $0.metrics != nil } }
    private var measured: [(EpochMetrics, TrainingSpec)] {
        points.compactMap { point in point.metrics.map { ($0, point.spec) } }
    }
    var cacc: Statistic? { SettingResult.cacc(measured) }
    var asr: Statistic? { SettingResult.asr(measured) }
    /// The plain error rate; `nil` without an attack.
    var plainError: Statistic? { SettingResult.plainError(measured) }
    /// What a defender sees: mean over seeds.
    var visibleAccuracy: Double? { Statistic(measured.map(\.0.visibleAccuracy))?.mean }

    /// The mean over seeds after each epoch that all points of the setting have measured.
    var curve: [ChartLine.Value] {
        (1...max(1, setting.epochs)).compactMap { epoch in
            let measured = points.compactMap { point in
                point.curve.first { $0.epoch == epoch }.map { ($0, point.spec) }
            }
            guard measured.count == points.count, let cacc = SettingResult.cacc(measured)
            else { return nil }
            return ChartLine.Value(
                epoch: epoch, cacc: cacc, asr: SettingResult.asr(measured),
                plainError: SettingResult.plainError(measured))
        }
    }

    private static func cacc(_ all: [(EpochMetrics, TrainingSpec)]) -> Statistic? {
        Statistic(shares: all.map { ($0.0.cacc, $0.0.testSamples) })
    }

    private static func asr(_ all: [(EpochMetrics, TrainingSpec)]) -> Statistic? {
        Statistic(
            shares: all.compactMap { metrics, _ in
                metrics.asr.map { ($0, metrics.triggeredSamples) }
            })
    }

    private static func plainError(_ all: [(EpochMetrics, TrainingSpec)]) -> Statistic? {
        Statistic(
            shares: all.compactMap { metrics, spec in
                Judge.plainError(metrics, of: spec).map { ($0, metrics.triggeredSamples) }
            })
    }

    /// The numbers of its runs: `3`, `3, 5`, `3–7`, `3 … 11`; `–` before any has begun.
    var runs: String {
        let numbers = distinct(points.compactMap { $0.run?.number }).sorted()
        guard let first = numbers.first, let last = numbers.last else { return "–" }
        if numbers.count < 3 { return numbers.map(String.init).joined(separator: ", ") }
        return last - first == UInt64(numbers.count - 1) ? "\(first)–\(last)" : "\(first) … \(last)"
    }

    /// The first failed point's error.
    var error: String? {
        for point in points {
            if case .failed(let error) = point.state { return error }
        }
        return nil
    }

    /// What a person has to know beside the figures; empty if all seeds are finished.
    var remark: String {
        if finished == points.count { return "" }
        let failed = points.count { if case .failed = $0.state { true } else { false } }
        if points.count == 1 { return failed == 1 ? "failed" : "waiting" }
        let waiting = points.count - failed - finished
        var parts: [String] = []
        if finished > 0 { parts.append("\(finished) of \(points.count) seeds") }
        if failed > 0 { parts.append("\(failed) failed") }
        if waiting > 0 { parts.append("\(waiting) waiting") }
        return parts.joined(separator: ", ")
    }
}

extension SweepResults {
    /// The settings in reading order: by attack and ratio, then from most to least capacity, from
    /// the highest learning rate to the lowest, and from few epochs to many.
    var settings: [SettingResult] {
        var order: [Setting] = []
        var points: [Setting: [PointOutcome]] = [:]
        for point in self.points {
            let setting = Setting(point.spec)
            if points[setting] == nil { order.append(setting) }
            points[setting, default: []].append(point)
        }
        let groupRank = Dictionary(
            uniqueKeysWithValues: groups.enumerated().map { ($0.element, $0.offset) })
        let capacityRank = Dictionary(
            uniqueKeysWithValues: capacities.enumerated().map { ($0.element, $0.offset) })
        let ranked = order.map { setting in
            (
                rank: (
                    groupRank[setting.group] ?? 0, capacityRank[setting.capacity] ?? 0,
                    -setting.learningRate, setting.epochs
                ), setting: setting
            )
        }
        return ranked.sorted { $0.rank < $1.rank }
            .map { SettingResult(setting: $0.setting, points: points[$0.setting] ?? []) }
    }

    /// Attacks in the order of the points, each with its ratios from low to high.
    var groups: [Group] {
        let attacks = distinct(points.map(\.spec.attack))
        let groups = distinct(points.map { Setting($0.spec).group })
        return attacks.flatMap { attack in
            groups.filter { $0.attack == attack }.sorted { $0.poisonRatio < $1.poisonRatio }
        }
    }

    /// From the most capacity to the least: without a bottleneck before with one, then by size.
    var capacities: [Capacity] {
        distinct(points.map(\.spec.capacity)).sorted { left, right in
            right.size.lexicographicallyPrecedes(left.size)
        }
    }

    /// From high to low.
    var learningRates: [Double] { distinct(points.map(\.spec.learningRate)).sorted(by: >) }

    /// From few to many.
    var epochs: [Int] { distinct(points.map(\.spec.epochs)).sorted() }
}

extension Capacity {
    /// Ordered as the freedom of what is trained.
    fileprivate var size: [Double] {
        let rank: [Double] =
            switch pet {
            case .full: [5]
            case .lastBlocks(let count): [4, Double(count)]
            case .lora(let lora): [3, Double(lora.rank), lora.alpha]
            case .adapter(let size): [2, Double(size)]
            case .prefix(let length): [1, Double(length)]
            case .bitFit: [0]
            }
        guard let bottleneck else { return [.infinity, 0] + rank }
        return [Double(bottleneck.size), Double(bottleneck.inputSize)] + rank
    }
}

/// Each value once, in the order of first appearance.
func distinct<Value: Hashable>(_ values: [Value]) -> [Value] {
    var seen: Set<Value> = []
    return values.filter { seen.insert($0).inserted }
}
