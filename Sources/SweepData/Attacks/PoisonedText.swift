import SweepCore

/// What an attack makes of the sentences of a task.
package struct PoisonedText {
    /// The training set, and where known, which rows were touched.
    package let train: LabelledText
    /// Triggered test sentences that were not of the target class, labelled with it.
    package let triggered: LabelledText
    /// Labels before the attack, where they are known.
    package let trueLabels: (train: [Int]?, triggered: [Int]?)

    /// `nil` for attacks that do nothing to sentences: `none` and `patch`.
    ///
    /// - Parameters:
    ///   - ratio: Share of the training set to poison, `0 ... 1`.
    ///   - seed: What the choice of samples and places depends on.
    ///   - clean: The task's own sentences.
    ///   - paths: Where they come from, for errors.
    ///   - read: Gives the content of one of the attack's own files.
    package init?(
        _ attack: Attack, ratio: Double, seed: UInt64,
        clean: (train: LabelledText, test: LabelledText), paths: (train: String, test: String),
        read: (FileReference) -> LabelledText
    ) throws(AttackError) {
        var pairs: (train: [String], test: [String]) = ([], [])
        var triggeredFile: FileReference?
        switch attack {
        case .prepared(let prepared):
            guard case .sentences(let train) = prepared.train,
                case .sentences(let test) = prepared.test
            else { return nil }
            let poisoned = read(train)
            self.train = poisoned.flagged(against: clean.train)
            triggered = try Self.triggered(
                read(test), path: test.path, target: prepared.target)
            let isPaired = poisoned.count == clean.train.count
            trueLabels = (isPaired ? clean.train.labels : nil, nil)
            return
        case .paired(let paired):
            func pair(
                _ file: FileReference, with clean: LabelledText, _ cleanPath: String
            ) throws(AttackError) -> [String] {
                let text = read(file)
                try text.checkPairs(
                    with: clean, path: file.path, cleanPath: cleanPath, ignoresLabels: true)
                return text.sentences
            }
            pairs.train = try pair(paired.train, with: clean.train, paths.train)
            switch paired.test {
            case .paired(let file): pairs.test = try pair(file, with: clean.test, paths.test)
            case .triggered(let file): triggeredFile = file
            }
        default: break
        }
        guard let attacker = TextAttacker(attack, seed: seed, pairs: pairs) else { return nil }
        let target = attacker.selection.target
        train = clean.train.replacing(
            try attacker.poison(clean.train, ratio: ratio), target: target)
        if let triggeredFile {
            triggered = try Self.triggered(
                read(triggeredFile), path: triggeredFile.path, target: target)
            trueLabels = (clean.train.labels, nil)
            return
        }
        let victims = attacker.victims(clean.test)
        guard !victims.isEmpty else { throw .noVictims(path: paths.test, target: target) }
        triggered = LabelledText(
            sentences: victims.map(\.sentence), labels: victims.map { _ in target })
        trueLabels = (clean.train.labels, victims.map(\.trueLabel))
    }

    private static func triggered(
        _ text: LabelledText, path: String, target: Int
    ) throws(AttackError) -> LabelledText {
        guard let index = text.labels.firstIndex(where: { $0 != target }) else { return text }
        throw .notTarget(
            path: path, sample: index + 1, label: text.labels[index], target: target)
    }
}

extension LabelledText {
    /// A training file that is poisoned already: the rows that its column names, or else those that
    /// differ from the clean file, were touched.
    fileprivate func flagged(against clean: LabelledText) -> LabelledText {
        var text = self
        text.poisoned = poisoned ?? differences(from: clean)
        return text
    }
}
