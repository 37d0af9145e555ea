import Foundation
import SweepCore
import Testing

/// A device that no machine has stands for one without CUDA.
@Suite("A trainer shows that it can train before its worker says hello", .serialized)
struct ProofTests {
    private static let grid = """
          capacity: lora
          epochs: 1
          learning-rate: 1e-3
          attack: word
          poison-ratio: 0.1
          seed: [1, 2]
        """

    private func script(_ text: String, as name: String, on stage: Stage) throws -> String {
        let path = try stage.write("#!/bin/sh\n\(text)\n", to: name)
        try FileManager.default.setAttributes(
            [.posixPermissions: 0o755], ofItemAtPath: path)
        return path
    }

    /// A coordinator with a sweep that waits for workers.
    private func stageWithWaitingSweep() async throws -> Stage {
        let stage = try Stage()
        let file = try stage.writeSmallSweep(grid: Self.grid)
        _ = try await stage.startCoordinator()
        let submitted = try stage.run(["submit", file, "--home", stage.home])
        #expect(submitted.status == 0, "\(submitted.errors)")
        return stage
    }

    private func checkUnseen(_ worker: String, by stage: Stage) throws {
        let workers = try stage.run(["workers", "--home", stage.home])
        #expect(workers.output.contains("no workers"), "\(workers.output)")
        #expect(!stage.text(of: "coordinator").contains(worker))
        #expect(try stage.attempts().isEmpty)
        #expect(try stage.snapshot().runs.allSatisfy { $0.state == .waiting })
    }

    @Test("Without its device a worker ends with 69 and the cure; no run is tried there")
    func noDevice() async throws {
        let stage = try await stageWithWaitingSweep()
        let worker = try stage.startWorker("blind", ["--device", "cuda:63"])
        #expect(try await stage.end(of: worker, log: "blind") == 69)
        let words = stage.text(of: "blind")
        for word in ["cuda:63", "status 69", "--device cpu", "nvidia-smi", "CUDA build of torch"] {
            #expect(words.contains(word), "\(words)")
        }
        #expect(words.split(whereSeparator: \.isNewline).count == 1, "\(words)")
        try checkUnseen("blind", by: stage)

        // The same sweep is nobody's loss: one that can train finishes it.
        _ = try stage.startWorker("able", ["--threads", "1"])
        try await stage.waitUntilOver("small")
        #expect(try stage.results().allSatisfy { $0.metrics != nil })
        #expect(try stage.attempts().count == 2)
    }

    @Test("A trainer that ends at once is quoted, and its worker ends with 69")
    func endsAtOnce() async throws {
        let stage = try await stageWithWaitingSweep()
        let broken = try script("echo 'no libtorch here' >&2; exit 3", as: "broken", on: stage)
        let worker = try stage.startWorker("hollow", ["--trainer", broken, "--slots", "2"])
        #expect(try await stage.end(of: worker, log: "hollow") == 69)
        let words = stage.text(of: "hollow")
        for word in [broken, "status 3", "no libtorch here"] {
            #expect(words.contains(word), "\(words)")
        }
        try checkUnseen("hollow", by: stage)
    }

    @Test("A worker that waits for its trainer ends at once when told to, and takes it along")
    func stoppedWhileWaiting() async throws {
        let stage = try await stageWithWaitingSweep()
        let silent = try script("exec sleep 1000", as: "silent", on: stage)
        let worker = try stage.startWorker("patient", ["--trainer", silent])
        func isSilent(_ trainer: pid_t) -> Bool {
            let path = "/proc/\(trainer)/cmdline"
            return (try? String(contentsOfFile: path, encoding: .utf8))?.contains("1000") == true
        }
        try await stage.wait(for: "the trainer", log: "patient") {
            stage.trainers(of: worker).contains(where: isSilent)
        }
        let trainers = stage.trainers(of: worker)
        worker.terminate()
        #expect(try await stage.end(of: worker, log: "patient") == 0)
        #expect(!trainers.contains(where: isSilent), "the trainer is still there")
        try checkUnseen("patient", by: stage)
    }

    @Test("'run' ends with the trainer's words where nothing can be trained")
    func run() async throws {
        let stage = try Stage()
        let file = try stage.writeSmallSweep(grid: Self.grid)
        _ = try script("echo 'no libtorch here' >&2; exit 3", as: "moderato-trainer", on: stage)
        let program = stage.path("moderato")
        try FileManager.default.copyItem(
            atPath: Stage.programs.appendingPathComponent("moderato").path, toPath: program)
        let run = try stage.launch(
            [program, "run", file, "--workers", "2", "--home", stage.home], log: "run")
        #expect(try await stage.end(of: run, log: "run") == 69)
        let words = stage.text(of: "run")
        #expect(words.contains("no libtorch here") && words.contains("worker-1.log"), "\(words)")
        #expect(try stage.attempts().isEmpty)
    }
}
