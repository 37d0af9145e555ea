import CZeroMQ
import SweepCore

/// A worker's or client's end: dials out, and goes on dialling until told otherwise.
public final class Dialer {
    public private(set) var socket: Socket
    private var dialling: Dialling
    private let access: AccessFile
    private let reread: () -> AccessFile?
    private var lastRead = Instant(nanoseconds: 0)
    private let context: SocketContext
    private let clock = ContinuousClock()
    private let start: ContinuousClock.Instant
    /// Where a name has addresses of both families, they are dialled in turn.
    private var dials = 0

    public var endpoint: String { dialling.endpoint }

    /// Why no endpoint can be dialled now, if none of their names has an address.
    public var problem: WireError? {
        var problem: WireError?
        for endpoint in dialling.endpoints {
            guard case .failure(let failure) = Endpoint.families(of: endpoint) else { return nil }
            problem = problem ?? .name(host: Endpoint.host(of: endpoint), reason: failure.reason)
        }
        return problem
    }

    /// - Parameters:
    ///   - context: Shared by the dialers of one process that holds many.
    ///   - reread: Reads the access file once more. While there is no connection it is asked each
    ///     second, for the coordinator may have moved; one of another coordinator is passed over.
    public init(
        _ access: AccessFile, in context: SocketContext = SocketContext(),
        reread: @escaping () -> AccessFile? = { nil }
    ) throws(WireError) {
        guard !access.endpoints.isEmpty else {
            throw .socket(
                doing: "dialling: start the coordinator, and copy the access file again",
                reason: "the access file has no endpoint")
        }
        for endpoint in access.endpoints where access.isInsecure {
            guard Endpoint.isLoopback(endpoint) else { throw .insecure(endpoint: endpoint) }
        }
        start = clock.now
        dialling = Dialling(access.endpoints)
        self.reread = reread
        self.access = access
        self.context = context
        socket = try Dialer.connect(to: dialling.endpoint, access, in: context, dial: 0)
    }

    private static func connect(
        to endpoint: String, _ access: AccessFile, in context: SocketContext, dial: Int
    ) throws(WireError) -> Socket {
        let socket = try Socket(.dealer, in: context)
        // Enough for a goodbye to leave.
        try socket.set(ZMQ_LINGER, Int32(500))
        if !access.isInsecure {
            try socket.set(ZMQ_CURVE_SERVERKEY, access.serverKey)
            try socket.set(ZMQ_CURVE_PUBLICKEY, access.keys.publicKey)
            try socket.set(ZMQ_CURVE_SECRETKEY, access.keys.secretKey)
        }
        try socket.set(ZMQ_MAXMSGSIZE, Int64(Codec.maxFrameBytes))
        // Nothing is queued for a connection that is not there: what matters is sent again.
        try socket.set(ZMQ_IMMEDIATE, Int32(1))
        try socket.set(ZMQ_SNDHWM, Int32(10_000))
        // Not bounded: where libzmq stops reading and the other end hangs up, its next heartbeat
        // ends the process (an assertion in 4.3.4). What the coordinator sends is little.
        try socket.set(ZMQ_RCVHWM, Int32(0))
        try socket.set(ZMQ_RECONNECT_IVL, Int32(100))
        try socket.set(ZMQ_RECONNECT_IVL_MAX, Int32(2_000))
        try socket.set(ZMQ_HEARTBEAT_IVL, Int32(2_000))
        try socket.set(ZMQ_HEARTBEAT_TIMEOUT, Int32(6_000))
        if case .success(let families) = Endpoint.families(of: endpoint), !families.isEmpty,
            families[dial % families.count] == .v6
        {
            try socket.set(ZMQ_IPV6, Int32(1))
        }
        try socket.connect(endpoint)
        return socket
    }

    /// Dials anew, or the next endpoint, or where the coordinator is now, if it is time for that;
    /// called several times a second.
    ///
    /// - Returns: the endpoint that is dialled now, if it is another one than before.
    public func look() throws(WireError) -> String? {
        let now = Instant(nanoseconds: (clock.now - start).nanoseconds)
        let before = endpoint
        let isConnected = try socket.isWritable()
        let place = isConnected ? nil : moved(at: now)
        guard let next = place ?? dialling.next(isConnected: isConnected, at: now) else {
            return nil
        }
        dials += 1
        socket = try Dialer.connect(to: next, access, in: context, dial: dials)
        return next == before ? nil : next
    }

    /// The endpoint that the access file names by now, if it is a new one.
    private func moved(at now: Instant) -> String? {
        guard lastRead + .seconds(1) <= now else { return nil }
        lastRead = now
        guard let file = reread(), file.serverKey == access.serverKey,
            file.isInsecure == access.isInsecure,
            !file.isInsecure || file.endpoints.allSatisfy(Endpoint.isLoopback)
        else { return nil }
        return dialling.move(to: file.endpoints, at: now)
    }

    /// `false`: there is no connection now.
    public func send(_ message: MessageToCoordinator) throws(WireError) -> Bool {
        let frame = Codec.encode(message)
        guard frame.count <= Codec.maxFrameBytes else { throw .tooLarge(bytes: frame.count) }
        return try socket.send([frame])
    }

    /// The next message if one has arrived. Throws `malformed` for a frame that is none.
    public func receive<Message: WireMessage>(
        as type: Message.Type = Message.self
    ) throws(WireError) -> Message? {
        guard let received = try socket.receive() else { return nil }
        guard received.parts.count == 1 else { throw .malformed("\(received.parts.count) parts") }
        return try Codec.decode(received.parts[0])
    }

    /// Sends a client's request that is not about one file, and waits for the answer.
    public func request(
        _ message: MessageToCoordinator, timeout: Duration = .seconds(10)
    ) throws(WireError) -> MessageToClient {
        let deadline = clock.now + timeout + dialling.roundTime
        var isSent = false
        if let problem, try !socket.isWritable() { throw problem }
        while clock.now < deadline {
            if !isSent { isSent = try send(message) }
            if !isSent { _ = try look() }
            let step = isSent ? deadline - clock.now : .milliseconds(5)
            if try Poll.readable([.socket(socket)], timeout: min(step, .milliseconds(100)))[0],
                let answer = try receive(as: MessageToClient.self)
            {
                switch answer {
                case .rejected(let reason), .refused(let reason): throw .rejected(reason)
                // Late, of a file that was sent before.
                case .file(.progress): continue
                default: return answer
                }
            }
        }
        throw .noAnswer(endpoint: endpoint, seconds: timeout.inMilliseconds / 1e3)
    }
}
