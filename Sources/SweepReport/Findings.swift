import SweepCore

/// What a group of settings, all under one attack, says about the three knobs.
struct Findings {
    /// A knob that keeps training in its first stage, and what turning it alone does.
    struct Knob {
        enum Kind: CaseIterable { case capacity, epochs, learningRate }

        var kind: Kind
        /// The best setting tried that differs from the undefended one in this knob only.
        var best: Measured
        /// How many such settings have a result.
        var tried: Int
        var isDefended: Bool
    }

    /// A setting with its mean figures, as shares of 1.
    struct Measured {
        var setting: Setting
        var cacc: Double
        var asr: Double
    }

    let group: Group
    /// The setting with the most capacity, the most epochs and the highest learning rate; `nil`
    /// while it has no result.
    let undefended: Measured?
    /// Settings that keep ASR at half of the undefended one's or less, at 5 points of CACC or less.
    let defended: Set<Setting>
    let knobs: [Knob]
    /// Settings that have not learnt the task: their CACC is below `Stages.floor`, so their ASR
    /// says nothing.
    let unlearnt: Set<Setting>

    /// Below this the attack has not taken hold, and there is nothing to defend against.
    static let leastASR = 0.5
    static let largestLoss = 0.05

    /// - Parameter settings: in the order of `SweepResults.settings`.
    init(of group: Group, in settings: [SettingResult]) {
        self.group = group
        let own = settings.filter { $0.setting.group == group }
        let measured = own.compactMap(Findings.measured)
        let chance = Stages.chance(
            own.flatMap(\.points).compactMap(\.metrics),
            labels: own.first?.points.first?.spec.data.labels ?? 2)
        let best = own.compactMap { $0.cacc?.mean }.max() ?? 1
        let floor = Stages.floor(chance: chance, best: best)
        unlearnt = Set(own.filter { ($0.cacc?.mean ?? 1) < floor }.map(\.setting))
        let extreme = Findings.undefended(in: own)
        guard let undefended = measured.first(where: { $0.setting == extreme }) else {
            self.undefended = nil
            defended = []
            knobs = []
            return
        }
        self.undefended = undefended
        guard undefended.asr >= Findings.leastASR else {
            defended = []
            knobs = []
            return
        }
        let defended = Set(
            measured.filter { Findings.isDefended($0, undefended) }.map(\.setting))
        self.defended = defended
        knobs = Knob.Kind.allCases.compactMap { kind in
            let turned = measured.filter { kind.isOnlyDifference($0.setting, undefended.setting) }
            let rank = { (one: Measured) in
                (defended.contains(one.setting) ? 10 : 0) + one.cacc - one.asr
            }
            guard let best = turned.max(by: { rank($0) < rank($1) }) else { return nil }
            return Knob(
                kind: kind, best: best, tried: turned.count,
                isDefended: defended.contains(best.setting))
        }
    }

    /// - Parameter settings: those of one group, in the order of `SweepResults.settings`.
    static func undefended(in settings: [SettingResult]) -> Setting? {
        // First in reading order: the most capacity, then the highest rate; last: most epochs.
        let first = settings.first?.setting
        let all = settings.map(\.setting).filter {
            $0.capacity == first?.capacity && $0.learningRate == first?.learningRate
        }
        return all.max { $0.epochs < $1.epochs }
    }

    private static func measured(_ result: SettingResult) -> Measured? {
        guard let cacc = result.cacc?.mean, let asr = result.asr?.mean else { return nil }
        return Measured(setting: result.setting, cacc: cacc, asr: asr)
    }

    private static func isDefended(_ one: Measured, _ undefended: Measured) -> Bool {
        // A hair's breadth, so that rounding decides nothing.
        one.asr <= undefended.asr / 2 + 1e-9 && one.cacc >= undefended.cacc - largestLoss - 1e-9
    }
}

extension Findings.Knob.Kind {
    func isOnlyDifference(_ one: Setting, _ other: Setting) -> Bool {
        let isSame = [
            one.capacity == other.capacity, one.epochs == other.epochs,
            one.learningRate == other.learningRate,
        ]
        return switch self {
        case .capacity: isSame == [false, true, true]
        case .epochs: isSame == [true, false, true]
        case .learningRate: isSame == [true, true, false]
        }
    }

    var title: String {
        switch self {
        case .capacity: "Less capacity"
        case .epochs: "Fewer epochs"
        case .learningRate: "Lower learning rate"
        }
    }

    /// The knob in the middle of a sentence.
    var phrase: String {
        switch self {
        case .capacity: "less capacity"
        case .epochs: "fewer epochs"
        case .learningRate: "a lower learning rate"
        }
    }

    /// The knob's value in a setting, for a sentence.
    func value(in setting: Setting) -> String {
        switch self {
        case .capacity: setting.capacity.label
        case .epochs: "\(setting.epochs)"
        case .learningRate: scientific(setting.learningRate)
        }
    }
}

extension Findings {
    /// One sentence for the group; with figures where there are any.
    var headline: String {
        if group.attack == .none {
            return "There is no attack, so there is no ASR."
        }
        guard let undefended else {
            return "The undefended setting (most capacity, most epochs, highest learning rate) has "
                + "no result yet, so the others have nothing to be compared with."
        }
        let asr = percent(undefended.asr)
        guard undefended.asr >= Findings.leastASR else {
            return "The attack does not take hold: undefended, ASR is \(asr) % at CACC "
                + "\(percent(undefended.cacc)) %."
        }
        let start =
            "Undefended, the model learns the backdoor: ASR \(asr) % at CACC "
            + "\(percent(undefended.cacc)) %"
        let successes = knobs.filter(\.isDefended)
        guard let best = successes.min(by: { $0.best.asr < $1.best.asr }) else {
            return defended.isEmpty
                ? start + ". No setting halves ASR at 5 points of CACC or less."
                : start + ". No knob alone halves ASR at 5 points of CACC or less; "
                    + counted(defended.count, "setting") + " that turn several do."
        }
        let names = successes.map(\.kind.phrase)
        let verb = names.count > 1 ? "each keep" : best.kind == .epochs ? "keep" : "keeps"
        let worst = successes.map(\.best.asr).max() ?? best.best.asr
        let range =
            names.count > 1
            ? "\(percent(best.best.asr)) to \(percent(worst))" : percent(best.best.asr)
        return "\(start). \(sentenceList(names)) \(verb) it out: ASR \(range) %."
    }

    /// One sentence for each knob that was turned.
    var sentences: [String] {
        guard let undefended else { return [] }
        return knobs.map { knob in
            let asr = "ASR from \(percent(undefended.asr)) % to \(percent(knob.best.asr)) %"
            let cacc = "CACC from \(percent(undefended.cacc)) % to \(percent(knob.best.cacc)) %"
            let value = knob.kind.value(in: knob.best.setting)
            let start =
                "\(knob.kind.title) (\(value) instead of "
                + "\(knob.kind.value(in: undefended.setting)))"
            if knob.isDefended { return "\(start) takes \(asr), \(cacc)." }
            let tried = knob.tried == 1 ? "" : ", the best of \(knob.tried) tried,"
            return "\(start)\(tried) is not enough: \(asr), \(cacc)."
        }
    }

    private func sentenceList(_ words: [String]) -> String {
        let text =
            words.count < 2
            ? words.first ?? ""
            : words.dropLast().joined(separator: ", ") + " and " + (words.last ?? "")
        return text.prefix(1).uppercased() + text.dropFirst()
    }
}

extension SweepResults {
    /// One for each attack and ratio.
    func findings(_ settings: [SettingResult]) -> [Findings] {
        groups.map { Findings(of: $0, in: settings) }
    }
}
