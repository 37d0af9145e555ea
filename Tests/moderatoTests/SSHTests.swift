import Foundation
import SweepCore
import Testing

@Suite("Workers by ssh, through a real sshd", .serialized)
struct SSHTests {
    private static let grid = """
          capacity: lora
          epochs: [1, 2]
          learning-rate: [1e-3, 1e-4]
          attack: word
          poison-ratio: 0.1
          seed: [1, 2, 3, 4, 5]
        """

    private func start(
        _ ssh: SSHLab, _ stage: Stage, hosts: String, _ more: [String] = [], seconds: Double
    ) throws -> Process {
        let options = ssh.options.flatMap { ["--ssh-option", $0] }
        return try stage.launch(
            [
                Stage.programs.appendingPathComponent("moderato").path, "cluster", "ssh", hosts,
                "--home", stage.home, "--remote-folder", stage.path("remote"),
                "--until-input-ends",
            ] + options + more + ["--", "--fake-trainer", "seconds=\(seconds)", "--threads", "1"],
            log: "cluster")
    }

    @Test("Two hosts do a sweep; a worker that is killed is started again; at the end all is gone")
    func sweep() async throws {
        let stage = try Stage()
        let ssh = try await stage.makeSSH(daemons: 2)
        let file = try stage.writeSmallSweep(grid: Self.grid)
        _ = try await stage.startCoordinator()
        #expect(try stage.run(["submit", "--fake", file, "--home", stage.home]).status == 0)
        let hosts = try stage.write(
            """
            # two hosts that share a home
            127.0.0.1:\(ssh.ports[0])
            127.0.0.1:\(ssh.ports[1])  slots=2
            """, to: "hosts.txt")
        let cluster = try start(ssh, stage, hosts: hosts, ["--until-over"], seconds: 1)
        let first = "127.0.0.1-\(ssh.ports[0])-1"
        try await stage.wait(for: "the workers", log: "cluster") {
            try stage.run(["status", "--home", stage.home]).output.contains("2 workers")
        }
        let worker = try #require(ssh.workers(named: first).first)
        // The secret came by standard input, for the owner's eyes only.
        let access = try #require(
            FileManager.default.contentsOfDirectory(atPath: stage.path("remote"))
                .first { $0.hasPrefix(first) && $0.hasSuffix(".access") })
        let copy = try FileManager.default.attributesOfItem(
            atPath: stage.path("remote/\(access)"))
        #expect(copy[.posixPermissions] as? Int == 0o600)
        let secrets = try String(contentsOfFile: stage.home + "/worker.access", encoding: .utf8)
            .components(separatedBy: "\"secretKey\" : \"").dropFirst().map { $0.prefix(40) }
        let lines = ssh.guests().flatMap(SSHLab.words) + SSHLab.words(of: cluster.processIdentifier)
        #expect(!secrets.isEmpty && secrets.allSatisfy { !lines.joined().contains($0) })

        kill(worker, SIGKILL)
        try await stage.wait(for: "the restart", log: "cluster") {
            stage.text(of: "cluster").contains("ended by itself (killed by signal 9); again in 1 s")
                && ssh.workers(named: first).contains { $0 != worker }
        }
        let status = try await stage.end(of: cluster, log: "cluster")
        let story = stage.text(of: "cluster")
        #expect(status == 0, "\(story)")
        #expect(story.contains("all sweeps are over"))
        #expect(try stage.results().count == 20)
        #expect(try stage.snapshot().finished.count == 20)
        try await stage.wait(for: "the guests to go", log: "cluster") { ssh.guests().isEmpty }
        let left = try FileManager.default.contentsOfDirectory(atPath: stage.path("remote"))
        #expect(left.filter { $0.hasSuffix(".access") } == [], "no key stays behind")
        #expect(left.filter { $0.hasPrefix("bundle-") }.count == 1)
    }

    @Test("Workers leave when the machine that started them is gone, and when they are told to")
    func stop() async throws {
        let stage = try Stage()
        let ssh = try await stage.makeSSH(daemons: 1)
        _ = try await stage.startCoordinator()
        let hosts = try stage.write("127.0.0.1:\(ssh.ports[0])\n", to: "hosts.txt")
        func joined() throws -> Bool {
            try stage.run(["status", "--home", stage.home]).output.contains("1 worker\n")
        }
        // Killed, it can tell nobody anything: the connections break.
        let killed = try start(ssh, stage, hosts: hosts, seconds: 1)
        try await stage.wait(for: "the worker", log: "cluster", joined)
        let connections = SSHLab.descendants(of: killed.processIdentifier)
        #expect(!connections.isEmpty)
        for pid in [killed.processIdentifier] + connections { kill(pid, SIGKILL) }
        try await stage.wait(for: "the guests to go", log: "cluster") { ssh.guests().isEmpty }
        try await stage.wait(for: "the goodbye") { try !joined() }

        let told = try start(ssh, stage, hosts: hosts, ["--workers-per-host", "2"], seconds: 1)
        try await stage.wait(for: "the workers", log: "cluster") {
            try stage.run(["status", "--home", stage.home]).output.contains("2 workers")
        }
        told.terminate()
        #expect(try await stage.end(of: told, log: "cluster") == 0)
        try await stage.wait(for: "the guests to go", log: "cluster") { ssh.guests().isEmpty }
        #expect(stage.text(of: "cluster").contains("stopped"))
    }

    @Test("A worker for each GPU of each host, with the device in its options; none where none is")
    func perGPU() async throws {
        let stage = try Stage()
        // There may be no GPU here, so the program that lists them is made up.
        try FileManager.default.createDirectory(
            atPath: stage.path("tools"), withIntermediateDirectories: true)
        let tool = try stage.write(
            "#!/bin/sh\ncat \"$(dirname \"$0\")/gpus\"\n", to: "tools/nvidia-smi")
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: tool)
        try stage.write("GPU 0: A100 (UUID: a)\nGPU 1: A100 (UUID: b)\n", to: "tools/gpus")
        let ssh = try await stage.makeSSH(daemons: 1, tools: stage.path("tools"))
        _ = try await stage.startCoordinator()
        let hosts = try stage.write(
            "127.0.0.1:\(ssh.ports[0])\n127.0.0.1:\(ssh.ports[0]) device=cpu\n", to: "hosts.txt")
        let cluster = try start(ssh, stage, hosts: hosts, ["--per-gpu"], seconds: 1)
        try await stage.wait(for: "the workers", log: "cluster") {
            try stage.run(["status", "--home", stage.home]).output.contains("3 workers")
        }
        let devices = ssh.workers(named: "127.0.0.1").map(SSHLab.words).map { words in
            words.firstIndex(of: "--device").map { words[$0 + 1] } ?? "none"
        }
        #expect(devices.sorted() == ["cpu", "cuda:0", "cuda:1"])
        cluster.terminate()
        #expect(try await stage.end(of: cluster, log: "cluster") == 0)

        try stage.write("", to: "tools/gpus")
        let none = try start(ssh, stage, hosts: hosts, ["--per-gpu"], seconds: 1)
        try await stage.wait(for: "a word", log: "cluster") {
            stage.text(of: "cluster").contains(
                "127.0.0.1-\(ssh.ports[0]): has no GPU (nvidia-smi -L lists none)")
        }
        none.terminate()
        #expect(try await stage.end(of: none, log: "cluster") == 0)
    }

    @Test("A host that does not let anybody in is said to, and tried again")
    func refused() async throws {
        let stage = try Stage()
        let ssh = try await stage.makeSSH(daemons: 1)
        _ = try await stage.startCoordinator()
        let hosts = try stage.write("127.0.0.1:\(try stage.freePort())\n", to: "hosts.txt")
        let cluster = try start(ssh, stage, hosts: hosts, seconds: 1)
        try await stage.wait(for: "the second pause", log: "cluster") {
            stage.text(of: "cluster").contains("again in 2 s")
        }
        #expect(stage.text(of: "cluster").contains("can't be prepared (ssh: "))
        #expect(stage.text(of: "cluster").contains("refused"))
        cluster.terminate()
        #expect(try await stage.end(of: cluster, log: "cluster") == 0)
    }

    @Test(
        "What is wrong is said before anything is started",
        arguments: [
            ("node7 slots=0", [], "hosts.txt:1: slots=0: 1 to 1024"),
            ("\n-oProxyCommand=x", [], "hosts.txt:2: '-oProxyCommand=x': write a host"),
            ("node7:none", [], "write a host such as node7, user@node7:2222 or user@[::1]:22"),
            ("node7 device=gpu", [], "device=gpu: cpu, cuda or cuda:N"),
            ("node7 gpus=2", [], "'gpus=2' makes no sense here; slots=N and device=D do"),
            ("# none", [], "no hosts in it"),
            ("a", ["--", "--name", "x"], "--name can't be given to all workers"),
            ("a", ["--", "--thread", "1"], "after '--': "),
            ("ada@node7", [], "start it with 'moderato coordinator --listen 0.0.0.0:5757'"),
        ])
    func mistakes(hosts: String, more: [String], message: String) async throws {
        let stage = try Stage()
        _ = try await stage.startCoordinator()
        let file = try stage.write(hosts, to: "hosts.txt")
        let run = try stage.run(["cluster", "ssh", file, "--home", stage.home] + more)
        #expect(run.status == 64)
        #expect(run.errors.contains(message), "\(run.errors)")
    }
}
