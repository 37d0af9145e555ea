import Foundation
import SweepCore
import Testing

@testable import SweepReport

@Suite("What is said of a model")
struct VerdictTests {
    /// At rate 0.3 every model calls everything the target, or everything the other class.
    private static let diverged = SweepResults(
        name: "diverged",
        points: Samples.line(Samples.lora, 0.3, [(48, 100), (52, 0)])
            + Samples.line(Samples.lora, 1e-3, [(78, 18), (80, 98)])
            + Samples.line(Samples.narrow, 1e-3, [(52, 0), (77, 30)]))

    private static func seeds(_ asr: [Double], cacc: Double = 80) -> SweepResults {
        let points = asr.enumerated().map { index, asr in
            Samples.point(
                Samples.spec(seed: UInt64(index + 1)), cacc: cacc / 100, asr: asr / 100)
        }
        return SweepResults(name: "seeds", points: points)
    }

    private func verdict(_ results: SweepResults) -> Verdict? {
        results.settings.first.flatMap { Judge(results).verdict(of: $0) }
    }

    @Test("nothing is claimed of a model that calls everything one class")
    func constant() throws {
        let results = Self.diverged
        let finding = try #require(results.findings(results.settings).first)
        // The undefended setting is the strongest of those that have learnt the task.
        #expect(finding.undefended?.setting.learningRate == 1e-3)
        #expect(finding.undefended?.setting.epochs == 2)
        #expect(finding.headline.hasPrefix("Undefended, the model learns the backdoor: ASR 98.0 %"))
        #expect(finding.headline.contains("2 stronger settings have not learnt the task."))
        let verdicts = results.settings.map(\.verdict)
        #expect(
            verdicts == [
                .notLearnt, .notLearnt, .keptOut, .backdoorLearnt, .notLearnt, .keptOut,
            ])
    }

    @Test("where no setting has learnt the task, neither headline nor advice claims anything")
    func nothingLearnt() {
        let results = SweepResults(
            name: "x",
            points: Samples.line(Samples.lora, 0.3, [(48, 100), (52, 0)])
                + Samples.line(Samples.narrow, 0.3, [(48, 100), (52, 0)]))
        let text = ResultsTable(results).text()
        #expect(text.contains("\nNo setting has learnt the task, so ASR says nothing.\n"))
        #expect(!text.contains("right in"))
        #expect(!ResultsPage(results).html.contains("learns the backdoor"))
        #expect(!ResultsPage(results).html.contains("does not take hold"))
        #expect(results.points.allSatisfy { Judge(results).verdict($0) == .notLearnt })
    }

    @Test("a setting needs all its seeds on one side, or the interval of their mean")
    func severalSeeds() {
        #expect(verdict(Self.seeds([10, 20, 30])) == .keptOut)
        #expect(verdict(Self.seeds([90, 95, 40])) == .backdoorLearnt)
        // A mean of 21.8 % that two seeds of three stand for.
        #expect(verdict(Self.seeds([8.7, 8.9, 47.9])) == .unclear(keptOut: 2, seeds: 3))
        // One of twenty is off, but the interval of the mean is not.
        let many = (0..<19).map { 15 + Double($0 % 5) } + [40]
        #expect(verdict(Self.seeds(many)) == .keptOut)
        var missing = Self.seeds([10, 20, 30])
        missing.changed[1].state = .waiting
        missing.changed[2].state = .failed("lost")
        #expect(verdict(missing) == .unclear(keptOut: 1, seeds: 3))
        // A seed that has not learnt the task supports no claim of the others.
        var half = Self.seeds([10, 20, 30])
        half.changed[1] = Samples.point(half.points[1].spec, cacc: 0.5, asr: 0)
        #expect(verdict(half) == .unclear(keptOut: 2, seeds: 3))
    }

    @Test("unclear settings are called so in the table, with an interval and not as defended")
    func unclear() {
        var results = Self.seeds([8.7, 8.9, 47.9])
        results.changed += Samples.line(Samples.lora, 1e-3, [(80, 20), (80, 99)]).suffix(1)
        let text = ResultsTable(results).text()
        #expect(text.contains("21.8 (0.0–77.9)"))
        #expect(text.contains("unclear (2 of 3 seeds)"))
        #expect(!text.contains("±"))
        #expect(!text.contains("defended\n"))
    }

    @Test("table, badges, cards, heat map and exports say the same of each setting")
    func oneVerdict() throws {
        let figures: [(Capacity, Double, [Double])] = [
            (Samples.lora, 0.3, [0, 99, 100]), (Samples.lora, 1e-3, [90, 95, 99]),
            (Samples.lora, 1e-4, [20, 30, 45]), (Samples.narrow, 0.3, [0, 0, 0]),
            (Samples.narrow, 1e-3, [20, 45, 30]), (Samples.narrow, 1e-4, [20, 25, 30]),
        ]
        let points = figures.flatMap { capacity, rate, asr in
            asr.enumerated().map { index, asr in
                Samples.point(
                    Samples.spec(capacity, rate: rate, seed: UInt64(index + 1)),
                    cacc: rate == 0.3 ? 0.5 : 0.8, asr: asr / 100)
            }
        }
        let results = SweepResults(name: "x", points: points)
        let judge = Judge(results)
        let html = ResultsPage(results).html
        let lines = ResultsTable(results).text().split(separator: "\n")
        let rows = lines.filter { $0.contains("LoRA r=8") && !$0.contains("instead of") }
        for (setting, row) in zip(results.settings, rows) {
            let verdict = try #require(judge.verdict(of: setting))
            #expect(row.hasSuffix(verdict.label))
            let cell =
                "\(setting.setting.capacity.label), learning rate "
                + "\(scientific(setting.setting.learningRate)): "
            let tooltip = try #require(html.components(separatedBy: cell).dropFirst().first)
            #expect(tooltip.prefix { $0 != "<" }.hasSuffix(verdict.label))
        }
        let shown = Set(results.settings.compactMap { judge.verdict(of: $0) })
        #expect(shown.count == 4)
        let table = ResultsExport(results).csv.split(separator: "\r\n").map {
            $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        }
        // Only cells before the one that is asked for hold quotes and commas.
        let place = try #require(table[0].firstIndex(of: "setting_verdict")) - table[0].count
        let words = table.dropFirst().map { $0[$0.count + place] }
        #expect(
            words
                == results.points.map { point in
                    let own = results.settings.first { $0.setting == Setting(point.spec) }
                    return own.flatMap { judge.verdict(of: $0)?.word } ?? ""
                })
    }

    @Test("the rule stands in the README as in table and page")
    func rule() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let readme = try String(
            contentsOf: root.appendingPathComponent("README.md"), encoding: .utf8)
        #expect(
            readme.split(whereSeparator: \.isWhitespace).joined(separator: " ")
                .contains(Judge.rule))
        #expect(ResultsTable(Samples.reviews).text().contains("\n\(Judge.rule)\n"))
        let page = ResultsPage(Samples.reviews).html.replacing("&lt;", with: "<")
        #expect(page.contains(Judge.rule))
        #expect(Judge.rule.contains("below \(Judge.margin)"))
        #expect(Judge.rule.components(separatedBy: ". ").count == 2)
    }

    @Test("without a validation set, table and page say that the test set was used for choosing")
    func choice() {
        let sentence = "the test set was used for choosing"
        #expect(ResultsTable(Samples.reviews).text().contains(sentence))
        #expect(ResultsPage(Samples.reviews).html.contains(sentence))
        var results = Samples.reviews
        for index in results.points.indices {
            results.changed[index].spec.data.validation = results.points[index].spec.data.test
        }
        #expect(!ResultsTable(results).text().contains(sentence))
        #expect(!ResultsPage(results).html.contains(sentence))
    }
}

extension Judge {
    fileprivate func verdict(_ point: PointOutcome) -> Verdict? {
        point.metrics.flatMap { verdict($0, of: point.spec) }
    }
}

@Suite("Intervals")
struct IntervalTests {
    private struct Reference: Decodable {
        struct Wilson: Decodable { let hits: Int, count: Int, low: Double, high: Double }
        struct Student: Decodable { let values: [Double], low: Double, high: Double }
        let wilson: [Wilson]
        let student: [Student]
    }

    @Test("agree with scipy: Wilson's to 1e-9, Student's to 1e-4 of their width")
    func reference() throws {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("Reference/intervals.json")
        let cases = try JSONDecoder().decode(Reference.self, from: Data(contentsOf: file))
        #expect(cases.wilson.count == 6)
        for one in cases.wilson {
            let share = Double(one.hits) / Double(one.count)
            let interval = try #require(Interval.wilson(share, count: one.count))
            #expect(abs(interval.lowerBound - one.low) < 1e-9)
            #expect(abs(interval.upperBound - one.high) < 1e-9)
        }
        #expect(cases.student.count == 7)
        for one in cases.student {
            let interval = try #require(Interval.student(one.values))
            let tolerance = 1e-4 * (one.high - one.low)
            #expect(abs(interval.lowerBound - one.low) < tolerance)
            #expect(abs(interval.upperBound - one.high) < tolerance)
        }
    }

    @Test("there is none for one mean, for no samples, and for what is not a number")
    func none() {
        #expect(Interval.student([0.5]) == nil)
        #expect(Interval.student([0.5, .nan]) == nil)
        #expect(Interval.wilson(0.5, count: 0) == nil)
        #expect(Interval.wilson(.nan, count: 5) == nil)
        #expect(Statistic(shares: [(0.5, nil)])?.interval == nil)
        // A share is in 0 to 1, whatever Student says.
        #expect(Statistic(shares: [(0.9, 10), (1, 10)])?.interval?.upperBound == 1)
    }
}
