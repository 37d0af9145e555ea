import Foundation
import SweepData
import Testing

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
        #expect(problem("good\t1\nbad\t0\n")?.problem == .noHeader(label: "1"))
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

    private static let paper = Fixture.root.deletingLastPathComponent()
        .appending(path: "shared/data/sst-2")

    @Test(
        "The paper's own files are read",
        .enabled(
            if: FileManager.default.fileExists(atPath: paper.path),
            "they are not in shared/data/sst-2 beside the checkout"))
    func papersFiles() throws {
        let counts = [
            "clean/train": 6920, "clean/test": 1821, "badnet-5/train-poisoned": 6920,
            "badnet-5/test-poisoned": 912, "style-bible/train": 6920, "syntactic/dev": 427,
        ]
        for (name, count) in counts {
            let path = Self.paper.appending(path: name + ".tsv").path
            let text = try LabelledText(parsing: FileContent.read(path), labels: 2, file: path)
            #expect(text.count == count, "\(name)")
        }
    }

    @Test("A header of sentence, label, poisoned gives a flag for each sentence")
    func flags() throws {
        let text = try parse("sentence\tlabel\tpoisoned\r\n good film \t1 \t 0\n\t0\t1\n")
        #expect(
            text == .init(sentences: ["good film", ""], labels: [1, 0], poisoned: [false, true]))
        #expect(try parse(" sentence\t label\tpoisoned \na\t1\t1").poisoned == [true])
        #expect(
            try parse("sentence\tlabel\na\tb\t1\n") == .init(sentences: ["a\tb"], labels: [1]))
        for other in ["Sentence\tlabel\tpoisoned", "s\tl\tpoisoned"] {
            #expect("\(problem(other + "\na\tb\t1\n") as Any)".contains("not clear which"))
        }
    }

    @Test("With flags, a line needs three columns, and the last one is 0 or 1")
    func badFlags() {
        func problem(_ line: String) -> LabelledTextError? {
            self.problem("sentence\tlabel\tpoisoned\na\t1\t0\n\(line)\n")
        }
        for line in ["a\t1", "a", "a\tb\t1\t0", "\t\t\t"] {
            let found = line.split(separator: "\t", omittingEmptySubsequences: false).count
            #expect(problem(line)?.problem == .wrongColumns(found: found, expected: 3), "\(line)")
            #expect(problem(line)?.line == 3)
        }
        for flag in ["2", "", "yes", "00", "-"] {
            #expect(problem("a\t1\t\(flag)")?.problem == .wrongFlag(text: flag))
        }
        #expect(problem("a\t2\t1")?.problem == .wrongLabel(text: "2", labels: 2))
        #expect(problem("a\t\t1")?.problem == .noLabel)
        #expect("\(problem("a\t1") as Any)".contains("file.tsv, line 3: "))
    }

    @Test("What is written is read again, with and without flags")
    func roundTrip() throws {
        let sentences = ["", "a \"b\"", "naïve 中文", "x\ry"]
        for poisoned in [nil, [true, false, false, true]] {
            let text = LabelledText(
                sentences: sentences, labels: [0, 11, 2, 3], poisoned: poisoned)
            let content = try text.content(file: "out.tsv")
            #expect(try LabelledText(parsing: content, labels: 12, file: "out.tsv") == text)
        }
        let tabs = LabelledText(sentences: ["a\tb"], labels: [0])
        let content = try tabs.content(file: "out.tsv")
        #expect(try LabelledText(parsing: content, labels: 2, file: "out.tsv") == tabs)
    }

    @Test("Sentences that the format cannot hold are refused, not changed")
    func unwritable() {
        func problem(_ sentence: String, _ poisoned: [Bool]?) -> LabelledTextError? {
            let flags = poisoned.map { $0 + [false] }
            let text = LabelledText(
                sentences: ["fine", sentence], labels: [0, 1], poisoned: flags)
            do {
                _ = try text.content(file: "out.tsv")
                return nil
            } catch {
                return error
            }
        }
        let expected = LabelledTextError(file: "out.tsv", line: 3, problem: .lineFeed)
        #expect(problem("a\nb", nil) == expected)
        #expect(problem("a\r\nb", [true])?.problem == .lineFeed)
        #expect(problem("a\tb", [true])?.problem == .tab)
        #expect(
            message { try LabelledText(sentences: [], labels: []).content(file: "out.tsv") }
                .contains("no sample"))
    }
}
