import ArgumentParser
import Foundation
import Logging
import SweepCoordinator
import SweepCore
import SweepStore
import SweepWire

struct CoordinatorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "coordinator",
        abstract: "Decide who trains what, and keep the results.",
        discussion: """
            Examples:
              moderato coordinator                             this machine only
              moderato coordinator --listen 0.0.0.0:5757       reachable from other machines
              moderato coordinator --listen [::]:5757          by IPv6 as well
              moderato coordinator --advertise new --advertise old      soon at another place
              moderato coordinator --lease 60                  machines or networks that stall

            Workers and clients need an access file; the coordinator writes them into its home.
            Stop it with Ctrl-C at any time: it goes on from its store when started again.
            """)

    @OptionGroup var home: HomeOption

    @Option(
        help: ArgumentHelp(
            "Address and port to listen on; port 0 takes a free one.",
            discussion: "Default: where it listened last, or a free port of 127.0.0.1.",
            valueName: "address:port"))
    var listen: String?

    @Option(
        help: ArgumentHelp(
            "Name or address under which others reach it; may be given again.",
            discussion: "Access files list all of them, and they are dialled in turn. A port "
                + "of its own, as in host:5757, where it is not the one listened on.",
            valueName: "host"))
    var advertise: [String] = []

    @Flag(help: "No keys and no encryption: for everyone on this machine, and only there.")
    var insecure = false

    @OptionGroup var states: StatesOption

    @OptionGroup var lease: LeaseOption

    @Flag(help: .hidden)
    var untilInputEnds = false

    func validate() throws {
        guard let listen else { return }
        if let mistake = Endpoint.mistake(inListen: listen) {
            throw ValidationError("--listen \(listen): \(mistake)")
        }
    }

    func run() throws {
        let stop = StopSignal(orEndOfInput: untilInputEnds)
        if Streams.wereClosed[2] { try home.folder.make() }
        Streams.logToFile(home.folder.path + "/coordinator.log")
        LoggingSystem.bootstrap { StreamLogHandler.standardError(label: $0) }
        do {
            let coordinator = try Coordinator(
                home: home.folder,
                options: .init(
                    listen: listen, advertise: advertise, isInsecure: insecure,
                    lastStateBytes: states.statesLimit * 1_000_000,
                    lease: .seconds(lease.lease)),
                logger: Logger(label: "coordinator"))
            let access = home.folder.accessPath(for: .worker)
            announce("ready; add workers with: moderato worker --access \(access)")
            try coordinator.run(until: stop.descriptor)
        } catch let error as CoordinatorError {
            throw failure("\(error)", Exit.unavailable)
        } catch let error as StoreError {
            throw failure("\(error)", Exit.unavailable)
        } catch let error as WireError {
            throw failure("\(error)", Exit.unavailable)
        }
    }
}

/// How much of finished runs stays for later ones.
struct StatesOption: ParsableArguments {
    static let defaultLimit = 1_000

    @Option(
        help: ArgumentHelp(
            "What the last states of finished runs may take on the disk together; 0: none.",
            discussion: "More epochs go on from there, and files that a sweep is to keep later are "
                + "made of them. The oldest go first; one of more than 16 MiB is not kept.",
            valueName: "MB"))
    var statesLimit = Self.defaultLimit

    func validate() throws {
        guard (0...1_000_000_000).contains(statesLimit) else {
            throw ValidationError("--states-limit: 0 to 1000000000")
        }
    }

    /// For a coordinator that this process starts.
    var arguments: [String] {
        statesLimit == Self.defaultLimit ? [] : ["--states-limit", "\(statesLimit)"]
    }
}

/// How soon a worker that is silent is given up.
struct LeaseOption: ParsableArguments {
    static let defaultLease = Int(Scheduler.Configuration().lease / .seconds(1))

    @Option(
        help: ArgumentHelp(
            "How long a worker may be silent before its runs go to others.",
            discussion: "Workers send a heartbeat four times as often, and every 10 seconds at "
                + "least. Longer: for networks or machines that stall. Shorter: lost work is begun "
                + "again sooner.",
            valueName: "seconds"))
    var lease = Self.defaultLease

    func validate() throws {
        let limits = Scheduler.Configuration.leaseSeconds
        guard limits.contains(lease) else {
            throw ValidationError(
                "--lease \(lease): \(limits.lowerBound) to \(limits.upperBound) seconds; "
                    + "\(Self.defaultLease) is the default")
        }
    }

    /// For a coordinator that this process starts.
    var arguments: [String] { lease == Self.defaultLease ? [] : ["--lease", "\(lease)"] }
}
