import Foundation
import Testing

@Suite("What the doctor finds", .serialized)
struct DoctorTests {
    private struct Found: Decodable {
        let level: String
        let subject: String
        let words: String
        let cure: String
    }

    /// Nothing of Slurm, GPUs or other machines unless a test puts it there.
    private func look(
        _ stage: Stage, _ options: [String] = [], before: String = "", tools: String? = nil
    ) throws -> (status: Int32, found: [Found]) {
        let program = Stage.programs.appendingPathComponent("moderato").path
        let path = tools ?? stage.path("no-tools")
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true)
        for name in ["sinfo", "nvidia-smi"]
        where !FileManager.default.fileExists(atPath: "\(path)/\(name)") {
            try makeTool(name, "exit 1", in: path)
        }
        let result = try stage.call(
            [
                "sh", "-c", "\(before) PATH=\"\(path):$PATH\" exec \"$@\"", "sh", program,
                "cluster", "doctor", "--json", "--home", stage.home,
            ] + options)
        let start = result.output.firstIndex(of: "[") ?? result.output.startIndex
        return (
            result.status,
            try JSONDecoder().decode([Found].self, from: Data(result.output[start...].utf8))
        )
    }

    private func makeTool(_ name: String, _ script: String, in folder: String) throws {
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
        try Data("#!/bin/sh\n\(script)\n".utf8).write(
            to: URL(fileURLWithPath: "\(folder)/\(name)"))
        try FileManager.default.setAttributes(
            [.posixPermissions: 0o755], ofItemAtPath: "\(folder)/\(name)")
    }

    private func expect(
        _ found: [Found], _ level: String, _ subject: String, _ words: String, cure: String = ""
    ) {
        let fits = found.contains {
            $0.level == level && $0.subject == subject && $0.words.contains(words)
                && (cure.isEmpty ? level != "ok" || $0.cure.isEmpty : $0.cure.contains(cure))
        }
        #expect(fits, "\(level) \(subject) \(words)\n\(found)")
    }

    @Test("All is well: coordinator, access file, trainer with libtorch, limits, home, clock")
    func healthy() async throws {
        let stage = try Stage()
        _ = try await stage.startCoordinator()
        let (status, found) = try look(stage)
        #expect(status == 0, "\(found)")
        #expect(found.allSatisfy { $0.level == "ok" }, "\(found)")
        let subjects = ["access file", "coordinator", "trainer", "open files", "home", "clock"]
        #expect(found.map(\.subject) == subjects)
        // The same in words.
        let text = try stage.run(["cluster", "doctor", "--home", stage.home]).output
        #expect(text.contains("ok       coordinator: tcp://127.0.0.1:"))
    }

    @Test("No coordinator: nothing to read; a key that was revoked; a dead one")
    func coordinators() async throws {
        let stage = try Stage()
        let none = try look(stage)
        #expect(none.status == 1)
        expect(none.found, "problem", "access file", "can't be read", cure: "moderato coordinator")
        expect(none.found, "warning", "home", "is not there yet", cure: "--home")
        #expect(!FileManager.default.fileExists(atPath: stage.home), "looking changes nothing")

        let first = try await stage.startCoordinator()
        first.terminate()
        first.waitUntilExit()
        #expect(try stage.run(["keys", "new", "node7", "--home", stage.home]).status == 0)
        let coordinator = try await stage.startCoordinator(log: "coordinator again")
        let node = ["--access", stage.home + "/node7.access"]
        #expect(try look(stage, node).status == 0)
        #expect(try stage.run(["keys", "revoke", "node7", "--home", stage.home]).status == 0)
        try await stage.wait(for: "the key to be heeded no more") {
            let revoked = try look(stage, node).found
            return revoked.contains { $0.words.contains("does not answer to this key") }
        }
        coordinator.terminate()
        coordinator.waitUntilExit()
        let dead = try look(stage)
        #expect(dead.status == 1)
        expect(dead.found, "problem", "coordinator", "nobody listens there", cure: "--listen")
    }

    @Test("An access file that others can read")
    func openAccessFile() async throws {
        let stage = try Stage()
        _ = try await stage.startCoordinator()
        chmod(stage.home + "/worker.access", 0o644)
        let (status, found) = try look(stage)
        #expect(status == 1)
        expect(found, "problem", "access file", "others can read this file", cure: "ask again")
    }

    @Test("A trainer that is missing, and one whose libtorch is")
    func trainers() async throws {
        let stage = try Stage()
        _ = try await stage.startCoordinator()
        let missing = try look(stage, ["--trainer", stage.path("nowhere")])
        #expect(missing.status == 1)
        expect(missing.found, "problem", "trainer", "is missing", cure: "make build")
        try makeTool(
            "broken", "echo 'libtorch.so: cannot open' >&2; exit 127", in: stage.path("bin"))
        let broken = try look(stage, ["--trainer", stage.path("bin/broken")])
        #expect(broken.status == 1)
        expect(
            broken.found, "problem", "trainer", "libtorch.so: cannot open", cure: "cluster/setup")
    }

    @Test("Few open files", arguments: [(200, "problem", Int32(1)), (600, "warning", 0)])
    func openFiles(limit: Int, level: String, status: Int32) async throws {
        let stage = try Stage()
        _ = try await stage.startCoordinator()
        let result = try look(stage, before: "ulimit -n \(limit);")
        #expect(result.status == status)
        expect(result.found, level, "open files", "\(limit) open files", cure: "ulimit -n")
    }

    @Test("GPUs: none, all in use, one free")
    func gpus() async throws {
        let stage = try Stage()
        _ = try await stage.startCoordinator()
        let none = try look(stage, ["--device", "cuda"])
        #expect(none.status == 1)
        expect(none.found, "problem", "GPU", "has none", cure: "choose other machines")
        let tools = stage.path("tools")
        try makeTool("nvidia-smi", "printf '70000, 81559\\n80000, 81559\\n'", in: tools)
        let busy = try look(stage, ["--device", "cuda"], tools: tools)
        #expect(busy.status == 1)
        expect(busy.found, "problem", "GPU", "all 2 are in use", cure: "wait for one")
        try makeTool("nvidia-smi", "printf '4, 81559\\n80000, 81559\\n'", in: tools)
        let free = try look(stage, ["--device", "cuda"], tools: tools)
        #expect(free.status == 0)
        expect(free.found, "ok", "GPU", "1 of 2 GPUs free")
    }

    @Test("A node of Slurm: well; down; with a clock of its own")
    func nodes() async throws {
        let stage = try Stage()
        _ = try await stage.startCoordinator()
        let tools = stage.path("tools")
        let skip = "while [ \"$1\" != sh ]; do shift; done"
        try makeTool("sinfo", "exit 0", in: tools)
        try makeTool("srun", "\(skip); exec \"$@\"", in: tools)
        let well = try look(stage, tools: tools)
        #expect(well.status == 0, "\(well.found)")
        expect(well.found, "ok", "a node of Slurm", "reaches the coordinator at 127.0.0.1:")
        expect(well.found, "ok", "a node of Slurm", "sees the home")

        try makeTool("srun", "echo 'srun: error: Unable to allocate' >&2; exit 1", in: tools)
        let down = try look(stage, tools: tools)
        #expect(down.status == 1)
        expect(down.found, "problem", "a node of Slurm", "Unable to allocate")

        try makeTool("srun", "\(skip); PATH='\(stage.path("late")):'$PATH exec \"$@\"", in: tools)
        try makeTool("date", "echo 1000000000", in: stage.path("late"))
        let late = try look(stage, tools: tools)
        expect(
            late.found, "warning", "clock", "apart from a node of Slurm", cure: "from one server")
    }

    @Test(
        "A node of Slurm without the home, and out of reach",
        .enabled(if: geteuid() == 0, "a node with a network of its own takes root here"))
    func nodeApart() async throws {
        let stage = try Stage()
        _ = try await stage.startCoordinator()
        let tools = stage.path("tools")
        let skip = "while [ \"$1\" != sh ]; do shift; done"
        try makeTool("sinfo", "exit 0", in: tools)
        // A node whose network and home are others.
        let hide = "unshare --net --mount sh -c 'mount -t tmpfs none \"$0\" && exec \"$@\"'"
        try makeTool("srun", "\(skip); exec \(hide) '\(stage.home)' \"$@\"", in: tools)
        let apart = try look(stage, tools: tools)
        #expect(apart.status == 1)
        expect(
            apart.found, "problem", "a node of Slurm", "does not see the home",
            cure: "that the nodes share")
        expect(
            apart.found, "problem", "a node of Slurm", "reaches none of the coordinator's",
            cure: "--listen 0.0.0.0:5757")
    }

    @Test("Hosts that are reached by ssh, through a real sshd")
    func hosts() async throws {
        let stage = try Stage()
        let ssh = try await stage.makeSSH(daemons: 1)
        _ = try await stage.startCoordinator()
        let options = ssh.options.flatMap { ["--ssh-option", $0] }
        let hosts = try stage.write("127.0.0.1:\(ssh.ports[0])\n", to: "hosts.txt")
        let well = try look(stage, ["--hosts", hosts] + options)
        #expect(well.status == 0, "\(well.found)")
        let name = "127.0.0.1-\(ssh.ports[0])"
        expect(well.found, "ok", name, "reaches the coordinator")
        let dead = try stage.write("127.0.0.1:\(try stage.freePort())\n", to: "dead.txt")
        let down = try look(stage, ["--hosts", dead] + options)
        #expect(down.status == 1)
        #expect(down.found.contains { $0.words.contains("can't be looked at: ssh: connect") })
    }
}
