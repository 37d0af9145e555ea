/// One value of a flat structure, described once: the sweep file, keys of points, JSON, the wire,
/// checks, exports and documents read it here.
public final class Field<Root>: Sendable {
    /// As in a sweep file, such as `batch-size`. On the wire, in the store and in exports it is
    /// written with `_`.
    public let name: String
    /// What it is, for people; with its unit.
    public let title: String
    public let kind: FieldKind
    /// Whether it may have no value.
    public let isOptional: Bool
    /// What keys of points say of it.
    public let key: FieldKey
    /// The column of an export, where that is not its name; empty: it has none.
    public let column: String?
    public let get: @Sendable (Root) -> FieldValue?
    /// Takes a value of the field's kind; `nil` only if it is optional.
    public let set: @Sendable (inout Root, FieldValue?) -> Void

    init(
        _ name: String, _ title: String, _ kind: FieldKind, isOptional: Bool = false,
        key: FieldKey = .always, column: String? = nil,
        get: @escaping @Sendable (Root) -> FieldValue?,
        set: @escaping @Sendable (inout Root, FieldValue?) -> Void
    ) {
        self.name = name
        self.title = title
        self.kind = kind
        self.isOptional = isOptional
        self.key = key
        self.column = column
        self.get = get
        self.set = set
    }

    /// The name in a sentence: `batch size`.
    public var spacedName: String { name.replacing("-", with: " ") }

    /// The name on the wire, in the store and in exports.
    public var snakeName: String { name.snake }

    /// What is wrong with the field in `root`; `nil`: nothing.
    public func problem(in root: Root) -> String? {
        guard let value = get(root) else { return isOptional ? nil : "\(name) has no value" }
        return kind.problem(value).map { "\(name) \($0)" }
    }

    /// The same field of a whole that has `Root` in it, at times.
    func within<Whole>(
        get part: @escaping @Sendable (Whole) -> Root?,
        set whole: @escaping @Sendable (Root) -> Whole
    ) -> Field<Whole> {
        let (get, set) = (get, set)
        return Field<Whole>(
            name, title, kind, isOptional: isOptional, key: key, column: column,
            get: { part($0).flatMap(get) },
            set: { value, new in
                guard var changed = part(value) else { return }
                set(&changed, new)
                value = whole(changed)
            })
    }
}

/// What a field's value can be.
public enum FieldKind: Hashable, Sendable {
    case integer(ClosedRange<Int>)
    case number(Bounds)
    /// 0 to 2⁶⁴ − 1.
    case seed
    /// One of these words.
    case word([String])
    /// One of two words: for no, and for yes.
    case flag(no: String, yes: String)
    /// Red, green and blue, from the highest of three bytes to the lowest.
    case colour
    /// A line of so many characters at most, and not none.
    case text(Int)
    /// Words without white space, of so many characters at most; each once, and at least one.
    case words(Int)
    case file
    case dataSet
}

/// A value of any field.
public enum FieldValue: Hashable, Sendable {
    case integer(Int)
    case number(Double)
    case seed(UInt64)
    case text(String)
    case flag(Bool)
    case words([String])
    case file(FileReference)
    case dataSet(DataSet)
}

/// How a field takes part in keys of points. Keys stay: a field that comes later has a value at
/// which nothing is written, that of all trainings before.
public enum FieldKey: Hashable, Sendable {
    case always
    case never
    case forSentences
    case unless(FieldValue)
}

/// A range of finite numbers, an end of which may be outside.
public struct Bounds: Hashable, Sendable {
    public let low: Double
    public let high: Double
    public let excludesLow: Bool
    public let excludesHigh: Bool
    /// Such as `from 0 to below 1`.
    public let words: String

    init(
        _ low: Double, _ high: Double, excludesLow: Bool = false, excludesHigh: Bool = false,
        words: String? = nil
    ) {
        self.low = low
        self.high = high
        self.excludesLow = excludesLow
        self.excludesHigh = excludesHigh
        let first = excludesLow ? "above \(decimal(low))," : "from \(decimal(low))"
        self.words = words ?? "\(first) to \(excludesHigh ? "below " : "")\(decimal(high))"
    }

    public static let share = Bounds(0, 1)
    public static let learningRate = Bounds(0, 1e6, excludesLow: true)
    public static let belowOne = Bounds(0, 1, excludesHigh: true)

    public func contains(_ value: Double) -> Bool {
        value.isFinite && (excludesLow ? low < value : low <= value)
            && (excludesHigh ? value < high : value <= high)
    }
}

extension FieldKind {
    /// Such as `a whole number from 1 to 100`.
    public var words: String {
        switch self {
        case .integer(let range): "a whole number from \(range.lowerBound) to \(range.upperBound)"
        case .number(let bounds): "a number \(bounds.words)"
        case .seed: "a whole number from 0 to \(UInt64.max)"
        case .word(let words): words.joined(separator: ", ")
        case .flag(let no, let yes): "\(no), \(yes)"
        case .colour: "white, black, or red, green and blue as in '#ff8000'"
        case .text(let most): "one line of 1 to \(most) characters"
        case .words: "words"
        case .file, .dataSet: "a file"
        }
    }

    /// The value, for people.
    public func shown(_ value: FieldValue) -> String {
        switch (self, value) {
        case (.flag(let no, let yes), .flag(let value)): value ? yes : no
        case (.colour, .integer(let colour)): hexColour(colour)
        case (_, .integer(let value)): "\(value)"
        case (_, .number(let value)): decimal(value)
        case (_, .seed(let value)): "\(value)"
        case (_, .text(let value)): value
        case (_, .flag(let value)): "\(value)"
        case (_, .words(let words)): words.joined(separator: " ")
        case (_, .file(let file)): file.path
        case (_, .dataSet(let set)): set.path
        }
    }

    /// What is wrong with the value; `nil`: nothing.
    public func problem(_ value: FieldValue) -> String? {
        switch (self, value) {
        case (.integer(let range), .integer(let number)):
            range.contains(number) ? nil : "is \(number), and has to be \(words)"
        case (.number(let bounds), .number(let number)):
            bounds.contains(number) ? nil : "is \(decimal(number)), and has to be \(words)"
        case (.seed, .seed), (.flag, .flag), (.file, .file), (.dataSet, .dataSet): nil
        case (.colour, .integer(let colour)):
            (0...0xFF_FFFF).contains(colour) ? nil : "is \(colour), and that is no colour"
        case (.word(let known), .text(let word)):
            known.contains(word) ? nil : "is '\(word)', and has to be one of \(words)"
        case (.text(let most), .text(let text)):
            (1...most).contains(text.count) && !text.contains(where: \.isNewline)
                ? nil : "has to be one line of 1 to \(most) characters"
        case (.words(let most), .words(let words)):
            words.isEmpty || Set(words).count < words.count
                || !words.allSatisfy { FieldKind.isWord($0, atMost: most) }
                ? "has to be words without white space, each once, of \(most) characters at most"
                : nil
        default: "is of another kind"
        }
    }

    private static func isWord(_ text: String, atMost characters: Int) -> Bool {
        // Unicode is asked where it is needed alone: every job that arrives is checked here.
        if text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) {
            return (1...characters).contains(text.utf8.count)
        }
        return (1...characters).contains(text.count) && !text.contains(where: \.isWhitespace)
    }
}

// MARK: Fields of the kinds that structures have

/// Where a property is: a key path is looked up step by step, and each copies the whole structure.
private struct Place<Root: Sendable, Value>: Sendable {
    let path: WritableKeyPath<Root, Value> & Sendable
    /// In bytes; `nil`: it is computed.
    let offset: Int?

    init(_ path: WritableKeyPath<Root, Value> & Sendable) {
        self.path = path
        offset = MemoryLayout<Root>.offset(of: path)
    }

    func read(_ root: Root) -> Value {
        guard let offset else { return root[keyPath: path] }
        return withUnsafePointer(to: root) {
            (UnsafeRawPointer($0) + offset).assumingMemoryBound(to: Value.self).pointee
        }
    }

    func write(_ value: Value, _ root: inout Root) {
        guard let offset else {
            root[keyPath: path] = value
            return
        }
        withUnsafeMutablePointer(to: &root) {
            (UnsafeMutableRawPointer($0) + offset).assumingMemoryBound(to: Value.self).pointee =
                value
        }
    }
}

extension FieldValue {
    fileprivate var integer: Int? { if case .integer(let value) = self { value } else { nil } }
    fileprivate var number: Double? { if case .number(let value) = self { value } else { nil } }
    fileprivate var seed: UInt64? { if case .seed(let value) = self { value } else { nil } }
    fileprivate var flag: Bool? { if case .flag(let value) = self { value } else { nil } }
    fileprivate var text: String? { if case .text(let value) = self { value } else { nil } }
    fileprivate var words: [String]? { if case .words(let value) = self { value } else { nil } }
    fileprivate var file: FileReference? { if case .file(let file) = self { file } else { nil } }
    fileprivate var dataSet: DataSet? { if case .dataSet(let set) = self { set } else { nil } }
}

extension Field where Root: Sendable {
    /// - Parameter read: The value for `set`; `nil`: nothing changes.
    private convenience init<Value>(
        _ name: String, _ title: String, _ kind: FieldKind,
        _ path: WritableKeyPath<Root, Value> & Sendable, isOptional: Bool = false,
        key: FieldKey = .always, column: String? = nil,
        written: @escaping @Sendable (Value) -> FieldValue?,
        read: @escaping @Sendable (FieldValue?) -> Value?
    ) {
        let place = Place(path)
        self.init(
            name, title, kind, isOptional: isOptional, key: key, column: column,
            get: { written(place.read($0)) },
            set: { if let value = read($1) { place.write(value, &$0) } })
    }

    static func integer(
        _ name: String, _ title: String, _ path: WritableKeyPath<Root, Int> & Sendable,
        _ range: ClosedRange<Int>, key: FieldKey = .always, column: String? = nil
    ) -> Field {
        Field(
            name, title, .integer(range), path, key: key, column: column,
            written: { .integer($0) }, read: { $0?.integer })
    }

    static func integer(
        _ name: String, _ title: String, _ path: WritableKeyPath<Root, Int?> & Sendable,
        _ range: ClosedRange<Int>, key: FieldKey = .always, column: String? = nil
    ) -> Field {
        Field(
            name, title, .integer(range), path, isOptional: true, key: key, column: column,
            written: { $0.map { .integer($0) } }, read: { .some($0?.integer) })
    }

    static func number(
        _ name: String, _ title: String, _ path: WritableKeyPath<Root, Double> & Sendable,
        _ bounds: Bounds, key: FieldKey = .always, column: String? = nil
    ) -> Field {
        Field(
            name, title, .number(bounds), path, key: key, column: column,
            written: { .number($0) }, read: { $0?.number })
    }

    static func number(
        _ name: String, _ title: String, _ path: WritableKeyPath<Root, Double?> & Sendable,
        _ bounds: Bounds, key: FieldKey = .always, column: String? = nil
    ) -> Field {
        Field(
            name, title, .number(bounds), path, isOptional: true, key: key, column: column,
            written: { $0.map { .number($0) } }, read: { .some($0?.number) })
    }

    static func seed(
        _ name: String, _ title: String, _ path: WritableKeyPath<Root, UInt64> & Sendable,
        key: FieldKey = .always, column: String? = nil
    ) -> Field {
        Field(
            name, title, .seed, path, key: key, column: column,
            written: { .seed($0) }, read: { $0?.seed })
    }

    static func flag(
        _ name: String, _ title: String, _ path: WritableKeyPath<Root, Bool> & Sendable,
        no: String, yes: String, key: FieldKey = .always
    ) -> Field {
        Field(
            name, title, .flag(no: no, yes: yes), path, key: key,
            written: { .flag($0) }, read: { $0?.flag })
    }

    static func word<Value: RawRepresentable<String> & CaseIterable & Sendable>(
        _ name: String, _ title: String, _ path: WritableKeyPath<Root, Value> & Sendable,
        key: FieldKey = .always, column: String? = nil
    ) -> Field {
        Field(
            name, title, .word(Value.allCases.map(\.rawValue)), path, key: key, column: column,
            written: { .text($0.rawValue) }, read: { $0?.text.flatMap(Value.init(rawValue:)) })
    }

    static func text(
        _ name: String, _ title: String, _ path: WritableKeyPath<Root, String> & Sendable,
        atMost characters: Int, key: FieldKey = .always, column: String? = nil
    ) -> Field {
        Field(
            name, title, .text(characters), path, key: key, column: column,
            written: { .text($0) }, read: { $0?.text })
    }

    static func words(
        _ name: String, _ title: String, _ path: WritableKeyPath<Root, [String]> & Sendable,
        atMost characters: Int, key: FieldKey = .always, column: String? = nil
    ) -> Field {
        Field(
            name, title, .words(characters), path, key: key, column: column,
            written: { .words($0) }, read: { $0?.words })
    }

    static func file(
        _ name: String, _ title: String, _ path: WritableKeyPath<Root, FileReference> & Sendable
    ) -> Field {
        Field(name, title, .file, path, written: { .file($0) }, read: { $0?.file })
    }

    static func dataSet(
        _ name: String, _ title: String, _ path: WritableKeyPath<Root, DataSet> & Sendable
    ) -> Field {
        Field(name, title, .dataSet, path, written: { .dataSet($0) }, read: { $0?.dataSet })
    }
}

/// Such as `#ff8000`.
func hexColour(_ colour: Int) -> String {
    let digits = String(colour, radix: 16)
    return "#" + String(repeating: "0", count: max(0, 6 - digits.count)) + digits
}

extension String {
    /// `batch_size` for `batch-size`.
    public var snake: String { replacing("-", with: "_") }
}
