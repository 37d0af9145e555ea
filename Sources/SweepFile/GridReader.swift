import SweepCore
import SweepData

/// The axes under `grid`, with the places where their values stand.
struct GridReader {
    let grid: Grid
    private let epochs: [Entry]
    private let attacks: [Entry]
    /// Empty if no attack needs a ratio.
    private let ratios: [Entry]

    init(_ entry: Entry, files: inout SweepFiles, labels: Int) throws(SweepFileError) {
        let fields = try entry.fields(
            ["capacity", "epochs", "learning-rate", "attack", "poison-ratio", "seed"],
            required: ["capacity", "epochs", "learning-rate", "attack"], what: "a grid")
        guard let capacity = fields["capacity"], let epochs = fields["epochs"],
            let rate = fields["learning-rate"], let attack = fields["attack"]
        else { preconditionFailure("`fields` gives all that is required") }

        let capacities = try capacity.axis(Capacity.init(reading:))
        let epochCounts = try epochs.axis { value throws(SweepFileError) in
            try value.integer(1...Limits.epochs)
        }
        let rates = try rate.axis { value throws(SweepFileError) in
            try value.number("above 0, to \(Int(Limits.rate))") { $0 > 0 && $0 <= Limits.rate }
        }
        let attackValues = try attack.axis { value throws(SweepFileError) in
            try Attack(reading: value, files: &files, labels: labels)
        }
        let seeds = try fields["seed"]?.axis { value throws(SweepFileError) in try value.seed() }

        let ratio = fields["poison-ratio"]
        var ratioValues = try ratio?.axis { value throws(SweepFileError) in
            try value.number("from 0 to 1") { 0 <= $0 && $0 <= 1 }
        }
        if !attackValues.contains(where: \.isWord) {
            ratioValues = [0]
        }
        guard let ratioValues else {
            throw .mistake(
                file: entry.file, line: attack.line, key: entry.child("poison-ratio"),
                problem: "the key is missing, and a word attack needs it; "
                    + "write the share of training samples to poison, such as 0.05")
        }
        self.epochs = try epochs.elements()
        attacks = try attack.elements()
        ratios = attackValues.contains(where: \.isWord) ? try ratio?.elements() ?? [] : []
        grid = Grid(
            capacities: capacities, epochs: epochCounts, learningRates: rates,
            attacks: attackValues, poisonRatios: ratioValues, seeds: seeds ?? [1])
    }

    /// After its horizon a linear schedule trains nothing.
    func checkHorizon(_ schedule: Schedule) throws(SweepFileError) {
        guard case .linear(let horizon?) = schedule else { return }
        for (count, entry) in zip(grid.epochs, epochs) where count > horizon {
            throw entry.mistake(
                "\(count) epochs are more than the linear schedule's horizon of \(horizon), "
                    + "after which the learning rate is 0; raise training.schedule.horizon")
        }
    }

    /// Whether each attack finds the samples it needs in the clean data.
    func checkAttacks(train: LabelledText, test: LabelledText) throws(SweepFileError) {
        for (attack, attackEntry) in zip(grid.attacks, attacks) {
            guard case .word(let word) = attack else { continue }
            if test.labels.allSatisfy({ $0 == word.target }) {
                throw attackEntry.mistake(
                    "all \(test.count) test samples carry the target label \(word.target), and ASR "
                        + "is measured on the others; choose another target or test file")
            }
            for (ratio, ratioEntry) in zip(grid.poisonRatios, ratios) {
                try check(ratio: ratio, at: ratioEntry, word: word, train: train)
            }
        }
    }

    private func check(
        ratio: Double, at entry: Entry, word: WordAttack, train: LabelledText
    ) throws(SweepFileError) {
        let wanted = Int((ratio * Double(train.count)).rounded())
        let shown = "\(entry.shown) of \(train.count) training samples"
        if wanted == 0, ratio > 0 {
            throw entry.mistake("\(shown) is less than one sample; raise it, or write 0")
        }
        let eligible: Int
        let which: String
        switch word.labelMode {
        case .dirty:
            eligible = train.labels.count { $0 != word.target }
            which = "dirty labels take samples of other classes than the target \(word.target)"
        case .clean:
            eligible = train.labels.count { $0 == word.target }
            which = "clean labels take samples of the target \(word.target)"
        case .mixed:
            eligible = train.count
            which = "mixed labels take any sample"
        }
        guard wanted <= eligible else {
            throw entry.mistake(
                "\(shown) are \(wanted), but \(which), and there are \(eligible); lower the ratio "
                    + "to \(Double(eligible) / Double(train.count)) or below")
        }
    }
}

extension Attack {
    fileprivate var isWord: Bool {
        switch self {
        case .word: true
        case .none, .prepared: false
        }
    }

    fileprivate static let kinds = ["none", "word", "prepared"]

    fileprivate init(
        reading entry: Entry, files: inout SweepFiles, labels: Int
    ) throws(SweepFileError) {
        guard let kind = try entry.kind("kind", among: Attack.kinds, what: "attack") else {
            switch try entry.word(Attack.kinds, what: "attack") {
            case "none": self = .none
            case "word": self = .word(WordAttack())
            default:
                throw entry.mistake(
                    "a prepared attack needs files; "
                        + "write { kind: prepared, train: FILE, test: FILE, target: 1 }")
            }
            return
        }
        switch kind {
        case "none":
            _ = try entry.fields(["kind"], required: [], what: "the attack none")
            self = .none
        case "word":
            self = .word(try WordAttack(reading: entry, labels: labels))
        default:
            let fields = try entry.fields(
                ["kind", "train", "test", "target"], required: ["kind", "train", "test"],
                what: "a prepared attack")
            guard let train = fields["train"], let test = fields["test"] else {
                preconditionFailure("`fields` gives all that is required")
            }
            let target = try fields["target"]?.integer(0...(labels - 1)) ?? 1
            self = .prepared(
                PreparedAttack(
                    train: try files.trainingFile(train, labels: labels),
                    test: try files.triggeredFile(test, labels: labels, target: target),
                    target: target))
        }
    }
}

extension WordAttack {
    fileprivate init(reading entry: Entry, labels: Int) throws(SweepFileError) {
        self.init()
        let fields = try entry.fields(
            ["kind", "triggers", "count", "labels", "target"], required: ["kind"],
            what: "a word attack")
        if let triggers = fields["triggers"] {
            self.triggers = try triggers.axis { element throws(SweepFileError) in
                let trigger = try element.text("a trigger word")
                guard !trigger.isEmpty, !trigger.contains(where: \.isWhitespace) else {
                    throw element.mistake("\(element.shown) is not one word; write a list of words")
                }
                guard trigger.count <= Limits.trigger else {
                    throw element.mistake("a trigger has at most \(Limits.trigger) characters")
                }
                return trigger
            }
        }
        if let count = fields["count"] { self.count = try count.integer(1...1000) }
        if let mode = fields["labels"] {
            let names = LabelMode.allCases.map(\.rawValue)
            let name = try mode.word(names, what: "label mode")
            labelMode = LabelMode(rawValue: name) ?? labelMode
        }
        if let target = fields["target"] { self.target = try target.integer(0...(labels - 1)) }
    }
}

extension Capacity {
    fileprivate static let pets = ["lora"]

    fileprivate init(reading entry: Entry) throws(SweepFileError) {
        guard try entry.kind("pet", among: Capacity.pets, what: "PET") != nil else {
            _ = try entry.word(Capacity.pets, what: "PET")
            self.init(pet: .lora(LoRA()))
            return
        }
        let fields = try entry.fields(
            ["pet", "rank", "alpha", "bottleneck", "in-dim"], required: ["pet"],
            what: "a capacity")
        var lora = LoRA()
        if let rank = fields["rank"] { lora.rank = try rank.integer(1...Limits.parameters) }
        if let alpha = fields["alpha"] {
            lora.alpha = try alpha.number("above 0, to \(Int(Limits.rate))") {
                $0 > 0 && $0 <= Limits.rate
            }
        }
        self.init(pet: .lora(lora))
        if let size = fields["bottleneck"] {
            bottleneck = Bottleneck(size: try size.integer(1...Limits.parameters))
        }
        if let inputSize = fields["in-dim"] {
            guard bottleneck != nil else {
                throw inputSize.mistake(
                    "in-dim belongs to a bottleneck; write bottleneck too, or take in-dim out")
            }
            bottleneck?.inputSize = try inputSize.integer(1...Limits.parameters)
        }
    }
}

extension Entry {
    /// In a mapping, the word under `name`, which says what the other keys are; `nil` elsewhere.
    fileprivate func kind(
        _ name: String, among words: [String], what: String
    ) throws(SweepFileError) -> String? {
        guard case .mapping = node else { return nil }
        if let entry = field(name) { return try entry.word(words, what: what) }
        throw .mistake(
            file: file, line: line, key: child(name),
            problem: "the key is missing; write \(name): \(alternatives(words))")
    }
}
