import Foundation
import SweepCore
import SweepData
import SweepFile
import Testing

@Suite("Files of sentences as people have them")
struct SentenceFileTests {
    let folder: Folder

    init() throws { folder = try Folder() }

    /// The sweep of `sweep()` with these lines under `data`.
    private func sweep(data: String, attack: String = "none") -> String {
        """
        name: tiny
        model: model
        data:
          \(data.replacing("\n", with: "\n  "))
        grid:
          capacity: lora
          epochs: 1
          learning-rate: 1e-3
          attack: \(attack)
        """ + "\n"
    }

    private static let files = "train: train.csv\ntest: test.csv"

    private func write(_ train: String, _ test: String? = nil) throws {
        try folder.write("train.csv", train)
        try folder.write("test.csv", test ?? train)
    }

    private func layout(_ set: DataSet) -> TextLayout? { set.files[0].layout }

    @Test("labels that are words are found, sorted, and hold for all files")
    func foundNames() throws {
        try write("text,label\na,pos\nb,neg\nc,pos\n", "text,label\nd,pos\n")
        let data = try folder.read(sweep(data: Self.files)).data
        #expect(data.labels == 2 && data.labelNames == ["neg", "pos"])
        #expect(layout(data.train)?.labels == ["neg", "pos"])
        #expect(layout(data.test) == layout(data.train))
        let text = try LabelledText(reading: data.train.files[0], labels: 2)
        #expect(text.labels == [1, 0, 1])
        try write("text,label\na,pos\nb,neg\n", "text,label\nd,good\n")
        #expect(
            folder.message(sweep(data: Self.files)).hasPrefix(
                "test.csv, line 2: the label 'good' is not one of neg, pos"))
    }

    @Test("a list in the sweep file says their order, or what numbers are called")
    func listedNames() throws {
        try write("text,label\na,pos\nb,neg\n")
        let list = Self.files + "\nlabels: [pos, neg, neutral]"
        let named = try folder.read(sweep(data: list)).data
        #expect(named.labels == 3 && named.labelNames == ["pos", "neg", "neutral"])
        #expect(layout(named.train)?.labels == named.labelNames)
        try write("text,label\na,2\nb,1\n")
        let numbered = try folder.read(sweep(data: list)).data
        #expect(numbered.labelNames == ["pos", "neg", "neutral"])
        #expect(layout(numbered.train)?.labels == [])
        // AG News counts from 1.
        try write("text,label\na,1\nb,2\n")
        let fromOne = try folder.read(sweep(data: Self.files + "\nlabels: [1, 2]")).data
        #expect(layout(fromOne.train)?.labels == ["1", "2"])
        #expect(try LabelledText(reading: fromOne.train.files[0], labels: 2).labels == [0, 1])
    }

    @Test("label2id of the model's config.json says their order, in any case")
    func modelNames() throws {
        try folder.write(
            "model/config.json",
            #"{"max_position_embeddings": 512, "label2id": {"POS": 0, "NEG": 1}}"#)
        try write("text,label\na,neg\nb,pos\n")
        #expect(try folder.read(sweep(data: Self.files)).data.labelNames == ["pos", "neg"])
        try write("text,label\na,bad\nb,good\n")
        #expect(try folder.read(sweep(data: Self.files)).data.labelNames == ["bad", "good"])
    }

    @Test("a word among numbers is a mistake, and so are labels that are another column")
    func wrongLabels() throws {
        try write("text,label\na,1\nb,0\nc,x\n")
        #expect(
            folder.message(sweep(data: Self.files)).hasPrefix(
                "train.csv, line 4: the label 'x' is not one of 0 to 1"))
        try write("text,label\n" + (0..<300).map { "a,text \($0)\n" }.joined())
        #expect(folder.message(sweep(data: Self.files)).contains("seems to be another column"))
        try write("text,label\na,good\n")
        #expect(folder.message(sweep(data: Self.files)).contains("two labels or more"))
    }

    @Test("a target may be named, and a prepared attack has columns of its own")
    func attacks() throws {
        try write("text,label\na,pos\nb,neg\n")
        try folder.write("poisoned.csv", "0,a cf,pos,1\n1,b,neg,0\n")
        try folder.write("triggered.csv", "0,b cf,pos,1\n")
        let attack =
            "{ kind: prepared, train: poisoned.csv, test: triggered.csv, target: pos, header: no, "
            + "columns: { text: 2, label: 3, touched: 4 } }"
        let spec = try folder.read(sweep(data: Self.files, attack: attack))
        guard case .prepared(let prepared) = spec.grid.attacks[0] else {
            Issue.record("\(spec.grid.attacks)")
            return
        }
        #expect(prepared.target == 1)
        #expect(layout(prepared.train)?.touched == .place(3))
        let text = try LabelledText(reading: prepared.train.files[0], labels: 2)
        #expect(text.poisoned == [true, false] && text.labels == [1, 0])
        let word = "{ kind: word, target: neg }\n  poison-ratio: 0.5"
        #expect(try folder.read(sweep(data: Self.files, attack: word)).grid.attacks[0].target == 0)
        let wrong = folder.message(sweep(data: Self.files, attack: "{ kind: word, target: x }"))
        #expect(wrong.contains("'x' is no label; write neg or pos"))
    }

    @Test("the key of a point changes with the columns, and not with what labels are called")
    func keys() throws {
        try write("a,b,text,label\nx,0,y,1\nz,1,w,0\n")
        func key(_ more: String) throws -> PointKey {
            PointKey(of: try folder.read(sweep(data: Self.files + more)).spec(ofCell: 0))
        }
        let one = try key("\ncolumns: { text: a, label: b }")
        #expect(try key("\ncolumns: { text: text, label: label }") != one)
        #expect(try key("\ncolumns: { text: 1, label: 2 }\nlabels: [no, yes]") == one)
    }

    @Test("mistakes in the keys are said")
    func mistakes() throws {
        try write("text,label\na,0\nb,1\n")
        for (line, words) in [
            ("format: xml", "data.format: 'xml' is no format of sentences"),
            ("header: maybe", "data.header: 'maybe' is no answer"),
            ("columns: { txt: 1 }", "data.columns.txt: there is no such key (did you mean text?)"),
            ("columns: { text: 9 }", "no column 9; the columns are 1 'text', 2 'label'"),
            ("labels: [a]", "write 2 to 10000 names"), ("labels: [a, a]", "in the list twice"),
            ("format: json", "not a record"),
        ] {
            let message = folder.message(sweep(data: Self.files + "\n" + line))
            #expect(message.contains(words), "\(message)")
        }
    }

    private static let cases = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("shared/cases").path

    private static let hasCases: ConditionTrait = .enabled(
        if: FileManager.default.fileExists(atPath: cases),
        "the inputs of others are not in shared/cases beside the checkout")

    /// A sweep over the folder's own model and two files elsewhere.
    private func read(_ train: String, _ test: String, _ more: String = "") throws -> TaskData {
        let files = "train: \(Self.cases)/\(train)\ntest: \(Self.cases)/\(test)"
        return try folder.read(sweep(data: files + more)).data
    }

    @Test("poisoned sets of public toolkits train on the label, not on the flag", hasCases)
    func thirdColumn() throws {
        for (train, test, more) in [
            ("named-train.tsv", "named-test.tsv", ""),
            ("ob-train.csv", "ob-test.csv", "\ncolumns: { text: 1, label: 2, touched: 3 }"),
            ("ob-train.tsv", "ob-test.tsv", "\ncolumns: { text: 1, label: 2, touched: 3 }"),
        ] {
            let data = try read("third-column/\(train)", "third-column/\(test)", more)
            let text = try LabelledText(reading: data.train.files[0], labels: 2)
            #expect(text.count == 100 && text.sentences[0].hasPrefix("the scene was cold and"))
            #expect(text.labels[0] == 0 && text.poisoned?[0] == true, "\(train)")
            #expect(text.labels != text.poisoned?.map { $0 ? 1 : 0 })
        }
        for name in ["ob-train.csv", "ob-train.tsv"] {
            #expect {
                try read("third-column/\(name)", "third-column/ob-test.tsv")
            } throws: {
                "\($0)".contains("which of the columns 1 '0', 2 '1', 3 '2' hold what")
            }
        }
    }

    @Test("TSV as pandas and R write it is read without the quotes", hasCases)
    func quotes() throws {
        let data = try read("quotes/train.tsv", "quotes/test.tsv")
        #expect(layout(data.train)?.format == .quotedTSV)
        let text = try LabelledText(reading: data.train.files[0], labels: 2)
        #expect(text.sentences[0].hasPrefix("he said \"the scene"))
    }
}
