import ArgumentParser
import Foundation
import SweepCore

struct SlurmCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "slurm",
        abstract: "Do a whole sweep with workers that Slurm runs.",
        discussion: """
            Examples:
              moderato cluster slurm --sweep my.yaml --workers 8 --partition gpu --gres gpu:1 \\
                --time 4:00:00
              moderato cluster slurm --sweep my.yaml --elastic 1:20 --detach
              moderato cluster slurm --sweep my.yaml --workers 8 --coordinator job

            The home and the programs have to be where all nodes see them. What this starts goes \
            on in the background until every sweep of the home is over; then nothing is left in \
            Slurm's queue. Ctrl-C: leave it to itself; the same command comes back to it. Ctrl-C \
            twice: end it and all its workers; the same command goes on where it was.
            """)

    @Option(help: ArgumentHelp("The sweep file (YAML).", valueName: "file"))
    var sweep: String

    @Option(help: ArgumentHelp("Workers to ask for, as one array job.", valueName: "count"))
    var workers: Int?

    @Option(
        help: ArgumentHelp(
            "As many workers as are of use, between these: more while runs wait, fewer when some "
                + "have nothing to do.", valueName: "min:max"))
    var elastic: ElasticBounds?

    @Option(help: "Slurm's partition. Default: Slurm's default.")
    var partition: String?

    @Option(
        help: ArgumentHelp(
            "What each worker gets, such as gpu:1.", valueName: "resources"))
    var gres: String?

    @Option(
        help: ArgumentHelp(
            "Each worker's time limit, as sbatch takes it. Who reaches it hands its runs over, and "
                + "another is asked for.", valueName: "limit"))
    var time: String?

    @Option(help: ArgumentHelp("CPUs of each worker: its trainer's threads.", valueName: "count"))
    var cpusPerTask: Int?

    @Option(
        help: ArgumentHelp(
            "Another option for sbatch, for workers and coordinator; may be given again.",
            valueName: "option"))
    var sbatchOption: [String] = []

    @Option(
        help: ArgumentHelp(
            "Where the coordinator runs: on this machine, or as a job that also survives a reboot "
                + "of this one.", valueName: "here|job"))
    var coordinator = CoordinatorPlace.here

    @Option(
        help: ArgumentHelp(
            "The time limit of the coordinator's job. Default: the partition's.",
            valueName: "limit"))
    var coordinatorTime: String?

    @Option(
        help: ArgumentHelp(
            "Name or address under which nodes reach the coordinator; may be given again. "
                + "Default: the name of its host.", valueName: "host"))
    var advertise: [String] = []

    @Option(
        help: ArgumentHelp(
            "Where to compute: cpu, cuda or cuda:N. Default: cuda if --gres says gpu.",
            valueName: "device"))
    var device: String?

    @OptionGroup var home: HomeOption

    @Option(
        help: ArgumentHelp(
            "Where the page with charts goes. Default: NAME.html in the home.", valueName: "file"))
    var html: String?

    @Flag(help: "Return when it is on its way; 'moderato status' tells how it goes.")
    var detach = false

    @Option(help: ArgumentHelp("As for 'moderato worker'.", valueName: "seconds=…"))
    var fakeTrainer: String?

    @OptionGroup var lease: LeaseOption

    /// This is the process in the background.
    @Flag(help: .hidden)
    var keepsHouse = false

    enum CoordinatorPlace: String, ExpressibleByArgument { case here, job }

    var bounds: Elastic.Bounds {
        elastic?.bounds ?? Elastic.Bounds(least: workers ?? 1, most: workers ?? 1)
    }

    func validate() throws {
        guard (workers == nil) != (elastic == nil) else {
            throw ValidationError("give --workers COUNT, or --elastic MIN:MAX")
        }
        guard (1...1_000).contains(workers ?? 1) else {
            throw ValidationError("--workers: 1 to 1000")
        }
        guard (1...1_024).contains(cpusPerTask ?? 1) else {
            throw ValidationError("--cpus-per-task: 1 to 1024")
        }
        if time != nil, SlurmTime(time ?? "") == nil {
            throw ValidationError(
                "--time: minutes, or as in 4:00:00 (hours) or 1-12:00:00 (days); not \(time ?? "")")
        }
        if !sbatchOption.allSatisfy({ $0.hasPrefix("-") }) {
            throw ValidationError("--sbatch-option: write it as in --sbatch-option=--account=NAME")
        }
    }

    func run() throws {
        if keepsHouse { return try SlurmHousehold(self).keep() }
        try OutputFile.check(html)
        let name = try readSweep(sweep).name
        try SlurmVisitor(self, sweepName: name).visit()
    }

    /// The command line of the process in the background.
    var arguments: [String] {
        var words = ["cluster", "slurm", "--keeps-house", "--sweep", absolute(sweep)]
        words += ["--home", home.folder.path]
        func add(_ option: String, _ value: String?) {
            if let value { words += ["--\(option)=\(value)"] }
        }
        add("workers", workers.map(String.init))
        add("elastic", elastic.map { "\($0.bounds.least):\($0.bounds.most)" })
        add("partition", partition)
        add("gres", gres)
        add("time", time)
        add("cpus-per-task", cpusPerTask.map(String.init))
        add("device", device)
        add("fake-trainer", fakeTrainer)
        words += lease.arguments
        for option in sbatchOption { add("sbatch-option", option) }
        for host in advertise { add("advertise", host) }
        return words
    }
}

/// `1:8`.
struct ElasticBounds: ExpressibleByArgument {
    let bounds: Elastic.Bounds

    init?(argument: String) {
        let numbers = argument.split(separator: ":", omittingEmptySubsequences: false).map {
            Int($0)
        }
        guard numbers.count == 2, let least = numbers[0], let most = numbers[1], least >= 0,
            (max(1, least)...1_000).contains(most)
        else { return nil }
        bounds = Elastic.Bounds(least: least, most: most)
    }
}

/// A time limit as Slurm takes it: minutes, minutes:seconds, hours:minutes:seconds, days-hours,
/// days-hours:minutes, days-hours:minutes:seconds.
struct SlurmTime {
    let seconds: Int

    init?(_ text: String) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), let last = parts.last else { return nil }
        let numbers = last.split(separator: ":", omittingEmptySubsequences: false).map {
            Int($0).flatMap { (0...1_000_000).contains($0) ? $0 : nil }
        }
        let fields = numbers.compactMap(\.self)
        guard fields.count == numbers.count, (1...3).contains(fields.count) else { return nil }
        if parts.count == 2 {
            guard let days = Int(parts[0]), (0...100_000).contains(days) else { return nil }
            seconds = days * 86_400 + zip(fields, [3_600, 60, 1]).reduce(0) { $0 + $1.0 * $1.1 }
        } else {
            let units = [[60], [60, 1], [3_600, 60, 1]][fields.count - 1]
            seconds = zip(fields, units).reduce(0) { $0 + $1.0 * $1.1 }
        }
    }
}
