import Foundation
import GRDB
import SweepCore
import Testing

/// Runs that go on elsewhere, on a worker that shares no folder with the first.
@Suite("Interrupted runs", .serialized)
struct ResumeTests {
    private static let epochs = 8
    private static let stepsInAll = 24
    private static let grid = """
          capacity: { pet: lora, bottleneck: 2 }
          epochs: [1, \(epochs)]
          learning-rate: 1e-3
          attack: word
          poison-ratio: 0.1
          seed: 7
        """

    /// Which attempt measured which epoch.
    private struct Measurement: Hashable {
        let attempt: Int
        let epoch: Int
    }

    private func query<T>(_ stage: Stage, _ body: (Database) throws -> T) throws -> T {
        var configuration = Configuration()
        configuration.readonly = true
        return try DatabaseQueue(
            path: stage.home + "/store.sqlite", configuration: configuration
        ).read(body)
    }

    private func measurements(_ stage: Stage) throws -> [Measurement] {
        try query(stage) { database in
            try Row.fetchAll(database, sql: "SELECT * FROM measurement ORDER BY attempt, epoch")
                .map { Measurement(attempt: $0["attempt"], epoch: $0["epoch"]) }
        }
    }

    private func newestState(_ stage: Stage) throws -> Artifact? {
        try stage.snapshot().states[RunID(1)]
    }

    /// After a second worker has done the rest of the only run: checks what it did, and that
    /// nothing shows of the interruption.
    private func checkResumed(_ stage: Stage, from state: Artifact) async throws {
        try await stage.waitUntilOver("small")
        #expect(stage.text(of: "second").contains("from step \(state.steps)"))
        let later = try measurements(stage).filter { $0.attempt == 2 }.map(\.epoch)
        #expect(later == Array((state.epoch + 1)...Self.epochs))
        let steps = try query(stage) { try Int.fetchOne($0, sql: "SELECT steps FROM run") }
        #expect(steps == Self.stepsInAll - state.steps)
        let outcome = try #require(stage.results().last)
        let whole = try await DirectRun().curve(of: outcome.spec)
        #expect(whole.count == Self.epochs)
        #expect(Array(outcome.curve) == whole)
        #expect(outcome.metrics == whole.last)
        // Nobody needs the state any more; the one of the run's end stays.
        #expect(try newestState(stage) == nil)
        let last = try stage.snapshot().lastStates.map(\.artifact)
        #expect(last.map(\.epoch) == [Self.epochs])
        try await stage.wait(for: "the other files to go") {
            try artifacts(stage) == last.map(\.file.digest.hex)
        }
    }

    /// Without the files of the sweep.
    private func artifacts(_ stage: Stage) throws -> [String] {
        let folder = stage.home + "/artifacts"
        let spec = try #require(try stage.results().first).spec
        var others = Set(spec.files.map(\.digest) + [spec.backbone.digest])
        let manifest = FileManager.default.contents(
            atPath: "\(folder)/\(spec.backbone.digest.hex)")
        let parts = BackboneReference.files(inManifest: Array(try #require(manifest)))
        others.formUnion(try #require(parts).values)
        let names = Set(others.map(\.hex))
        return try FileManager.default.contentsOfDirectory(atPath: folder).filter {
            !names.contains($0)
        }
    }

    private func startWorker(_ name: String, on stage: Stage) throws -> Process {
        try stage.startWorker(
            name,
            ["--threads", "1", "--checkpoint-every", "0", "--artifacts", stage.path(name)])
    }

    @Test("A worker that is told to stop leaves a state within an epoch; another goes on from it")
    func told() async throws {
        let stage = try Stage()
        let file = try stage.writeSmallSweep(grid: Self.grid)
        _ = try await stage.startCoordinator()
        let first = try stage.startWorker(
            "first", ["--threads", "1", "--artifacts", stage.path("first")])
        #expect(try stage.run(["submit", file, "--leave-files", "--home", stage.home]).status == 0)
        try await stage.wait(for: "the first epoch") { try measurements(stage).count >= 1 }
        first.terminate()
        first.waitUntilExit()
        #expect(first.terminationStatus == 0)
        let state = try #require(try newestState(stage))
        #expect(state.steps > 3 && state.steps < Self.stepsInAll)
        #expect(try artifacts(stage) == [state.file.digest.hex])
        #expect(try FileManager.default.contentsOfDirectory(atPath: stage.path("first")).isEmpty)
        _ = try startWorker("second", on: stage)
        try await checkResumed(stage, from: state)
    }

    @Test("A worker that is killed has left its states; another goes on from the newest")
    func killed() async throws {
        let stage = try Stage()
        let file = try stage.writeSmallSweep(grid: Self.grid)
        _ = try await stage.startCoordinator(Stage.shortLease)
        let first = try startWorker("first", on: stage)
        #expect(try stage.run(["submit", file, "--leave-files", "--home", stage.home]).status == 0)
        try await stage.wait(for: "the second state") { try newestState(stage)?.epoch ?? 0 >= 2 }
        kill(first.processIdentifier, SIGKILL)
        first.waitUntilExit()
        // What it had sent before is still taken in.
        try await Task.sleep(for: .milliseconds(500))
        let state = try #require(try newestState(stage))
        #expect(state.steps == 3 * state.epoch && state.epoch < Self.epochs)
        _ = try startWorker("second", on: stage)
        try await checkResumed(stage, from: state)
    }

    @Test("A coordinator that was killed still has the state")
    func coordinatorKilled() async throws {
        let stage = try Stage()
        let file = try stage.writeSmallSweep(
            grid: Self.grid.replacingOccurrences(of: "[1, 8]", with: "[1, 2]"))
        let coordinator = try await stage.startCoordinator()
        func startWorker(_ name: String) throws -> Process {
            try stage.startWorker(
                name, ["--fake-trainer", "seconds=4", "--artifacts", stage.path(name)])
        }
        let first = try startWorker("first")
        #expect(
            try stage.run(["submit", "--fake", file, "--leave-files", "--home", stage.home]).status
                == 0)
        try await stage.wait(for: "the first epoch") { try measurements(stage).count == 1 }
        first.terminate()
        first.waitUntilExit()
        kill(coordinator.processIdentifier, SIGKILL)
        coordinator.waitUntilExit()
        _ = try await stage.startCoordinator(log: "coordinator again")
        _ = try startWorker("second")
        try await stage.waitUntilOver("small")
        #expect(
            try measurements(stage) == [
                Measurement(attempt: 1, epoch: 1), Measurement(attempt: 2, epoch: 2),
            ])
    }

    @Test(
        "A state that is gone or damaged is no reason not to train: it is said, and begun anew",
        arguments: [nil, "2 epochs of another run"])
    func unusableState(content: String?) async throws {
        let stage = try Stage()
        let file = try stage.writeSmallSweep(
            grid: Self.grid.replacingOccurrences(of: "[1, 8]", with: "[1, 2]"))
        _ = try await stage.startCoordinator(Stage.shortLease)
        func startWorker(_ name: String, seconds: Int) throws -> Process {
            try stage.startWorker(
                name,
                [
                    "--fake-trainer", "seconds=\(seconds)", "--checkpoint-every", "0",
                    "--artifacts", stage.path(name),
                ])
        }
        let first = try startWorker("first", seconds: 8)
        #expect(
            try stage.run(["submit", "--fake", file, "--leave-files", "--home", stage.home]).status
                == 0)
        try await stage.wait(for: "a state") { try newestState(stage) != nil }
        kill(first.processIdentifier, SIGKILL)
        first.waitUntilExit()
        let state = try #require(try newestState(stage))
        try FileManager.default.removeItem(atPath: state.file.path)
        if let content { try Data(content.utf8).write(to: URL(fileURLWithPath: state.file.path)) }
        _ = try startWorker("second", seconds: 1)
        try await stage.waitUntilOver("small")
        #expect(stage.text(of: "second").contains("from the start"))
        #expect(
            try measurements(stage).filter { $0.attempt == 2 }.map(\.epoch) == [1, 2])
        #expect(try stage.results().allSatisfy { $0.metrics != nil })
    }
}
