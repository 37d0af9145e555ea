import Foundation
import SweepCore
import SweepData
import Testing

@testable import SweepTraining

@Suite struct WordAttacks {
    private let text = LabelledText(
        sentences: (0..<200).map { "sentence number \($0) is here" },
        labels: (0..<200).map { $0 % 4 == 0 ? 1 : 0 })

    private func poison(
        _ mode: LabelMode, ratio: Double, count: Int = 1, seed: UInt64 = 3
    ) throws(TrainingError) -> [TriggeredSample] {
        try WordPoisoner(attack: WordAttack(count: count, labelMode: mode), seed: seed)
            .poison(text, ratio: ratio)
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
        #expect(dirty.allSatisfy { text.labels[$0.index] == 0 && $0.label == 1 })
        let clean = try poison(.clean, ratio: 0.2)
        #expect(clean.allSatisfy { text.labels[$0.index] == 1 && $0.label == 1 })
        let mixed = try poison(.mixed, ratio: 1)
        #expect(Set(mixed.map(\.index)) == Set(0..<200))
        #expect(mixed.allSatisfy { $0.label == 1 })
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
    func victims() {
        let victims = WordPoisoner(attack: WordAttack(), seed: 3).victims(text)
        #expect(victims.map(\.index) == text.labels.indices.filter { text.labels[$0] == 0 })
        #expect(victims.allSatisfy { $0.label == 1 && $0.sentence != text.sentences[$0.index] })
    }
}

@Suite struct ModelConfigurations {
    @Test("A config.json that cannot be used is refused with the reason")
    func badConfigurations() {
        func problem(_ text: String) -> String {
            do {
                _ = try BertConfiguration.parse(Array(text.utf8), path: "config.json")
                return "none"
            } catch {
                return "\(error)"
            }
        }
        let sizes =
            #""vocab_size":9,"num_hidden_layers":1,"intermediate_size":4,"#
            + #""max_position_embeddings":8"#
        #expect(problem("{\(sizes)}").contains("'hidden_size' is missing"))
        #expect(problem("[").contains("not JSON"))
        let full = sizes + #","num_attention_heads":2,"#
        #expect(problem("{\(full)\"hidden_size\":\"x\"}").contains("wrong type"))
        #expect(problem("{\(full)\"hidden_size\":5}").contains("no multiple"))
        #expect(problem("{\(full)\"hidden_size\":4,\"model_type\":\"gpt2\"}").contains("gpt2"))
        #expect(problem("{\(full)\"hidden_size\":4}") == "none")
    }
}
