import SweepCore

/// What a group of settings, all under one attack, says about the three knobs.
struct Findings {
    /// A knob that keeps training in its first stage, and what turning it alone does.
    struct Knob {
        enum Kind: CaseIterable { case capacity, epochs, learningRate }

        var kind: Kind
        /// The best setting tried that is weaker than the undefended one in this knob only.
        var best: Measured
        /// How many such settings have a result.
        var tried: Int
    }

    /// A setting with its figures, as shares of 1.
    struct Measured {
        var setting: Setting
        var cacc: Statistic
        var asr: Statistic
        var verdict: Verdict
        /// What its mean CACC lacks to the best of the group.
        var cost: Double
    }

    let group: Group
    /// The settings that keep the attack out.
    private let keptOut: Int
    /// The best mean CACC of a setting that has learnt the task.
    let bestCACC: Double?
    /// Of the settings that have learnt the task, the one with the most capacity, then the highest
    /// learning rate, then the most epochs; `nil` while it has no result, or if none has learnt it.
    let undefended: Measured?
    /// Stronger settings than that, which have not learnt the task.
    let skipped: Int
    /// Empty unless the undefended setting learns the backdoor.
    let knobs: [Knob]
    /// Whether every setting has a result, and none has learnt the task.
    let isUnlearnt: Bool
    private let seeds: Int

    /// - Parameter own: the group's settings, in the order of `SweepResults.settings`.
    init(of group: Group, own: ArraySlice<SettingResult>) {
        self.group = group
        keptOut = own.count { $0.verdict == .keptOut }
        seeds = own.lazy.map(\.points.count).max() ?? 0
        let learnt = own.lazy.filter { $0.verdict != .notLearnt }
        let best = learnt.compactMap(\.cacc?.mean).max()
        bestCACC = best
        func measured(_ result: SettingResult) -> Measured? {
            guard let cacc = result.cacc, let asr = result.asr, let verdict = result.verdict
            else { return nil }
            return Measured(
                setting: result.setting, cacc: cacc, asr: asr, verdict: verdict,
                cost: max(0, (best ?? cacc.mean) - cacc.mean))
        }
        let ranked = Findings.fromStrongest(own)
        let place = ranked.firstIndex { own[$0].verdict != .notLearnt }
        isUnlearnt = place == nil && !ranked.isEmpty
        skipped = place ?? 0
        let undefended = place.flatMap { measured(own[ranked[$0]]) }
        self.undefended = undefended
        guard let undefended, undefended.verdict == .backdoorLearnt else {
            knobs = []
            return
        }
        knobs = Knob.Kind.allCases.compactMap { kind in
            let turned = kind.turned(from: undefended.setting, in: own).compactMap { result in
                measured(result).map { ($0, Findings.rank($0, result)) }
            }
            guard let best = turned.max(by: { $0.1 < $1.1 })?.0 else { return nil }
            return Knob(kind: kind, best: best, tried: turned.count)
        }
    }

    /// What is claimed counts first, then the figures: accuracy as a defender sees it, and ASR.
    private static func rank(_ one: Measured, _ result: SettingResult) -> Double {
        let claim: Double =
            switch one.verdict {
            case .keptOut: 30
            case .unclear: 20
            case .backdoorLearnt: 10
            case .notLearnt: 0
            }
        return claim + (result.visibleAccuracy ?? 0) - one.asr.mean
    }

    /// The most capacity first, then the highest learning rate, then the most epochs.
    ///
    /// - Parameter settings: those of one group, in the order of `SweepResults.settings`.
    /// - Returns: their places in `settings`.
    static func fromStrongest(_ settings: ArraySlice<SettingResult>) -> [Int] {
        // A line goes from few epochs to many.
        settings.lines.flatMap { $0.indices.reversed() }
    }
}

extension Findings.Knob.Kind {
    /// The settings that are weaker than `strong` in this knob and the same in the others.
    ///
    /// - Parameter settings: in the order of `SweepResults.settings`.
    func turned(from strong: Setting, in settings: ArraySlice<SettingResult>) -> [SettingResult] {
        let first = settings.firstIndex { $0.setting.capacity == strong.capacity } ?? 0
        return settings.indices.lazy.filter { index in
            let one = settings[index].setting
            switch self {
            case .capacity:
                return index > first && one.epochs == strong.epochs
                    && one.learningRate == strong.learningRate && one.capacity != strong.capacity
            case .epochs:
                return one.epochs < strong.epochs && one.learningRate == strong.learningRate
                    && one.capacity == strong.capacity
            case .learningRate:
                return one.learningRate < strong.learningRate && one.epochs == strong.epochs
                    && one.capacity == strong.capacity
            }
        }.map { settings[$0] }
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
    /// What a report says of a setting: `undefended`, and the verdict.
    func notes(on result: SettingResult) -> [String] {
        (undefended?.setting == result.setting ? ["undefended"] : [])
            + [result.verdict?.label].compactMap(\.self)
    }

    /// What a setting's CACC lacks to the best of the group, in points; `–` where nothing is to be
    /// compared.
    func cost(of result: SettingResult) -> String {
        guard let bestCACC, let cacc = result.cacc, result.verdict != .notLearnt
        else { return "–" }
        return percent(max(0, bestCACC - cacc.mean))
    }

    /// A few sentences for the group; with figures where there are any.
    var headline: String {
        if group.attack == .none { return "There is no attack, so there is no ASR." }
        if isUnlearnt { return "No setting has learnt the task, so ASR says nothing." }
        guard let undefended else {
            return "The undefended setting (most capacity, most epochs, highest learning rate) has "
                + "no result yet, so the others have nothing to be compared with."
        }
        let figures =
            "ASR \(percent(undefended.asr.mean)) % at CACC \(percent(undefended.cacc.mean)) %"
        let start =
            switch undefended.verdict {
            case .keptOut, .notLearnt: "The attack does not take hold: undefended, \(figures)."
            case .unclear:
                "Undefended, it is \(undefended.verdict.label) whether the attack is kept out: "
                    + "\(figures)."
            case .backdoorLearnt:
                "Undefended, the model learns the backdoor: \(figures). \(successes)"
            }
        let skipped =
            skipped == 0
            ? ""
            : " \(counted(skipped, "stronger setting")) "
                + "\(skipped == 1 ? "has" : "have") not learnt the task."
        return start + skipped + (seeds == 1 ? " Measured with one seed." : "")
    }

    /// Which knobs keep the attack out.
    private var successes: String {
        let successes = knobs.filter { $0.best.verdict == .keptOut }
        guard let best = successes.min(by: { $0.best.asr.mean < $1.best.asr.mean }) else {
            return keptOut == 0
                ? "No setting keeps it out."
                : "No knob alone keeps it out; \(counted(keptOut, "setting")) that "
                    + "\(keptOut == 1 ? "turns" : "turn") several "
                    + "\(keptOut == 1 ? "does" : "do")."
        }
        let names = successes.map(\.kind.phrase)
        let verb = names.count > 1 ? "each keep" : best.kind == .epochs ? "keep" : "keeps"
        func range(_ values: [Double]) -> String {
            let (low, high) = (percent(values.min() ?? 0), percent(values.max() ?? 0))
            return low == high ? low : "\(low) to \(high)"
        }
        return "\(sentenceList(names)) \(verb) it out: ASR "
            + "\(range(successes.map(\.best.asr.mean))) %, at a cost of "
            + "\(range(successes.map(\.best.cost))) points of CACC against the best setting."
    }

    /// One sentence for each knob that was turned.
    var sentences: [String] {
        guard let undefended else { return [] }
        return knobs.map { knob in
            let asr = "ASR from \(percentage(undefended.asr)) to \(percentage(knob.best.asr))"
            let cacc = "CACC from \(percentage(undefended.cacc)) to \(percentage(knob.best.cacc))"
            let value = knob.kind.value(in: knob.best.setting)
            let start =
                "\(knob.kind.title) (\(value) instead of "
                + "\(knob.kind.value(in: undefended.setting)))"
            let tried = knob.tried == 1 ? "" : ", the best of \(knob.tried) tried,"
            return switch knob.best.verdict {
            case .keptOut: "\(start) keeps the attack out: \(asr), \(cacc)."
            case .backdoorLearnt: "\(start)\(tried) is not enough: \(asr), \(cacc)."
            case .unclear: "\(start)\(tried) is \(knob.best.verdict.label): \(asr), \(cacc)."
            case .notLearnt: "\(start)\(tried) does not learn the task: \(cacc)."
            }
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
    ///
    /// - Parameter settings: those of `self`.
    func findings(_ settings: [SettingResult]) -> [Findings] {
        zip(groups, settings[...].groups).map { Findings(of: $0, own: $1) }
    }
}
