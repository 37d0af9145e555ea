import SweepCore
import SweepData

/// The axes under `grid`, with the places where their values stand.
struct GridReader {
    let grid: Grid
    private let epochs: [Entry]
    private let attacks: [Entry]
    /// Empty if no attack needs a ratio.
    private let ratios: [Entry]

    init(_ entry: Entry, files: inout SweepFiles, data: TaskData) throws(SweepFileError) {
        let fields = try entry.fields(
            ["capacity", "epochs", "learning-rate", "attack", "poison-ratio", "seed"],
            required: ["capacity", "epochs", "learning-rate", "attack"], what: "a grid")
        guard let capacity = fields["capacity"], let epochs = fields["epochs"],
            let rate = fields["learning-rate"], let attack = fields["attack"]
        else { preconditionFailure("`fields` gives all that is required") }

        let capacities = try capacity.axis { value throws(SweepFileError) in
            let capacity = try Capacity(reading: value)
            try files.check(capacity, at: value)
            return capacity
        }
        let epochCounts = try epochs.axis { value throws(SweepFileError) in
            try value.integer(1...Schedule.mostEpochs)
        }
        let rates = try rate.axis { value throws(SweepFileError) in
            try value.number(Bounds.learningRate.words) { Bounds.learningRate.contains($0) }
        }
        let attackValues = try attack.axis { value throws(SweepFileError) in
            try Attack(reading: value, files: &files, data: data)
        }
        let seeds = try fields["seed"]?.axis { value throws(SweepFileError) in try value.seed() }

        let ratio = fields["poison-ratio"]
        var ratioValues = try ratio?.axis { value throws(SweepFileError) in
            try value.number(Bounds.share.words) { Bounds.share.contains($0) }
        }
        if !attackValues.contains(where: \.usesPoisonRatio) {
            ratioValues = [0]
        }
        guard let ratioValues else {
            throw .mistake(
                file: entry.file, line: attack.line, key: entry.child("poison-ratio"),
                problem: "the key is missing, and an attack needs it; "
                    + "write the share of training samples to poison, such as 0.05")
        }
        self.epochs = try epochs.elements()
        attacks = try attack.elements()
        ratios = attackValues.contains(where: \.usesPoisonRatio) ? try ratio?.elements() ?? [] : []
        grid = Grid(
            capacities: capacities, epochs: epochCounts, learningRates: rates,
            attacks: attackValues, poisonRatios: ratioValues, seeds: seeds ?? [1])
    }

    /// After its horizon a schedule trains nothing.
    func checkHorizon(_ schedule: Schedule) throws(SweepFileError) {
        let horizon: Int
        switch schedule.shape {
        case .linear(let end?), .cosine(let end?): horizon = end
        case .linear(nil), .cosine(nil), .constant, .inverseSquareRoot: return
        }
        for (count, entry) in zip(grid.epochs, epochs) where count > horizon {
            throw entry.mistake(
                "\(count) epochs are more than the schedule's horizon of \(horizon), "
                    + "after which the learning rate is 0; raise training.schedule.horizon")
        }
    }

    /// Whether each attack finds the samples it needs in the clean data, and paired files go with
    /// them.
    func checkAttacks(_ data: TaskData, files: SweepFiles) throws(SweepFileError) {
        let train = files.labels(of: data.train)
        let test = files.labels(of: data.test)
        for (attack, entry) in zip(grid.attacks, attacks) {
            if case .paired(let paired) = attack {
                let ignores = entry.field("file-labels") != nil
                try checkPairs(
                    paired.train, of: data.train, ignoresLabels: ignores, files, at: entry)
                if case .paired(let file) = paired.test {
                    try checkPairs(file, of: data.test, ignoresLabels: ignores, files, at: entry)
                }
            }
            if case .patch(let patch) = attack {
                do throws(AttackError) {
                    try files.images(of: data.train).checkRoom(for: patch)
                } catch {
                    throw entry.mistake("\(error)")
                }
            }
            guard let selection = Selection(attack, seed: 0) else { continue }
            let target = selection.target
            if test.allSatisfy({ $0 == target }) {
                throw entry.mistake(
                    "all \(test.count) test samples carry the target label \(target), and ASR "
                        + "is measured on the others; choose another target or test file")
            }
            for (ratio, ratioEntry) in zip(grid.poisonRatios, ratios) {
                try check(ratio: ratio, at: ratioEntry, selection, train: train)
            }
        }
    }

    private func checkPairs(
        _ file: FileReference, of set: DataSet, ignoresLabels: Bool, _ files: SweepFiles,
        at entry: Entry
    ) throws(SweepFileError) {
        do throws(AttackError) {
            try files.sentences(of: file).checkPairs(
                with: files.sentences(of: set.files[0]), path: file.path, cleanPath: set.path,
                ignoresLabels: ignoresLabels)
        } catch {
            throw entry.mistake(
                "\(error); where its labels are not to be looked at, write file-labels: ignore")
        }
    }

    private func check(
        ratio: Double, at entry: Entry, _ selection: Selection, train: [Int]
    ) throws(SweepFileError) {
        let wanted = Int((ratio * Double(train.count)).rounded())
        let shown = "\(entry.shown) of \(train.count) training samples"
        if wanted == 0, ratio > 0 {
            throw entry.mistake("\(shown) is less than one sample; raise it, or write 0")
        }
        let eligible: Int
        let which: String
        switch selection.labelMode {
        case .dirty:
            eligible = train.count { $0 != selection.target }
            which = "dirty labels take samples of other classes than the target \(selection.target)"
        case .clean:
            eligible = train.count { $0 == selection.target }
            which = "clean labels take samples of the target \(selection.target)"
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

extension Entry {
    /// In a mapping, the word under `name`, which says what the other keys are; `nil` elsewhere.
    func kind(
        _ name: String, among words: [String], what: String
    ) throws(SweepFileError) -> String? {
        guard case .mapping = node else { return nil }
        if let entry = field(name) { return try entry.word(words, what: what) }
        throw .mistake(
            file: file, line: line, key: child(name),
            problem: "the key is missing; write \(name): \(alternatives(words))")
    }
}
