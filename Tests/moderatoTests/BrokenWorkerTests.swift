import Foundation
import SweepCore
import Testing

@Suite("Workers that break", .serialized)
struct BrokenWorkerTests {
    private static func grid(epochs: Int = 1, seeds: String) -> String {
        """
          capacity: lora
          epochs: \(epochs)
          learning-rate: 1e-3
          attack: word
          poison-ratio: 0.1
          seed: \(seeds)
        """
    }

    /// A trainer that is as any other the first time it is started, and can't train from then on.
    private func fragileTrainer(on stage: Stage) throws -> String {
        let trainer = Stage.programs.appendingPathComponent("moderato-trainer").path
        let mark = stage.path("was-started")
        let path = try stage.write(
            """
            #!/bin/sh
            if [ -e '\(mark)' ]; then echo 'the card is gone' >&2; exit 3; fi
            : > '\(mark)'
            exec '\(trainer)' "$@"

            """, to: "fragile-trainer")
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
        return path
    }

    @Test("A trainer that can't be started anew is its worker's fault: no run uses up a retry")
    func restart() async throws {
        let stage = try Stage()
        let file = try stage.writeSmallSweep(grid: Self.grid(epochs: 40, seeds: "[1, 2]"))
        _ = try await stage.startCoordinator()
        let submitted = try stage.run(["submit", file, "--leave-files", "--home", stage.home])
        #expect(submitted.status == 0, "\(submitted.errors)")
        let worker = try stage.startWorker(
            "fragile", ["--trainer", try fragileTrainer(on: stage), "--threads", "1"])
        // Until then nothing of it is lost with the trainer, and it is handed back.
        try await stage.wait(for: "a first epoch") {
            try stage.results().contains { !$0.curve.isEmpty }
        }
        for trainer in stage.trainers(of: worker) { kill(trainer, SIGKILL) }
        #expect(try await stage.end(of: worker, log: "fragile") == 69)
        #expect(stage.text(of: "fragile").contains("the card is gone"))

        // The first attempt was killed; all later ones are nobody's failure.
        let ends = try stage.attempts().map { "\($0.outcome ?? "")" }
        #expect(ends.first == "failed" && ends.count > 1, "\(ends)")
        #expect(ends.dropFirst().allSatisfy { $0 == "handed back" }, "\(ends)")
        #expect(try stage.snapshot().runs.allSatisfy { $0.state == .waiting })
        let log = stage.text(of: "coordinator")
        #expect(log.contains("worker fragile left, as it can't train any more"), "\(log)")
        #expect(log.contains("the card is gone"), "\(log)")
    }

    @Test("'run' says that one of its workers has died while another goes on")
    func oneOfTwo() async throws {
        let stage = try Stage()
        let file = try stage.writeSmallSweep(grid: Self.grid(seeds: "[1, 2, 3, 4, 5, 6, 7, 8]"))
        let program = Stage.programs.appendingPathComponent("moderato").path
        let run = try stage.launch(
            [program, "run", file, "--workers", "2", "--home", stage.home]
                + ["--fake-trainer", "seconds=1"] + Stage.shortLease, log: "run")
        func isFirstWorker(_ child: pid_t) -> Bool {
            let words = try? String(contentsOfFile: "/proc/\(child)/cmdline", encoding: .utf8)
            return words?.contains("worker-1-") == true
        }
        try await stage.wait(for: "results", log: "run") {
            try stage.trainers(of: run).contains(where: isFirstWorker)
                && !stage.snapshot().finished.isEmpty
        }
        for child in stage.trainers(of: run).filter(isFirstWorker) { kill(child, SIGKILL) }
        #expect(try await stage.end(of: run, log: "run") == 0)
        let words = stage.text(of: "run")
        #expect(words.contains("worker-1 ended by itself, 1 other goes on"), "\(words)")
        #expect(words.contains("worker-1.log"), "\(words)")
        #expect(words.components(separatedBy: "ended by itself").count == 2, "\(words)")
    }

    @Test("'run' and 'status' say where to look when runs have failed")
    func pointer() throws {
        let stage = try Stage()
        let file = try stage.writeSmallSweep(grid: Self.grid(seeds: "1"))
        let run = try stage.run(
            ["run", file, "--home", stage.home, "--fake-trainer", "seconds=0.01,failures=1"])
        #expect(run.status == 1, "\(run)")
        let pointer =
            "1 run failed; moderato explain RUN tells why, moderato retry small tries again"
        #expect(run.output.contains("\n\(pointer)\n"), "\(run.output)")
        let status = try stage.run(["status", "--home", stage.home])
        #expect(status.output.contains("\n  \(pointer)\n"), "\(status.output)")
    }
}
