import ArgumentParser
import Foundation
import Logging
import SweepCore
import SweepWire
import SweepWorker

struct WorkerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker",
        abstract: "Train what the coordinator hands out; join and leave at any time.",
        discussion: """
            Examples:
              moderato worker                                  one run at a time, all cores
              moderato worker --slots 2                        two at a time, half the cores each
              moderato worker --access ~/worker.access         on another machine
              moderato worker --fake-trainer seconds=0.5       trains nothing; for submit --fake

            Ctrl-C or SIGTERM: the worker hands its jobs back and leaves.
            """)

    @OptionGroup var access: AccessOption

    @Option(help: ArgumentHelp("Runs to train at the same time.", valueName: "count"))
    var slots = 1

    @Option(
        help: ArgumentHelp(
            "Threads of each trainer. Default: the cores, shared among the slots.",
            valueName: "count"))
    var threads: Int?

    @Option(help: ArgumentHelp("Where to compute: cpu, cuda or cuda:N.", valueName: "device"))
    var device = "cpu"

    @Option(
        help: ArgumentHelp(
            "What it has that sweeps may need, such as gpu=a100; may be given again.",
            valueName: "label"))
    var label: [String] = []

    @Option(help: ArgumentHelp("Name in tables and logs. Default: host and a number."))
    var name: String?

    @Option(
        help: ArgumentHelp("The trainer's program. Default: beside this one.", valueName: "file"))
    var trainer: String?

    @Option(
        help: ArgumentHelp(
            "Where files lie on their way from and to the coordinator. Default: artifacts, beside "
                + "the access file.", valueName: "folder"))
    var artifacts: String?

    @Option(
        help: ArgumentHelp(
            "Where models and data are kept that come from the coordinator; workers of one machine "
                + "may share it. Default: $XDG_CACHE_HOME/moderato, or ~/.cache/moderato.",
            valueName: "folder"))
    var cache: String?

    @Option(
        help: ArgumentHelp(
            "What is kept there at most; what was not used for longest makes room.",
            valueName: "GB"))
    var cacheLimit = 20

    @Option(
        help: ArgumentHelp(
            "The least time between two states of a run that another worker could go on from.",
            valueName: "seconds"))
    var checkpointEvery = 60

    @Option(
        help: ArgumentHelp("The largest state that is kept; 0: none.", valueName: "MB"))
    var checkpointLimit = 512

    @Option(
        help: ArgumentHelp(
            "When the machine is taken away: so long from now (90m, 4h), or a time "
                + "(2027-01-31T18:00:00Z). Default: under Slurm, the end of the job.",
            valueName: "time"))
    var deadline: Deadline?

    @Option(
        help: ArgumentHelp(
            "How long before that it hands its runs back.", valueName: "seconds"))
    var grace = 60

    @Option(
        help: ArgumentHelp(
            "Make results up, of sweeps submitted with --fake: seconds a run, shares of failures "
                + "and crashes, figures; states=1: leave the last states of runs.",
            valueName: "seconds=…,failures=…,crashes=…,cacc=…,asr=…,states=1"))
    var fakeTrainer: String?

    @Flag(help: .hidden)
    var untilInputEnds = false

    func validate() throws {
        guard (1...1_024).contains(slots) else { throw ValidationError("--slots: 1 to 1024") }
        guard (1...1_024).contains(threads ?? 1) else {
            throw ValidationError("--threads: 1 to 1024")
        }
        guard Self.isDevice(device) else {
            throw ValidationError("--device: cpu, cuda or cuda:N")
        }
        guard (0...1_000_000).contains(checkpointEvery) else {
            throw ValidationError("--checkpoint-every: 0 to 1000000")
        }
        guard (0...1_000_000).contains(checkpointLimit) else {
            throw ValidationError("--checkpoint-limit: 0 to 1000000")
        }
        guard (0...1_000_000).contains(cacheLimit) else {
            throw ValidationError("--cache-limit: 0 to 1000000")
        }
        guard (0...86_400).contains(grace) else { throw ValidationError("--grace: 0 to 86400") }
        guard (1...100).contains(name?.count ?? 1) else {
            throw ValidationError("--name: 1 to 100 characters")
        }
        guard label.count <= 64, label.allSatisfy({ (1...100).contains($0.count) }) else {
            throw ValidationError("--label: at most 64 of 1 to 100 characters")
        }
        if let fakeTrainer {
            do { _ = try FakeTrainer.Options(parsing: fakeTrainer) } catch {
                throw ValidationError("\(error)")
            }
        }
    }

    static func isDevice(_ text: String) -> Bool {
        text == "cpu" || text == "cuda"
            || text.hasPrefix("cuda:") && Int(text.dropFirst(5)) != nil
    }

    func run() throws {
        let stop = StopSignal(orEndOfInput: untilInputEnds)
        let host = ProcessInfo.processInfo.hostName
        let name = name ?? "\(host.prefix(60))-\(getpid())"
        Streams.logToFile(logPath(of: name))
        LoggingSystem.bootstrap { StreamLogHandler.standardError(label: $0) }
        let file = try access.read(for: .worker)
        let cores = ProcessInfo.processInfo.activeProcessorCount
        let threads = threads ?? max(1, cores / slots)
        let folder = folder
        let path = access.path(for: .worker)
        let trainers = try makeTrainers(threads: threads, folder: folder)
        defer { for trainer in trainers { trainer.shutDown() } }
        guard let libtorch = try prove(trainers, until: stop) else { return }
        let hello = Hello(
            worker: WorkerID(name),
            incarnation: UInt64(Date().timeIntervalSince1970 * 1_000),
            host: String(host.prefix(100)),
            slots: slots,
            device: fakeTrainer != nil
                ? "fake" : "\(device), \(count(threads, "thread"))",
            memory: ProcessInfo.processInfo.physicalMemory, labels: label,
            keepsStates: checkpointLimit > 0, trainer: fakeTrainer == nil ? .real : .fake,
            program: programVersion, libtorch: libtorch)
        do {
            let worker = try Worker(
                hello, access: file, reread: { try? AccessFile(reading: path) },
                trainers: trainers,
                readsFiles: try fakeTrainer.map(FakeTrainer.Options.init(parsing:))?.readsFiles
                    ?? true,
                secondsLeft: (deadline ?? Deadline.ofSlurmJob()).map {
                    max(0, $0.date.timeIntervalSinceNow - Double(grace))
                },
                folders: Worker.Folders(
                    artifacts: folder, cache: cacheFolder, cacheLimit: cacheLimit * 1_000_000_000),
                logger: Logger(label: hello.worker.name))
            try worker.run(until: stop.descriptor)
        } catch WorkerError.unusable(let why) {
            throw failure(why, Exit.unavailable)
        } catch let error as WorkerError {
            throw failure("\(error)", Exit.refused)
        } catch let error as WireError {
            throw failure("\(error)", Exit.unavailable)
        }
    }

    private var trainerPath: String { trainer.map(absolute) ?? sibling("moderato-trainer") }

    /// The coordinator learns of no worker that can't train.
    ///
    /// - Returns: the version of libtorch; `nil` if the worker was told to stop meanwhile.
    private func prove(_ trainers: [any Trainer], until stop: StopSignal) throws -> String? {
        var version = ""
        do {
            // They load at the same time, so the first takes the time of all.
            for trainer in trainers {
                switch try trainer.prove(within: .seconds(120), until: stop.descriptor) {
                case .ready(let libtorch): version = libtorch
                case .stopped: return nil
                }
            }
        } catch let error as WorkerError {
            throw failure("\(error)", Exit.unavailable)
        }
        return version
    }

    private var folder: String { artifacts.map(absolute) ?? beside("artifacts") }

    /// For a worker without a standard error.
    private func logPath(of name: String) -> String {
        beside(OutputFile.name(for: "worker-\(name)") + ".log")
    }

    /// In the folder of the access file.
    private func beside(_ name: String) -> String {
        URL(fileURLWithPath: access.path(for: .worker)).deletingLastPathComponent()
            .appendingPathComponent(name).path
    }

    private var cacheFolder: String {
        if let cache { return absolute(cache) }
        return userCacheFolder()
    }

    private func makeTrainers(threads: Int, folder: String) throws -> [any Trainer] {
        if let fakeTrainer {
            let options = try FakeTrainer.Options(parsing: fakeTrainer)
            let states = FakeStates(folder: folder, interval: .seconds(checkpointEvery))
            return (0..<slots).map { _ in
                FakeTrainer(options, states: checkpointLimit == 0 ? nil : states)
            }
        }
        let path = trainerPath
        guard FileManager.default.isExecutableFile(atPath: path) else {
            throw failure(
                "\(path): the trainer is missing; build it with "
                    + "'swift build -c release --product moderato-trainer', "
                    + "or name it with --trainer",
                Exit.unavailable)
        }
        let arguments = [
            "--threads", "\(threads)", "--device", device, "--artifacts", folder,
            "--checkpoint-every", "\(checkpointEvery)", "--checkpoint-limit", "\(checkpointLimit)",
        ]
        return (0..<slots).map { _ in ProcessTrainer(executable: path, arguments: arguments) }
    }
}

/// The program of this name in the folder of this one.
func sibling(_ name: String) -> String {
    let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    return URL(fileURLWithPath: own).deletingLastPathComponent().appendingPathComponent(name).path
}
