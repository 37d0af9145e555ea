import SweepCore

/// One column of a table of settings.
struct Axis {
    var title: String
    /// Numbers stand at the right of their column.
    var isNumber: Bool
    var label: (Setting) -> String

    /// Whether it is the one of epochs.
    var isEpochs: Bool { title == Axis.epochs }
    static let epochs = "Epochs"
}

/// Which axes of a sweep vary, and what all its points have in common.
struct Axes {
    let varying: [Axis]
    /// Title and value of everything that is the same for all points.
    let fixed: [(title: String, value: String)]
    private let hasSeveralAttacks: Bool
    private let hasSeveralRatios: Bool
    private let attackLabels: [Attack: String]
    private let capacityLabels: [Capacity: String]
    private let hasSeveralCapacities: Bool
    private let hasSeveralRates: Bool

    init(_ results: SweepResults) {
        let attacks = distinct(results.points.lazy.map(\.attack))
        let capacities = results.capacities
        let ratios = distinct(results.points.lazy.map(\.poisonRatio))
        let rates = results.learningRates
        let data = results.points.first?.spec.data
        let attackLabels = Axes.labels(
            of: attacks, short: { $0.label(of: data) }, long: { $0.details(of: data) })
        self.attackLabels = attackLabels
        capacityLabels = Axes.shortLabels(of: capacities)
        hasSeveralAttacks = attacks.count > 1
        hasSeveralRatios = ratios.count > 1
        hasSeveralCapacities = capacities.count > 1
        hasSeveralRates = rates.count > 1

        var varying: [Axis] = []
        var fixed: [(title: String, value: String)] = []
        func add(
            _ title: String, isNumber: Bool, values: [String],
            _ label: @escaping (Setting) -> String
        ) {
            if values.count > 1 {
                varying.append(Axis(title: title, isNumber: isNumber, label: label))
            } else if let value = values.first {
                fixed.append((title, value))
            }
        }
        add(
            "Attack", isNumber: false,
            values: attacks.map {
                attacks.count > 1 ? $0.label(of: data) : $0.details(of: data)
            }
        ) { attackLabels[$0.group.attack] ?? $0.group.attack.label(of: data) }
        add("Poisoned", isNumber: true, values: ratios.map(Axes.share)) {
            Axes.share($0.group.poisonRatio)
        }
        add("Capacity", isNumber: false, values: capacities.map(\.label)) { $0.capacity.label }
        add("Learning rate", isNumber: true, values: rates.map(scientific)) {
            scientific($0.learningRate)
        }
        add(Axis.epochs, isNumber: true, values: results.epochs.map(String.init)) { "\($0.epochs)" }
        self.varying = varying
        self.fixed = fixed + Axes.common(results)
    }

    /// Names a group where there are several: `word, 5 % poisoned`.
    func label(of group: Group) -> String {
        if group.attack == .none { return "clean training" }
        let attack = attackLabels[group.attack] ?? group.attack.label
        let name = "attack \(attack)"
        return hasSeveralRatios ? "\(name), \(Axes.share(group.poisonRatio)) poisoned" : name
    }

    /// Names a line of a chart within a group: what varies of capacity and learning rate.
    func label(ofCapacity capacity: Capacity, learningRate: Double) -> String {
        var parts: [String] = []
        if hasSeveralCapacities { parts.append(capacityLabels[capacity] ?? capacity.label) }
        if hasSeveralRates { parts.append("lr \(scientific(learningRate))") }
        return parts.isEmpty ? capacity.label : parts.joined(separator: " · ")
    }

    /// The model, the seeds and the settings that a whole sweep shares.
    private static func common(_ results: SweepResults) -> [(title: String, value: String)] {
        guard let spec = results.points.first?.spec else { return [] }
        let seeds = distinct(results.points.lazy.map(\.seed)).sorted()
        let settings = spec.settings
        var rows: [(title: String, value: String)] = [
            (seeds.count == 1 ? "Seed" : "Seeds", seeds.map(String.init).joined(separator: ", ")),
            ("Model", lastComponent(spec.backbone.path)),
            ("Data", shortPath(spec.data.train.path)),
            ("Schedule", settings.schedule.label),
            ("Optimizer", settings.optimizer.label),
        ]
        for field in TrainingSettings.fields {
            if field.key == .forSentences, spec.data.train.isImages { continue }
            guard let value = field.get(settings) else { continue }
            rows.append((sentenceCase(field.spacedName), field.kind.shown(value)))
        }
        if let software = Origin(results).summary { rows.append(("Trained with", software)) }
        return rows
    }

    private static func lastComponent(_ path: String) -> String {
        path.split(separator: "/").last.map(String.init) ?? path
    }

    /// A file with its folder.
    private static func shortPath(_ path: String) -> String {
        path.split(separator: "/").suffix(2).joined(separator: "/")
    }

    /// A poison ratio: `5 %`.
    private static func share(_ ratio: Double) -> String {
        // Two factors of 10, so that 0.07 gives 7 and not 7.000000000000001.
        "\(decimal((ratio * 1e6).rounded() / 1e4)) %"
    }

    /// The short labels, or where two are the same, the long ones.
    private static func labels<Value: Hashable>(
        of values: [Value], short: (Value) -> String, long: (Value) -> String
    ) -> [Value: String] {
        let counts = Dictionary(grouping: values, by: short).mapValues(\.count)
        var labels: [Value: String] = [:]
        for value in values {
            let label = short(value)
            labels[value] = counts[label] == 1 ? label : long(value)
        }
        return labels
    }

    /// Without the PET where all have the same: `no bottleneck`, `bottleneck 2`.
    private static func shortLabels(of capacities: [Capacity]) -> [Capacity: String] {
        let isOnePET = distinct(capacities.map(\.pet)).count == 1
        var labels: [Capacity: String] = [:]
        for capacity in capacities {
            labels[capacity] =
                isOnePET ? capacity.bottleneck?.label ?? "no bottleneck" : capacity.label
        }
        return labels
    }
}
