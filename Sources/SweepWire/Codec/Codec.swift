import CSweepProto
import SweepCore

/// Messages as frames: protobuf-c on the wire, enums in the house.
///
/// A decoder of hostile input: sizes, counts, UTF-8, enum values and ranges are checked here, so
/// that what comes out can be trusted to be well formed (not to be true).
public enum Codec {
    /// The largest frame that is sent or taken.
    public static let maxFrameBytes = 1 << 20

    public static func encode(_ message: Message) -> [UInt8] {
        let arena = Arena()
        let envelope = arena.envelope(message)
        let size = moderato__envelope__get_packed_size(envelope)
        return [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            count = moderato__envelope__pack(envelope, buffer.baseAddress)
        }
    }

    public static func decode(_ frame: [UInt8]) throws(WireError) -> Message {
        guard frame.count <= maxFrameBytes else {
            throw .malformed("\(frame.count) bytes; \(maxFrameBytes) is the most")
        }
        // The version is the first field of every envelope of every version.
        let theirs = try version(of: frame)
        guard theirs == protocolVersion else {
            throw .versionMismatch(theirs: theirs, ours: protocolVersion)
        }
        guard let envelope = moderato__envelope__unpack(nil, frame.count, frame) else {
            throw .malformed("not an envelope")
        }
        defer { moderato__envelope__free_unpacked(envelope, nil) }
        return try message(envelope.pointee)
    }

    private static func version(of frame: [UInt8]) throws(WireError) -> UInt32 {
        guard frame.first == 0x08 else { throw .malformed("no version") }
        var value: UInt32 = 0
        for (index, byte) in frame.dropFirst().prefix(5).enumerated() {
            value |= UInt32(byte & 0x7F) << UInt32(7 * index)
            if byte & 0x80 == 0 { return value }
        }
        throw .malformed("no version")
    }
}
