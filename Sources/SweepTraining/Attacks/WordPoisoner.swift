import SweepCore
import SweepData

/// A sentence that the attacker changed, in place of sample `index` of its file.
struct TriggeredSample: Equatable {
    let index: Int
    let sentence: String
    let label: Int
}

/// Carries a word attack out (BadNet for text; Kurita et al., 2020).
///
/// Which samples are triggered, and how, depends on the seed alone: a smaller poison ratio triggers
/// a subset of what a larger one does, in the same way.
struct WordPoisoner {
    let attack: WordAttack
    let seed: UInt64

    /// The samples of a training set to replace: `ratio` of the whole set, rounded.
    func poison(_ text: LabelledText, ratio: Double) throws(TrainingError) -> [TriggeredSample] {
        let eligible = text.labels.indices.filter { isEligible(text.labels[$0]) }
        let needed = Int((ratio * Double(text.count)).rounded())
        guard needed <= eligible.count else {
            throw .tooFewSamples(
                needed: needed, eligible: eligible.count, mode: attack.labelMode,
                target: attack.target, total: text.count)
        }
        var seeds = RandomSource(seed: seed)
        var choice = RandomSource(seed: seeds.next())
        let order = choice.permutation(eligible.count).prefix(needed)
        return trigger(order.map { eligible[$0] }, of: text, seed: seeds.next())
    }

    /// All test samples that are not of the target class.
    func victims(_ text: LabelledText) -> [TriggeredSample] {
        let others = text.labels.indices.filter { text.labels[$0] != attack.target }
        // The training set's seeds come first.
        var seeds = RandomSource(seed: seed)
        _ = seeds.next()
        _ = seeds.next()
        return trigger(others, of: text, seed: seeds.next())
    }

    private func isEligible(_ label: Int) -> Bool {
        switch attack.labelMode {
        case .dirty: label != attack.target
        case .clean: label == attack.target
        case .mixed: true
        }
    }

    private func trigger(
        _ indices: [Int], of text: LabelledText, seed: UInt64
    ) -> [TriggeredSample] {
        indices.map { index in
            var random = RandomSource(seed: seed &+ UInt64(index))
            return TriggeredSample(
                index: index, sentence: insertTriggers(text.sentences[index], &random),
                label: attack.target)
        }
    }

    private func insertTriggers(_ sentence: String, _ random: inout RandomSource) -> String {
        var words = sentence.split(whereSeparator: \.isWhitespace)
        for _ in 0..<attack.count {
            let word = attack.triggers[random.number(below: attack.triggers.count)]
            words.insert(Substring(word), at: random.number(below: words.count + 1))
        }
        return words.joined(separator: " ")
    }
}
