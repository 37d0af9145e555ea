import CZeroMQ
import SweepCore

/// Admits peers by their public keys (ZeroMQ RFC 27, ZAP). The user id of an admitted connection is
/// its key, so that a key that is revoked later is known by every message that it brings.
///
/// Must exist before the first connection of its context; polled in the loop that owns it.
public final class Authenticator {
    public let socket: Socket
    /// Public keys (Z85) that may come in.
    public var admitted: [String: Role]
    public private(set) var refusals = 0

    public init(admitted: [String: Role], in context: SocketContext) throws(WireError) {
        self.admitted = admitted
        socket = try Socket(.reply, in: context)
        try socket.bind("inproc://zeromq.zap.01")
    }

    /// Answers every request that has arrived.
    public func answerAll() throws(WireError) {
        while let request = try socket.receive() {
            _ = try socket.send(answer(to: request.parts))
        }
    }

    /// Request: version, request id, domain, address, identity, mechanism, credentials.
    package func answer(to request: [[UInt8]]) -> [[UInt8]] {
        func reply(_ status: String, _ text: String, user: String) -> [[UInt8]] {
            [
                Array("1.0".utf8), request.count > 1 ? request[1] : [], Array(status.utf8),
                Array(text.utf8), Array(user.utf8), [],
            ]
        }
        guard request.count == 7, request[0] == Array("1.0".utf8),
            request[5] == Array("CURVE".utf8), let key = Authenticator.z85(request[6]),
            admitted[key] != nil
        else {
            refusals += 1
            return reply("400", "unknown key", user: "")
        }
        return reply("200", "OK", user: key)
    }

    package static func z85(_ key: [UInt8]) -> String? {
        guard key.count == 32 else { return nil }
        var text = [CChar](repeating: 0, count: 41)
        guard zmq_z85_encode(&text, key, 32) != nil else { return nil }
        return String(decoding: text.prefix(40).map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
