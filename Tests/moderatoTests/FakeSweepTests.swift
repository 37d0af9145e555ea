import Foundation
import SweepCore
import Testing

@Suite("Sweeps by real processes with the fake trainer")
struct FakeSweepTests {
    private static let grid = """
          capacity: lora
          epochs: [1, 2]
          learning-rate: [1e-3, 1e-4]
          attack: word
          poison-ratio: 0.1
          seed: [1, 2, 3, 4, 5]
        """

    @Test("A coordinator that is killed goes on from its store; workers keep their runs")
    func coordinatorKilled() async throws {
        let stage = try Stage()
        let file = try stage.writeSmallSweep(grid: Self.grid)
        let first = try await stage.startCoordinator()
        for name in ["a", "b"] { _ = try stage.startWorker(name, ["--fake-trainer", "seconds=2"]) }
        #expect(
            try stage.run(["submit", "--fake", file, "--leave-files", "--home", stage.home]).status
                == 0)
        // Both workers are in the middle of their second run.
        try await stage.wait(for: "results") { try stage.snapshot().finished.count >= 6 }
        kill(first.processIdentifier, SIGKILL)
        first.waitUntilExit()
        _ = try await stage.startCoordinator(log: "coordinator again")
        try await stage.waitUntilOver("small")
        let snapshot = try stage.snapshot()
        #expect(snapshot.finished.count == 20)
        // Nobody repeated work: as many attempts as runs.
        let story = try story(of: snapshot, on: stage)
        #expect(snapshot.lastAttempt == AttemptID(10), "\(story)")
    }

    private func story(of snapshot: Snapshot, on stage: Stage) throws -> String {
        try snapshot.runs.map {
            try stage.run(["explain", "\($0.id.number)", "--home", stage.home]).output
        }.joined()
    }

    @Test("A sweep is paused, resumed, cancelled and taken up again; runs tell their story")
    func control() async throws {
        let stage = try Stage()
        let file = try stage.writeSmallSweep(grid: Self.grid)
        _ = try await stage.startCoordinator()
        func ask(_ words: String...) throws -> (status: Int32, output: String, errors: String) {
            try stage.run(words + ["--home", stage.home])
        }
        #expect(
            try stage.run(["submit", "--fake", file, "--leave-files", "--home", stage.home]).status
                == 0)
        #expect(try ask("pause", "small").output.contains("is paused"))
        _ = try stage.startWorker("a", ["--fake-trainer", "seconds=0.02", "--label", "gpu=x"])
        try await stage.wait(for: "the worker") { try ask("status").output.contains("idle") }
        #expect(try ask("status").output.contains("paused"))
        #expect(try ask("explain", "1").output.contains("its sweep is paused"))
        #expect(try ask("cancel", "small").output.contains("10 of 10 runs"))
        #expect(try ask("explain", "1").output.contains("cancelled"))
        #expect(try ask("retry", "small").output.contains("10 runs are tried again"))
        try await stage.waitUntilOver("small")
        #expect(try ask("prioritize", "small", "7").output.contains("priority 7"))
        #expect(try ask("explain", "11").output.contains("attempt"))
        #expect(try ask("explain", "a").output.contains("gpu=x"))
        let unknown = try ask("explain", "nobody")
        #expect(unknown.status == 77 && unknown.errors.contains("there is no worker 'nobody'"))
        #expect(try ask("drain", "a").output.contains("leaves"))
        try await stage.wait(for: "the worker to leave") {
            try ask("status").output.contains("no workers")
        }
    }

    @Test("A key that is revoked sends its worker away; another key's worker takes its run over")
    func keys() async throws {
        let stage = try Stage()
        let file = try stage.writeSmallSweep(grid: Self.grid)
        _ = try await stage.startCoordinator()
        func ask(_ words: String...) throws -> (status: Int32, output: String, errors: String) {
            try stage.run(words + ["--home", stage.home])
        }
        for name in ["bad", "good"] {
            #expect(try ask("keys", "new", name).status == 0)
        }
        #expect(try ask("keys", "new", "bad").errors.contains("goes by the name bad already"))
        let bad = try stage.start(
            "moderato",
            [
                "worker", "--access", stage.home + "/bad.access", "--name", "a",
                "--fake-trainer", "seconds=3600",
            ], log: "bad")
        #expect(try ask("submit", "--fake", "--leave-files", file).status == 0)
        try await stage.wait(for: "a run on the worker") {
            try ask("status").output.contains("run 1")
        }
        #expect(try ask("keys", "revoke", "bad").status == 0)
        bad.waitUntilExit()
        #expect(bad.terminationStatus == 77)
        #expect(stage.text(of: "bad").contains("was revoked"))
        #expect(try ask("keys", "list").output.contains("good  "))
        #expect(try ask("keys", "list").output.contains("bad  ") == false)
        _ = try stage.start(
            "moderato",
            [
                "worker", "--access", stage.home + "/good.access", "--name", "b",
                "--fake-trainer", "seconds=0.01",
            ], log: "good")
        try await stage.waitUntilOver("small")
    }

    @Test("Failures and crashes are retried until everything is there")
    func failures() async throws {
        let stage = try Stage()
        let file = try stage.writeSmallSweep(grid: Self.grid)
        _ = try await stage.startCoordinator()
        let options = "seconds=0.05,failures=0.1,crashes=0.1"
        for name in ["a", "b", "c"] {
            _ = try stage.startWorker(name, ["--slots", "2", "--fake-trainer", options])
        }
        #expect(
            try stage.run(["submit", "--fake", file, "--leave-files", "--home", stage.home]).status
                == 0)
        try await stage.waitUntilOver("small")
        let runs = try stage.snapshot().runs
        for run in runs {
            #expect(run.state == .completed || run.failures.count == 3)
        }
        let status = try stage.run(["status", "--home", stage.home])
        #expect(status.status == 0)
        #expect(status.output.contains("3 workers"))
    }

    @Test("A worker that leaves hands its run back; another trains it at once")
    func draining() async throws {
        let stage = try Stage()
        let file = try stage.writeSmallSweep(
            grid: Self.grid.replacingOccurrences(of: "[1, 2, 3, 4, 5]", with: "1"))
        _ = try await stage.startCoordinator()
        let slow = try stage.startWorker("slow", ["--slots", "2", "--fake-trainer", "seconds=600"])
        #expect(
            try stage.run(["submit", "--fake", file, "--leave-files", "--home", stage.home]).status
                == 0)
        try await stage.wait(for: "training", log: "slow") {
            stage.text(of: "slow").contains("slot 1: run")
        }
        slow.terminate()
        slow.waitUntilExit()
        #expect(slow.terminationStatus == 0)
        _ = try stage.startWorker("fast", ["--fake-trainer", "seconds=0"])
        try await stage.waitUntilOver("small")
        #expect(
            try stage.snapshot().runs.allSatisfy { $0.state == .completed && $0.failures.isEmpty })
    }

    @Test("Results over the wire are those of the store")
    func overTheWire() async throws {
        let stage = try Stage()
        let seeds = (1...150).map(String.init).joined(separator: ", ")
        let file = try stage.writeSmallSweep(
            grid: Self.grid.replacingOccurrences(of: "[1, 2, 3, 4, 5]", with: "[\(seeds)]"))
        _ = try await stage.startCoordinator()
        _ = try stage.startWorker("a", ["--slots", "8", "--fake-trainer", "seconds=0"])
        #expect(
            try stage.run(["submit", "--fake", file, "--leave-files", "--home", stage.home]).status
                == 0)
        try await stage.waitUntilOver("small")
        let local = try stage.run(["results", "--home", stage.home, "--csv"])
        let access = stage.home + "/read-only.access"
        let remote = try stage.run(["results", "--access", access, "--csv"])
        #expect(remote.status == 0, "\(remote.errors)")
        #expect(remote.output == local.output)
        #expect(remote.output.split(whereSeparator: \.isNewline).count == 601)
    }

    @Test("A read-only key looks but does not submit; a worker's key does neither")
    func roles() async throws {
        let stage = try Stage()
        let file = try stage.writeSmallSweep(grid: Self.grid)
        _ = try await stage.startCoordinator()
        for role in ["read-only", "worker"] {
            let access = stage.home + "/\(role).access"
            let submit = try stage.run([
                "submit", "--fake", file, "--leave-files", "--access", access,
            ])
            #expect(submit.status == 77)
            #expect(submit.errors.contains("does not allow"))
            let status = try stage.run(["status", "--access", access])
            #expect(status.status == (role == "worker" ? 77 : 0))
        }
        #expect(try stage.snapshot().sweeps.isEmpty)
    }

    @Test("A second coordinator on the same home is refused, with the cure")
    func secondCoordinator() async throws {
        let stage = try Stage()
        _ = try await stage.startCoordinator()
        let second = try stage.run(["coordinator", "--home", stage.home])
        #expect(second.status == 69)
        #expect(second.errors.contains("uses this home already"))
    }

    @Test("A mistake in a sweep file ends with status 64 before anything is stored or started")
    func badSweepFile() throws {
        let stage = try Stage()
        let file = try stage.writeSmallSweep(
            grid: Self.grid.replacingOccurrences(of: "learning-rate", with: "learnig-rate"))
        for command in ["run", "submit", "plan"] {
            let result = try stage.run([command, file, "--home", stage.home])
            #expect(result.status == 64, "\(command)")
            #expect(result.errors.contains("small.yaml, line 7"), "\(result.errors)")
            #expect(result.errors.contains("learning-rate"), "\(result.errors)")
        }
        #expect(!FileManager.default.fileExists(atPath: stage.home))
    }

    @Test("Without a coordinator, commands say so and end with status 69")
    func noCoordinator() throws {
        let stage = try Stage()
        for arguments in [["status"], ["results"]] {
            let result = try stage.run(arguments + ["--home", stage.home])
            #expect(result.status == 69)
            #expect(result.errors.hasPrefix("moderato: "))
        }
    }
}
