import Foundation
import SweepCore
import SweepWire
import Testing

@Suite("A noisy peer beside honest ones, by real processes")
struct FloodTests {
    private static let grid = """
          capacity: lora
          epochs: [1, 2]
          learning-rate: [1e-3, 1e-4]
          attack: word
          poison-ratio: 0.1
          seed: [1, 2, 3, 4, 5]
        """

    /// Sends frames as fast as they are taken, from a thread of its own, and never reads answers.
    private final class Flood: @unchecked Sendable {
        // The thread owns the socket; the rest is behind the lock.
        private let lock = NSLock()
        private var isOver = false
        private var count = 0
        private let done = DispatchSemaphore(value: 0)

        var sent: Int { lock.withLock { count } }

        init(_ access: AccessFile, _ frames: [[UInt8]]) throws {
            Thread.detachNewThread { [self] in
                defer { done.signal() }
                guard let dialer = try? Dialer(access) else { return }
                var number = 0
                while !lock.withLock({ isOver }) {
                    if (try? dialer.socket.send([frames[number % frames.count]])) == true {
                        number += 1
                        lock.withLock { count += 1 }
                    } else {
                        _ = try? dialer.look()
                        usleep(1_000)
                    }
                }
            }
        }

        func end() {
            lock.withLock { isOver = true }
            done.wait()
        }
    }

    @Test(
        "Floods of malformed messages, of valid ones and of requests leave others their leases",
        arguments: ["malformed", "worker", "client"])
    func flood(_ kind: String) async throws {
        let stage = try Stage()
        let file = try stage.writeSmallSweep(grid: Self.grid)
        let coordinator = try await stage.startCoordinator()
        let role = kind == "client" ? "client" : "worker"
        #expect(
            try stage.run(["keys", "new", "noisy", "--role", role, "--home", stage.home]).status
                == 0)
        let access = try AccessFile(reading: stage.home + "/noisy.access")
        let frames: [[UInt8]] =
            switch kind {
            case "malformed":
                // Of all sizes up to the largest.
                [10, 1_000, Codec.maxFrameBytes].map { [UInt8](repeating: 0xFF, count: $0) }
            case "worker":
                [
                    MessageToCoordinator.heartbeat([]), .goodbye(), .file(.chunk(Self.chunk)),
                    .file(.fetch(Fetch(digest: Self.digest, offset: 0))),
                ]
                .map { Codec.encode($0) }
            default:
                [
                    MessageToCoordinator.askStatus, .askResults(sweep: ""),
                    .explain(.run(RunID(1))),
                ]
                .map { Codec.encode($0) }
            }
        let flood = try Flood(access, frames)
        defer { flood.end() }
        try await stage.wait(for: "the flood") { flood.sent > 1_000 }
        for name in ["a", "b"] { _ = try stage.startWorker(name, ["--fake-trainer", "seconds=2"]) }
        #expect(
            try stage.run(["submit", "--fake", file, "--leave-files", "--home", stage.home]).status
                == 0)
        var slowest = 0.0
        try await stage.wait(for: "the sweep to be over") {
            let begin = Date()
            let status = try stage.run(["status", "--home", stage.home])
            #expect(status.status == 0, "\(status.errors)")
            slowest = max(slowest, Date().timeIntervalSince(begin))
            return try stage.snapshot().runs.allSatisfy { $0.state == .completed }
        }
        // Nobody lost a lease: as many attempts as runs.
        #expect(try stage.snapshot().lastAttempt == AttemptID(10))
        let log = stage.text(of: "coordinator")
        if kind != "worker" {
            #expect(log.contains("with the key 'noisy'"), "\(log.suffix(1_000))")
        }
        #expect(log.utf8.count < 20_000, "the log is bounded")
        #expect(coordinator.isRunning)
        let status = try String(
            contentsOfFile: "/proc/\(coordinator.processIdentifier)/status", encoding: .utf8)
        let memory = status.split(separator: "\n").first { $0.hasPrefix("VmHWM") } ?? ""
        print("flood \(kind): \(flood.sent) messages, status within \(slowest) s, \(memory)")
    }

    private static let digest = Digest(ofText: "a file that nobody has")
    private static let chunk = Chunk(
        digest: digest, offset: 0, bytes: [UInt8](repeating: 0, count: Chunk.mostBytes),
        total: 1 << 30)
}
