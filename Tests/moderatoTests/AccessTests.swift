import Foundation
import SweepCore
import SweepWire
import Testing

@Suite("Who comes in, and where, by real processes")
struct AccessTests {
    private static let grid = """
          capacity: lora
          epochs: [1, 2]
          learning-rate: [1e-3, 1e-4]
          attack: word
          poison-ratio: 0.1
          seed: [1, 2, 3, 4, 5]
        """

    private func startWorker(_ name: String, seconds: Double, _ stage: Stage) throws {
        // A copy, as on another machine.
        let access = stage.path("\(name).access")
        try FileManager.default.copyItem(atPath: stage.home + "/worker.access", toPath: access)
        _ = try stage.start(
            "moderato",
            [
                "worker", "--access", access, "--name", name, "--fake-trainer",
                "seconds=\(seconds)",
            ], log: name)
    }

    @Test("A worker whose access file names a dead place first finds the coordinator at the next")
    func deadEndpointFirst() async throws {
        let stage = try Stage()
        let file = try stage.writeSmallSweep(grid: Self.grid)
        let dead = "127.0.0.1:\(try stage.freePort())"
        _ = try await stage.startCoordinator(["--advertise", dead, "--advertise", "127.0.0.1"])
        let submitted = try stage.run(["submit", "--fake", file, "--home", stage.home])
        #expect(submitted.status == 0, "\(submitted.errors)")
        try startWorker("a", seconds: 0.01, stage)
        try await stage.waitUntilOver("small")
        let log = stage.text(of: "a")
        #expect(log.contains("dialling tcp://\(dead)"))
        #expect(log.contains("no connection; dialling tcp://127.0.0.1:"))
    }

    @Test("A coordinator moves by a copy of its home; workers follow, and nothing runs twice")
    func moved() async throws {
        let stage = try Stage()
        let file = try stage.writeSmallSweep(grid: Self.grid)
        let old = "127.0.0.1:\(try stage.freePort())"
        let new = "127.0.0.1:\(try stage.freePort())"
        let first = try await stage.startCoordinator([
            "--listen", old, "--advertise", old, "--advertise", new,
        ])
        for name in ["a", "b"] { try startWorker(name, seconds: 1.5, stage) }
        #expect(try stage.run(["submit", "--fake", file, "--home", stage.home]).status == 0)
        try await stage.wait(for: "results") { try stage.snapshot().finished.count >= 6 }
        kill(first.processIdentifier, SIGKILL)
        first.waitUntilExit()
        let home = stage.path("moved")
        try FileManager.default.copyItem(atPath: stage.home, toPath: home)
        try FileManager.default.removeItem(atPath: stage.home)
        stage.home = home
        _ = try await stage.startCoordinator(["--listen", new], log: "coordinator moved")
        try await stage.waitUntilOver("small")
        let snapshot = try stage.snapshot()
        #expect(snapshot.finished.count == 20)
        // As many attempts as runs.
        #expect(snapshot.lastAttempt == AttemptID(10))
        let results = try stage.run(["results", "--access", home + "/client.access", "--csv"])
        #expect(results.output.split(whereSeparator: \.isNewline).count == 21)
    }

    @Test("A coordinator that starts elsewhere is found by the access file, which all share")
    func sharedHome() async throws {
        let stage = try Stage()
        let file = try stage.writeSmallSweep(grid: Self.grid)
        let old = "127.0.0.1:\(try stage.freePort())"
        let new = "127.0.0.1:\(try stage.freePort())"
        let first = try await stage.startCoordinator(["--listen", old])
        for name in ["a", "b"] {
            _ = try stage.startWorker(name, ["--fake-trainer", "seconds=1.5"])
        }
        #expect(try stage.run(["submit", "--fake", file, "--home", stage.home]).status == 0)
        try await stage.wait(for: "results") { try stage.snapshot().finished.count >= 6 }
        kill(first.processIdentifier, SIGKILL)
        first.waitUntilExit()
        _ = try await stage.startCoordinator(["--listen", new], log: "coordinator moved")
        try await stage.waitUntilOver("small")
        #expect(stage.text(of: "a").contains("no connection; dialling tcp://\(new)"))
        let snapshot = try stage.snapshot()
        #expect(snapshot.finished.count == 20)
        #expect(snapshot.lastAttempt == AttemptID(10), "nothing ran twice")
    }

    @Test("Without keys everyone on the machine submits, works and looks, and nobody elsewhere")
    func insecure() async throws {
        let stage = try Stage()
        let file = try stage.writeSmallSweep(grid: Self.grid)
        let elsewhere = ["coordinator", "--home", stage.home, "--insecure"]
        for place in [["--listen", "0.0.0.0:0"], ["--advertise", "example.org"]] {
            let refused = try stage.run(elsewhere + place)
            #expect(refused.status == 69)
            #expect(refused.errors.contains("start it without --insecure"), "\(refused.errors)")
        }
        let first = try await stage.startCoordinator(["--insecure"])
        #expect(stage.text(of: "coordinator").contains("everyone on this machine"))
        // Whichever access file: no key is asked for.
        let access = stage.home + "/read-only.access"
        #expect(try stage.run(["submit", "--fake", file, "--access", access]).status == 0)
        try startWorker("a", seconds: 0.01, stage)
        try await stage.waitUntilOver("small")
        #expect(try stage.run(["status", "--access", access]).output.contains("1 worker"))
        first.terminate()
        first.waitUntilExit()
        // The next time, keys are asked for again, and the same files have them.
        _ = try await stage.startCoordinator(log: "secure")
        #expect(try stage.run(["submit", "--fake", file, "--access", access]).status == 77)
        #expect(try stage.run(["submit", "--fake", file, "--home", stage.home]).status == 0)
    }

    @Test("No secret key is in a log, an error, an output or a process's arguments")
    func secrets() async throws {
        let stage = try Stage()
        let file = try stage.writeSmallSweep(grid: Self.grid)
        _ = try await stage.startCoordinator()
        #expect(try stage.run(["keys", "new", "node7", "--home", stage.home]).status == 0)
        var said = ""
        func run(_ words: String...) throws {
            let result = try stage.run(words)
            said += result.output + result.errors
        }
        try startWorker("a", seconds: 0.3, stage)
        try run("submit", "--fake", file, "--home", stage.home)
        try run("keys", "list", "--json", "--home", stage.home)
        try run("status", "--json", "--home", stage.home)
        try run("explain", "a", "--home", stage.home)
        // What goes wrong with a file that has a secret in it.
        let text = try String(contentsOfFile: stage.home + "/client.access", encoding: .utf8)
        for (name, changed) in [
            ("short", String(text.dropLast(30))),
            ("role", text.replacingOccurrences(of: "client", with: "worker")),
            ("key", text.replacingOccurrences(of: "secretKey\" : \"", with: "secretKey\" : \"x")),
        ] {
            let path = try stage.write(changed, to: name + ".access")
            try run("status", "--access", path)
            chmod(path, 0o600)
            try run("status", "--access", path)
        }
        var arguments = ""
        for process in try FileManager.default.contentsOfDirectory(atPath: "/proc") {
            let path = "/proc/\(process)/cmdline"
            arguments += (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
        }
        #expect(arguments.contains(stage.home), "the coordinator is among the processes")
        try await stage.waitUntilOver("small")
        for log in ["coordinator", "a"] { said += stage.text(of: log) }
        #expect(said.contains("others can read this file"))
        #expect(said.contains("copy it again"))

        var secrets: Set<String> = []
        for name in try FileManager.default.contentsOfDirectory(atPath: stage.home) {
            guard name.hasSuffix(".access") || name == "coordinator.json" else { continue }
            let path = "\(stage.home)/\(name)"
            let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions]
            #expect(mode as? Int == 0o600, "\(name)")
            let text = try String(contentsOfFile: path, encoding: .utf8)
            for part in text.components(separatedBy: "\"secretKey\" : \"").dropFirst() {
                secrets.insert(String(part.prefix { $0 != "\"" }))
            }
        }
        #expect(secrets.count == 5, "the coordinator's, three roles', node7's")
        for secret in secrets {
            #expect(secret.utf8.count == 40)
            #expect(!said.contains(secret) && !arguments.contains(secret))
        }
    }

    @Test("Without keys, too, only workers get the data that others submitted")
    func insecureFetch() async throws {
        let stage = try Stage()
        let file = try stage.writeSmallSweep(grid: Self.grid)
        _ = try await stage.startCoordinator(["--insecure"])
        let submitted = try stage.run(["submit", "--fake", file, "--home", stage.home])
        #expect(submitted.status == 0, "\(submitted.errors)")
        let data = try #require(try stage.results().first?.spec.data.train.files.first)
        let fetch = MessageToCoordinator.file(.fetch(Fetch(digest: data.digest, offset: 0)))
        let dialer = try Dialer(AccessFile(reading: stage.home + "/worker.access"))
        func ask(_ message: MessageToCoordinator) async throws -> MessageToWorker? {
            var answer: MessageToWorker?
            try await stage.wait(for: "a connection") { try dialer.send(message) }
            try await stage.wait(for: "an answer") {
                answer = try dialer.receive()
                return answer != nil
            }
            return answer
        }
        #expect(try await ask(fetch) == .identify)
        let hello = Hello(
            worker: WorkerID("w"), incarnation: 1, host: "here", slots: 1, device: "none",
            memory: 0, labels: [], trainer: .real)
        guard case .welcome = try await ask(.hello(hello)) else {
            Issue.record("the worker is not welcome")
            return
        }
        guard case .file(.chunk(let chunk)) = try await ask(fetch) else {
            Issue.record("a worker has no data")
            return
        }
        #expect(chunk.digest == data.digest && !chunk.bytes.isEmpty)
    }
}
