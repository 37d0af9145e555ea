import CSweepProto
import SweepCore

/// Messages as frames: protobuf-c on the wire, enums in the house.
///
/// A decoder of hostile input: sizes, counts, UTF-8, enum values and ranges are checked here, so
/// that what comes out can be trusted to be well formed (not to be true).
public enum Codec {
    /// The largest frame that is sent or taken.
    public static let maxFrameBytes = 1 << 20

    public static func encode(_ message: some WireMessage) -> [UInt8] {
        let arena = Arena()
        let envelope = arena.make(moderato__envelope__init) {
            $0.version = protocolVersion
            message.write(&$0, in: arena)
        }
        let size = moderato__envelope__get_packed_size(envelope)
        return [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            count = moderato__envelope__pack(envelope, buffer.baseAddress)
        }
    }

    /// - Throws: `malformed` also for a message that another kind of peer gets.
    public static func decode<Message: WireMessage>(
        _ frame: [UInt8], as type: Message.Type = Message.self
    ) throws(WireError) -> Message {
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
        guard let message = try Message.read(envelope.pointee) else {
            throw .malformed("nothing that \(Message.reader) gets, in this version")
        }
        return message
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

/// Messages of one direction, as frames.
public protocol WireMessage: Hashable, Sendable {
    /// Who gets such messages, such as `a worker`.
    static var reader: String { get }
    /// `nil`: it is of another direction, or of a kind that this version does not know.
    static func read(_ envelope: Moderato__Envelope) throws(WireError) -> Self?
    func write(_ envelope: inout Moderato__Envelope, in arena: Arena)
}

extension MessageToCoordinator: WireMessage {
    public static let reader = "a coordinator"

    public static func read(_ envelope: Moderato__Envelope) throws(WireError)
        -> MessageToCoordinator?
    {
        try Codec.toCoordinator(envelope)
    }

    public func write(_ envelope: inout Moderato__Envelope, in arena: Arena) {
        arena.fill(&envelope, with: self)
    }
}

extension MessageToWorker: WireMessage {
    public static let reader = "a worker"

    public static func read(_ envelope: Moderato__Envelope) throws(WireError) -> MessageToWorker? {
        try Codec.toWorker(envelope)
    }

    public func write(_ envelope: inout Moderato__Envelope, in arena: Arena) {
        arena.fill(&envelope, with: self)
    }
}

extension MessageToClient: WireMessage {
    public static let reader = "a client"

    public static func read(_ envelope: Moderato__Envelope) throws(WireError) -> MessageToClient? {
        try Codec.toClient(envelope)
    }

    public func write(_ envelope: inout Moderato__Envelope, in arena: Arena) {
        arena.fill(&envelope, with: self)
    }
}

extension MessageToTrainer: WireMessage {
    public static let reader = "a trainer"

    public static func read(_ envelope: Moderato__Envelope) throws(WireError) -> MessageToTrainer? {
        try Codec.toTrainer(envelope)
    }

    public func write(_ envelope: inout Moderato__Envelope, in arena: Arena) {
        arena.fill(&envelope, with: self)
    }
}

extension MessageFromTrainer: WireMessage {
    public static let reader = "a trainer’s worker"

    public static func read(_ envelope: Moderato__Envelope) throws(WireError) -> MessageFromTrainer?
    {
        try Codec.fromTrainer(envelope)
    }

    public func write(_ envelope: inout Moderato__Envelope, in arena: Arena) {
        arena.fill(&envelope, with: self)
    }
}
