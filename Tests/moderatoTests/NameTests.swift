import Foundation
import SweepCore
import Testing

@Suite("Two workers that go by one name")
struct NameTests {
    private static let grid = """
          capacity: lora
          epochs: 1
          learning-rate: 1e-3
          attack: word
          poison-ratio: 0.1
          seed: [1, 2, 3, 4, 5, 6, 7, 8]
        """

    private func start(_ log: String, on stage: Stage) throws -> Process {
        let words = ["worker", "--home", stage.home, "--name", "twin"]
        return try stage.start("moderato", words + ["--fake-trainer", "seconds=0.3"], log: log)
    }

    private func waitUntilTaken(_ log: String, by stage: Stage) async throws {
        try await stage.wait(for: "the worker", log: log) {
            stage.text(of: log).contains("has taken this worker in")
        }
    }

    /// Both finish the sweep, under names of their own.
    private func checkBothWork(on stage: Stage) async throws {
        let file = try stage.writeSmallSweep(grid: Self.grid)
        let submitted = try stage.run(
            ["submit", "--fake", file, "--leave-files", "--home", stage.home])
        #expect(submitted.status == 0, "\(submitted.errors)")
        try await stage.waitUntilOver("small")
        #expect(try stage.results().allSatisfy { $0.metrics != nil })
        let names = Set(try stage.attempts().map(\.worker.name))
        #expect(names.count == 2 && names.contains("twin"), "\(names)")
        #expect(names.allSatisfy { $0.hasPrefix("twin") }, "\(names)")
    }

    @Test("The second comes back under a name of its own, and both work")
    func second() async throws {
        let stage = try Stage()
        _ = try await stage.startCoordinator()
        _ = try start("first", on: stage)
        try await waitUntilTaken("first", by: stage)
        _ = try start("second", on: stage)
        try await waitUntilTaken("second", by: stage)
        #expect(stage.text(of: "second").contains("it goes on as twin-"))
        #expect(!stage.text(of: "first").contains("it goes on as"))
        try await checkBothWork(on: stage)
    }

    @Test("One that was silent until another took its place comes back under a name of its own")
    func silent() async throws {
        let stage = try Stage()
        _ = try await stage.startCoordinator(Stage.shortLease)
        let first = try start("first", on: stage)
        try await waitUntilTaken("first", by: stage)
        kill(first.processIdentifier, SIGSTOP)
        try await stage.wait(for: "the end of its lease") {
            stage.text(of: "coordinator").contains("worker twin is gone")
        }
        _ = try start("second", on: stage)
        try await waitUntilTaken("second", by: stage)
        kill(first.processIdentifier, SIGCONT)
        try await stage.wait(for: "another name", log: "first") {
            stage.text(of: "first").contains("it goes on as twin-")
        }
        #expect(!stage.text(of: "second").contains("it goes on as"))
        try await checkBothWork(on: stage)
    }
}
