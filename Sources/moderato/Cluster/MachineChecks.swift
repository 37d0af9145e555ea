import Foundation
import SweepCore
import SweepWire

/// What can be found out on this machine.
enum MachineChecks {
    /// Whether a coordinator that knows this key answers at each endpoint.
    static func endpoints(of file: AccessFile, role: Role) -> [Diagnosis] {
        if file.endpoints.isEmpty {
            return [
                .problem(
                    "coordinator", "the access file names no endpoint",
                    cure: "start 'moderato coordinator', and copy the access file again")
            ]
        }
        return file.endpoints.map { endpoint in
            var one = file
            one.endpoints = [endpoint]
            do {
                // A heartbeat of a stranger is answered with the question who it is.
                let dialer = try Dialer(one)
                let request = role == .worker ? MessageToCoordinator.heartbeat([]) : .askStatus
                _ = try dialer.request(request, timeout: .seconds(5))
                return .ok("coordinator", "\(endpoint) answers")
            } catch WireError.noAnswer {
                return silence(of: endpoint)
            } catch {
                return .problem(
                    "coordinator", "\(endpoint): \(error)",
                    cure: "install the same version of moderato on both sides")
            }
        }
    }

    private static func silence(of endpoint: String) -> Diagnosis {
        let place = address(endpoint)
        let knock = [
            "timeout", "5", "bash", "-c", "exec 3<>/dev/tcp/$0/$1", place.host, place.port,
        ]
        if outcome(of: knock).status == 0 {
            return .problem(
                "coordinator", "\(endpoint) is open, and does not answer to this key",
                cure:
                    "copy the access file again from the home of the coordinator that runs there; "
                    + "'moderato keys list' tells which keys it knows")
        }
        return .problem(
            "coordinator", "\(endpoint): nobody listens there, or it can't be reached from here",
            cure: "start 'moderato coordinator --listen 0.0.0.0:5757', with --advertise HOST if "
                + "others know it by another name, and let port \(place.port) through the firewall")
    }

    static func address(_ endpoint: String) -> (host: String, port: String) {
        let text = endpoint.dropFirst("tcp://".count)
        let colon = text.lastIndex(of: ":") ?? text.endIndex
        let host = text[..<colon].trimmingCharacters(in: CharacterSet(charactersIn: "[]"))
        return (host, String(text[colon...].dropFirst()))
    }

    /// Whether the trainer starts, which takes its library and libtorch.
    static func trainer(_ path: String) -> Diagnosis {
        guard FileManager.default.isExecutableFile(atPath: path) else {
            return .problem(
                "trainer", "\(path) is missing",
                cure: "'make build' in the checkout, or name it with --trainer")
        }
        let help = outcome(of: ["timeout", "60", path, "--help"])
        guard help.status == 0 else {
            return .problem(
                "trainer", "\(path) does not start: \(lastLine(help.text))",
                cure: "'cluster/setup' installs libtorch and compiles the library over it")
        }
        return .ok("trainer", "\(path) starts, with its libtorch")
    }

    /// - Parameter limit: open files that a process may have here.
    static func openFiles(_ limit: UInt64) -> Diagnosis {
        let words = "\(limit) open files at a time"
        let cure =
            "'ulimit -n 20000' before the coordinator starts; an administrator raises the "
            + "hard limit in /etc/security/limits.conf"
        return switch limit {
        case ..<256: .problem("open files", "\(words), and a peer takes one", cure: cure)
        case ..<1_024:
            .warning("open files", "\(words): no more than about \(limit - 100) peers", cure: cure)
        default: .ok("open files", "\(words), one for each peer")
        }
    }

    static var openFileLimit: UInt64 {
        var limit = rlimit()
        return getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0
            ? UInt64(limit.rlim_cur) : 0
    }

    /// Whether files can be made in the home, and what time its file system has.
    static func home(_ path: String) -> [Diagnosis] {
        guard FileManager.default.fileExists(atPath: path) else {
            return [
                .warning(
                    "home", "\(path) is not there yet",
                    cure: "'moderato coordinator' makes it; --home names another one")
            ]
        }
        let probe = "\(path)/probe-\(getpid())"
        defer { unlink(probe) }
        let before = Date()
        guard FileManager.default.createFile(atPath: probe, contents: Data("probe\n".utf8)),
            let made = try? FileManager.default.attributesOfItem(atPath: probe)[.modificationDate]
                as? Date
        else {
            return [
                .problem(
                    "home", "\(path) can't be written: \(String(cString: strerror(errno)))",
                    cure: "choose another --home, or free room")
            ]
        }
        return [
            .ok("home", "\(path) can be written"),
            clock(skew: made.timeIntervalSince(before), against: "the file system of the home"),
        ]
    }

    /// - Parameter skew: in seconds.
    static func clock(skew: Double, against other: String) -> Diagnosis {
        guard abs(skew) > 5 else { return .ok("clock", "agrees with \(other)") }
        return .warning(
            "clock", "\(duration(abs(skew))) apart from \(other)",
            cure: "let both take their time from one server (chrony, systemd-timesyncd): deadlines "
                + "and the order of a worker's restarts depend on it")
    }

    /// - Parameter listing: of `nvidia-smi --query-gpu=memory.used,memory.total`, `nil` without it.
    static func gpus(_ listing: String?, on place: String) -> Diagnosis {
        let cure = "wait for one, choose other machines, or leave --device cuda out"
        let shares = (listing ?? "").split(whereSeparator: \.isNewline)
            .compactMap { line -> Double? in
                let parts = line.split(separator: ",").compactMap {
                    Double($0.trimmingCharacters(in: .whitespaces))
                }
                return parts.count == 2 && parts[1] > 0 ? parts[0] / parts[1] : nil
            }
        guard !shares.isEmpty else {
            return .problem("GPU", "\(place) has none (nvidia-smi lists no GPU)", cure: cure)
        }
        let free = shares.count { $0 < 0.1 }
        guard free > 0 else {
            return .problem("GPU", "\(place): all \(shares.count) are in use", cure: cure)
        }
        return .ok("GPU", "\(place): \(free) of \(count(shares.count, "GPU")) free")
    }

    static let gpuQuery = [
        "nvidia-smi", "--query-gpu=memory.used,memory.total", "--format=csv,noheader,nounits",
    ]
}
