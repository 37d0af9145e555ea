import CZeroMQ
import Glibc

/// The process-wide part of libzmq: its threads and its inproc names. Closed with its last socket.
public final class SocketContext: @unchecked Sendable {
    // libzmq documents contexts as thread safe.
    let pointer: UnsafeMutableRawPointer

    public init() {
        guard let pointer = zmq_ctx_new() else { preconditionFailure("zmq_ctx_new: no memory") }
        self.pointer = pointer
        zmq_ctx_set(pointer, ZMQ_MAX_SOCKETS, 16_384)
    }

    deinit { zmq_ctx_term(pointer) }
}

/// One ZeroMQ socket and its handle. Used by one thread at a time.
public final class Socket {
    public enum Kind: Int32 {
        case router = 6
        case dealer = 5
        case reply = 4
        case pair = 0
    }

    /// A message in parts, with the user that the authenticator named for the connection, and the
    /// connection's file.
    public struct Received {
        public var parts: [[UInt8]]
        public var user: String?
        var file: Int32?
    }

    /// Parts beyond these are thrown away; the coordinator's own sockets have no more.
    private static let mostParts = 8

    let handle: UnsafeMutableRawPointer
    private let context: SocketContext

    public init(_ kind: Kind, in context: SocketContext) throws(WireError) {
        self.context = context
        guard let handle = zmq_socket(context.pointer, kind.rawValue) else {
            throw Socket.error("opening a socket")
        }
        self.handle = handle
        try set(ZMQ_LINGER, Int32(0))
    }

    deinit { zmq_close(handle) }

    public func set(_ option: Int32, _ value: Int32) throws(WireError) {
        var value = value
        guard zmq_setsockopt(handle, option, &value, MemoryLayout<Int32>.size) == 0 else {
            throw Socket.error("setting socket option \(option)")
        }
    }

    public func set(_ option: Int32, _ value: Int64) throws(WireError) {
        var value = value
        guard zmq_setsockopt(handle, option, &value, MemoryLayout<Int64>.size) == 0 else {
            throw Socket.error("setting socket option \(option)")
        }
    }

    public func set(_ option: Int32, _ text: String) throws(WireError) {
        guard zmq_setsockopt(handle, option, text, text.utf8.count) == 0 else {
            throw Socket.error("setting socket option \(option)")
        }
    }

    public func bind(_ endpoint: String) throws(WireError) {
        if endpoint.hasPrefix("tcp://[") { try set(ZMQ_IPV6, Int32(1)) }
        guard zmq_bind(handle, endpoint) != 0 else { return }
        let problem =
            switch zmq_errno() {
            case EADDRINUSE:
                "another program uses this address, perhaps another coordinator; --listen takes "
                    + "another port, or port 0 for a free one"
            case EADDRNOTAVAIL, ENODEV, EINVAL:
                "this machine has no such address; --listen takes one of its own, or 0.0.0.0 or "
                    + "[::] for all of them"
            case EACCES: "a port below 1024 is root's; --listen takes another"
            default: String(cString: zmq_strerror(zmq_errno()))
            }
        throw .listen(endpoint: endpoint, problem: problem)
    }

    public func connect(_ endpoint: String) throws(WireError) {
        guard zmq_connect(handle, endpoint) == 0 else {
            throw Socket.error("connecting to \(endpoint)")
        }
    }

    /// The endpoint last bound, with the port that `*` came to.
    public func lastEndpoint() throws(WireError) -> String {
        var buffer = [CChar](repeating: 0, count: 256)
        var size = buffer.count
        guard zmq_getsockopt(handle, ZMQ_LAST_ENDPOINT, &buffer, &size) == 0 else {
            throw Socket.error("asking for the endpoint")
        }
        return String(
            decoding: buffer.prefix(max(0, size - 1)).map(UInt8.init(bitPattern:)),
            as: UTF8.self)
    }

    /// Whether a message could be sent now; for a dealer, whether it has a connection.
    public func isWritable() throws(WireError) -> Bool {
        var events: Int32 = 0
        var size = MemoryLayout<Int32>.size
        guard zmq_getsockopt(handle, ZMQ_EVENTS, &events, &size) == 0 else {
            throw Socket.error("looking for a connection")
        }
        return events & ZMQ_POLLOUT != 0
    }

    /// Sends the parts as one message without waiting. `false`: the socket can take no more now, or
    /// has nobody to send to.
    public func send(_ parts: [[UInt8]]) throws(WireError) -> Bool {
        for (index, part) in parts.enumerated() {
            let more = index < parts.count - 1 ? ZMQ_SNDMORE : 0
            while zmq_send(handle, part, part.count, ZMQ_DONTWAIT | more) < 0 {
                switch zmq_errno() {
                case EINTR: continue
                case EAGAIN, EHOSTUNREACH: return false
                default: throw Socket.error("sending")
                }
            }
        }
        return true
    }

    /// The next message if one has arrived.
    public func receive() throws(WireError) -> Received? {
        var received = Received(parts: [])
        var message = zmq_msg_t()
        repeat {
            zmq_msg_init(&message)
            while zmq_msg_recv(&message, handle, ZMQ_DONTWAIT) < 0 {
                switch zmq_errno() {
                case EINTR: continue
                case EAGAIN:
                    zmq_msg_close(&message)
                    return nil
                default: throw Socket.error("receiving")
                }
            }
            let bytes = UnsafeRawBufferPointer(
                start: zmq_msg_data(&message), count: zmq_msg_size(&message))
            if received.parts.count < Self.mostParts { received.parts.append(Array(bytes)) }
            let file = zmq_msg_get(&message, ZMQ_SRCFD)
            if file >= 0 { received.file = file }
            if let user = zmq_msg_gets(&message, "User-Id") {
                received.user = String(cString: user)
            }
            let more = zmq_msg_more(&message)
            zmq_msg_close(&message)
            if more == 0 { return received }
        } while true
    }

    static func error(_ doing: String) -> WireError {
        .socket(doing: doing, reason: String(cString: zmq_strerror(zmq_errno())))
    }
}

/// Waits for sockets and files together.
public enum Poll {
    public enum Source {
        case socket(Socket)
        case file(Int32)
    }

    /// Which of the sources can be read, by their place; empty after `timeout`.
    public static func readable(
        _ sources: [Source], timeout: Duration
    ) throws(WireError) -> [Bool] {
        var items = sources.map { source in
            switch source {
            case .socket(let socket):
                zmq_pollitem_t(socket: socket.handle, fd: 0, events: Int16(ZMQ_POLLIN), revents: 0)
            case .file(let descriptor):
                zmq_pollitem_t(socket: nil, fd: descriptor, events: Int16(ZMQ_POLLIN), revents: 0)
            }
        }
        let milliseconds = max(0, Int(timeout.inMilliseconds.rounded(.up)))
        if zmq_poll(&items, Int32(items.count), milliseconds) < 0, zmq_errno() != EINTR {
            throw Socket.error("waiting for messages")
        }
        return items.map { $0.revents != 0 }
    }
}

extension Duration {
    var inMilliseconds: Double {
        Double(components.seconds) * 1e3 + Double(components.attoseconds) / 1e15
    }
}
