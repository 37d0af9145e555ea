// JSON of stores and checkpoints: an object with the names of fields, and the kind of a value that
// has several. A field that is missing has its default, so that what an earlier version wrote can
// be read; one that nobody knows is an error, as a later version's meaning would be lost.

struct FieldName: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(_ name: String) { stringValue = name }
    init?(stringValue: String) { self.init(stringValue) }
    init?(intValue: Int) { nil }

    static let kind = FieldName("kind")
}

extension FieldTable {
    public init(from decoder: any Decoder) throws {
        self.init()
        let values = try decoder.container(keyedBy: FieldName.self)
        try values.fill(&self, Self.fields, required: [], others: [])
    }

    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: FieldName.self)
        for field in Self.fields { try values.encode(field, of: self) }
    }
}

extension CaseTable {
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: FieldName.self)
        let name = try values.decode(String.self, forKey: .kind)
        guard let kind = Self.named(name) else {
            throw DecodingError.dataCorruptedError(
                forKey: .kind, in: values, debugDescription: "no kind is called '\(name)'")
        }
        self = kind.usual
        try values.fill(&self, kind.fields, required: kind.required, others: ["kind"])
    }

    public func encode(to encoder: any Encoder) throws {
        let kind = kindCase
        var values = encoder.container(keyedBy: FieldName.self)
        try values.encode(kind.name, forKey: .kind)
        for field in kind.fields { try values.encode(field, of: self) }
    }
}

extension KeyedDecodingContainer<FieldName> {
    func fill<Root>(
        _ root: inout Root, _ fields: [Field<Root>], required: Set<String>, others: Set<String>
    ) throws {
        let known = others.union(fields.map(\.name))
        let unknown = allKeys.filter { !known.contains($0.stringValue) }
        if let other = unknown.min(by: { $0.stringValue < $1.stringValue }) {
            throw DecodingError.dataCorruptedError(
                forKey: other, in: self, debugDescription: "a field that this version does not know"
            )
        }
        for field in fields {
            let name = FieldName(field.name)
            guard contains(name) else {
                if required.contains(field.name) {
                    throw DecodingError.keyNotFound(
                        name, .init(codingPath: codingPath, debugDescription: "it has no default"))
                }
                continue
            }
            if field.isOptional, try decodeNil(forKey: name) {
                field.set(&root, nil)
                continue
            }
            let value = try value(of: field.kind, name)
            if let problem = field.kind.problem(value) {
                throw DecodingError.dataCorruptedError(
                    forKey: name, in: self, debugDescription: "\(field.name) \(problem)")
            }
            field.set(&root, value)
        }
    }

    private func value(of kind: FieldKind, _ name: FieldName) throws -> FieldValue {
        switch kind {
        case .integer, .colour: .integer(try decode(Int.self, forKey: name))
        case .number: .number(try decode(Double.self, forKey: name))
        case .seed: .seed(try decode(UInt64.self, forKey: name))
        case .word, .text: .text(try decode(String.self, forKey: name))
        case .flag: .flag(try decode(Bool.self, forKey: name))
        case .words: .words(try decode([String].self, forKey: name))
        case .file: .file(try decode(FileReference.self, forKey: name))
        case .dataSet: .dataSet(try decode(DataSet.self, forKey: name))
        }
    }
}

extension KeyedEncodingContainer<FieldName> {
    mutating func encode<Root>(_ field: Field<Root>, of root: Root) throws {
        let name = FieldName(field.name)
        switch field.get(root) {
        case nil: try encodeNil(forKey: name)
        case .integer(let value): try encode(value, forKey: name)
        case .number(let value): try encode(value, forKey: name)
        case .seed(let value): try encode(value, forKey: name)
        case .text(let value): try encode(value, forKey: name)
        case .flag(let value): try encode(value, forKey: name)
        case .words(let value): try encode(value, forKey: name)
        case .file(let value): try encode(value, forKey: name)
        case .dataSet(let value): try encode(value, forKey: name)
        }
    }
}
