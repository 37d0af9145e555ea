import Foundation
import SweepCore
import SweepStore
import Testing

@Suite("A full disk under the store", .serialized)
struct FullDiskTests {
    private static let grid = """
          capacity: lora
          epochs: [1, 2]
          learning-rate: 1e-3
          attack: word
          poison-ratio: 0.1
          seed: [\((1...80).map { "\($0)" }.joined(separator: ", "))]
        """

    @Test("Nothing is acknowledged or assigned, and it is said; with room, work goes on")
    func fullAndFreed() async throws {
        let stage = try Stage()
        let disk = try stage.putHomeOnSmallDisk(megabytes: 16)
        let file = try stage.writeSmallSweep(grid: Self.grid)
        _ = try await stage.startCoordinator()
        _ = try stage.startWorker(
            "a", ["--fake-trainer", "seconds=0.1", "--artifacts", stage.path("artifacts")])
        #expect(
            try stage.run(["submit", "--fake", file, "--leave-files", "--home", stage.home]).status
                == 0)
        try await stage.wait(for: "results") { try stage.snapshot().finished.count >= 4 }
        disk.fill()
        try await stage.wait(for: "the words") {
            stage.text(of: "coordinator").contains("the disk is full")
        }
        let stored = try stage.snapshot()
        // People are told at once.
        for question in [["status"], ["results"], ["explain", "1"]] {
            let asked = try stage.run(
                question + ["--access", stage.home + "/client.access"])
            #expect(asked.status != 0, "\(question): \(asked.errors)")
            #expect(asked.errors.contains("the disk is full; nothing is lost"))
        }
        // Time for mistakes: the worker sends its reports again after three seconds.
        try await Task.sleep(for: .seconds(4))
        #expect(try stage.snapshot().finished == stored.finished)
        #expect(!stage.text(of: "a").contains("attempt \(stored.lastAttempt.number + 1)"))
        disk.free()
        try await stage.waitUntilOver("small")
        #expect(stage.text(of: "coordinator").contains("the store takes data again"))
        #expect(!stage.text(of: "coordinator").contains("is gone"))
        #expect(try stage.results().count { $0.metrics != nil } == 160)
        // Nobody repeated work: as many attempts as runs.
        #expect(try stage.attempts().map(\.outcome) == Array(repeating: "completed", count: 80))
    }

    @Test("A coordinator that is killed there starts again once there is room, with everything")
    func killedWhileFull() async throws {
        let stage = try Stage()
        let disk = try stage.putHomeOnSmallDisk(megabytes: 16)
        let file = try stage.writeSmallSweep(grid: Self.grid)
        let coordinator = try await stage.startCoordinator()
        _ = try stage.startWorker(
            "a", ["--fake-trainer", "seconds=0.1", "--artifacts", stage.path("artifacts")])
        #expect(
            try stage.run(["submit", "--fake", file, "--leave-files", "--home", stage.home]).status
                == 0)
        try await stage.wait(for: "results") { try stage.snapshot().finished.count >= 4 }
        disk.fill()
        try await stage.wait(for: "the words") {
            stage.text(of: "coordinator").contains("the disk is full")
        }
        kill(coordinator.processIdentifier, SIGKILL)
        coordinator.waitUntilExit()
        // It either says what is wrong and ends, or waits for room.
        let again = try stage.start(
            "moderato", ["coordinator", "--home", stage.home], log: "again")
        try await stage.wait(for: "the words", log: "again") {
            stage.text(of: "again").contains("full")
        }
        disk.free()
        if !again.isRunning {
            #expect(again.terminationStatus == 69)
            _ = try await stage.startCoordinator(log: "at last")
        }
        try await stage.waitUntilOver("small")
        #expect(try stage.results().count { $0.metrics != nil } == 160)
        #expect(try stage.attempts().count { $0.outcome == "completed" } == 80)
    }

    @Test("A file that the disk has no room for does not fill it")
    func tooLarge() async throws {
        let stage = try Stage()
        _ = try stage.putHomeOnSmallDisk(megabytes: 16)
        let file = try stage.writeSmallSweep(grid: Self.grid)
        _ = try await stage.startCoordinator()
        let access = stage.home + "/client.access"
        // The model has 90 MB.
        let submission = try stage.launch(
            [
                Stage.programs.appendingPathComponent("moderato").path, "submit", "--fake", file,
                "--access", access,
            ], log: "submit")
        try await stage.wait(for: "the words") {
            stage.text(of: "coordinator").contains("bytes are to come, and the disk has")
        }
        let status = try stage.run(["status", "--access", access])
        #expect(status.status == 0, "\(status.errors)")
        let parts = try FileManager.default.contentsOfDirectory(atPath: stage.home + "/artifacts")
            .filter { $0.hasSuffix(".part") }
        #expect(parts.isEmpty, "\(parts)")
        #expect(!stage.text(of: "coordinator").contains("the disk is full"))
        submission.terminate()
    }
}
