import Foundation
import SweepCore
import SweepStore
import Testing

@Suite("Made-up results and real ones, with real processes", .serialized)
struct ProvenanceTests {
    private static let grid = """
          capacity: lora
          epochs: [1, 2]
          learning-rate: 1e-3
          attack: word
          poison-ratio: 0.1
          seed: 1
        """

    private func results(_ stage: Stage, of sweep: String) throws -> [PointOutcome] {
        try SweepStore.reading(path: stage.home + "/store.sqlite").results(of: sweep).points
    }

    @Test("What a fake trainer made up is never taken for trained, is marked, and names its worker")
    func apart() async throws {
        let stage = try Stage()
        let file = try stage.writeSmallSweep(name: "made-up", grid: Self.grid)
        let same = try stage.writeSmallSweep(name: "trained", grid: Self.grid)
        _ = try await stage.startCoordinator()
        _ = try stage.startWorker("faker", ["--fake-trainer", "seconds=0.1"])
        #expect(
            try stage.run(["submit", file, "--fake", "--leave-files", "--home", stage.home])
                .status == 0)
        try await stage.waitUntilOver("made-up")

        // The same grid, to be trained: nothing of it is known, and the fake worker gets none.
        let submitted = try stage.run(["submit", same, "--leave-files", "--home", stage.home])
        #expect(submitted.output.contains("trained: 2 points, 1 new run"))
        try await stage.wait(for: "the reason") {
            try stage.run(["explain", "2", "--home", stage.home]).output
                .contains("all workers have fake trainers")
        }
        let status = try stage.run(["status", "--home", stage.home]).output
        #expect(status.contains("made-up (fake)  "))
        #expect(status.contains("trained  "))

        func show(_ sweep: String, _ options: String...) throws -> String {
            try stage.run(["results", "--sweep", sweep, "--home", stage.home] + options).output
        }
        let mark = "FAKE TRAINER, MADE-UP FIGURES"
        #expect(try show("made-up").hasPrefix("\(mark): sweep made-up: 2 points, 2 finished"))
        #expect(try show("made-up", "--csv").hasPrefix("\"\(mark)\",pet,"))
        #expect(try show("made-up", "--json").contains("\"WARNING\" : \"\(mark)\""))
        let access = stage.home + "/client.access"
        let remote = try stage.run(
            ["results", "--sweep", "made-up", "--csv", "--access", access]).output
        #expect(try remote == show("made-up", "--csv"))

        _ = try stage.startWorker("trainer", ["--threads", "1"])
        try await stage.waitUntilOver("trained")
        for (sweep, worker) in [("made-up", "faker"), ("trained", "trainer")] {
            for point in try results(stage, of: sweep) {
                let provenance = try #require(point.provenance)
                let process = try #require(provenance.process)
                #expect(provenance.worker.name == worker)
                #expect(process.trainer == point.spec.trainer)
                #expect(process.program == programVersion)
                #expect(process.trainingCore == trainingCoreVersion)
                #expect(process.libtorch.isEmpty == (sweep == "made-up"))
                #expect(provenance.ended ?? 0 > provenance.started)
            }
        }
        #expect(try !show("trained").contains("FAKE"))
    }
}
