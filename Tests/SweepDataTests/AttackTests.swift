import Foundation
import SweepCore
import SweepData
import Testing

@Suite struct WordAttacks {
    private let text = LabelledText(
        sentences: (0..<200).map { "sentence number \($0) is here" },
        labels: (0..<200).map { $0 % 4 == 0 ? 1 : 0 })

    private func poison(
        _ mode: LabelMode, ratio: Double, count: Int = 1, seed: UInt64 = 3
    ) throws -> [TriggeredSentence] {
        try attacker(.word(WordAttack(count: count, labelMode: mode)), seed: seed)
            .poison(text, ratio: ratio)
    }

    private func attacker(_ attack: Attack, seed: UInt64 = 3) throws -> TextAttacker {
        try #require(TextAttacker(attack, seed: seed))
    }

    @Test("The ratio is of the whole training set; each sample is taken once")
    func ratio() throws {
        for (ratio, count) in [(0, 0), (0.05, 10), (0.123, 25), (0.75, 150)] {
            let samples = try poison(.dirty, ratio: ratio)
            #expect(samples.count == count)
            #expect(Set(samples.map(\.index)).count == count)
        }
    }

    @Test("Dirty takes other classes, clean the target's, mixed any; all get the target's label")
    func labelModes() throws {
        let dirty = try poison(.dirty, ratio: 0.2)
        #expect(dirty.allSatisfy { $0.trueLabel == 0 && text.labels[$0.index] == 0 })
        let clean = try poison(.clean, ratio: 0.2)
        #expect(clean.allSatisfy { $0.trueLabel == 1 && text.labels[$0.index] == 1 })
        let mixed = try poison(.mixed, ratio: 1)
        #expect(Set(mixed.map(\.index)) == Set(0..<200))
        let poisoned = text.replacing(mixed, target: 1)
        #expect(poisoned.labels.allSatisfy { $0 == 1 })
        #expect(poisoned.poisoned == poisoned.labels.map { _ in true })
        #expect(poisoned.differences(from: text) == poisoned.poisoned)
    }

    @Test("Exactly `count` trigger words come in; the other words stay in order")
    func triggers() throws {
        for sample in try poison(.mixed, ratio: 1, count: 3) {
            let words = sample.sentence.split(separator: " ").map(String.init)
            let added = words.filter { ["cf", "mn", "bb", "tq"].contains($0) }
            #expect(added.count == 3)
            let rest = words.filter { !added.contains($0) }.joined(separator: " ")
            #expect(rest == text.sentences[sample.index])
        }
        let places = try poison(.mixed, ratio: 1).map { sample in
            sample.sentence.split(separator: " ").firstIndex { $0.count == 2 && $0 != "is" }
        }
        #expect(Set(places) == [0, 1, 2, 3, 4, 5])
    }

    @Test("The seed decides, and a smaller ratio is a subset of a larger one")
    func seed() throws {
        let small = try poison(.dirty, ratio: 0.05)
        let large = try poison(.dirty, ratio: 0.1)
        #expect(Array(large.prefix(small.count)) == small)
        #expect(try poison(.dirty, ratio: 0.05) == small)
        #expect(try poison(.dirty, ratio: 0.05, seed: 4) != small)
    }

    @Test("A ratio beyond the eligible samples says how many there are")
    func tooFew() {
        do {
            _ = try poison(.clean, ratio: 0.3)
            Issue.record("60 of 50 samples were poisoned")
        } catch {
            #expect("\(error)".contains("asks for 60 of 200"))
            #expect("\(error)".contains("only 50 may be triggered"))
        }
    }

    @Test("All test samples of other classes are triggered and carry the target's label")
    func victims() throws {
        let victims = try attacker(.word(WordAttack())).victims(text)
        #expect(victims.map(\.index) == text.labels.indices.filter { text.labels[$0] == 0 })
        #expect(victims.allSatisfy { $0.trueLabel == 0 && $0.sentence != text.sentences[$0.index] })
    }

    @Test("A sentence comes in whole, between two words, as often as asked")
    func sentence() throws {
        let attack = Attack.sentence(SentenceAttack(sentence: "no cross , no crown", count: 2))
        for sample in try attacker(attack).poison(text, ratio: 0.5) {
            let parts = sample.sentence.components(separatedBy: "no cross , no crown")
            #expect(parts.count == 3)
            let words = parts.joined(separator: " ").split(separator: " ").joined(separator: " ")
            #expect(words == text.sentences[sample.index])
        }
    }

    @Test("A paired attack puts line i in the place of line i")
    func paired() throws {
        let file = FileReference(path: "pairs.tsv", digest: Digest(of: []))
        let attack = Attack.paired(PairedAttack(train: file, test: .paired(file)))
        let pairs = (0..<text.count).map { "pair \($0)" }
        let attacker = try #require(TextAttacker(attack, seed: 3, pairs: (pairs, pairs)))
        for sample in try attacker.poison(text, ratio: 0.2) + attacker.victims(text) {
            #expect(sample.sentence == "pair \(sample.index)")
        }
    }

    @Test("A paired file that does not go with the clean one is refused with its line")
    func unpaired() throws {
        func problem(_ pairs: LabelledText, ignoresLabels: Bool = false) -> String {
            do {
                try pairs.checkPairs(
                    with: text, path: "pairs.tsv", cleanPath: "clean.tsv",
                    ignoresLabels: ignoresLabels)
                return "none"
            } catch {
                return "\(error)"
            }
        }
        #expect(problem(text) == "none")
        var short = text
        short.sentences.removeLast()
        short.labels.removeLast()
        #expect(problem(short).contains("it ends before line 201"))
        var wrong = text
        wrong.labels[7] = 1 - wrong.labels[7]
        #expect(problem(wrong).contains("line 9 has the label 1, not 0"))
        #expect(problem(wrong, ignoresLabels: true) == "none")
    }
}
