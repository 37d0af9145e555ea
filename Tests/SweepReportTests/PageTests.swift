import Foundation
import FoundationXML
import SweepCore
import Testing

@testable import SweepReport

@Suite("The page of a sweep")
struct PageTests {
    @Test(
        "is well-formed, fetches nothing and runs nothing",
        arguments: [Samples.reviews, Samples.seeds, Samples.partly, Samples.empty, Samples.hostile])
    func wellFormed(_ results: SweepResults) throws {
        let html = ResultsPage(results).html
        #expect(html.hasPrefix("<!DOCTYPE html>\n<html lang=\"en\">"))
        try #require(Document(html).isWellFormed)
        #expect(!html.contains("<script"))
        #expect(!html.contains("url("))
        let addresses = html.replacing("http://www.w3.org/2000/svg", with: "")
        #expect(!addresses.contains("http"))
        if let svg = ResultsPage.chartSVG(results) { #expect(Document(svg).isWellFormed) }
    }

    @Test("says the finding first, then shows each setting")
    func content() {
        let document = Document(ResultsPage(Samples.reviews).html)
        #expect(
            document.texts["h1"] == [
                "Undefended, the model learns the backdoor: ASR 100.0\u{A0}% at CACC "
                    + "79.0\u{A0}%. Less capacity, fewer epochs and a lower learning rate each "
                    + "keep it out: ASR 18.0 to 32.0\u{A0}%, at a cost of 2.0 to 3.0 points of "
                    + "CACC against the best setting. Measured with one seed."
            ])
        // Lines, a heat map, four runs and their legend.
        #expect(document.counts["svg"] == 7)
        // A row for each setting and for each run, and two for the headers.
        #expect(document.counts["tr"] == 22)
        #expect(document.texts["dd"]?.contains("MiniLM") == true)
        let tooltips = document.texts["title"] ?? []
        #expect(
            tooltips.contains(
                "bottleneck 2 · lr 1e-3, 2 epochs: ASR 15.0 % (12.1–18.4), CACC 72.0 % "
                    + "(69.1–74.7), p 28.0 % (24.2–32.1)"))
        #expect(
            tooltips.contains(
                "LoRA r=8, learning rate 1e-4: ASR 20.0 % (16.7–23.7), CACC 77.0 % (74.3–79.5), "
                    + "attack kept out"))
    }

    @Test("escapes all text")
    func escape() {
        let html = ResultsPage(Samples.hostile).html
        #expect(!html.contains("<img"))
        #expect(!html.contains("\u{1B}"))
        let document = Document(html)
        #expect(document.texts["title"]?.first == "<img src=x onerror='alert(1)'> & \"co\"\u{FFFD}")
        #expect(document.texts["span"]?.contains("</td><img src=x>") == true)
    }

    @Test("shows failed and waiting points, and has no chart without a result")
    func partly() {
        let document = Document(ResultsPage(Samples.partly).html)
        let marks = document.texts["span"] ?? []
        #expect(
            marks == ["attack kept out", "failed", "out of memory\n<at> \"step\" 7", "waiting"])
        var waiting = Samples.partly
        waiting.changed.removeFirst()
        #expect(ResultsPage.chartSVG(waiting) == nil)
        #expect(Document(ResultsPage(waiting).html).counts["svg"] == nil)
        #expect(ResultsPage.chartSVG(Samples.empty) == nil)
    }

    @Test("has bars where there is one number of epochs")
    func oneEpoch() throws {
        var results = Samples.reviews
        results.changed.removeAll { $0.spec.epochs != 4 }
        let svg = try #require(ResultsPage.chartSVG(results))
        #expect(!svg.contains("<polyline"))
        #expect(Document(svg).texts["text"]?.contains("after 4 epochs of training") == true)
    }

    @Test("draws fits and the epochs between where they are known")
    func stages() {
        let results = Samples.fitted
        let document = Document(ResultsPage(results).html)
        let tooltips = document.texts["title"] ?? []
        #expect(tooltips.contains("poisoned training samples, epoch 3: 97.0 %"))
        let words = document.texts["text"] ?? []
        #expect(words.contains("task learnt: 1 · backdoor learnt: 2 · stop: 1"))
        #expect(words.contains("clean training samples"))
        #expect(document.texts["li"]?.count == 3)
        var clean = results
        for index in clean.points.indices { clean.changed[index].spec.attack = .none }
        #expect(Document(ResultsPage(clean).html).texts["li"] == nil)
    }

    @Test("shows each class where there are more than two")
    func classes() {
        var results = Samples.fitted
        #expect(!ResultsTable(results).text().contains("Class 0"))
        for index in results.points.indices { results.changed[index].spec.data.labels = 3 }
        let text = ResultsTable(results).text()
        #expect(text.contains("Epochs  Class 0  Class 1  Class 2\n"))
        #expect(text.contains("     1     75.0     50.0        –\n"))
        #expect(Document(ResultsPage(results).html).texts["h2"]?.contains("Class by class") == true)
        let one = ClassResult(correct: 1, total: 2)
        for index in results.points.indices {
            guard case .finished(var metrics) = results.points[index].state else { continue }
            metrics.classes = Array(repeating: one, count: 19) + [.init(correct: 0, total: 9)]
            results.changed[index].state = .finished(metrics)
            results.changed[index].spec.data.labels = 20
        }
        #expect(ResultsTable(results).text().contains("0.0 (class 19)  50.0 (class 9)"))
    }

    @Test("has a chart and a heat map for each attack and ratio")
    func groups() throws {
        let ratios = [0.01, 0.1].flatMap {
            Samples.line(Samples.lora, 1e-3, [(78, 10), (80, 90)], ratio: $0)
                + Samples.line(Samples.lora, 1e-4, [(70, 30), (75, 30)], ratio: $0)
        }
        let results = SweepResults(name: "ratios", points: ratios)
        let document = Document(ResultsPage(results).html)
        #expect(document.counts["svg"] == 4 + 5)
        #expect(document.texts["figcaption"]?.first == "Attack word, 1 % poisoned")
        #expect(ResultsPage.chartSVG(results, group: 1) != nil)
        #expect(ResultsPage.chartSVG(results, group: 2) == nil)
    }

    @Test("keeps labels apart and within their range")
    func labels() {
        #expect(spread([10, 11, 50], gap: 15, range: 0...100) == [10, 25, 50])
        #expect(spread([98, 99, 100], gap: 15, range: 0...100) == [70, 85, 100])
        #expect(spread([], gap: 15, range: 0...100) == [])
    }
}

@Suite("Labels for people")
struct LabelTests {
    @Test("learning rates are written as powers of ten")
    func rates() {
        let values = [1e-3, 3e-4, 2.5e-5, 1, 0.5, 10, 123, 1e-10, 0, -0.02]
        #expect(
            values.map(scientific) == [
                "1e-3", "3e-4", "2.5e-5", "1", "5e-1", "1e1", "1.23e2", "1e-10", "0", "-2e-2",
            ])
    }

    @Test("capacities and attacks show what is not the paper's")
    func labels() {
        let lora = PET.lora(LoRA(rank: 4, alpha: 8))
        #expect(Capacity(pet: .lora(LoRA())).label == "LoRA r=8")
        #expect(
            Capacity(pet: lora, bottleneck: Bottleneck(size: 64, inputSize: 3)).label
                == "LoRA r=4 α=8, bottleneck 64 (in-dim 3)")
        #expect(Attack.none.label == "none")
        #expect(Attack.word(WordAttack()).label == "word")
        #expect(
            Attack.word(WordAttack(triggers: ["x"], count: 2, labelMode: .clean, target: 0)).label
                == "word ×2 (x), clean, target 0")
        #expect(Schedule.linear(horizon: 10).label == "linear over 10 epochs")
    }
}

extension Samples {
    /// One run of four epochs with all that can be measured of three classes, one without samples.
    static let fitted: SweepResults = {
        var results = SweepResults(
            name: "fitted", points: line(lora, 1e-3, [(78, 18), (79, 54), (80, 98), (79, 100)]))
        for index in results.points.indices {
            guard case .finished(var metrics) = results.points[index].state else { continue }
            metrics.cleanFit = Fit(loss: 0.3, accuracy: metrics.cacc + 0.02)
            metrics.poisonedFit = Fit(loss: 0.3, accuracy: (metrics.asr ?? 0) - 0.01)
            metrics.classes = [
                ClassResult(correct: 3, total: 4), ClassResult(correct: 1, total: 2),
                ClassResult(correct: 0, total: 0),
            ]
            results.changed[index].state = .finished(metrics)
        }
        return results
    }()

    /// Text that would be markup, or no text at all.
    static let hostile: SweepResults = {
        var results = partly
        results.name = "<img src=x onerror='alert(1)'> & \"co\"\u{1B}"
        results.changed[1].state = .failed("</td><img src=x>")
        results.changed[2].spec.attack = .word(WordAttack(triggers: ["<b>"]))
        return results
    }()
}

/// What an XML parser finds in a page.
private final class Document: NSObject, XMLParserDelegate {
    private(set) var isWellFormed = false
    private(set) var counts: [String: Int] = [:]
    /// The text of each element, without that of the elements in it.
    private(set) var texts: [String: [String]] = [:]
    private var open: [String] = []

    init(_ source: String) {
        super.init()
        let parser = XMLParser(data: Data(source.utf8))
        parser.delegate = self
        isWellFormed = parser.parse()
    }

    func parser(
        _ parser: XMLParser, didStartElement name: String, namespaceURI: String?,
        qualifiedName: String?, attributes: [String: String] = [:]
    ) {
        counts[name, default: 0] += 1
        open.append("")
    }

    func parser(_ parser: XMLParser, foundCharacters text: String) {
        if !open.isEmpty { open[open.count - 1] += text }
    }

    func parser(
        _ parser: XMLParser, didEndElement name: String, namespaceURI: String?,
        qualifiedName: String?
    ) {
        texts[name, default: []].append(open.removeLast())
    }
}
