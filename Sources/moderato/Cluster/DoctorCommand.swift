import ArgumentParser
import Foundation
import SweepCore
import SweepWire

struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Tell what is missing before anything is submitted.",
        discussion: """
            Looks at the access file, the coordinator, the programs, limits and clocks here, and
            from a node: under Slurm, from the first one that comes free; with --hosts, from each.
            The status is 1 if there is a problem.

            Examples:
              moderato cluster doctor
              moderato cluster doctor --hosts hosts.txt --device cuda
              moderato cluster doctor --json --access ~/worker.access
            """)

    @OptionGroup var access: AccessOption

    @Option(help: ArgumentHelp("Look at these too, as for 'cluster ssh'.", valueName: "file"))
    var hosts: String?

    @Option(
        help: ArgumentHelp(
            "As 'ssh -o', such as IdentityFile=…; may be given again.", valueName: "name=value"))
    var sshOption: [String] = []

    @Option(help: ArgumentHelp("What workers will compute on: cpu or cuda.", valueName: "device"))
    var device = "cpu"

    @Option(
        help: ArgumentHelp("The trainer's program. Default: beside this one.", valueName: "file"))
    var trainer: String?

    @Flag(help: "Print JSON.") var json = false

    func validate() throws {
        guard WorkerCommand.isDevice(device) else {
            throw ValidationError("--device: cpu, cuda or cuda:N")
        }
    }

    func run() throws {
        let list = try hosts.map { try HostsFile.read(absolute($0)) } ?? []
        let found = look(at: list)
        if json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            say(String(decoding: try encoder.encode(found), as: UTF8.self))
        } else {
            say(found.map(\.line.shownLines).joined(separator: "\n"))
        }
        if found.contains(where: { $0.level == .problem }) { throw Exit.failedRuns }
    }

    private func look(at list: [Host]) -> [Diagnosis] {
        let path = access.path(for: .worker)
        var found: [Diagnosis] = []
        var endpoints: [String] = []
        do {
            let file = try AccessFile(reading: path)
            endpoints = file.endpoints
            found.append(.ok("access file", "\(path), for its owner alone"))
            found += MachineChecks.endpoints(of: file, role: file.role)
        } catch {
            let cure =
                FileManager.default.fileExists(atPath: path)
                ? "then ask again" : "start 'moderato coordinator', or copy its worker.access here"
            found.append(.problem("access file", "\(error)", cure: cure))
        }
        let home = access.home.folder.path
        found.append(MachineChecks.trainer(trainer.map(absolute) ?? sibling("moderato-trainer")))
        found.append(MachineChecks.openFiles(MachineChecks.openFileLimit))
        found += MachineChecks.home(home)
        let probe = "\(home)/probe-node-\(getpid())"
        _ = FileManager.default.createFile(atPath: probe, contents: Data("probe\n".utf8))
        defer { unlink(probe) }
        let isCUDA = device != "cpu"
        let nodes = nodes(list, isCUDA: isCUDA)
        if isCUDA, nodes.isEmpty {
            let smi = outcome(of: MachineChecks.gpuQuery)
            found.append(
                MachineChecks.gpus(smi.status == 0 ? smi.text : nil, on: "this machine"))
        }
        for node in nodes {
            found += node.look(probe: probe, home: home, endpoints: endpoints)
        }
        return found
    }

    private func nodes(_ list: [Host], isCUDA: Bool) -> [NodeChecks] {
        let shell = RemoteShell(options: sshOption)
        let hosts = list.map { host in
            NodeChecks(
                name: host.label,
                command: { shell.command(on: host, $0, $1) },
                needsSharedHome: false, needsTorch: true, needsGPU: isCUDA)
        }
        // Its programs alone are not yet a Slurm; a controller that is down is not waited for.
        guard list.isEmpty, outcome(of: ["timeout", "10", "sinfo", "--noheader"]).status == 0 else {
            return hosts
        }
        let gpu = isCUDA ? ["--gres=gpu:1"] : []
        return [
            NodeChecks(
                name: "a node of Slurm",
                command: {
                    ["srun", "--quiet", "--ntasks=1", "--time=2"] + gpu
                        + ["sh", "-c", $0, "moderato"] + $1
                }, needsSharedHome: true, needsTorch: false, needsGPU: isCUDA)
        ]
    }
}
