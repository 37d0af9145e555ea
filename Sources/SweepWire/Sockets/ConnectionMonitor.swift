import CZeroMQ
import Glibc
import SweepCore

/// What libzmq does not bound: the files and the memory of a listener's connections. Tells
/// `Connections` what happens to them, and carries out what it decides.
final class ConnectionMonitor {
    private let events: Socket
    private var connections: Connections
    private let isInsecure: Bool
    private var lastResident = 0
    /// Whether more has happened than was looked at.
    private(set) var hasMore = false

    /// How many connections the kernel is asked about at a time, unless memory has grown by so
    /// much since the last time.
    private static let measuredAtATime = 512
    private static let eventsAtATime = 500
    private static let suspiciousGrowth = 32 << 20
    /// Files for everything that is not a connection.
    private static let reservedFiles = 128

    init(
        of socket: Socket, in context: SocketContext, isInsecure: Bool
    ) throws(WireError) {
        self.isInsecure = isInsecure
        var limits = Connections.Limits()
        limits.connections = max(64, OpenFiles.raiseLimit() - Self.reservedFiles)
        limits.unfinishedOfAnAddress = max(32, min(1_024, limits.connections / 4))
        connections = Connections(limits)
        let place = "inproc://connections"
        let wanted =
            ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED
            | ZMQ_EVENT_CLOSED
        guard zmq_socket_monitor(socket.handle, place, wanted) == 0 else {
            throw Socket.error("watching connections")
        }
        events = try Socket(.pair, in: context)
        // libzmq waits for room, and all connections with it.
        try events.set(ZMQ_RCVHWM, Int32(0))
        try events.connect(place)
    }

    /// - Returns: the peers that are gone.
    func observe(at now: Instant, _ cuts: inout [Connections.Cut]) throws(WireError) -> [Route] {
        var gone: [Route] = []
        var count = 0
        while count < Self.eventsAtATime, let event = try events.receive() {
            count += 1
            guard let head = event.parts.first, head.count == 6 else { continue }
            let kind = Int32(head[0]) | Int32(head[1]) << 8
            let value = head[2...].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            let file = Int32(bitPattern: value)
            switch kind {
            case ZMQ_EVENT_ACCEPTED:
                connections.accept(file, from: PeerAddress.of(file) ?? "?", at: now)
            case ZMQ_EVENT_HANDSHAKE_SUCCEEDED: connections.finishHandshake(file)
            default: if let route = connections.close(file) { gone.append(route) }
            }
        }
        hasMore = count == Self.eventsAtATime
        cuts += connections.makeRoom(at: now)
        return gone
    }

    func heard(_ file: Int32, _ route: Route, bytes: Int, at now: Instant) -> Route? {
        connections.hear(
            file, route, bytes: onTheWire(bytes), at: now, isOpen: PeerAddress.of(file) != nil)
    }

    func sent(_ bytes: Int, to route: Route) { connections.send(onTheWire(bytes), to: route) }

    func partsCame(from file: Int32) -> [Connections.Cut] { connections.cutOffForParts(file) }

    /// Asks the kernel about connections, and says who takes too much.
    func measure(wasDrained: Bool, at now: Instant) -> [Connections.Cut] {
        let resident = OpenFiles.residentBytes() ?? 0
        let hasGrown = resident > lastResident + Self.suspiciousGrowth
        lastResident = hasGrown ? resident : min(resident, lastResident)
        let files = connections.nextToMeasure(hasGrown ? .max : Self.measuredAtATime)
        for file in files {
            guard let counts = ByteCounts(of: file) else { continue }
            connections.measure(
                file, received: counts.received, acknowledged: counts.acknowledged,
                wasDrained: wasDrained, at: now)
        }
        return connections.cutOff()
    }

    /// libzmq notices that the connection has ended, and gives back what it held for it.
    func carryOut(_ cuts: [Connections.Cut]) {
        for cut in cuts where PeerAddress.of(cut.file) != nil {
            shutdown(cut.file, Int32(SHUT_RDWR))
        }
    }

    /// CURVE's name, nonce and check are 33 bytes; a frame's flags and length 2 or 9.
    private func onTheWire(_ bytes: Int) -> Int {
        let content = bytes + (isInsecure ? 0 : 33)
        return content + (content > 255 ? 9 : 2)
    }
}

/// Bytes of a TCP connection since it began, as Linux counts them.
private struct ByteCounts {
    let acknowledged: UInt64
    let received: UInt64

    init?(of file: Int32) {
        // `struct tcp_info` of linux/tcp.h: tcpi_bytes_acked and tcpi_bytes_received; glibc's ends
        // before them.
        var info = [UInt64](repeating: 0, count: 32)
        var size = socklen_t(info.count * 8)
        guard getsockopt(file, Int32(IPPROTO_TCP), TCP_INFO, &info, &size) == 0, size >= 136
        else { return nil }
        acknowledged = info[15]
        received = info[16]
    }
}

enum PeerAddress {
    /// Without the port; `nil` if the file is no connection.
    static func of(_ file: Int32) -> String? {
        var storage = sockaddr_storage()
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        var host = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        let isNamed = withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                getpeername(file, address, &size) == 0
                    && getnameinfo(
                        address, size, &host, socklen_t(host.count), nil, 0, NI_NUMERICHOST) == 0
            }
        }
        guard isNamed else { return nil }
        return String(
            decoding: host.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}

/// How many files this process may open, and how much memory it has.
public enum OpenFiles {
    /// Raises the soft limit to the hard one.
    ///
    /// - Returns: the limit.
    public static func raiseLimit() -> Int {
        var limit = rlimit()
        let kind = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        guard getrlimit(kind, &limit) == 0 else { return 1_024 }
        if limit.rlim_cur < limit.rlim_max {
            var raised = limit
            raised.rlim_cur = limit.rlim_max
            if setrlimit(kind, &raised) == 0 { limit = raised }
        }
        return Int(clamping: min(limit.rlim_cur, 1 << 30))
    }

    /// What is in memory of this process; `nil` where the system does not tell.
    static func residentBytes() -> Int? {
        guard
            let text = try? LocalFile.read("/proc/self/statm", offset: 0, count: 256)
        else { return nil }
        let fields = String(decoding: text, as: UTF8.self).split(separator: " ")
        guard fields.count > 1, let pages = Int(fields[1]) else { return nil }
        return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
    }
}
