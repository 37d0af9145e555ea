import Foundation
import SweepCore
import SweepStore
import Testing

/// The Python that `Peer/*.py` run with.
enum PeerPython {
    static let path = Stage.checkout.appendingPathComponent(".moderato/reference/bin/python").path

    static let isThere = {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = ["-c", "import zmq"]
        process.standardError = FileHandle.nullDevice
        let isThere = (try? process.run()) != nil
        if isThere { process.waitUntilExit() }
        if isThere, process.terminationStatus == 0 { return true }
        print("peers in Python: skipped, cluster/setup --reference makes \(path) with pyzmq")
        return false
    }()
}

/// `Peer/worker.py` and `Peer/client.py` were written from `proto/README.md` and the `.proto`, and
/// know nothing else of Moderato.
@Suite("A worker and a client in another language, by real processes")
struct PeerTests {
    /// What the client wrote down at the end.
    private struct Fetched {
        let points: [NSDictionary]
        let artifacts: [Int]

        init(_ path: String) throws {
            let data = try Data(contentsOf: URL(fileURLWithPath: path))
            let json = try JSONSerialization.jsonObject(with: data) as? NSDictionary
            points = try #require(json?["points"] as? [NSDictionary])
            artifacts = try #require(json?["artifacts"] as? [Int])
        }
    }

    private func script(_ name: String, _ stage: Stage, _ role: String) -> [String] {
        let checkout = Stage.checkout.path
        return [
            PeerPython.path, "\(checkout)/Tests/moderatoTests/Peer/\(name)",
            "\(checkout)/proto/moderato.proto", "\(protocolVersion)",
            "\(stage.home)/\(role).access",
        ]
    }

    private func startWorker(
        _ name: String, _ stage: Stage, seconds: Double
    ) throws -> Process {
        let command = script("worker.py", stage, "worker")
        return try stage.launch(
            command + [name, stage.path("\(name).jsonl"), "\(seconds)"], log: name)
    }

    private func startClient(_ stage: Stage) throws -> Process {
        try stage.launch(
            script("client.py", stage, "client") + ["peers", stage.path("results.json")],
            log: "client")
    }

    /// The figures of every epoch that these workers reported, by run; doubles in hexadecimal.
    private func reported(_ names: [String], _ stage: Stage) throws -> [Int: [Int: NSDictionary]] {
        var figures: [Int: [Int: NSDictionary]] = [:]
        for name in names {
            let path = stage.path("\(name).jsonl")
            let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
            // The last line may be half written.
            for line in text.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
                let item = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? NSDictionary
                let run = try #require(item?["run"] as? Int)
                let metrics = try #require(item?["metrics"] as? NSDictionary)
                let epoch = try #require(metrics["epoch"] as? Int)
                figures[run, default: [:]][epoch] = metrics
            }
        }
        return figures
    }

    /// Every figure of every point is what a worker reported for its run, bit for bit.
    private func compare(_ fetched: Fetched, _ reported: [Int: [Int: NSDictionary]]) throws {
        #expect(fetched.points.count == 48)
        for point in fetched.points {
            let epochs = try #require((point["spec"] as? NSDictionary)?["epochs"] as? Int)
            let curve = try #require(point["curve"] as? [NSDictionary])
            let number = try #require(point["run"] as? Int)
            let run = try #require(reported[number])
            #expect(curve == (1...epochs).compactMap { run[$0] })
            #expect(curve.count == epochs)
            #expect(point["finished"] as? NSDictionary == run[epochs])
            #expect(point["trainable_parameters"] as? Int == 7)
        }
    }

    private func lines(_ log: String, _ stage: Stage, with words: String) -> [Substring] {
        stage.text(of: log).split(separator: "\n").filter { $0.hasPrefix(words) }
    }

    @Test(
        "The client reads exactly what the worker reported; a drained worker leaves",
        .enabled(if: PeerPython.isThere))
    func sweep() async throws {
        let stage = try Stage()
        let coordinator = try await stage.startCoordinator()
        let worker = try startWorker("python", stage, seconds: 0.1)
        let client = try startClient(stage)
        #expect(try await stage.end(of: client, log: "client") == 0, "\(stage.text(of: "client"))")
        let fetched = try Fetched(stage.path("results.json"))
        try compare(fetched, try reported(["python"], stage))
        // 16 runs serve the 48 points, and each left a model.
        #expect(fetched.artifacts.count == 16)
        #expect(fetched.artifacts.allSatisfy { $0 > 256 << 10 }, "files of more than one chunk")
        // The same results in the store, by Moderato's own reader.
        let stored = try stage.results(of: "peers")
        #expect(stored.map(\.spec.epochs) == fetched.points.map { epochs(of: $0) })
        #expect(stored.compactMap(\.metrics?.cacc) == fetched.points.map { cacc(of: $0) })
        let steps = lines("client", stage, with: "steps ")
        #expect(Set(steps).count > 2, "the status shows progress")
        #expect(try stage.run(["drain", "python", "--home", stage.home]).status == 0)
        #expect(try await stage.end(of: worker, log: "python") == 0)
        #expect(stage.text(of: "python").contains("left with 0 attempts"))
        #expect(try stage.attempts().allSatisfy { $0.outcome == "completed" })
        #expect(coordinator.isRunning)
    }

    @Test(
        "Nothing is lost when the coordinator is killed and a worker is told to go",
        .enabled(if: PeerPython.isThere))
    func faults() async throws {
        let stage = try Stage()
        let coordinator = try await stage.startCoordinator()
        let first = try startWorker("first", stage, seconds: 0.5)
        let client = try startClient(stage)
        try await stage.wait(for: "the first epochs") { try self.count("first", stage) > 1 }
        kill(coordinator.processIdentifier, SIGKILL)
        _ = try await stage.end(of: coordinator, log: "coordinator")
        // What is measured meanwhile can't be sent.
        let before = try count("first", stage)
        try await stage.wait(for: "epochs without a coordinator") {
            try self.count("first", stage) > before + 2
        }
        _ = try await stage.startCoordinator(log: "again")
        try await stage.wait(for: "reports that are sent again") {
            !self.lines("first", stage, with: "sent again").isEmpty
        }
        let later = try count("first", stage)
        try await stage.wait(for: "more epochs") { try self.count("first", stage) > later }
        kill(first.processIdentifier, SIGTERM)
        #expect(try await stage.end(of: first, log: "first") == 0)
        #expect(stage.text(of: "first").contains("left with 0 attempts"))
        _ = try startWorker("second", stage, seconds: 0.05)
        #expect(try await stage.end(of: client, log: "client") == 0, "\(stage.text(of: "client"))")
        let figures = try reported(["first", "second"], stage)
        try compare(try Fetched(stage.path("results.json")), figures)
        let outcomes = try stage.attempts().map { $0.outcome ?? "not ended" }
        #expect(outcomes.contains("handed back"))
        #expect(Set(outcomes).isSubset(of: ["handed back", "completed"]), "\(outcomes)")
        #expect(outcomes.count { $0 == "completed" } == 16, "each run once")
    }

    private func count(_ name: String, _ stage: Stage) throws -> Int {
        try reported([name], stage).values.reduce(0) { $0 + $1.count }
    }

    private func epochs(of point: NSDictionary) -> Int {
        (point["spec"] as? NSDictionary)?["epochs"] as? Int ?? 0
    }

    private func cacc(of point: NSDictionary) -> Double {
        let text = (point["finished"] as? NSDictionary)?["cacc"] as? String
        return text.flatMap { Double($0) } ?? -1
    }
}
