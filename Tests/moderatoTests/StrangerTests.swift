import Foundation
import SweepCore
import SweepWire
import Testing

/// Peers that are not what a coordinator or worker expects, over real sockets.
@Suite("Peers of another version, and peers that send nonsense", .serialized)
struct StrangerTests {
    private static let grid = """
          capacity: lora
          epochs: [1, 2]
          learning-rate: 1e-3
          attack: word
          poison-ratio: 0.1
          seed: [1, 2, 3]
        """

    private static let hello = MessageToCoordinator.hello(
        Hello(
            worker: WorkerID("stranger"), incarnation: 1, host: "elsewhere", slots: 1,
            device: "none", memory: 0, trainer: .fake))

    /// The message as a program of the next protocol version would send it.
    private func frameOfNextVersion(_ message: some WireMessage) throws -> [UInt8] {
        var frame = Codec.encode(message)
        // The version is the first field: its tag, then seven bits a byte, the lowest first.
        let lowest = UInt8(protocolVersion & 0x7F)
        try #require(frame[0] == 0x08 && frame[1] & 0x7F == lowest && lowest < 0x7F)
        frame[1] += 1
        return frame
    }

    private func send(_ frame: [UInt8], _ dialer: Dialer, _ stage: Stage) async throws {
        try await stage.wait(for: "a connection") { try dialer.socket.send([frame]) }
    }

    private func answer(_ dialer: Dialer, _ stage: Stage) async throws -> MessageToWorker {
        var answer: MessageToWorker?
        try await stage.wait(for: "an answer") {
            answer = try dialer.receive()
            return answer != nil
        }
        return try #require(answer)
    }

    @Test("A worker of another protocol version is refused, with the cure")
    func otherWorker() async throws {
        let stage = try Stage()
        _ = try await stage.startCoordinator()
        let dialer = try Dialer(AccessFile(reading: stage.home + "/worker.access"))
        try await send(frameOfNextVersion(Self.hello), dialer, stage)
        let text =
            "the peer speaks protocol version \(protocolVersion), this program "
            + "\(protocolVersion + 1); install the same version of moderato on both sides"
        #expect(try await answer(dialer, stage) == .refused(text))
        #expect(try stage.run(["status", "--home", stage.home]).output.contains("no workers"))
        try await stage.wait(for: "a line in the log") {
            stage.text(of: "coordinator").contains("protocol version \(protocolVersion + 1)")
        }
    }

    @Test("A worker that meets a coordinator of another version leaves, with the cure")
    func otherCoordinator() async throws {
        let stage = try Stage()
        let server = try KeyPair.generate()
        let keys = try KeyPair.generate()
        let listener = try Listener(
            endpoint: "tcp://127.0.0.1:*", keys: server, admitted: [keys.publicKey: .worker])
        let path = stage.path("other.access")
        try AccessFile(
            endpoints: [listener.endpoint()], serverKey: server.publicKey, role: .worker,
            keys: keys
        ).write(to: path)
        let worker = try stage.start(
            "moderato", ["worker", "--access", path, "--fake-trainer", "seconds=1"], log: "worker")
        let refusal = try frameOfNextVersion(MessageToWorker.refused("in words of another version"))
        try await stage.wait(for: "the worker to leave", log: "worker") {
            try listener.authenticator.answerAll()
            if let arrival = try listener.receive() {
                _ = try listener.send(refusal, to: arrival.route)
            }
            return !worker.isRunning
        }
        #expect(worker.terminationStatus == 77)
        #expect(stage.text(of: "worker").contains("install the same version of moderato"))
    }

    @Test("Nonsense, oversized frames, stale reports and stolen attempts change nothing")
    func nonsense() async throws {
        let stage = try Stage()
        let file = try stage.writeSmallSweep(grid: Self.grid)
        _ = try await stage.startCoordinator(Stage.shortLease)
        _ = try stage.startWorker("honest", ["--fake-trainer", "seconds=2"])
        #expect(
            try stage.run(["submit", "--fake", file, "--leave-files", "--home", stage.home]).status
                == 0)
        try await stage.wait(for: "training", log: "honest") {
            stage.text(of: "honest").contains("attempt 1")
        }
        let access = try AccessFile(reading: stage.home + "/worker.access")
        let dialer = try Dialer(access)
        try await send(Codec.encode(Self.hello), dialer, stage)
        guard case .welcome = try await answer(dialer, stage) else {
            Issue.record("a worker with a key is welcome")
            return
        }
        let metrics = EpochMetrics(epoch: 1, trainingLoss: 9, testLoss: 9, cacc: 0, asr: 1)
        let lies: [MessageToCoordinator] = [
            // Of an attempt of somebody else, and of one that never was.
            .report(
                Report(
                    attempt: AttemptID(1), sequence: 1,
                    event: .epoch(metrics, trainableParameters: 1, seconds: 0))),
            .report(
                Report(
                    attempt: AttemptID(1), sequence: 1,
                    event: .completed(seconds: 0))),
            .report(Report(attempt: AttemptID(77), sequence: 3, event: .failed("a lie"))),
            .heartbeat([AttemptProgress(attempt: AttemptID(1), stepsDone: 1)]),
        ]
        for lie in lies { try await send(Codec.encode(lie), dialer, stage) }
        // What coordinators alone say.
        for lie in [MessageToWorker.revoke(AttemptID(1)), .acknowledge(AttemptID(1), upTo: 9)] {
            try await send(Codec.encode(lie), dialer, stage)
        }
        var random = RandomSource(seed: 7)
        let version = Array(Codec.encode(MessageToWorker.identify).prefix(3))
        for count in [0, 1, 2, 3, 100, 10_000] {
            let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
            try await send(bytes, dialer, stage)
            try await send(version + bytes, dialer, stage)
        }
        try await stage.wait(for: "a line in the log") {
            stage.text(of: "coordinator").contains("messages dropped, the last")
        }
        // Too large: this costs the connection, and nobody else's.
        let oversized = [UInt8](repeating: 0, count: Codec.maxFrameBytes + 1)
        try await send(oversized, try Dialer(access), stage)
        try await stage.waitUntilOver("small")
        #expect(try stage.results().allSatisfy { ($0.metrics?.trainingLoss ?? 9) < 9 })
        // A run that went to the stranger was lost when no heartbeat came.
        let completed = try stage.attempts().filter { $0.outcome == "completed" }
        #expect(completed.map(\.worker.name) == ["honest", "honest", "honest"])
        #expect(completed.first?.id == AttemptID(1))
        #expect(try stage.attempts().allSatisfy { $0.outcome != "failed" })
    }

    @Test("A file that arrives damaged is thrown away, and may be sent again")
    func damagedFile() async throws {
        let stage = try Stage()
        _ = try await stage.startCoordinator()
        let dialer = try Dialer(AccessFile(reading: stage.home + "/worker.access"))
        let bytes = Array("a model".utf8)
        let digest = Digest(of: bytes)
        func upload(_ bytes: [UInt8]) async throws -> [UploadProgress.State] {
            var states: [UploadProgress.State] = []
            let messages: [FileRequest] = [
                .upload(Upload(digest: digest, size: bytes.count)),
                .chunk(Chunk(digest: digest, offset: 0, bytes: bytes, total: bytes.count)),
            ]
            for message in messages {
                try await send(Codec.encode(MessageToCoordinator.file(message)), dialer, stage)
                if case .file(.progress(let progress)) = try await answer(dialer, stage) {
                    states.append(progress.state)
                }
            }
            return states
        }
        let folder = stage.home + "/artifacts"
        #expect(try await upload(Array("a mudel".utf8)) == [.arriving, .damaged])
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
        #expect(try await upload(bytes) == [.arriving, .stored])
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == [digest.hex])
    }
}
