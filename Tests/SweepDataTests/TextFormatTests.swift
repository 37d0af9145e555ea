import Foundation
import SweepCore
import SweepData
import Testing

/// Surveys `bytes` as a file of that name, and loads it as the survey says.
func survey(
    _ bytes: [UInt8], as name: String, _ request: TextRequest = TextRequest(), piece: Int = 1 << 20
) throws(LabelledTextError) -> (layout: TextLayout?, text: LabelledText, found: [String]) {
    var survey = TextSurvey(path: name, request: request)
    let pieces = stride(from: 0, to: bytes.count, by: piece).map {
        Array(bytes[$0..<min($0 + piece, bytes.count)])
    }
    for piece in pieces { try survey.take(piece) }
    let layout = try survey.finish().layout
    var loader = try TextLoader(path: name, layout: layout, labels: .found)
    for piece in pieces { try loader.take(piece) }
    let (text, found) = try loader.finish()
    return (layout, text, found.map(\.text))
}

@Suite struct TextFormats {
    private func read(
        _ text: String, as name: String, _ request: TextRequest = TextRequest()
    ) throws(LabelledTextError) -> (layout: TextLayout?, text: LabelledText, found: [String]) {
        let whole = try survey(Array(text.utf8), as: name, request)
        for piece in [1, 2, 3, 7] {
            let parts = try survey(Array(text.utf8), as: name, request, piece: piece)
            #expect(parts.text == whole.text && parts.layout == whole.layout, "pieces of \(piece)")
        }
        return whole
    }

    private func problem(
        _ text: String, as name: String, _ request: TextRequest = TextRequest()
    ) -> LabelledTextError? {
        do throws(LabelledTextError) {
            _ = try survey(Array(text.utf8), as: name, request)
            return nil
        } catch {
            return error
        }
    }

    @Test("CSV is read as RFC 4180 has it: quotes, commas and line ends within fields")
    func csv() throws {
        let text = "Text,LABEL\r\n\"a, \"\"b\"\"\r\nc\",yes\r\nplain \"d\",no\r\n\"\",yes\r\n"
        let (layout, read, found) = try read(text, as: "x.csv")
        #expect(layout == TextLayout(format: .csv))
        #expect(read.sentences == ["a, \"b\"\r\nc", "plain \"d\"", ""])
        #expect(found == ["yes", "no"] && read.labels == [0, 1, 0])
    }

    @Test("A byte-order mark, semicolons and tabs under the name of CSV are understood")
    func separators() throws {
        let excel = try read("\u{FEFF}text;label\r\n\"a;b\";1\r\n", as: "x.csv")
        #expect(excel.layout?.format == .semicolonCSV && excel.text.sentences == ["a;b"])
        let tabs = try read("sentence\tlabel\na, b\t1\n", as: "x.csv")
        #expect(tabs.layout == nil && tabs.text.sentences == ["a, b"])
        #expect(try read("\u{FEFF}sentence\tlabel\na\t1\n", as: "x.tsv").layout == nil)
    }

    @Test("TSV is taken for quoted only if all of it is written so and something shows it")
    func quotedTSV() throws {
        let pandas = try read("sentence\tlabel\n\"a \"\"b\"\"\"\t1\nc\t0\n", as: "x.tsv")
        #expect(pandas.layout?.format == .quotedTSV && pandas.text.sentences == ["a \"b\"", "c"])
        let lines = try read("\"sentence\"\t\"label\"\n\"a\tb\nc\"\t1\n", as: "x.tsv")
        #expect(lines.text.sentences == ["a\tb\nc"])
        for plain in [
            "\"a\"\t1\n", "\"a\" b\t1\n", "a \"\"b\"\"\t1\n", "\"a \"\"b\"\"\"\t1\n\"c\t0\n",
            "\"a\t1\nb\"\t0\n", "\"a \"\"b\"\"\"\t1\nc \"d\"\t0\n",
        ] {
            #expect(try read("sentence\tlabel\n" + plain, as: "x.tsv").layout == nil, "\(plain)")
        }
        let said = TextRequest(format: .tsv)
        let data = try read("sentence\tlabel\n\"a \"\"b\"\"\"\t1\n", as: "x.tsv", said)
        #expect(data.text.sentences == ["\"a \"\"b\"\"\""])
        let mixed = problem("\"s\"\t\"l\"\n\"a \\\"b\\\"\"\t\"1\"\n", as: "x.tsv")
        #expect(mixed?.problem == .mixedQuotes)
    }

    @Test("JSON lists and lines of objects are read by their keys, in any order")
    func json() throws {
        let objects = [
            #"{"label": 1, "text": "a \"b\" ]}", "id": 7}"#,
            #"{"text": "c", "label": 0.0, "id": {"x": [1, "}"]}}"#,
        ]
        let expected = LabelledText(sentences: ["a \"b\" ]}", "c"], labels: [0, 1])
        for (name, text) in [
            ("x.json", " [\n" + objects.joined(separator: ",\n") + "\n]\n"),
            ("x.jsonl", objects.joined(separator: "\n") + "\n\n"),
            ("x.json", objects.joined(separator: "\r\n")),
        ] {
            let (layout, read, found) = try read(text, as: name)
            #expect(read == expected && found == ["1", "0"], "\(text)")
            #expect(layout?.text == .key("text") && layout?.label == .key("label"))
        }
        let flags = try read(
            #"[{"sentence":"a","labels":"x","Poisoned":true}]"#, as: "x.json")
        #expect(flags.text.poisoned == [true])
    }

    @Test("What is wrong with JSON is said with the line")
    func badJSON() {
        for (text, line, words) in [
            ("[{\"text\":\"a\",\"label\":1},\n{\"text\":\"b\"}]", 2, "no 'label'"),
            ("[{\"text\":\"a\",\"label\":1},\n]", 2, "not a record"),
            ("[{\"text\":\"a\",\"label\":1}\n{}]", 2, "comma is missing"),
            ("[{\"text\":\"a\",\"label\":1}]\n1", 2, "follows the list"),
            ("[{\"text\":\"a\",\"label\":1}", 1, "does not end"),
            ("[{\"text\":\"a\",\"label\":1},{\"text\":2,\"label\":1}]", 1, "'text' is not text"),
            ("[{\"text\":\"a\",\"label\":[1]}]", 1, "'label' is not"),
            ("[1]", 1, "not a record"), ("3", 1, "not a record"), ("[]", 1, "empty"),
        ] {
            let problem = problem(text, as: "x.json")
            #expect("\(problem as Any)".contains(words), "\(text): \(problem as Any)")
            #expect(problem?.line == line, "\(text): \(problem as Any)")
        }
        let line = problem("{\"text\":\"a\",\"label\":1}\n{\"text\"}\n", as: "x.jsonl")
        #expect(line?.line == 2 && "\(line as Any)".contains("not JSON"))
    }

    @Test("gzip is seen by its content, under any name, in several members too")
    func gzip() throws {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("gzip-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        func packed(_ text: String) throws -> [UInt8] {
            let file = folder.appendingPathComponent("part")
            try Data(text.utf8).write(to: file)
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            process.arguments = ["gzip", "-f", file.path]
            try process.run()
            process.waitUntilExit()
            return Array(try Data(contentsOf: file.appendingPathExtension("gz")))
        }
        let head = try packed("text,label\n\"a\",1\n")
        let tail = try packed("b,0\n" + String(repeating: "c,1\n", count: 600_000))
        for name in ["x.csv.gz", "x.csv"] {
            let (layout, text, _) = try survey(head + tail, as: name, piece: 1000)
            #expect(layout == TextLayout(format: .csv, isGzip: true))
            #expect(text.count == 600_002 && text.sentences[..<3] == ["a", "b", "c"])
        }
        let wrongSum = Array(head.dropLast(8)) + [UInt8](repeating: 1, count: 8)
        for damaged: [UInt8] in [Array(head.dropLast(1)), wrongSum, head + [1, 2]] {
            #expect(message { try survey(damaged, as: "x.csv.gz") }.contains("gzip"))
        }
    }

    @Test("A quote that is not closed, and one that goes on, are said with their line")
    func badQuotes() {
        let open = problem("text,label\na,1\n\"b,1\nc,1\n", as: "x.csv")
        #expect(open?.problem == .openQuote && open?.line == 3)
        let after = problem("text,label\n\"a\nb\",1\n\"c\" d,1\n", as: "x.csv")
        #expect(after?.problem == .afterQuote && after?.line == 4)
        let columns = problem("text,label\na,1\nb,c,1\n", as: "x.csv")
        #expect(columns?.problem == .wrongColumns(found: 3, expected: 2) && columns?.line == 3)
    }
}

@Suite struct TextColumns {
    private func layout(
        _ text: String, as name: String = "x.csv", _ request: TextRequest = TextRequest()
    ) throws(LabelledTextError) -> TextLayout? {
        try survey(Array(text.utf8), as: name, request).layout
    }

    private func problem(
        _ text: String, as name: String = "x.csv", _ request: TextRequest = TextRequest()
    ) -> String {
        message { _ = try survey(Array(text.utf8), as: name, request) }
    }

    @Test("Columns are found by name in any case, and numbers of rows are passed over")
    func names() throws {
        let known = TextLayout(
            format: .csv, text: .place(1), label: .place(2), touched: .place(3))
        for header in [
            "index,text,label,poison_label", ",Sentence,Labels,POISONED",
            "id,sentences,label,touched", "Unnamed: 0,text,label,poisoned",
        ] {
            #expect(try layout(header + "\n7,a,1,0\n") == known, "\(header)")
        }
        // R names no column for the numbers of its rows.
        #expect(try layout("\"text\",\"label\",\"touched\"\n\"1\",\"a\",1,0\n") == known)
        #expect(try layout("label,text\n1,a\n")?.text == .place(1))
        #expect(try layout("stars,text\n1,a\n")?.label == .place(0))
        #expect(try layout("review,stars\na,1\n")?.text == .place(0))
        #expect(try layout("label\tsentence\n1\ta\n", as: "x.tsv")?.text == .place(1))
    }

    @Test("A line full of tabs is still a sentence and a label")
    func tabs() throws {
        let tabs = String(repeating: "\t", count: 5_000)
        let text = try survey(Array("s\tl\na\(tabs)b\t1\n\(tabs)0\n".utf8), as: "x.tsv").text
        #expect(text.sentences[0] == "a\(tabs)b" && text.count == 2)
        let cells = String(repeating: ",", count: 5_000)
        #expect(problem("text,label\na\(cells),1\n").contains("columns where there are"))
    }

    @Test("A file of the first versions stays without a layout, and keeps its key")
    func firstVersions() throws {
        for text in [
            "sentence\tlabel\na\t1\n", "s\tl\na\tb\t1\n", "text\tlabels\na\t1\n", "title\na\t1\n",
            "sentence\tlabel\tpoisoned\na\t1\t0\n",
        ] {
            #expect(try layout(text, as: "x.tsv") == nil, "\(text)")
        }
        let said = TextRequest(text: .name("s"), label: .number(2))
        #expect(try layout("s\tl\na\t1\n", as: "x.tsv", said) == nil)
        let flags = TextRequest(touched: .name("poisoned"))
        let flagged = try layout("sentence\tlabel\tpoisoned\na\t1\t0\n", as: "x.tsv", flags)
        #expect(flagged == TextLayout(format: .tsv, touched: .place(2)))
    }

    @Test("More columns than are understood are listed, with the way to name them")
    func unclear() {
        for text in [
            "text,label,source\na,1,b\n", ",0,1,2\n0,a,1,0\n", "text,sentence,label\na,b,1\n",
            "text,poison_label\na,1\n", "a,b,c\nd,1,0\n", "text\na\n",
        ] {
            let problem = problem(text)
            #expect(problem.contains("x.csv, line 1: it is not clear which of the columns"))
            #expect(problem.contains("columns: { text: 1, label: 2 }"), "\(problem)")
        }
        let pairs = problem("sentence1,sentence2,label\na,b,1\n")
        #expect(pairs.contains("pairs are not read yet"))
        #expect(problem("text\tlabel\tsource\na\t1\tb\n", as: "x.tsv").contains("3 'source'"))
        #expect(problem("a film,1\nb,0\n").contains("first line is a sample"))
    }

    @Test("Columns that are named, by name or by number from 1, are taken; others passed over")
    func requests() throws {
        let text = "id,review,text,stars,flag\n1,a,b,0,1\n"
        let byName = TextRequest(
            text: .name("review"), label: .name("Stars"), touched: .name("flag"))
        let byNumber = TextRequest(text: .number(2), label: .number(4), touched: .number(5))
        let known = TextLayout(
            format: .csv, text: .place(1), label: .place(3), touched: .place(4))
        #expect(try layout(text, byName) == known)
        #expect(try layout(text, byNumber) == known)
        let one = TextRequest(label: .name("stars"))
        #expect(try layout(text, one)?.text == .place(2))
        #expect(problem(text, TextRequest(text: .number(6))).contains("no column 6"))
        #expect(problem(text, TextRequest(text: .name("x"))).contains("no column 'x'"))
        let same = TextRequest(text: .name("review"), label: .number(2))
        #expect(problem(text, same).contains("two things"))
    }

    @Test("An index without a name is not counted: pandas' files without names are read")
    func pandas() throws {
        let said = TextRequest(text: .number(1), label: .number(2), touched: .number(3))
        let index = try survey(Array(",0,1,2\n0,\"a, b\",1,0\n".utf8), as: "x.csv", said)
        #expect(index.text == .init(sentences: ["a, b"], labels: [0], poisoned: [false]))
        #expect(index.found == ["1"])
        let none = try survey(Array("0\t1\t2\na\t1\t0\n".utf8), as: "x.tsv", said)
        #expect(none.text.sentences == ["a"] && none.text.poisoned == [false])
    }

    @Test("Columns by number read a file without a header, too")
    func noHeader() throws {
        let said = TextRequest(text: .number(2), label: .number(1))
        let text = try survey(Array("1,a film\n0,b\n".utf8), as: "x.csv", said)
        #expect(text.text.sentences == ["a film", "b"] && text.layout?.hasHeader == false)
        let no = TextRequest(hasHeader: false, text: .number(1), label: .number(2))
        let named = try survey(Array("a,good\nb,bad\n".utf8), as: "x.csv", no)
        #expect(named.found == ["good", "bad"])
    }
}
