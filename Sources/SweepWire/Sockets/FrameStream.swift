import Glibc
import SweepCore

/// Messages over a pipe, as a worker and its trainer exchange them: four bytes of length, the least
/// significant first, then the frame.
public struct FrameStream {
    private var buffer: [UInt8] = []

    public init() {}

    public static func framed(_ message: some WireMessage) -> [UInt8] {
        let frame = Codec.encode(message)
        let size = UInt32(frame.count)
        return (0..<4).map { UInt8(truncatingIfNeeded: size >> (8 * $0)) } + frame
    }

    /// Writes a whole message; `false` if nobody reads any more.
    public static func write(_ message: some WireMessage, to descriptor: Int32) -> Bool {
        var rest = framed(message)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 {
                if errno == EINTR { continue }
                return false
            }
            rest = rest.dropFirst(count)
        }
        return true
    }

    /// Reads once, and returns the messages that are complete; `nil` at the end of the stream.
    public mutating func read<Message: WireMessage>(
        from descriptor: Int32, as type: Message.Type = Message.self
    ) throws(WireError) -> [Message]? {
        var piece = [UInt8](repeating: 0, count: 64 * 1_024)
        var count = 0
        repeat {
            count = Glibc.read(descriptor, &piece, piece.count)
        } while count < 0 && errno == EINTR
        guard count > 0 else { return nil }
        buffer += piece.prefix(count)
        var messages: [Message] = []
        while buffer.count >= 4 {
            let size = buffer.prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
            guard size <= Codec.maxFrameBytes else { throw .malformed("a frame of \(size) bytes") }
            guard buffer.count >= 4 + size else { break }
            messages.append(try Codec.decode(Array(buffer[4..<4 + size])))
            buffer.removeFirst(4 + size)
        }
        return messages
    }
}
