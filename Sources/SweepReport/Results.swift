import SweepCore

/// What the reports are made of: the runs and points of one sweep, which share model, data and
/// settings. A curve is a run's; a point is a milestone of a run.
public struct SweepResults: Hashable, Sendable {
    public var name: String
    public let runs: [RunOutcome]
    /// In the order of the grid.
    public let points: [PointOutcome]
    /// For each point the place in `runs` of the one that serves it.
    let runOfPoint: [Int]
    /// Seconds from the submission to the last result; `nil` if unknown.
    public var elapsed: Double?

    /// The whole of a sweep's results.
    public init(_ results: GatheredResults) {
        self.init(name: results.name, runs: results.runs)
    }

    public init(name: String, runs: [RunOutcome], elapsed: Double? = nil) {
        self.name = name
        self.runs = runs
        self.elapsed = elapsed
        let count = runs.reduce(0) { $0 + $1.milestones.count }
        var points: [PointOutcome] = []
        var order: [(place: Int, index: Int)] = []
        var served: [Int] = []
        points.reserveCapacity(count)
        order.reserveCapacity(count)
        served.reserveCapacity(count)
        for (index, run) in runs.enumerated() {
            run.forEachPoint { place, point in
                order.append((place, points.count))
                points.append(point)
                served.append(index)
            }
        }
        let isInOrder = zip(order, order.dropFirst()).allSatisfy { $0.place < $1.place }
        if !isInOrder { order.sort { $0.place < $1.place } }
        self.points = isInOrder ? points : order.map { points[$0.index] }
        runOfPoint = isInOrder ? served : order.map { served[$0.index] }
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

    init(_ point: PointOutcome) {
        capacity = point.capacity
        learningRate = point.learningRate
        epochs = point.epochs
        group = Group(point)
    }

    /// Whether they differ in epochs at most.
    func isInLine(with other: Setting) -> Bool {
        learningRate == other.learningRate && capacity == other.capacity && group == other.group
    }
}

/// What an attacker did; settings are compared within a group.
struct Group: Hashable {
    var attack: Attack
    var poisonRatio: Double
}

extension Group {
    init(_ point: PointOutcome) {
        self.init(attack: point.attack, poisonRatio: point.poisonRatio)
    }
}

/// A setting's points, one for each seed.
struct SettingResult {
    var setting: Setting
    var points: [PointOutcome]
    /// Where `SweepResults.points` has them.
    var places: [Int]
    /// The place of its group among `SweepResults.groups`.
    var group: Int
    /// `nil` while there is nothing to say.
    var verdict: Verdict?

    var finished: Int { points.count { $0.metrics != nil } }
    private var measured: [(EpochMetrics, PointOutcome)] {
        points.compactMap { point in point.metrics.map { ($0, point) } }
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
                point.curve.first { $0.epoch == epoch }.map { ($0, point) }
            }
            guard measured.count == points.count, let cacc = SettingResult.cacc(measured)
            else { return nil }
            return ChartLine.Value(
                epoch: epoch, cacc: cacc, asr: SettingResult.asr(measured),
                plainError: SettingResult.plainError(measured))
        }
    }

    private static func cacc(_ all: [(EpochMetrics, PointOutcome)]) -> Statistic? {
        Statistic(shares: all.map { ($0.0.cacc, $0.0.testSamples) })
    }

    private static func asr(_ all: [(EpochMetrics, PointOutcome)]) -> Statistic? {
        Statistic(
            shares: all.compactMap { metrics, _ in
                metrics.asr.map { ($0, metrics.triggeredSamples) }
            })
    }

    private static func plainError(_ all: [(EpochMetrics, PointOutcome)]) -> Statistic? {
        Statistic(
            shares: all.compactMap { metrics, point in
                guard let target = point.attack.target, metrics.asr != nil else { return nil }
                let error = Judge.plainError(metrics, labels: point.labels, target: target)
                return (error, metrics.triggeredSamples)
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
        let cancelled = points.count { $0.state == .cancelled }
        let waiting = points.count - failed - cancelled - finished
        let rest = [(failed, "failed"), (cancelled, "cancelled"), (waiting, "waiting")]
            .filter { $0.0 > 0 }
        if points.count == 1 { return rest.first?.1 ?? "" }
        let parts = finished > 0 ? ["\(finished) of \(points.count) seeds"] : []
        return (parts + rest.map { "\($0) \($1)" }).joined(separator: ", ")
    }
}

extension SweepResults {
    /// The settings in reading order: by attack and ratio, then from most to least capacity, from
    /// the highest learning rate to the lowest, and from few epochs to many.
    var settings: [SettingResult] {
        let judge = Judge(self)
        var all: [SettingResult] = []
        var rest = ranks[...]
        while let first = rest.first {
            let own = rest.prefix { $0.isSameSetting(as: first) }
            rest = rest.dropFirst(own.count)
            var result = SettingResult(
                setting: Setting(points[first.place]), points: own.map { points[$0.place] },
                places: own.map(\.place), group: first.group)
            result.verdict = judge.verdict(of: result)
            all.append(result)
        }
        return all
    }

    /// Attacks in the order of the points, each with its ratios from low to high.
    var groups: [Group] {
        let groups = distinct(points.lazy.map { Group($0) })
        return distinct(groups.map(\.attack)).flatMap { attack in
            groups.filter { $0.attack == attack }.sorted { $0.poisonRatio < $1.poisonRatio }
        }
    }

    /// Numbers instead of attacks and capacities: a hundred thousand points are sorted by them.
    private struct Rank {
        let group: Int
        let capacity: Int
        let learningRate: Double
        let epochs: Int
        let place: Int

        func isSameSetting(as other: Rank) -> Bool {
            (group, capacity, learningRate, epochs)
                == (other.group, other.capacity, other.learningRate, other.epochs)
        }

        static func isBefore(_ left: Rank, _ right: Rank) -> Bool {
            (left.group, left.capacity, -left.learningRate, left.epochs, left.place)
                < (right.group, right.capacity, -right.learningRate, right.epochs, right.place)
        }
    }

    private var ranks: [Rank] {
        var groupRank = Ranking(groups)
        var capacityRank = Ranking(capacities)
        return points.enumerated().map { place, point in
            Rank(
                group: groupRank[Group(point)], capacity: capacityRank[point.capacity],
                learningRate: point.learningRate, epochs: point.epochs, place: place)
        }.sorted(by: Rank.isBefore)
    }

    /// From the most capacity to the least: without a bottleneck before with one, then by size.
    var capacities: [Capacity] {
        distinct(points.lazy.map(\.capacity)).sorted { left, right in
            right.size.lexicographicallyPrecedes(left.size)
        }
    }

    /// From high to low.
    var learningRates: [Double] { distinct(points.lazy.map(\.learningRate)).sorted(by: >) }

    /// From few to many.
    var epochs: [Int] { distinct(points.lazy.map(\.epochs)).sorted() }
}

/// Parts of what is in the order of `SweepResults.settings`.
extension ArraySlice<SettingResult> {
    /// One for each attack and ratio, in the order of `SweepResults.groups`.
    var groups: [ArraySlice<SettingResult>] { parts { $0.group == $1.group } }

    /// One for the settings that differ in epochs alone, from few to many.
    var lines: [ArraySlice<SettingResult>] {
        parts { $0.setting.isInLine(with: $1.setting) }
    }

    private func parts(
        where belongs: (SettingResult, SettingResult) -> Bool
    ) -> [ArraySlice<SettingResult>] {
        var parts: [ArraySlice<SettingResult>] = []
        var start = startIndex
        for place in indices where place > start && !belongs(self[start], self[place]) {
            parts.append(self[start..<place])
            start = place
        }
        if start < endIndex { parts.append(self[start...]) }
        return parts
    }
}

extension Capacity {
    /// Ordered as the freedom of what is trained.
    fileprivate var size: [Double] {
        let kind = pet.kindCase
        let place = PET.cases.firstIndex { $0.name == kind.name } ?? 0
        let rank: [Double] =
            [Double(PET.cases.count - place)]
            + kind.fields.compactMap { field in
                switch field.get(pet) {
                case .integer(let size)?: Double(size)
                case .number(let size)?: size
                default: nil
                }
            }
        guard let bottleneck else { return [.infinity, 0] + rank }
        return [Double(bottleneck.size), Double(bottleneck.inputSize)] + rank
    }
}

/// Each value once, in the order of first appearance. Neighbours are often the same, and compared
/// sooner than looked up.
func distinct<Value: Hashable>(_ values: some Sequence<Value>) -> [Value] {
    var seen: Set<Value> = []
    var last: Value?
    return values.filter { value in
        if value == last { return false }
        last = value
        return seen.insert(value).inserted
    }
}

/// The places of values in their order.
private struct Ranking<Value: Hashable> {
    private let ranks: [Value: Int]
    /// Neighbours are often the same.
    private var last: (value: Value, rank: Int)?

    init(_ values: [Value]) {
        ranks = Dictionary(uniqueKeysWithValues: values.enumerated().map { ($1, $0) })
    }

    subscript(value: Value) -> Int {
        mutating get {
            if let last, last.value == value { return last.rank }
            let rank = ranks[value] ?? 0
            last = (value, rank)
            return rank
        }
    }
}
