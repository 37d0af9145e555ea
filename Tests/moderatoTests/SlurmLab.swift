import Foundation
import SweepCore
import Testing

/// A real Slurm on this machine (`cluster/slurm-lab`), and what is started with it.
final class SlurmLab {
    let stage: Stage
    let folder: String
    private let process: Process
    /// Slurm ends with it.
    private let lifeline: Pipe
    /// What a program is started with to live where the controller is.
    let head: [String]

    /// Cancels the test where it can't be had.
    static func make(
        on stage: Stage, nodes: Int, cpus: Int = 1, hosts: Bool = false
    ) async throws -> SlurmLab {
        let programs = ["munged", "slurmctld", "slurmd", "sbatch"] + (hosts ? ["ip"] : [])
        let missing = programs.filter { program in
            !["/usr/sbin", "/usr/bin", "/sbin", "/bin"].contains {
                FileManager.default.isExecutableFile(atPath: "\($0)/\(program)")
            }
        }
        guard missing.isEmpty, !hosts || geteuid() == 0 else {
            let why =
                missing.isEmpty
                ? "hosts of their own need root" : "\(missing.joined(separator: ", ")) missing"
            try Test.cancel("Slurm: \(why); as root, cluster/setup --cluster gets the packages")
        }
        let script = Stage.checkout.appendingPathComponent("cluster/slurm-lab").path
        let folder = stage.path("slurm")
        let lifeline = Pipe()
        _ = fcntl(lifeline.fileHandleForWriting.fileDescriptor, F_SETFD, FD_CLOEXEC)
        let process = try stage.launch(
            [script, folder, "\(nodes)", "\(cpus)"] + (hosts ? ["hosts"] : []), log: "slurm-lab",
            input: lifeline)
        try await stage.wait(for: "Slurm to be up", log: "slurm-lab") {
            stage.text(of: "slurm-lab").hasSuffix("up\n") || !process.isRunning
        }
        guard process.isRunning else {
            try Test.cancel("Slurm: \(stage.text(of: "slurm-lab"))")
        }
        return SlurmLab(stage, folder, process, lifeline, hosts: hosts)
    }

    private init(
        _ stage: Stage, _ folder: String, _ process: Process, _ lifeline: Pipe, hosts: Bool
    ) {
        self.lifeline = lifeline
        self.stage = stage
        self.folder = folder
        self.process = process
        var head: [String] = []
        if hosts {
            let holder = Self.line("\(folder)/hosts/ctl")
            head = ["nsenter", "--net=/proc/\(holder)/ns/net", "--uts=/proc/\(holder)/ns/uts"]
        }
        self.head = head + ["env", "SLURM_CONF=\(folder)/slurm.conf"]
    }

    deinit {
        // What is left in the background, if the test did not come to its end.
        _ = try? stage.write("", to: "home/slurm/stop")
        let deadline = Date().addingTimeInterval(30)
        while isLookedAfter, Date() < deadline { Thread.sleep(forTimeInterval: 0.05) }
        try? lifeline.fileHandleForWriting.close()
        process.waitUntilExit()
    }

    private static func line(_ path: String) -> String {
        let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
        return text.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    private var isLookedAfter: Bool {
        let file = open(stage.home + "/slurm/lock", O_RDWR | O_CLOEXEC)
        guard file >= 0 else { return false }
        defer { close(file) }
        return flock(file, LOCK_EX | LOCK_NB) != 0
    }

    // MARK: Slurm

    @discardableResult
    func call(_ words: String...) throws -> String { try run(head + words) }

    private func run(_ words: [String]) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["timeout", "30"] + words
        process.standardInput = FileHandle.nullDevice
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0, "\(words.joined(separator: " "))")
        return String(decoding: data, as: UTF8.self)
    }

    var queue: String { get throws { try call("squeue", "--array", "--noheader") } }

    /// The tasks that run, by id as in `12_3`, and their nodes.
    func running() throws -> [String: String] {
        let text = try call(
            "squeue", "--array", "--noheader", "--states=RUNNING", "--format=%F_%K %N")
        let pairs = text.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
        return Dictionary(
            pairs.filter { $0.count == 2 }.map { ($0[0], $0[1]) }, uniquingKeysWith: { $1 })
    }

    func killDaemon(of node: String) throws {
        let pid = try #require(pid_t(Self.line("\(folder)/hosts/\(node).slurmd")))
        kill(pid, SIGKILL)
    }

    /// Cuts the cable of a host, or mends it.
    func setCable(of host: String, isUp: Bool) throws {
        let holder = Self.line("\(folder)/hosts/switch")
        _ = try run(
            ["nsenter", "--net=/proc/\(holder)/ns/net", "ip", "link", "set", host]
                + [isUp ? "up" : "down"])
    }

    // MARK: Moderato

    /// `moderato cluster slurm`, as somebody types it who looks on.
    func startSweep(
        _ file: String, _ arguments: [String], log: String = "visitor", with: [String] = []
    ) throws -> Process {
        let program = Stage.programs.appendingPathComponent("moderato").path
        return try stage.launch(
            head + with + [program, "cluster", "slurm", "--sweep", file, "--home", stage.home]
                + ["--cpus-per-task", "1"] + arguments, log: log)
    }

    func moderato(_ words: String...) throws -> (status: Int32, output: String, errors: String) {
        try stage.run(words + ["--home", stage.home], in: head)
    }

    /// What the household says in the background.
    var story: String {
        (try? String(contentsOfFile: stage.home + "/slurm/household.log", encoding: .utf8)) ?? ""
    }
}
