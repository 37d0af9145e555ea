/// A structure whose every value is a field of a table.
public protocol FieldTable: Hashable, Sendable, Codable {
    /// With the default of every field.
    init()
    static var fields: [Field<Self>] { get }
}

/// A value of one of several kinds, each with fields of its own: an enum with payload, as a table.
public protocol CaseTable: Hashable, Sendable, Codable {
    static var cases: [FieldCase<Self>] { get }
}

/// What a task classifies.
public enum SampleKind: Sendable {
    case sentences
    case images
}

/// One kind of a value, described once.
public final class FieldCase<Whole: Sendable>: Sendable {
    /// As in a sweep file, such as `last-blocks`. On the wire it is written with `_`.
    public let name: String
    /// What it is, in a line for people.
    public let title: String
    /// Of the kind, with the default of every field.
    public let usual: Whole
    public let fields: [Field<Whole>]
    /// Names of fields that have no default.
    public let required: Set<String>
    /// What it is for alone; `nil`: for sentences and images.
    public let only: SampleKind?
    public let contains: @Sendable (Whole) -> Bool
    /// How tables, charts and logs call it.
    public let label: @Sendable (Whole) -> String

    init(
        _ name: String, _ title: String, usual: Whole, fields: [Field<Whole>] = [],
        required: Set<String> = [], only: SampleKind? = nil,
        contains: @escaping @Sendable (Whole) -> Bool,
        label: @escaping @Sendable (Whole) -> String
    ) {
        self.name = name
        self.title = title
        self.usual = usual
        self.fields = fields
        self.required = required
        self.only = only
        self.contains = contains
        self.label = label
    }

    /// A kind whose payload has a table.
    convenience init<Payload: FieldTable>(
        _ name: String, _ title: String, _ type: Payload.Type, required: Set<String> = [],
        only: SampleKind? = nil,
        get: @escaping @Sendable (Whole) -> Payload?,
        make: @escaping @Sendable (Payload) -> Whole,
        label: @escaping @Sendable (Payload) -> String
    ) {
        self.init(
            name, title, usual: make(Payload()),
            fields: Payload.fields.map { $0.within(get: get, set: make) }, required: required,
            only: only, contains: { get($0) != nil }, label: { get($0).map(label) ?? "" })
    }

    /// Without fields.
    convenience init(
        _ name: String, _ title: String, _ value: Whole, only: SampleKind? = nil, label: String
    ) where Whole: Equatable {
        self.init(
            name, title, usual: value, only: only, contains: { $0 == value }, label: { _ in label })
    }
}

extension FieldTable {
    /// What is wrong with the first field that has a problem; `nil`: all are right.
    public var problem: String? { Self.fields.lazy.compactMap { $0.problem(in: self) }.first }
}

extension CaseTable {
    /// The kind that it is of.
    public var kindCase: FieldCase<Self> {
        guard let known = Self.cases.first(where: { $0.contains(self) }) else {
            preconditionFailure("\(Self.self) has a case that is not in its table")
        }
        return known
    }

    /// As in sweep files.
    public var kindName: String { kindCase.name }

    public var label: String { kindCase.label(self) }

    public var problem: String? {
        let kind = kindCase
        return kind.fields.lazy.compactMap { $0.problem(in: self) }.first
            .map { "\(kind.name): \($0)" }
    }

    public static func named(_ name: String) -> FieldCase<Self>? {
        cases.first { $0.name == name }
    }
}
