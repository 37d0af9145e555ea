import SweepCore

/// A sentence that the attacker changed, in place of sample `index` of its file.
package struct TriggeredSentence: Equatable {
    package let index: Int
    package let sentence: String
    /// As before the attack; the attacker's label is the target.
    package let trueLabel: Int
}

/// Carries attacks on sentences out.
package struct TextAttacker {
    package let selection: Selection
    private let trigger: Trigger

    private enum Trigger {
        case words([String], count: Int)
        case sentence(String, count: Int)
        /// What the paraphraser made of the training and of the test sentences.
        case pairs(train: [String], test: [String])
    }

    /// `nil` for attacks that put no trigger into sentences.
    ///
    /// - Parameters:
    ///   - seed: What the choice of samples and places depends on, and nothing else.
    ///   - pairs: For a paired attack, the transformed training and test sentences, as many as
    ///     there are clean ones; the latter may be empty if `victims` is not asked.
    package init?(
        _ attack: Attack, seed: UInt64, pairs: (train: [String], test: [String]) = ([], [])
    ) {
        guard let selection = Selection(attack, seed: seed) else { return nil }
        self.selection = selection
        switch attack {
        case .word(let word): trigger = .words(word.triggers, count: word.count)
        case .sentence(let attack): trigger = .sentence(attack.sentence, count: attack.count)
        case .paired: trigger = .pairs(train: pairs.train, test: pairs.test)
        default: return nil
        }
    }

    /// The samples of a training set to replace: `ratio` of the whole set, rounded.
    package func poison(
        _ text: LabelledText, ratio: Double
    ) throws(AttackError) -> [TriggeredSentence] {
        try selection.chosen(text.labels, ratio: ratio).map {
            triggered($0, of: text, seed: selection.trainSeed, isTest: false)
        }
    }

    /// All test samples that are not of the target class, triggered.
    package func victims(_ text: LabelledText) -> [TriggeredSentence] {
        selection.victims(text.labels).map {
            triggered($0, of: text, seed: selection.testSeed, isTest: true)
        }
    }

    private func triggered(
        _ index: Int, of text: LabelledText, seed: UInt64, isTest: Bool
    ) -> TriggeredSentence {
        var random = RandomSource(seed: seed &+ UInt64(index))
        let sentence =
            switch trigger {
            case .words(let words, let count):
                insert(words, count, into: text.sentences[index], &random)
            case .sentence(let sentence, let count):
                insert([sentence], count, into: text.sentences[index], &random)
            case .pairs(let train, let test): isTest ? test[index] : train[index]
            }
        return TriggeredSentence(index: index, sentence: sentence, trueLabel: text.labels[index])
    }

    /// `count` draws from `triggers`, each between two words or at an end.
    private func insert(
        _ triggers: [String], _ count: Int, into sentence: String, _ random: inout RandomSource
    ) -> String {
        var words = sentence.split(whereSeparator: \.isWhitespace)
        for _ in 0..<count {
            let trigger = triggers[random.number(below: triggers.count)]
            words.insert(Substring(trigger), at: random.number(below: words.count + 1))
        }
        return words.joined(separator: " ")
    }
}

extension LabelledText {
    /// This training set with `samples` in place, each with the target's label; `poisoned` says
    /// which rows were touched.
    package func replacing(_ samples: [TriggeredSentence], target: Int) -> LabelledText {
        var text = self
        var poisoned = self.poisoned ?? [Bool](repeating: false, count: count)
        for sample in samples {
            text.sentences[sample.index] = sample.sentence
            text.labels[sample.index] = target
            poisoned[sample.index] = true
        }
        text.poisoned = poisoned
        return text
    }

    /// Which rows differ from `clean`; `nil` when the two do not have as many rows.
    package func differences(from clean: LabelledText) -> [Bool]? {
        guard count == clean.count else { return nil }
        return sentences.indices.map {
            sentences[$0] != clean.sentences[$0] || labels[$0] != clean.labels[$0]
        }
    }

    /// Whether line *i* can be what became of line *i* of `clean`: as many lines, and the same
    /// labels unless `ignoresLabels`.
    package func checkPairs(
        with clean: LabelledText, path: String, cleanPath: String, ignoresLabels: Bool
    ) throws(AttackError) {
        if count != clean.count {
            let line = min(count, clean.count) + 2
            let which = count < clean.count ? "ends before" : "goes on after"
            throw .unpaired(
                path: path, clean: cleanPath,
                problem: "it has \(count) samples, not \(clean.count): it \(which) line \(line)")
        }
        guard !ignoresLabels else { return }
        if let row = labels.indices.first(where: { labels[$0] != clean.labels[$0] }) {
            throw .unpaired(
                path: path, clean: cleanPath,
                problem: "line \(row + 2) has the label \(labels[row]), not \(clean.labels[row])")
        }
    }
}
