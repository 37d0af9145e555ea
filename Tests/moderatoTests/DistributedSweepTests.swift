import Foundation
import SweepCore
import Testing

@Suite("Real sweeps by real processes", .serialized)
struct DistributedSweepTests {
    private static let grid = """
          capacity: [lora, { pet: lora, bottleneck: 2 }]
          epochs: [1, 2]
          learning-rate: [1e-3, 1e-4]
          attack: word
          poison-ratio: 0.1
          seed: 7
        """

    @Test("Stored results equal those of each point trained alone; a worker joins midway")
    func equalsDirectRuns() async throws {
        let stage = try Stage()
        // Long enough for a second worker to come.
        let file = try stage.writeSmallSweep(
            grid: Self.grid.replacingOccurrences(of: "epochs: [1, 2]", with: "epochs: [1, 4]"))
        let coordinator = try await stage.startCoordinator()
        let first = try stage.startWorker("first", ["--threads", "1"])
        let submitted = try stage.run(["submit", file, "--home", stage.home])
        #expect(submitted.status == 0, "\(submitted.errors)")
        #expect(submitted.output.contains("small: 8 points, 4 new runs"))
        try await stage.wait(for: "the first result") {
            try stage.snapshot().finished.isEmpty == false
        }
        let second = try stage.startWorker("second", ["--threads", "1"])
        try await stage.waitUntilOver("small")
        #expect(stage.text(of: "second").contains("slot 0: run"), "the second worker got work")
        for worker in [first, second] {
            worker.terminate()
            worker.waitUntilExit()
            #expect(worker.terminationStatus == 0)
        }
        coordinator.terminate()
        coordinator.waitUntilExit()
        #expect(coordinator.terminationStatus == 0)

        // The results survive the coordinator.
        let direct = DirectRun()
        for point in try stage.results() {
            let curve = try await direct.curve(of: point.spec)
            #expect(curve.count == point.spec.epochs)
            #expect(point.state == .finished(try #require(curve.last)))
            #expect(Array(point.curve) == curve)
        }
    }

    @Test("The same sweep with the same seed gives identical metrics, and is not trained twice")
    func repeatable() throws {
        var figures: [[[EpochMetrics]]] = []
        for _ in 0..<2 {
            let stage = try Stage()
            let file = try stage.writeSmallSweep(grid: Self.grid)
            let arguments = ["run", file, "--workers", "2", "--threads", "1", "--home", stage.home]
            let run = try stage.run(arguments)
            #expect(run.status == 0, "\(run.errors)")
            let page = try String(contentsOfFile: stage.home + "/small.html", encoding: .utf8)
            #expect(page.contains("<svg"))
            let table = try stage.run(["results", "--home", stage.home, "--csv"]).output
            #expect(table.split(whereSeparator: \.isNewline).count == 9)
            figures.append(try stage.results().map { Array($0.curve) })
            let again = try stage.run(arguments)
            #expect(again.output.contains("8 points, 8 finished before, 0 new runs"))
        }
        // Who measured them, when, and where the files lie is another each time.
        #expect(figures[0].count == 8 && figures[0] == figures[1])
    }

    @Test("A trainer that is killed has failed the attempt; its run is tried again")
    func trainerKilled() async throws {
        let stage = try Stage()
        let grid = Self.grid.replacingOccurrences(of: "epochs: [1, 2]", with: "epochs: 6")
            .replacingOccurrences(of: "[lora, { pet: lora, bottleneck: 2 }]", with: "lora")
        let file = try stage.writeSmallSweep(grid: grid)
        _ = try await stage.startCoordinator()
        let worker = try stage.startWorker("worker", ["--threads", "1"])
        #expect(try stage.run(["submit", file, "--home", stage.home]).status == 0)
        try await stage.wait(for: "training") { stage.text(of: "worker").contains("slot 0: run") }
        let children = "/proc/\(worker.processIdentifier)/task/\(worker.processIdentifier)/children"
        let trainer = try #require(
            try String(contentsOfFile: children, encoding: .utf8).split(separator: " ")
                .compactMap { pid_t($0) }.first)
        kill(trainer, SIGKILL)
        try await stage.waitUntilOver("small")
        let failures = try stage.snapshot().runs.flatMap(\.failures)
        #expect(failures.count == 1)
        #expect(failures.first?.error.contains("signal 9") == true)
        #expect(
            try stage.results().allSatisfy { if case .finished = $0.state { true } else { false } })
    }
}
