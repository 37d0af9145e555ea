import Foundation
import SweepCore

/// The workers of a hosts file: prepares each host, starts what is to run there, and starts again
/// what ended by itself. `look` is called several times a second and never waits.
final class SSHWorkers {
    struct Settings {
        var folder: String
        var torch: String?
        var workersPerHost: Int
        var onePerGPU: Bool
        /// Options of every worker.
        var arguments: [String]
        var access: Data
        /// Where the logs are, on this machine.
        var logs: String
    }

    /// A host to be prepared, or one of its workers.
    private final class Place {
        enum Step {
            case running(Tether, said: Pipe?)
            case waiting(until: Instant)
            case over
        }

        let host: Host
        let name: String
        /// `nil`: the host is being prepared.
        let arguments: [String]?
        var step: Step
        var restarts: Restarts

        init(_ host: Host, name: String, arguments: [String]?, at now: Instant) {
            self.host = host
            self.name = name
            self.arguments = arguments
            step = .waiting(until: now)
            restarts = Restarts(startedAt: now)
        }
    }

    private let shell: RemoteShell
    private let bundle: ProgramBundle
    private let settings: Settings
    private var places: [Place] = []
    private let origin = ContinuousClock.now

    init(_ hosts: [Host], _ shell: RemoteShell, _ bundle: ProgramBundle, _ settings: Settings) {
        self.shell = shell
        self.bundle = bundle
        self.settings = settings
        // The same host may stand there twice, with different settings.
        var seen: [String: Int] = [:]
        places = hosts.map { host in
            seen[host.label, default: 0] += 1
            let number = seen[host.label, default: 1]
            let name = number == 1 ? host.label : "\(host.label).\(number)"
            return Place(host, name: name, arguments: nil, at: now)
        }
    }

    private var now: Instant {
        Instant(nanoseconds: (ContinuousClock.now - origin).nanoseconds)
    }

    /// Nothing runs, and nothing will.
    var isOver: Bool {
        places.allSatisfy { if case .over = $0.step { true } else { false } }
    }

    func look() throws {
        for place in places {
            switch place.step {
            case .running(let tether, let said):
                if !tether.isRunning { ended(place, tether, said: said) }
            case .waiting(let time):
                if time <= now { try start(place) }
            case .over: break
            }
        }
    }

    private func start(_ place: Place) throws {
        place.restarts.started(at: now)
        let log = "\(settings.logs)/\(place.name).log"
        guard let arguments = place.arguments else {
            let said = Pipe()
            let torch = bundle.hasTrainer ? settings.torch ?? "" : "none"
            let remote = shell.command(
                on: place.host, RemoteShell.prepare, [settings.folder, bundle.name, torch])
            // tar's own complaint, that nobody reads on, means that the bundle is there already.
            let sender = """
                folder=$1; shift; tar -C "$folder" -chf - . 2>/dev/null | "$@"
                """
            let command = ["sh", "-c", sender, "moderato", bundle.folder.path] + remote
            place.step = .running(try Tether(command, log: log, output: said), said: said)
            return tell(place, "preparing the host")
        }
        let remote = shell.command(
            on: place.host, RemoteShell.work,
            [settings.folder, bundle.name, place.name, "\(settings.access.count)"] + arguments)
        place.step = .running(try Tether(remote, first: settings.access, log: log), said: nil)
        tell(place, "started")
    }

    private func ended(_ place: Place, _ tether: Tether, said: Pipe?) {
        if let said, tether.status == 0 {
            place.step = .over
            return addWorkers(on: place, words: said.fileHandleForReading.availableData)
        }
        let isPreparing = place.arguments == nil
        switch tether.status {
        case 0:
            place.step = .over
            tell(place, "left, as it was told to")
        case Exit.usage.rawValue, Exit.refused.rawValue:
            place.step = .over
            tell(place, "ended, and is not started again: \(tether.lastWords)")
        default:
            let time = place.restarts.ended(at: now)
            place.step = .waiting(until: time)
            let what = isPreparing ? "can't be prepared" : "ended by itself"
            tell(
                place,
                "\(what) (\(reason(tether))); again in "
                    + "\(duration((time - now).inSeconds)); its log: \(tether.log)")
        }
    }

    private func reason(_ tether: Tether) -> String {
        switch tether.status {
        case 255: "ssh: \(tether.lastWords)"
        case 127: "the programs are gone from \(settings.folder); start this command anew"
        case 128...: "killed by signal \(tether.status - 128)"
        default: "status \(tether.status), \(tether.lastWords)"
        }
    }

    private func addWorkers(on place: Place, words: Data) {
        let line = String(decoding: words, as: UTF8.self).split(whereSeparator: \.isNewline)
            .last { $0.hasPrefix("moderato-gpus ") }
        let gpus = line.flatMap { Int($0.dropFirst("moderato-gpus ".count)) } ?? 0
        var devices = [String?](repeating: place.host.device, count: settings.workersPerHost)
        if settings.onePerGPU, place.host.device == nil {
            guard gpus > 0 else {
                return tell(place, "has no GPU (nvidia-smi -L lists none); no worker is started")
            }
            devices = (0..<gpus).map { "cuda:\($0)" }
        }
        for (index, device) in devices.enumerated() {
            let own = device.map { ["--device", $0] } ?? []
            // Two of these commands may have workers on one host.
            let name = "\(place.name)-\(index + 1)-\(getpid())"
            places.append(
                Place(
                    place.host, name: name,
                    arguments: ["--slots", "\(place.host.slots)"] + own + settings.arguments,
                    at: now))
        }
    }

    private func tell(_ place: Place, _ text: String) {
        announce("\(place.name.shown): \(text.shown)")
    }

    /// Tells all to hand back what they have and leave; `look` sees them go.
    func end() {
        for place in places {
            if case .running(let tether, _) = place.step {
                if place.arguments == nil { tether.terminate() } else { tether.endInput() }
            } else {
                place.step = .over
            }
        }
    }

    /// Whether all have gone; they are not started again.
    func haveGone() -> Bool {
        for place in places {
            if case .running(let tether, _) = place.step, !tether.isRunning {
                place.step = .over
                if place.arguments != nil { tell(place, "stopped") }
            }
        }
        return isOver
    }

    /// Waits for nobody: without its connection each worker still hands back and leaves.
    func abandon() {
        for case .running(let tether, _) in places.map(\.step) { tether.terminate() }
    }
}
