import Foundation
import SweepCore
import SweepStore
import Testing

/// `Peer/attacker.py` knows nothing but `proto/moderato.proto` and the access files.
@Suite("A peer with a valid key that means harm, by real processes")
struct AttackerTests {
    private static let grid = """
          capacity: lora
          epochs: 1
          learning-rate: [1e-3, 1e-4]
          attack: word
          poison-ratio: 0.1
          seed: [SEEDS]
        """

    private func attack(
        _ name: String, _ stage: Stage, log: String? = nil
    ) throws -> (Process, log: String) {
        let script = Stage.checkout.appendingPathComponent("Tests/moderatoTests/Peer/attacker.py")
        let proto = Stage.checkout.appendingPathComponent("proto/moderato.proto")
        let access = ["worker", "client", "read-only"].map { "\(stage.home)/\($0).access" }
        let log = log ?? "attack-\(name)"
        let command =
            [PeerPython.path, script.path, name, proto.path, "\(protocolVersion)"] + access
        return (try stage.launch(command, log: log), log)
    }

    /// Kilobytes that the process had at most, and files that it has open.
    private func size(of process: Process) throws -> (peak: Int, files: Int) {
        let place = "/proc/\(process.processIdentifier)"
        let status = try String(contentsOfFile: place + "/status", encoding: .utf8)
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM") } ?? ""
        return (
            line.split(whereSeparator: \.isWhitespace).compactMap { Int($0) }.first ?? 0,
            try FileManager.default.contentsOfDirectory(atPath: place + "/fd").count
        )
    }

    private func startHonestWorkers(_ stage: Stage) throws {
        for number in 0..<2 {
            _ = try stage.startWorker(
                "honest-\(number)", ["--fake-trainer", "seconds=0.05", "--label", "honest"])
        }
    }

    private func sweep(_ stage: Stage, _ name: String, seeds: Int) throws -> String {
        let seeds = (1...seeds).map { "\($0)" }.joined(separator: ", ")
        return try stage.writeSmallSweep(
            name: name, grid: Self.grid.replacingOccurrences(of: "SEEDS", with: seeds),
            needs: ["honest"])
    }

    private func completed(_ stage: Stage) throws -> Int {
        try stage.snapshot().runs.count { $0.state == .completed }
    }

    /// Runs of honest workers that end in a second, from now on.
    private func rate(_ stage: Stage, until isOver: () -> Bool) async throws -> Double {
        let (begin, before) = (Date(), try completed(stage))
        while !isOver(), Date().timeIntervalSince(begin) < 60 {
            try await Task.sleep(for: .milliseconds(100))
        }
        return Double(try completed(stage) - before) / Date().timeIntervalSince(begin)
    }

    @Test(
        "Whatever messages it sends, the coordinator holds, and others notice nothing",
        .enabled(if: PeerPython.isThere),
        arguments: ["numbers", "reports", "names", "parts", "forged"])
    func messages(_ name: String) async throws { try await check(name) }

    @Test(
        "Whatever it asks for, the coordinator holds, and others notice nothing",
        .enabled(if: PeerPython.isThere),
        arguments: ["unread", "silent", "uploads", "large", "grids"])
    func requests(_ name: String) async throws { try await check(name) }

    private func check(_ name: String) async throws {
        let stage = try Stage()
        let coordinator = try await stage.startCoordinator()
        try startHonestWorkers(stage)
        let file = try sweep(stage, "honest", seeds: 2_000)
        let submission = ["submit", "--fake", file, "--leave-files", "--home", stage.home]
        #expect(try stage.run(submission).status == 0)
        try await stage.wait(for: "the first runs") { try self.completed(stage) > 20 }
        let alone = Date().addingTimeInterval(3)
        let before = try await rate(stage) { Date() > alone }
        let sizeBefore = try size(of: coordinator)
        let (attacker, log) = try attack(name, stage)
        let beside = try await rate(stage) { !attacker.isRunning }
        let status = try await stage.end(of: attacker, log: log)
        #expect(status == 0, "\(stage.text(of: log))")
        #expect(coordinator.isRunning, "\(stage.text(of: "coordinator").suffix(2_000))")
        try await stage.wait(for: "files to be closed") {
            try self.size(of: coordinator).files < sizeBefore.files + 64
        }
        let sizeAfter = try size(of: coordinator)
        #expect(sizeAfter.peak < sizeBefore.peak + 300_000, "kB at most, before \(sizeBefore.peak)")
        // Nobody honest lost a lease.
        let honest = try stage.attempts().filter { $0.worker.name.hasPrefix("honest") }
        #expect(honest.allSatisfy { $0.outcome != "lost" && $0.outcome != "failed" })
        let text = stage.text(of: log).trimmingCharacters(in: .whitespacesAndNewlines)
        let share = String(format: "%.2f", beside / before)
        print(
            "attack \(name): \(text); peak \(sizeBefore.peak / 1_000) to "
                + "\(sizeAfter.peak / 1_000) MB, files \(sizeBefore.files) to "
                + "\(sizeAfter.files), honest runs at \(share) of their rate")
        let written = stage.text(of: "coordinator")
        #expect(written.utf8.count < 200_000, "the log is bounded")
        let isClean = written.unicodeScalars.allSatisfy {
            $0 == "\n" || $0.value >= 0x20 && $0.value != 0x7F && $0.value != 0x202E
        }
        #expect(isClean, "nothing in the log moves a cursor")
        #expect(!written.split(separator: "\n").contains { $0.hasPrefix("2026-01-01") })
    }
}
