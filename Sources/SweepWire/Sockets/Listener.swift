import CZeroMQ
import SweepCore

/// The coordinator's end: one port for all workers and clients.
public final class Listener {
    public struct Arrival {
        public let route: Route
        /// The public key of the peer, also one that was revoked since it has connected; `nil`:
        /// nobody was asked for one.
        public let key: String?
        public let frame: [UInt8]
    }

    public let socket: Socket
    public let authenticator: Authenticator
    public let isInsecure: Bool
    private let context = SocketContext()
    private let monitor: ConnectionMonitor
    private var pending = News()
    /// Peers that are gone, the last ones: what libzmq has of them is still to be read.
    private var gone: Set<Route> = []
    private var goneInOrder: [Route] = []
    private static let mostGone = 8_192
    /// Of a peer that is gone small messages count, such as its goodbye; large ones are passed over
    /// unread, so that the memory that they take is free again soon.
    private static let bytesOfASmallMessage = 5_000
    private static let mostPassedOver = 64
    private var hasPassedOver = false
    private var now = Instant(nanoseconds: 0)

    /// - Parameters:
    ///   - endpoint: `tcp://address:port`; the port `*` takes a free one.
    ///   - isInsecure: Plain sockets, and everyone is admitted; on loopback alone.
    public init(
        endpoint: String, keys: KeyPair, admitted: [String: Role], isInsecure: Bool = false
    ) throws(WireError) {
        guard !isInsecure || Endpoint.isLoopback(endpoint) else {
            throw .insecure(endpoint: endpoint)
        }
        self.isInsecure = isInsecure
        authenticator = try Authenticator(admitted: admitted, in: context)
        socket = try Socket(.router, in: context)
        if !isInsecure {
            try socket.set(ZMQ_CURVE_SERVER, Int32(1))
            try socket.set(ZMQ_CURVE_SECRETKEY, keys.secretKey)
            try socket.set(ZMQ_ZAP_DOMAIN, "moderato")
        }
        try socket.set(ZMQ_MAXMSGSIZE, Int64(Codec.maxFrameBytes))
        try socket.set(ZMQ_ROUTER_MANDATORY, Int32(1))
        try socket.set(ZMQ_SNDHWM, Int32(10_000))
        // So many small messages of a connection wait; `Connections` bounds large ones.
        try socket.set(ZMQ_RCVHWM, Int32(1_000))
        try socket.set(ZMQ_BACKLOG, Int32(4_096))
        // Peers ask often whether this end is there, and leases tell who is gone; this only closes
        // what is left of dead connections after 40 s. Not by pings: for each answer libzmq looks
        // through the timers of all connections.
        try socket.set(ZMQ_TCP_KEEPALIVE, Int32(1))
        try socket.set(ZMQ_TCP_KEEPALIVE_IDLE, Int32(20))
        try socket.set(ZMQ_TCP_KEEPALIVE_INTVL, Int32(5))
        try socket.set(ZMQ_TCP_KEEPALIVE_CNT, Int32(4))
        try socket.set(ZMQ_TCP_MAXRT, Int32(40_000))
        monitor = try ConnectionMonitor(of: socket, in: context, isInsecure: isInsecure)
        try socket.bind(Endpoint.bindable(endpoint))
    }

    public func endpoint() throws(WireError) -> String { try socket.lastEndpoint() }

    /// What happened to connections since the last time.
    public struct News {
        /// Peers that are gone.
        public var gone: [Route] = []
        public var cuts: [Connections.Cut] = []
    }

    /// Whether more news wait than fit into one turn of the loop.
    public var hasMoreNews: Bool { monitor.hasMore || hasPassedOver }

    /// Looks who has come and gone; called in every turn of the loop, before anything is received.
    public func observe(at now: Instant) throws(WireError) -> News {
        self.now = now
        var news = pending
        pending = News()
        news.gone += try monitor.observe(at: now, &news.cuts)
        for route in news.gone where gone.insert(route).inserted { goneInOrder.append(route) }
        if goneInOrder.count > Self.mostGone {
            gone.subtract(goneInOrder.prefix(Self.mostGone / 2))
            goneInOrder.removeFirst(Self.mostGone / 2)
        }
        monitor.carryOut(news.cuts)
        return news
    }

    /// Looks who takes more memory than its share; called several times a second.
    ///
    /// - Parameter wasDrained: whether `receive` had nothing more at some time since the last call.
    public func measure(wasDrained: Bool, at now: Instant) -> [Connections.Cut] {
        let cuts = monitor.measure(wasDrained: wasDrained, at: now)
        monitor.carryOut(cuts)
        return cuts
    }

    /// The next frame if one has arrived. What is no frame of an admitted peer is passed over, and
    /// who sends a message in parts is cut off.
    public func receive() throws(WireError) -> Arrival? {
        hasPassedOver = false
        var passedOver = 0
        while let received = try socket.receive() {
            guard received.parts.count == 2 else {
                let cuts = received.file.map { monitor.partsCame(from: $0) } ?? []
                monitor.carryOut(cuts)
                pending.cuts += cuts
                continue
            }
            let route = Route(received.parts[0])
            if let file = received.file {
                let bytes = received.parts[1].count
                if let gone = monitor.heard(file, route, bytes: bytes, at: now) {
                    if pending.gone.last != gone { pending.gone.append(gone) }
                }
            }
            if received.parts[1].count > Self.bytesOfASmallMessage, gone.contains(route) {
                passedOver += 1
                hasPassedOver = passedOver >= Self.mostPassedOver
                if hasPassedOver { return nil }
                continue
            }
            guard isInsecure || received.user != nil else { continue }
            let key = isInsecure ? nil : received.user
            return Arrival(route: route, key: key, frame: received.parts[1])
        }
        return nil
    }

    /// `false`: the peer is gone or takes no more; what matters is sent again on its return.
    public func send(_ frame: [UInt8], to route: Route) throws(WireError) -> Bool {
        guard try socket.send([route.bytes, frame]) else { return false }
        monitor.sent(frame.count, to: route)
        return true
    }
}
