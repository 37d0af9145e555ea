import Foundation
import SweepCore
import Testing

@testable import SweepTraining

@Suite struct LabelledTextFiles {
    private func parse(_ text: String, labels: Int = 2) throws -> LabelledText {
        try LabelledText(parsing: Array(text.utf8), labels: labels, file: "file.tsv")
    }

    private func problem(_ bytes: [UInt8]) -> LabelledTextError? {
        do {
            _ = try LabelledText(parsing: bytes, labels: 2, file: "file.tsv")
            return nil
        } catch {
            return error
        }
    }

    private func problem(_ text: String) -> LabelledTextError? { problem(Array(text.utf8)) }

    @Test("LF and CRLF, spaces around the tab and a missing last line end are read alike")
    func lineEnds() throws {
        let expected = LabelledText(sentences: ["good film", "bad"], labels: [1, 0])
        #expect(try parse("sentence\tlabel\ngood film\t1\nbad\t0\n") == expected)
        #expect(try parse("sentence\tlabel\r\ngood film\t1\r\nbad\t0\r\n") == expected)
        #expect(try parse("sentence \t label\n good film \t 1 \nbad\t 0") == expected)
        #expect(try parse("sentence\tlabel\ngood film\t1\nbad\t0\n\n\r\n\n") == expected)
    }

    @Test("Quotes, tabs within, lone returns and other scripts are data")
    func oddText() throws {
        let text = try parse("s\tl\n\"quoted\" 'x' \\n\t1\na\tb\t0\ncafé 中文\rx\t1\n\t0\n")
        #expect(text.sentences == ["\"quoted\" 'x' \\n", "a\tb", "café 中文\rx", ""])
        #expect(text.labels == [1, 0, 1, 0])
    }

    @Test("Errors name the file and the line")
    func errors() {
        #expect(problem("") == LabelledTextError(file: "file.tsv", line: 1, problem: .emptyFile))
        #expect(problem("sentence\tlabel\n")?.problem == .noSamples)
        #expect(problem("good\t1\nbad\t0\n")?.problem == .noHeader(label: 1))
        #expect(
            problem("s\tl\na\t1\nno label\nb\t0\n")
                == LabelledTextError(file: "file.tsv", line: 3, problem: .noLabel))
        #expect(problem("s\tl\na\t1\n\nb\t0\n")?.line == 3)
        #expect(problem("s\tl\na\t \n")?.problem == .noLabel)
        #expect(problem("s\tl\na\t2\n")?.problem == .wrongLabel(text: "2", labels: 2))
        for label in ["-1", "+1", "1.0", "positive", "99999999999999999999"] {
            #expect(problem("s\tl\na\t\(label)\n")?.problem == .wrongLabel(text: label, labels: 2))
        }
        #expect(
            problem(Array("s\tl\na\t1\n".utf8) + [0xC3, 0x28, 0x09, 0x31])
                == LabelledTextError(file: "file.tsv", line: 3, problem: .notUTF8))
        #expect(problem([0xFF, 0xFE, 0x73, 0x00])?.problem == .notUTF8)
        #expect(problem("s\tl\na\t2\n")?.description.hasPrefix("file.tsv, line 2: ") == true)
    }

    @Test("The paper's own files are read (when they are there)")
    func papersFiles() throws {
        let folder = Fixture.sharedData.appending(path: "sst-2")
        guard FileManager.default.fileExists(atPath: folder.path) else {
            print("skipped: \(folder.path) is not there")
            return
        }
        let counts = [
            "clean/train": 6920, "clean/test": 1821, "badnet-5/train-poisoned": 6920,
            "badnet-5/test-poisoned": 912, "style-bible/train": 6920, "syntactic/dev": 427,
        ]
        for (name, count) in counts {
            let path = folder.appending(path: name + ".tsv").path
            let text = try LabelledText(parsing: FileContent.read(path), labels: 2, file: path)
            #expect(text.count == count, "\(name)")
        }
    }
}

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

@Suite struct ModelFiles {
    private func file(_ header: String, bytes: Int) -> [UInt8] {
        let header = Array(header.utf8)
        let length = (0..<8).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) }
        return length + header + (0..<bytes).map { UInt8($0 & 0x3F) }
    }

    private func values(_ content: [UInt8], _ name: String = "w") throws -> [Float] {
        try SafeTensors(parsing: content, path: "model.safetensors").withFloats(name) { Array($0) }
    }

    @Test("float32, float16 and bfloat16 are read")
    func types() throws {
        func content(_ type: String, _ bytes: [UInt8], _ shape: String) -> [UInt8] {
            file(
                #"{"__metadata__":{"format":"pt"},"w":{"dtype":"\#(type)","shape":\#(shape),"#
                    + #""data_offsets":[0,\#(bytes.count)]}}"#, bytes: 0) + bytes
        }
        #expect(try values(content("F32", [0, 0, 128, 63, 0, 0, 32, 192], "[2]")) == [1, -2.5])
        #expect(try values(content("BF16", [128, 63, 32, 192], "[2,1]")) == [1, -2.5])
        let half = try values(content("F16", [0, 60, 0, 193, 1, 0, 0, 124, 0, 0], "[5]"))
        #expect(half == [1, -2.5, 0x1p-24, .infinity, 0])
    }

    @Test("A truncated file or a lying header is an error, never a crash")
    func badFiles() throws {
        func entry(_ shape: String, _ offsets: String, type: String = "F32") -> [UInt8] {
            file(
                #"{"w":{"dtype":"\#(type)","shape":\#(shape),"data_offsets":\#(offsets)}}"#,
                bytes: 16)
        }
        let good = entry("[2,2]", "[0,16]")
        #expect(try values(good).count == 4)
        for count in 0..<good.count {
            #expect(throws: TrainingError.self) { try values(Array(good.prefix(count))) }
        }
        let bad = [
            entry("[2,2]", "[0,20]"), entry("[2,2]", "[-4,12]"), entry("[2,2]", "[12,0]"),
            entry("[2,3]", "[0,16]"), entry("[-2,-2]", "[0,16]"), entry("[2]", "[0]"),
            entry("[4611686018427387904,4]", "[0,16]"), entry("[2,2]", "[0,16]", type: "I64"),
            entry("[2,2]", "[0,9223372036854775807]"), file("{\"w\":3}", bytes: 4),
            file("not json", bytes: 4), [255, 255, 255, 255, 255, 255, 255, 127, 1],
        ]
        for content in bad {
            #expect(throws: TrainingError.self) { try values(content) }
        }
        #expect(throws: TrainingError.self) { try values(good, "other") }
    }

    @Test("config.json and vocab.txt that cannot be used are refused with the reason")
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
        #expect(throws: TrainingError.self) {
            try WordPieceTokenizer(
                vocabulary: Array("[UNK]\nword\n".utf8), configuration: nil, path: "vocab.txt")
        }
    }

    @Test("A model without lower-casing keeps case and accents")
    func casedTokenizer() throws {
        let vocabulary = "[UNK]\n[CLS]\n[SEP]\nCafé\ncafe\n##s\n"
        let configuration = Array(#"{"do_lower_case":false}"#.utf8)
        let cased = try WordPieceTokenizer(
            vocabulary: Array(vocabulary.utf8), configuration: configuration, path: "vocab.txt")
        #expect(cased.encode("Cafés cafes Cafe", maxLength: 9) == [1, 3, 5, 4, 5, 0, 2])
        let uncased = try WordPieceTokenizer(
            vocabulary: Array(vocabulary.utf8), configuration: nil, path: "vocab.txt")
        #expect(uncased.encode("Cafés cafes Cafe", maxLength: 5) == [1, 4, 5, 4, 2])
    }
}
