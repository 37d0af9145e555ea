import ArgumentParser
import Foundation
import SweepCore
import SweepWire

struct SSHCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ssh",
        abstract: "Run workers on the machines of a list, for as long as this command runs.",
        discussion: """
            Each line of the file is a host: [user@]host[:port] [slots=N] [device=D]  # remark

            Examples:
              moderato cluster ssh hosts.txt                   one worker a host
              moderato cluster ssh hosts.txt --per-gpu         one worker a GPU
              moderato cluster ssh hosts.txt --until-over -- --threads 4 --label gpu=a100

            The programs are copied once, the access file with each start. Hosts are logged into
            with keys (ssh-copy-id), as no password can be asked for. What ends by itself is
            started again. Ctrl-C: all hand their runs back and leave; once more: nobody waits
            for that.
            """)

    @Argument(help: "The file with the hosts.") var hosts: String

    @OptionGroup var access: AccessOption

    @Option(help: ArgumentHelp("Workers on each host.", valueName: "count"))
    var workersPerHost = 1

    @Flag(help: "One worker for each GPU of a host, instead.")
    var perGpu = false

    @Option(
        help: ArgumentHelp(
            "The folder on the hosts for programs and files; seen from the home there.",
            valueName: "folder"))
    var remoteFolder = ".moderato-ssh"

    @Option(
        help: ArgumentHelp(
            "The folder of the package torch on the hosts. Default: what their python3 has.",
            valueName: "folder"))
    var torch: String?

    @Option(
        help: ArgumentHelp(
            "As 'ssh -o', such as IdentityFile=…; may be given again.", valueName: "name=value"))
    var sshOption: [String] = []

    @Flag(help: "End when all sweeps are over; takes client.access beside the worker's.")
    var untilOver = false

    @Argument(
        parsing: .postTerminator,
        help: ArgumentHelp("Options of 'moderato worker' for all of them.", valueName: "options"))
    var workerOptions: [String] = []

    @Flag(help: .hidden)
    var untilInputEnds = false

    func validate() throws {
        guard (1...1_024).contains(workersPerHost) else {
            throw ValidationError("--workers-per-host: 1 to 1024")
        }
        guard !remoteFolder.isEmpty, !remoteFolder.hasPrefix("-") else {
            throw ValidationError("--remote-folder: a folder such as .moderato-ssh")
        }
        for taken in ["--name", "--access", "--home", "--slots", "--device", "--artifacts"]
        where workerOptions.contains(where: { $0 == taken || $0.hasPrefix(taken + "=") }) {
            throw ValidationError(
                "\(taken) can't be given to all workers; slots and device have their place in the "
                    + "hosts file")
        }
        do { _ = try WorkerCommand.parse(workerOptions) } catch {
            throw ValidationError("after '--': \(WorkerCommand.message(for: error))")
        }
    }

    func run() throws {
        let stop = StopSignal(orEndOfInput: untilInputEnds)
        let list = try HostsFile.read(absolute(hosts))
        let file = try access.read(for: .worker)
        try checkReach(of: file, from: list)
        let dialer = try untilOver ? Dialer(readClient()) : nil
        let isFake = workerOptions.contains { $0.hasPrefix("--fake-trainer") }
        let bundle = try ProgramBundle(hasTrainer: !isFake)
        defer { bundle.remove() }
        let logs = access.home.folder.path + "/ssh"
        try FileManager.default.createDirectory(
            atPath: logs, withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700])
        let workers = SSHWorkers(
            list, RemoteShell(options: sshOption), bundle,
            SSHWorkers.Settings(
                folder: remoteFolder, torch: torch, workersPerHost: workersPerHost,
                onePerGPU: perGpu, arguments: workerOptions,
                access: try Data(contentsOf: URL(fileURLWithPath: access.path(for: .worker))),
                logs: logs))
        defer { workers.abandon() }
        try follow(workers, dialer, until: stop)
        stop.forget()
        workers.end()
        while !workers.haveGone() {
            if stop.wait(seconds: 0.1) {
                throw failure(
                    "not waited for; the workers hand back what they have, and leave",
                    Exit.interrupted)
            }
        }
    }

    private func follow(_ workers: SSHWorkers, _ dialer: Dialer?, until stop: StopSignal) throws {
        var looks = 0
        while !stop.wait(seconds: 0.1) {
            try workers.look()
            if workers.isOver {
                throw failure("no worker is left; the lines above say why", Exit.unavailable)
            }
            looks += 1
            // A coordinator that is silent for a while may be back later.
            if looks % 10 == 0, let dialer,
                case .status(let report)? = try? dialer.request(.askStatus, timeout: .seconds(2)),
                !report.sweeps.isEmpty, report.sweeps.allSatisfy(\.isOver)
            {
                return announce("all sweeps are over")
            }
        }
    }

    private func readClient() throws -> AccessFile {
        let folder = URL(fileURLWithPath: access.path(for: .worker)).deletingLastPathComponent()
        let path = folder.appendingPathComponent("client.access").path
        do { return try AccessFile(reading: path) } catch {
            throw failure("--until-over asks how sweeps go, but \(error)", Exit.usage)
        }
    }

    /// Other machines can't dial this one's loopback.
    private func checkReach(of file: AccessFile, from list: [Host]) throws {
        guard file.endpoints.allSatisfy(Endpoint.isLoopback) else { return }
        let near = ["localhost", "::1"]
        for host in list {
            let name = host.destination.split(separator: "@").last.map(String.init) ?? ""
            guard near.contains(name) || name.hasPrefix("127.") else {
                throw failure(
                    "\(name) can't reach the coordinator, which listens for this machine alone "
                        + "(\(file.endpoints.joined(separator: ", "))); start it with "
                        + "'moderato coordinator --listen 0.0.0.0:5757'", Exit.usage)
            }
        }
    }
}
