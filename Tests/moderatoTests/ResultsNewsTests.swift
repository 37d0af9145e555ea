import Foundation
import SweepCore
import SweepWire
import Testing

@Suite("Asking a coordinator what is new")
struct ResultsNewsTests {
    /// Runs of four points, in training one after the other.
    private static let grid = """
          capacity: lora
          epochs: [1, 2, 3, 4]
          learning-rate: [1e-3, 1e-4, 1e-5]
          attack: word
          poison-ratio: 0.1
          seed: 1
        """

    private func read(
        _ results: inout GatheredResults, _ stage: Stage
    ) throws -> [ResultsSlice] {
        let dialer = try Dialer(AccessFile(reading: stage.home + "/client.access"))
        var slices: [ResultsSlice] = []
        repeat {
            let answer = try dialer.request(results.question, timeout: .seconds(60))
            guard case .results(let slice) = answer else {
                Issue.record("\(answer)")
                throw CancellationError()
            }
            slices.append(slice)
            results.add(slice)
        } while results.goesOn
        return slices
    }

    private func finished(_ results: GatheredResults) -> Int {
        results.points.count { $0.metrics != nil }
    }

    @Test("The second answer has only what is new, also from a coordinator that started again")
    func restart() async throws {
        let stage = try Stage()
        let file = try stage.writeSmallSweep(grid: Self.grid)
        let coordinator = try await stage.startCoordinator()
        _ = try stage.startWorker("a", ["--fake-trainer", "seconds=0.3"])
        let submit = ["submit", "--fake", file, "--leave-files", "--home", stage.home]
        #expect(try stage.run(submit).status == 0)
        var results = GatheredResults(of: "small")
        try await stage.wait(for: "the first run") {
            let slices = try self.read(&results, stage)
            #expect(slices.allSatisfy { !$0.isAnew } || self.finished(results) == 0)
            return self.finished(results) > 4
        }
        let known = Dictionary(
            uniqueKeysWithValues: results.runs.map { ($0.run, $0.curve.map(\.epoch)) })
        kill(coordinator.processIdentifier, SIGKILL)
        try await stage.wait(for: "its end") { !coordinator.isRunning }
        _ = try await stage.startCoordinator(log: "again")
        try await stage.waitUntilOver("small")
        let news = try read(&results, stage)
        #expect(news.allSatisfy { !$0.isAnew })
        let runs = news.flatMap(\.runs)
        #expect(!runs.isEmpty)
        // A run that was over by then is not told again, and no epoch is told twice.
        let over = known.filter { $0.value.count == 4 }.map(\.key)
        #expect(!over.isEmpty && runs.allSatisfy { !over.contains($0.run) })
        for run in runs {
            let before = (known[run.run] ?? []).dropLast()
            #expect(run.curve.allSatisfy { !before.contains($0.epoch) })
        }
        #expect(finished(results) == 12)
        let stored = try stage.results()
        #expect(results.points.map(\.state) == stored.map(\.state))
        #expect(results.points.map(\.curve) == stored.map(\.curve))
        let quiet = try read(&results, stage)
        #expect(quiet.count == 1 && quiet[0].runs.isEmpty)
    }

    @Test("Points that nothing will train are cancelled, and who has read them hears it")
    func cancelled() async throws {
        let stage = try Stage()
        let file = try stage.writeSmallSweep(grid: Self.grid)
        _ = try await stage.startCoordinator()
        let options = ["--home", stage.home]
        #expect(
            try stage.run(["submit", "--fake", file, "--leave-files"] + options).status == 0)
        var results = GatheredResults(of: "")
        _ = try read(&results, stage)
        #expect(results.points.count { $0.state == .waiting } == 12)
        #expect(try stage.run(["cancel", "small"] + options).status == 0)
        #expect(try read(&results, stage)[0].isAnew)
        #expect(results.points.count { $0.state == .cancelled } == 12)
        let table = try stage.run(["results"] + options).output
        #expect(table.contains("12 cancelled") && !table.contains("waiting"), "\(table)")
        let csv = try stage.run(["results", "--csv"] + options).output
        #expect(csv.components(separatedBy: ",cancelled,").count == 13)
        #expect(try stage.run(["retry", "small"] + options).status == 0)
        _ = try read(&results, stage)
        #expect(results.points.count { $0.state == .waiting } == 12)
    }
}
