import ArgumentParser
import Foundation
import SweepCore
import SweepWire

struct MetricsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "metrics",
        abstract: "Serve waiting runs and workers to Prometheus, over HTTP.",
        discussion: """
            Any path is answered. read-only.access is enough.

            Example:
              moderato cluster metrics --port 9757
            """)

    @OptionGroup var access: AccessOption

    @Option(
        help: ArgumentHelp("Where to listen, on all addresses; 0: a free one.", valueName: "port"))
    var port: UInt16 = 9757

    @Flag(help: .hidden)
    var untilInputEnds = false

    func run() throws {
        let stop = StopSignal(orEndOfInput: untilInputEnds)
        let dialer = try access.dial(as: .readOnly)
        let listener = try listen()
        defer { close(listener) }
        while true {
            var items = [
                pollfd(fd: stop.descriptor, events: Int16(POLLIN), revents: 0),
                pollfd(fd: listener, events: Int16(POLLIN), revents: 0),
            ]
            guard poll(&items, 2, -1) > 0 else { continue }
            if items[0].revents != 0 { return }
            let peer = accept(listener, nil, nil)
            guard peer >= 0 else { continue }
            defer { close(peer) }
            answer(peer, dialer)
        }
    }

    /// By IPv6 and IPv4; a machine may be without the former.
    private func listen() throws -> Int32 {
        if let file = listen(by: AF_INET6) { return file }
        if [EAFNOSUPPORT, EADDRNOTAVAIL].contains(errno), let file = listen(by: AF_INET) {
            return file
        }
        throw failure(
            "port \(port) can't be listened on: \(String(cString: strerror(errno))); choose "
                + "another --port", Exit.unavailable)
    }

    /// `nil`: `errno` tells why not.
    private func listen(by family: Int32) -> Int32? {
        let file = socket(family, Int32(SOCK_STREAM.rawValue), 0)
        guard file >= 0 else { return nil }
        var (yes, no): (Int32, Int32) = (1, 0)
        let length = socklen_t(MemoryLayout<Int32>.size)
        setsockopt(file, SOL_SOCKET, SO_REUSEADDR, &yes, length)
        if family == AF_INET6 {
            setsockopt(file, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &no, length)
        }
        // Both kinds begin with family and port, and zeros are all addresses.
        var address = sockaddr_in6()
        address.sin6_family = sa_family_t(family)
        address.sin6_port = port.bigEndian
        var size = socklen_t(
            family == AF_INET6 ? MemoryLayout<sockaddr_in6>.size : MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(file, $0, size) == 0 && Glibc.listen(file, 16) == 0
                    && getsockname(file, $0, &size) == 0
            }
        }
        guard isBound else {
            let why = errno
            close(file)
            errno = why
            return nil
        }
        announce("serving metrics on port \(UInt16(bigEndian: address.sin6_port))")
        return file
    }

    /// One request, whatever it asks for; who is slow to ask gets no answer.
    private func answer(_ peer: Int32, _ dialer: Dialer) {
        var patience = timeval(tv_sec: 2, tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        setsockopt(peer, SOL_SOCKET, SO_RCVTIMEO, &patience, size)
        setsockopt(peer, SOL_SOCKET, SO_SNDTIMEO, &patience, size)
        var request = [UInt8](repeating: 0, count: 8_192)
        guard recv(peer, &request, request.count, 0) > 0 else { return }
        var status = "503 Service Unavailable"
        var body = "the coordinator does not answer\n"
        if case .status(let report)? = try? dialer.request(.askStatus, timeout: .seconds(5)) {
            status = "200 OK"
            body = report.metrics() + "\n"
        }
        let head =
            "HTTP/1.1 \(status)\r\nContent-Type: text/plain; version=0.0.4\r\n"
            + "Content-Length: \(body.utf8.count)\r\nConnection: close\r\n\r\n"
        let bytes = Array((head + body).utf8)
        _ = send(peer, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }
}

extension StatusReport {
    private static func words(_ value: Double) -> String {
        Int(exactly: value).map { "\($0)" } ?? "\(value)"
    }

    /// In the text format of Prometheus.
    func metrics() -> String {
        let active = sweeps.filter { $0.condition.state == .active }
        var figures: [(name: String, help: String, value: Double)] = [
            (
                "waiting_runs", "Runs that wait for a worker; of sweeps that are not paused.",
                Double(active.map(\.waitingRuns).reduce(0, +))
            ),
            (
                "unfinished_runs", "Those, and runs in training.",
                Double(active.map { $0.waitingRuns + $0.activeRuns }.reduce(0, +))
            ),
            ("active_runs", "Runs in training.", Double(sweeps.map(\.activeRuns).reduce(0, +))),
            (
                "failed_runs", "Runs that have failed.",
                Double(sweeps.map(\.failedRuns).reduce(0, +))
            ),
            ("workers", "Workers that are there.", Double(workers.count)),
            (
                "slots", "Runs that the workers can train at a time.",
                Double(workers.map(\.slots).reduce(0, +))
            ),
        ]
        if let loop {
            figures += [
                ("loop_turns", "Turns of the coordinator's loop.", Double(loop.turns)),
                (
                    "loop_long_turns", "Turns of more than 50 ms, in which everybody waited.",
                    Double(loop.longTurns)
                ),
                (
                    "loop_longest_turn_seconds", "The longest turn of the last minute or two.",
                    loop.longestSeconds
                ),
            ]
        }
        return figures.map { figure in
            "# HELP moderato_\(figure.name) \(figure.help)\n"
                + "# TYPE moderato_\(figure.name) gauge\n"
                + "moderato_\(figure.name) \(Self.words(figure.value))"
        }.joined(separator: "\n")
    }
}
