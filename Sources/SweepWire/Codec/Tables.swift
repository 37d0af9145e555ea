import CSweepProto
import SweepCore

// Structures and kinds with a table travel by it: protobuf-c's own descriptors tell the type and
// the place in memory of each field, by name.

/// A message of C whose type is known by its descriptor alone.
typealias AnyMessage = UnsafeMutablePointer<ProtobufCMessage>

/// The fields of a structure with their places in its message.
struct TableLayout<Root: Sendable>: @unchecked Sendable {
    fileprivate final class Place {
        let field: Field<Root>
        let descriptor: ProtobufCFieldDescriptor

        init(field: Field<Root>, descriptor: ProtobufCFieldDescriptor) {
            self.field = field
            self.descriptor = descriptor
        }
    }

    fileprivate let places: [Place]

    /// - Parameter initialize: The message's own, which tells its descriptor.
    init<Message>(_ fields: [Field<Root>], _ initialize: (UnsafeMutablePointer<Message>?) -> Void) {
        self.init(fields, descriptor(of: initialize))
    }

    fileprivate init(
        _ fields: [Field<Root>], _ message: UnsafePointer<ProtobufCMessageDescriptor>
    ) {
        places = fields.map { field in
            guard
                let found = protobuf_c_message_descriptor_get_field_by_name(
                    message, field.snakeName)
            else {
                preconditionFailure(
                    "\(String(cString: message.pointee.name)) has no field \(field.snakeName)")
            }
            return Place(field: field, descriptor: found.pointee)
        }
    }
}

/// The kinds of a value with the places of their messages, in the one-of of its message.
struct CaseLayout<Whole: CaseTable>: @unchecked Sendable {
    fileprivate final class Kind {
        let kind: FieldCase<Whole>
        let place: ProtobufCFieldDescriptor
        let layout: TableLayout<Whole>

        init(
            kind: FieldCase<Whole>, place: ProtobufCFieldDescriptor, layout: TableLayout<Whole>
        ) {
            self.kind = kind
            self.place = place
            self.layout = layout
        }
    }

    fileprivate let kinds: [Kind]

    init<Message>(_ type: Whole.Type, _ initialize: (UnsafeMutablePointer<Message>?) -> Void) {
        let message = descriptor(of: initialize)
        kinds = Whole.cases.map { kind in
            guard
                let place = protobuf_c_message_descriptor_get_field_by_name(
                    message, kind.name.snake)?.pointee
            else {
                preconditionFailure(
                    "\(String(cString: message.pointee.name)) has no kind \(kind.name.snake)")
            }
            return Kind(kind: kind, place: place, layout: TableLayout(kind.fields, place.message))
        }
    }
}

private func descriptor<Message>(
    of initialize: (UnsafeMutablePointer<Message>?) -> Void
) -> UnsafePointer<ProtobufCMessageDescriptor> {
    let message = UnsafeMutablePointer<Message>.allocate(capacity: 1)
    defer { message.deallocate() }
    initialize(message)
    return AnyMessage(message).descriptor
}

extension ProtobufCFieldDescriptor {
    /// Of a field that is a message.
    fileprivate var message: UnsafePointer<ProtobufCMessageDescriptor> {
        guard let descriptor else { preconditionFailure("a field is no message") }
        return descriptor.assumingMemoryBound(to: ProtobufCMessageDescriptor.self)
    }

    fileprivate var isOneOf: Bool { flags & UInt32(PROTOBUF_C_FIELD_FLAG_ONEOF.rawValue) != 0 }
}

extension AnyMessage {
    fileprivate init<Message>(_ message: UnsafeMutablePointer<Message>) {
        self = UnsafeMutableRawPointer(message).assumingMemoryBound(to: ProtobufCMessage.self)
    }

    fileprivate var descriptor: UnsafePointer<ProtobufCMessageDescriptor> {
        guard let descriptor = pointee.descriptor else {
            preconditionFailure("a message was not initialised")
        }
        return descriptor
    }

    fileprivate func load<Value>(_ offset: UInt32, _ type: Value.Type = Value.self) -> Value {
        UnsafeRawPointer(self).load(fromByteOffset: Int(offset), as: type)
    }

    fileprivate func store<Value>(_ value: Value, _ offset: UInt32) {
        UnsafeMutableRawPointer(self).storeBytes(
            of: value, toByteOffset: Int(offset), as: Value.self)
    }
}

// MARK: Writing

extension Arena {
    func fill<Root, Message>(
        _ message: UnsafeMutablePointer<Message>, _ layout: TableLayout<Root>, _ root: Root
    ) {
        fill(AnyMessage(message), layout, root)
    }

    func fill<Whole, Message>(
        _ message: UnsafeMutablePointer<Message>, _ layout: CaseLayout<Whole>, _ value: Whole
    ) {
        guard let kind = layout.kinds.first(where: { $0.kind.contains(value) }) else {
            preconditionFailure("\(Whole.self) has a case that is not in its table")
        }
        let part = make(kind.place.message)
        fill(part, kind.layout, value)
        AnyMessage(message).store(Optional(part), kind.place.offset)
        AnyMessage(message).store(kind.place.id, kind.place.quantifier_offset)
    }

    private func make(_ descriptor: UnsafePointer<ProtobufCMessageDescriptor>) -> AnyMessage {
        let bytes = reserveBytes(descriptor.pointee.sizeof_message)
        let message = bytes.assumingMemoryBound(to: ProtobufCMessage.self)
        descriptor.pointee.message_init(message)
        return message
    }

    private func fill<Root>(_ message: AnyMessage, _ layout: TableLayout<Root>, _ root: Root) {
        for place in layout.places {
            guard let value = place.field.get(root) else { continue }
            let descriptor = place.descriptor
            if descriptor.label == PROTOBUF_C_LABEL_OPTIONAL, descriptor.hasFlag {
                message.store(protobuf_c_boolean(1), descriptor.quantifier_offset)
            }
            switch (value, descriptor.type) {
            case (.integer(let number), PROTOBUF_C_TYPE_UINT32):
                message.store(UInt32(clamping: number), descriptor.offset)
            case (.integer(let number), PROTOBUF_C_TYPE_UINT64):
                message.store(UInt64(clamping: number), descriptor.offset)
            case (.seed(let seed), PROTOBUF_C_TYPE_UINT64): message.store(seed, descriptor.offset)
            case (.number(let number), PROTOBUF_C_TYPE_DOUBLE):
                message.store(number, descriptor.offset)
            case (.flag(let flag), PROTOBUF_C_TYPE_BOOL):
                message.store(protobuf_c_boolean(flag ? 1 : 0), descriptor.offset)
            case (.text(let text), PROTOBUF_C_TYPE_STRING):
                message.store(Optional(string(text)), descriptor.offset)
            case (.words(let words), PROTOBUF_C_TYPE_STRING):
                message.store(pointers(words.map(string)), descriptor.offset)
                message.store(words.count, descriptor.quantifier_offset)
            case (.file(let reference), PROTOBUF_C_TYPE_MESSAGE):
                message.store(Optional(file(reference)), descriptor.offset)
            case (.dataSet(let set), PROTOBUF_C_TYPE_MESSAGE):
                message.store(Optional(dataSet(set)), descriptor.offset)
            default:
                preconditionFailure("\(place.field.name) has another type on the wire")
            }
        }
    }
}

extension ProtobufCFieldDescriptor {
    /// An optional number says beside it whether it is there; a pointer is NULL.
    fileprivate var hasFlag: Bool {
        type != PROTOBUF_C_TYPE_STRING && type != PROTOBUF_C_TYPE_MESSAGE
    }
}

// MARK: Reading

extension Codec {
    static func read<Root, Message>(
        _ message: UnsafeMutablePointer<Message>?, _ layout: TableLayout<Root>, _ name: String,
        into root: inout Root
    ) throws(WireError) {
        guard let message else { throw .malformed("\(name) is missing") }
        try read(AnyMessage(message), layout, into: &root)
    }

    static func read<Whole, Message>(
        _ message: UnsafeMutablePointer<Message>?, _ layout: CaseLayout<Whole>, _ name: String
    ) throws(WireError) -> Whole {
        guard let message else { throw .malformed("\(name) is missing") }
        let whole = AnyMessage(message)
        guard
            let kind = layout.kinds.first(where: {
                $0.place.id == whole.load($0.place.quantifier_offset, UInt32.self)
            }), let part: AnyMessage = whole.load(kind.place.offset, AnyMessage?.self)
        else { throw .malformed("\(name) of a kind that this version does not know") }
        var value = kind.kind.usual
        try read(part, kind.layout, into: &value)
        return value
    }

    private static func read<Root>(
        _ message: AnyMessage, _ layout: TableLayout<Root>, into root: inout Root
    ) throws(WireError) {
        // Of a later program: without it another training would be meant.
        guard message.pointee.n_unknown_fields == 0 else {
            throw .malformed("a field that this version does not know")
        }
        for place in layout.places {
            let field = place.field
            guard let value = try value(of: field.kind, field.name, message, place.descriptor)
            else {
                if field.isOptional { field.set(&root, nil) }
                continue
            }
            if let problem = field.kind.problem(value) {
                throw .malformed("\(field.name) \(problem)")
            }
            field.set(&root, value)
        }
    }

    /// `nil`: it is not there.
    private static func value(
        of kind: FieldKind, _ name: String, _ message: AnyMessage,
        _ descriptor: ProtobufCFieldDescriptor
    ) throws(WireError) -> FieldValue? {
        if descriptor.label == PROTOBUF_C_LABEL_OPTIONAL, descriptor.hasFlag,
            message.load(descriptor.quantifier_offset, protobuf_c_boolean.self) == 0
        {
            return nil
        }
        let offset = descriptor.offset
        switch (kind, descriptor.type) {
        case (.integer, PROTOBUF_C_TYPE_UINT32), (.colour, PROTOBUF_C_TYPE_UINT32):
            return .integer(Int(message.load(offset, UInt32.self)))
        case (.integer, PROTOBUF_C_TYPE_UINT64):
            return .integer(try Decoding.integer(message.load(offset, UInt64.self), name))
        case (.seed, PROTOBUF_C_TYPE_UINT64): return .seed(message.load(offset, UInt64.self))
        case (.number, PROTOBUF_C_TYPE_DOUBLE): return .number(message.load(offset, Double.self))
        case (.flag, PROTOBUF_C_TYPE_BOOL):
            return .flag(message.load(offset, protobuf_c_boolean.self) != 0)
        case (.text, PROTOBUF_C_TYPE_STRING), (.word, PROTOBUF_C_TYPE_STRING):
            let text = message.load(offset, UnsafeMutablePointer<CChar>?.self)
            if text == nil, descriptor.label == PROTOBUF_C_LABEL_OPTIONAL { return nil }
            return .text(try Decoding.text(text, name, maxBytes: Decoding.maxNameBytes))
        case (.words, PROTOBUF_C_TYPE_STRING):
            typealias List = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
            let list = message.load(offset, List.self)
            var words: [String] = []
            for word in Decoding.values(list, message.load(descriptor.quantifier_offset, Int.self))
            {
                words.append(try Decoding.text(word, name, maxBytes: Decoding.maxNameBytes))
            }
            return .words(words)
        case (.file, PROTOBUF_C_TYPE_MESSAGE):
            let part = message.load(offset, UnsafeMutablePointer<Moderato__File>?.self)
            if part == nil, descriptor.label == PROTOBUF_C_LABEL_OPTIONAL { return nil }
            return .file(try file(part))
        case (.dataSet, PROTOBUF_C_TYPE_MESSAGE):
            let part = message.load(offset, UnsafeMutablePointer<Moderato__DataSet>?.self)
            return .dataSet(try dataSet(part))
        default: preconditionFailure("\(name) has another type on the wire")
        }
    }
}

/// The tables that travel.
enum Layouts {
    static let pet = CaseLayout(PET.self, moderato__capacity__init)
    static let bottleneck = TableLayout(Bottleneck.fields, moderato__bottleneck__init)
    static let attack = CaseLayout(Attack.self, moderato__attack__init)
    static let optimizer = CaseLayout(OptimizerSettings.self, moderato__optimizer__init)
    static let schedule = CaseLayout(Schedule.self, moderato__schedule__init)
    static let settings = TableLayout(TrainingSettings.fields, moderato__training_settings__init)
    static let metrics = TableLayout(EpochMetrics.fields, moderato__epoch_metrics__init)
}
