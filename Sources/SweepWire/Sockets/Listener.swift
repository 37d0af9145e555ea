import CZeroMQ
import SweepCore

/// The coordinator's end: one port for all workers and clients.
public final class Listener {
    public struct Arrival {
        public let route: Route
        /// The peer's public key.
        public let key: String
        /// `nil`: the key was revoked after the peer had connected.
        public let role: Role?
        public let frame: [UInt8]
    }

    public let socket: Socket
    public let authenticator: Authenticator
    private let context = SocketContext()

    /// - Parameter endpoint: `tcp://address:port`; the port `*` takes a free one.
    public init(
        endpoint: String, keys: KeyPair, admitted: [String: Role]
    ) throws(WireError) {
        authenticator = try Authenticator(admitted: admitted, in: context)
        socket = try Socket(.router, in: context)
        try socket.set(ZMQ_CURVE_SERVER, Int32(1))
        try socket.set(ZMQ_CURVE_SECRETKEY, keys.secretKey)
        try socket.set(ZMQ_ZAP_DOMAIN, "moderato")
        try socket.set(ZMQ_MAXMSGSIZE, Int64(Codec.maxFrameBytes))
        try socket.set(ZMQ_ROUTER_MANDATORY, Int32(1))
        try socket.set(ZMQ_SNDHWM, Int32(10_000))
        try socket.set(ZMQ_RCVHWM, Int32(10_000))
        try socket.set(ZMQ_BACKLOG, Int32(4_096))
        // Peers ask often whether this end is there, and leases tell who is gone; this only closes
        // what is left of dead connections.
        try socket.set(ZMQ_HEARTBEAT_IVL, Int32(20_000))
        try socket.set(ZMQ_HEARTBEAT_TIMEOUT, Int32(20_000))
        try socket.bind(endpoint)
    }

    public func endpoint() throws(WireError) -> String { try socket.lastEndpoint() }

    /// The next frame if one has arrived. What is no frame of an admitted peer is passed over.
    public func receive() throws(WireError) -> Arrival? {
        while let received = try socket.receive() {
            guard received.parts.count == 2, let key = received.user else { continue }
            return Arrival(
                route: Route(received.parts[0]), key: key, role: authenticator.admitted[key],
                frame: received.parts[1])
        }
        return nil
    }

    /// `false`: the peer is gone or takes no more; what matters is sent again on its return.
    public func send(_ frame: [UInt8], to route: Route) throws(WireError) -> Bool {
        try socket.send([route.bytes, frame])
    }
}

/// A worker's or client's end: dials out, and goes on dialling until told otherwise.
public final class Dialer {
    public let socket: Socket
    public let endpoint: String

    /// - Parameter context: Shared by the dialers of one process that holds many.
    public init(
        _ access: AccessFile, in context: SocketContext = SocketContext()
    ) throws(WireError) {
        endpoint = access.endpoint
        socket = try Socket(.dealer, in: context)
        // Enough for a goodbye to leave.
        try socket.set(ZMQ_LINGER, Int32(500))
        try socket.set(ZMQ_CURVE_SERVERKEY, access.serverKey)
        try socket.set(ZMQ_CURVE_PUBLICKEY, access.keys.publicKey)
        try socket.set(ZMQ_CURVE_SECRETKEY, access.keys.secretKey)
        try socket.set(ZMQ_MAXMSGSIZE, Int64(Codec.maxFrameBytes))
        // Nothing is queued for a connection that is not there: what matters is sent again.
        try socket.set(ZMQ_IMMEDIATE, Int32(1))
        try socket.set(ZMQ_SNDHWM, Int32(10_000))
        try socket.set(ZMQ_RCVHWM, Int32(10_000))
        try socket.set(ZMQ_RECONNECT_IVL, Int32(100))
        try socket.set(ZMQ_RECONNECT_IVL_MAX, Int32(2_000))
        try socket.set(ZMQ_HEARTBEAT_IVL, Int32(2_000))
        try socket.set(ZMQ_HEARTBEAT_TIMEOUT, Int32(6_000))
        try socket.connect(access.endpoint)
    }

    /// `false`: there is no connection now.
    public func send(_ message: Message) throws(WireError) -> Bool {
        let frame = Codec.encode(message)
        guard frame.count <= Codec.maxFrameBytes else { throw .tooLarge(bytes: frame.count) }
        return try socket.send([frame])
    }

    /// The next message if one has arrived. Throws `malformed` for a frame that is none.
    public func receive() throws(WireError) -> Message? {
        guard let received = try socket.receive() else { return nil }
        guard received.parts.count == 1 else { throw .malformed("\(received.parts.count) parts") }
        return try Codec.decode(received.parts[0])
    }

    /// Sends a request that is not about one file, and waits for the answer.
    public func request(
        _ message: Message, timeout: Duration = .seconds(10)
    ) throws(WireError) -> Message {
        let clock = ContinuousClock()
        let deadline = clock.now + timeout
        var isSent = false
        while clock.now < deadline {
            if !isSent { isSent = try send(message) }
            let step = isSent ? deadline - clock.now : .milliseconds(5)
            if try Poll.readable([.socket(socket)], timeout: min(step, .milliseconds(100)))[0],
                let answer = try receive()
            {
                switch answer {
                case .rejected(let reason), .refused(let reason): throw .rejected(reason)
                // Late, of a file that was sent before.
                case .uploadProgress: continue
                default: return answer
                }
            }
        }
        throw .noAnswer(endpoint: endpoint, seconds: timeout.inMilliseconds / 1e3)
    }
}
