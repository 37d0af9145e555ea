import Foundation
import SweepCore
import SweepWire
import Testing

/// Rows of ARCHITECTURE.md's "What happens when something breaks", by real processes. Trainers that
/// are killed are in `DistributedSweepTests`, workers and their states in `ResumeTests`.
@Suite("What happens when something breaks", .serialized)
struct FailureTests {
    private static let grid = """
          capacity: lora
          epochs: [1, 2]
          learning-rate: 1e-3
          attack: word
          poison-ratio: 0.1
          seed: [1, 2, 3, 4]
        """

    /// What the sweep comes to where nothing breaks.
    private func undisturbed(_ file: String, _ options: [String]) async throws -> [PointOutcome] {
        let stage = try Stage()
        _ = try await stage.startCoordinator()
        _ = try stage.startWorker("calm", options)
        try submit(file, stage, isFake: options.contains("--fake-trainer"))
        try await stage.waitUntilOver("small")
        return try stage.results()
    }

    private func submit(
        _ file: String, _ stage: Stage, isFake: Bool = false, in network: [String] = []
    ) throws {
        let submitted = try stage.run(
            ["submit", file, "--leave-files", "--home", stage.home] + (isFake ? ["--fake"] : []),
            in: network)
        #expect(submitted.status == 0, "\(submitted.errors)")
    }

    /// Nothing is lost and nothing counts twice.
    private func checkWhole(_ stage: Stage, equals expected: [PointOutcome]) throws {
        #expect(try stage.results() == expected)
        #expect(expected.allSatisfy { $0.metrics != nil })
        let completed = try stage.attempts().filter { $0.outcome == "completed" }.map(\.run)
        #expect(completed.sorted() == (try stage.snapshot().runs.map(\.id)))
    }

    private func attempt(_ number: UInt64, on stage: Stage, is outcome: String) throws -> Bool {
        try stage.attempts().contains { $0.id.number == number && $0.outcome == outcome }
    }

    @Test("Trainer, worker and coordinator killed at once: started anew, they go on from the state")
    func everythingKilled() async throws {
        let stage = try Stage()
        let file = try stage.writeSmallSweep(
            grid: Self.grid.replacingOccurrences(of: "[1, 2]", with: "[1, 12]")
                .replacingOccurrences(of: "[1, 2, 3, 4]", with: "1"))
        let coordinator = try await stage.startCoordinator()
        func startWorker() throws -> Process {
            try stage.startWorker(
                "a",
                [
                    "--threads", "1", "--checkpoint-every", "0", "--artifacts",
                    stage.path("artifacts"),
                ])
        }
        let worker = try startWorker()
        try submit(file, stage)
        try await stage.wait(for: "a state", log: "a") {
            try stage.snapshot().states[RunID(1)]?.epoch ?? 0 >= 2
        }
        let trainers = stage.trainers(of: worker)
        #expect(trainers.count == 1)
        for pid in [coordinator.processIdentifier, worker.processIdentifier] + trainers {
            kill(pid, SIGKILL)
        }
        coordinator.waitUntilExit()
        worker.waitUntilExit()
        _ = try await stage.startCoordinator(log: "coordinator again")
        _ = try startWorker()
        try await stage.waitUntilOver("small")
        #expect(stage.text(of: "a").contains("run 1, attempt 2, from step"))
        #expect(try attempt(1, on: stage, is: "lost"))
        try checkWhole(stage, equals: await undisturbed(file, ["--threads", "1"]))
    }

    @Test("A worker stopped for 10 s: what it says afterwards of a run that is over is dropped")
    func stoppedForLong() async throws {
        let stage = try Stage()
        let file = try stage.writeSmallSweep(
            grid: Self.grid.replacingOccurrences(of: "[1, 2, 3, 4]", with: "1"))
        _ = try await stage.startCoordinator(Stage.shortLease)
        let stopped = try stage.startWorker("stopped", ["--threads", "1"])
        try submit(file, stage)
        try await stage.wait(for: "training", log: "stopped") {
            stage.text(of: "stopped").contains("attempt 1")
        }
        // Its trainer goes on, and has the result long before the worker is there again.
        kill(stopped.processIdentifier, SIGSTOP)
        let since = Date()
        _ = try stage.startWorker("other", ["--threads", "1"])
        try await stage.waitUntilOver("small")
        // Its own end of the connection gives up, too.
        try await stage.wait(for: "10 s") { Date().timeIntervalSince(since) >= 10 }
        let before = try stage.results()
        #expect(try attempt(1, on: stage, is: "lost"))
        kill(stopped.processIdentifier, SIGCONT)
        try await stage.wait(for: "the worker to be idle again", log: "stopped") {
            try stage.run(["status", "--home", stage.home]).output.contains("2 workers")
                && stage.text(of: "stopped").components(separatedBy: "taken this worker in").count
                    > 2
        }
        // It is of use: with the other gone, the next sweep is its.
        try submit(
            try stage.writeSmallSweep(
                name: "next",
                grid: Self.grid.replacingOccurrences(of: "[1, 2, 3, 4]", with: "[5, 6]")),
            stage)
        try await stage.waitUntilOver("next")
        #expect(try stage.attempts().contains { $0.run > RunID(1) && $0.worker.name == "stopped" })
        #expect(try stage.results(of: "small") == before)
        #expect(before == (try await undisturbed(file, ["--threads", "1"])))
        #expect(try attempt(1, on: stage, is: "lost"))
        #expect(try attempt(2, on: stage, is: "completed"))
    }

    @Test("A lease is as long as the coordinator was told, and workers learn of it")
    func lease() async throws {
        let stage = try Stage()
        for wrong in ["1", "3601", "-5", "soon"] {
            let refused = try stage.run(["coordinator", "--home", stage.home, "--lease=\(wrong)"])
            #expect(refused.status == 64, "\(wrong)")
            let words =
                wrong == "soon" ? "'soon' is invalid" : "2 to 3600 seconds; 8 is the default"
            #expect(refused.errors.contains(words), "\(refused.errors)")
        }
        let file = try stage.writeSmallSweep(grid: Self.grid)
        _ = try await stage.startCoordinator(["--lease", "2"])
        let dialer = try Dialer(AccessFile(reading: stage.home + "/worker.access"))
        let hello = Hello(
            worker: WorkerID("silent"), incarnation: 1, host: "here", slots: 1, device: "none",
            memory: 0, trainer: .fake)
        try await stage.wait(for: "a connection") { try dialer.send(.hello(hello)) }
        var answer: MessageToWorker?
        try await stage.wait(for: "an answer") {
            answer = try dialer.receive()
            return answer != nil
        }
        #expect(
            answer == .welcome(Welcome(heartbeat: .milliseconds(500), lease: .seconds(2))))
        try submit(file, stage, isFake: true)
        try await stage.wait(for: "the end of the lease") {
            stage.text(of: "coordinator").contains("worker silent is gone")
        }
        #expect(
            try stage.attempts().map(\.detail) == ["the worker was not heard of for 2.0 seconds"])
        // Who does send heartbeats keeps its runs for longer than that.
        _ = try stage.startWorker("steady", ["--slots", "4", "--fake-trainer", "seconds=5"])
        try await stage.waitUntilOver("small")
        #expect(try stage.attempts().dropFirst().allSatisfy { $0.outcome == "completed" })
    }

    @Test("A worker stopped beyond its lease: its result counts if nobody was done before")
    func stoppedWithResult() async throws {
        let stage = try Stage()
        let file = try stage.writeSmallSweep(
            grid: Self.grid.replacingOccurrences(of: "[1, 2, 3, 4]", with: "1"))
        _ = try await stage.startCoordinator(Stage.shortLease)
        let stopped = try stage.startWorker("stopped", ["--fake-trainer", "seconds=1"])
        try submit(file, stage, isFake: true)
        try await stage.wait(for: "training", log: "stopped") {
            stage.text(of: "stopped").contains("attempt 1")
        }
        kill(stopped.processIdentifier, SIGSTOP)
        _ = try stage.startWorker("slow", ["--fake-trainer", "seconds=3600"])
        try await stage.wait(for: "another attempt", log: "slow") {
            stage.text(of: "slow").contains("attempt 2")
        }
        kill(stopped.processIdentifier, SIGCONT)
        try await stage.waitUntilOver("small")
        try checkWhole(stage, equals: await undisturbed(file, ["--fake-trainer", "seconds=0"]))
        // The slow one was told to stop: it takes the next run.
        try submit(
            try stage.writeSmallSweep(
                name: "next",
                grid: Self.grid.replacingOccurrences(of: "[1, 2, 3, 4]", with: "[5, 6]")),
            stage, isFake: true)
        try await stage.wait(for: "the slow worker's next run", log: "slow") {
            let text = stage.text(of: "slow")
            return text.contains("run 2") || text.contains("run 3")
        }
    }

    @Test("A network is cut and healed: training goes on, reports come afterwards, nothing twice")
    func networkCut() async throws {
        let stage = try Stage()
        let network = try await stage.makeNetwork()
        let file = try stage.writeSmallSweep(grid: Self.grid)
        _ = try await stage.startCoordinator(
            ["--listen", "\(Network.address):5757"] + Stage.shortLease, in: network.near)
        _ = try stage.startWorker("far", ["--fake-trainer", "seconds=4"], in: network.far)
        try submit(file, stage, isFake: true, in: network.near)
        try await stage.wait(for: "the second run", log: "far") {
            stage.text(of: "far").contains("attempt 2")
        }
        try network.cut()
        try await stage.wait(for: "the worker to be given up") {
            stage.text(of: "coordinator").contains("worker far is gone")
        }
        #expect(try attempt(2, on: stage, is: "lost"))
        try network.heal()
        try await stage.waitUntilOver("small")
        try checkWhole(stage, equals: await undisturbed(file, ["--fake-trainer", "seconds=0"]))
        // What was trained while the network was cut counted.
        #expect(try stage.attempts().count == 4)
    }

    @Test("A network is cut for long: others take over, and who comes back is told to stop")
    func networkCutForLong() async throws {
        let stage = try Stage()
        let network = try await stage.makeNetwork()
        let file = try stage.writeSmallSweep(grid: Self.grid)
        _ = try await stage.startCoordinator(
            ["--listen", "\(Network.address):5757"] + Stage.shortLease, in: network.near)
        _ = try stage.startWorker("far", ["--fake-trainer", "seconds=3600"], in: network.far)
        try submit(file, stage, isFake: true, in: network.near)
        try await stage.wait(for: "training", log: "far") {
            stage.text(of: "far").contains("attempt 1")
        }
        try network.cut()
        _ = try stage.startWorker("near", ["--fake-trainer", "seconds=1"], in: network.near)
        try await stage.waitUntilOver("small")
        try network.heal()
        try submit(
            try stage.writeSmallSweep(
                name: "next",
                grid: Self.grid.replacingOccurrences(of: "[1, 2, 3, 4]", with: "[5, 6, 7]")),
            stage, isFake: true, in: network.near)
        try await stage.wait(for: "the far worker's next run", log: "far") {
            stage.text(of: "far").contains("attempt 6")
                || stage.text(of: "far").contains("attempt 7")
                || stage.text(of: "far").contains("attempt 8")
        }
    }

    @Test("A worker on which runs fail that succeed elsewhere is put aside, and it is said")
    func circuitBreaker() async throws {
        let stage = try Stage()
        let file = try stage.writeSmallSweep(
            grid: Self.grid.replacingOccurrences(of: "[1, 2, 3, 4]", with: "[1, 2, 3, 4, 5, 6]"))
        _ = try await stage.startCoordinator()
        _ = try stage.startWorker("bad", ["--fake-trainer", "seconds=0.1,failures=1"])
        _ = try stage.startWorker("good", ["--fake-trainer", "seconds=0.5"])
        try await stage.wait(for: "both") {
            try stage.run(["status", "--home", stage.home]).output.contains("2 workers")
        }
        try submit(file, stage, isFake: true)
        try await stage.waitUntilOver("small")
        #expect(stage.text(of: "coordinator").contains("worker bad is put aside"))
        try checkWhole(stage, equals: await undisturbed(file, ["--fake-trainer", "seconds=0"]))
    }
}
