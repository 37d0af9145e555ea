import Foundation
import GRDB
import SweepCore
import SweepStore
import Testing

/// Sweeps that are submitted again with more epochs, or with more to keep.
@Suite("Sweeps that grow", .serialized)
struct GrowthTests {
    private static func grid(epochs: String, capacity: String) -> String {
        """
              capacity: \(capacity)
              epochs: \(epochs)
              learning-rate: 1e-3
              attack: word
              poison-ratio: 0.1
              seed: 7
        """
    }

    private func startWorker(
        _ name: String, on stage: Stage, _ arguments: [String] = []
    ) throws -> Process {
        try stage.startWorker(
            name, ["--threads", "1", "--artifacts", stage.path(name)] + arguments)
    }

    private func stop(_ process: Process) {
        process.terminate()
        process.waitUntilExit()
    }

    /// Submits the file, and waits until it is over; what the command said.
    private func submit(_ file: String, on stage: Stage) async throws -> String {
        let answer = try stage.run(
            ["submit", file, "--leave-files", "--wait", "--home", stage.home])
        #expect(answer.status == 0, "\(answer)")
        return answer.output
    }

    /// What the results are, whoever brought them.
    private func figures(_ stage: Stage) throws -> [PointOutcome] {
        try stage.results().map {
            var point = $0
            point.run = nil
            return point
        }
    }

    /// The epochs that each run's own attempts have measured.
    private func epochsTrained(_ stage: Stage) throws -> [Int: [Int]] {
        var configuration = Configuration()
        configuration.readonly = true
        let queue = try DatabaseQueue(
            path: stage.home + "/store.sqlite", configuration: configuration)
        return try queue.read { database in
            let rows = try Row.fetchAll(
                database,
                sql: """
                    SELECT measurement.run, epoch FROM measurement
                    JOIN attempt ON attempt.id = measurement.attempt
                        AND attempt.run = measurement.run
                    ORDER BY measurement.run, epoch
                    """)
            return Dictionary(grouping: rows, by: { $0["run"] }).mapValues {
                $0.map { $0["epoch"] }
            }
        }
    }

    @Test("More epochs go on elsewhere from where the runs ended, bit for bit")
    func moreEpochs() async throws {
        let stage = try Stage()
        let capacity = "[{ pet: lora, bottleneck: 2 }, bitfit]"
        let small = Self.grid(epochs: "[1, 2]", capacity: capacity)
        let file = try stage.writeSmallSweep(grid: small)
        _ = try await stage.startCoordinator()
        let first = try startWorker("first", on: stage)
        #expect(!(try await submit(file, on: stage)).contains("go on"))
        stop(first)

        let large = Self.grid(epochs: "[1, 2, 4]", capacity: capacity)
        _ = try stage.writeSmallSweep(grid: large)
        let plan = try stage.run(["plan", file, "--home", stage.home])
        #expect(plan.output.contains("steps    12\n"), "\(plan)")
        let second = try startWorker("second", on: stage)
        let answer = try await submit(file, on: stage)
        #expect(
            answer.contains("6 points, 4 finished before, 2 new runs, 12 training steps"),
            "\(answer)")
        let words = "2 runs go on from where earlier ones ended (after 2 epochs, 12 steps saved)"
        #expect(answer.contains(words) && plan.output.contains(words), "\(answer)")
        stop(second)
        #expect(
            try epochsTrained(stage)
                == [1: [1, 2], 2: [1, 2], 3: [3, 4], 4: [3, 4]])
        // An epoch in between was measured on the way.
        _ = try stage.writeSmallSweep(grid: Self.grid(epochs: "[1, 2, 3, 4]", capacity: capacity))
        let third = try await submit(file, on: stage)
        #expect(third.contains("8 points, 8 finished before, 0 new runs"), "\(third)")
        // Curves, figures and numbers of parameters are those of a sweep asked for at once.
        let grown = try figures(stage)
        stage.home = stage.path("at once")
        let whole = try stage.run(
            ["run", file, "--workers", "1", "--threads", "1", "--home", stage.home])
        #expect(whole.status == 0, "\(whole.errors)")
        #expect(try figures(stage) == grown)
    }

    @Test("What a sweep keeps later is made of states; without them it is said, and trained again")
    func keptLater() async throws {
        let stage = try Stage()
        let file = try stage.writeSmallSweep(grid: Self.grid(epochs: "[1, 2]", capacity: "lora"))
        let text = try String(contentsOfFile: file, encoding: .utf8)
        let keep = "\nkeep: { model: yes, hidden-states: [2] }\n"
        var models: [String] = []
        for (name, arguments) in [("kept", []), ("none", ["--states-limit", "0"])] {
            stage.home = stage.path(name)
            try stage.write(text, to: "small.yaml")
            let coordinator = try await stage.startCoordinator(arguments, log: name)
            let worker = try startWorker("worker of \(name)", on: stage)
            _ = try await submit(file, on: stage)
            let before = try figures(stage)

            try stage.write(text + keep, to: "small.yaml")
            let answer = try await submit(file, on: stage)
            let isKept = name == "kept"
            #expect(answer.contains("1 run goes on") == isKept, "\(answer)")
            let warning = "2 finished points are trained again for what the sweep keeps"
            #expect(answer.contains(warning) != isKept, "\(answer)")
            #expect(try epochsTrained(stage)[2] == (isKept ? nil : [1, 2]))
            #expect(try figures(stage) == before)
            let listed = try stage.run(["artifacts", "--json", "--home", stage.home])
            let rows = try #require(
                JSONSerialization.jsonObject(with: Data(listed.output.utf8)) as? [[String: Any]])
            #expect(rows.compactMap { $0["kind"] as? String } == ["checkpoint", "hidden-states"])
            // Files are named by their content.
            let path = try #require(rows.first?["path"] as? String)
            models.append(URL(fileURLWithPath: path).lastPathComponent)
            let export = try stage.run(
                ["export", "2", "--out", stage.path("model of \(name)"), "--home", stage.home])
            #expect(export.status == 0, "\(export)")
            #expect(try await submit(file, on: stage).contains("0 new runs"))
            stop(worker)
            stop(coordinator)
        }
        // The model of the state is that of a training that kept it.
        #expect(models[0] == models[1])
    }

    @Test("A last state that can't be written fails nothing; a file that is to be kept does")
    func unwritable() async throws {
        let stage = try Stage()
        let file = try stage.writeSmallSweep(grid: Self.grid(epochs: "1", capacity: "lora"))
        _ = try await stage.startCoordinator()
        try stage.write("no folder", to: "worker")
        _ = try startWorker("worker", on: stage)
        _ = try await submit(file, on: stage)
        #expect(try stage.snapshot().lastStates.isEmpty)
        #expect(stage.text(of: "worker").contains("the last state of run 1 is not kept"))

        let text = try String(contentsOfFile: file, encoding: .utf8)
        try stage.write(text + "\nkeep: { model: yes }\n", to: "small.yaml")
        let answer = try stage.run(
            ["submit", file, "--leave-files", "--wait", "--home", stage.home])
        #expect(answer.status == 1, "\(answer)")
        #expect(answer.output.contains("1 run failed"), "\(answer)")
        #expect(try stage.results().allSatisfy { $0.metrics != nil })
    }

    @Test("States outlive a coordinator that is killed, and go when it may keep less")
    func coordinatorKilled() async throws {
        let stage = try Stage()
        func write(_ epochs: String) throws -> String {
            try stage.writeSmallSweep(
                grid: Self.grid(epochs: epochs, capacity: "[lora, bitfit]"))
        }
        func submit(_ file: String) throws -> String {
            let answer = try stage.run(
                ["submit", "--fake", file, "--leave-files", "--wait", "--home", stage.home])
            #expect(answer.status == 0, "\(answer)")
            return answer.output
        }
        func kill(_ coordinator: Process) {
            Foundation.kill(coordinator.processIdentifier, SIGKILL)
            coordinator.waitUntilExit()
        }
        var coordinator = try await stage.startCoordinator()
        _ = try stage.startWorker(
            "fake", ["--fake-trainer", "seconds=0,states=1", "--artifacts", stage.path("fake")])
        _ = try submit(try write("[1, 2]"))
        kill(coordinator)
        coordinator = try await stage.startCoordinator(log: "second")
        let answer = try submit(try write("[1, 2, 3]"))
        #expect(answer.contains("2 runs go on"), "\(answer)")
        #expect(try epochsTrained(stage) == [1: [1, 2], 2: [1, 2], 3: [3], 4: [3]])
        #expect(try stage.results().allSatisfy { $0.curve.count == $0.spec.epochs })
        kill(coordinator)

        let states = try stage.snapshot().lastStates
        #expect(states.map(\.artifact.epoch).sorted() == [2, 2, 3, 3])
        let paths = states.map(\.artifact.file.path)
        #expect(paths.allSatisfy { FileManager.default.fileExists(atPath: $0) })
        _ = try await stage.startCoordinator(["--states-limit", "0"], log: "third")
        try await stage.wait(for: "the states to go", log: "third") {
            try stage.snapshot().lastStates.isEmpty
                && !paths.contains { FileManager.default.fileExists(atPath: $0) }
        }
        let last = try submit(try write("[1, 2, 3, 4]"))
        #expect(!last.contains("on from"), "\(last)")
        #expect(try stage.results().allSatisfy { $0.metrics != nil })
    }
}
