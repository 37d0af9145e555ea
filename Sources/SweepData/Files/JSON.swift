/// A JSON text (RFC 8259) as a value. Members keep their order.
///
/// Stricter than the usual readers, since what it reads comes from elsewhere: a repeated key, half
/// a surrogate pair, nesting deeper than 64 and anything after the value are errors.
package indirect enum JSON: Sendable {
    case null
    case bool(Bool)
    case integer(Int)
    /// Any other number.
    case number(Double)
    case string(String)
    case array([JSON])
    case object([Member])

    package struct Member: Sendable {
        package let key: String
        package let value: JSON

        package init(key: String, value: JSON) {
            self.key = key
            self.value = value
        }
    }

    package init(parsing content: [UInt8]) throws(JSONError) {
        try self.init(parsing: content, in: content.indices)
    }

    package init(parsing bytes: UnsafeRawBufferPointer) throws(JSONError) {
        var reader = JSONReader(bytes: bytes)
        self = try reader.document()
    }

    /// A part of `content`.
    package init(parsing content: [UInt8], in range: Range<Int>) throws(JSONError) {
        var result: Result<JSON, JSONError>?
        content.withUnsafeBytes { bytes in
            let part = UnsafeRawBufferPointer(rebasing: bytes[range])
            do throws(JSONError) { result = .success(try JSON(parsing: part)) } catch {
                result = .failure(error)
            }
        }
        guard let result else { preconditionFailure("withUnsafeBytes did not call its body") }
        self = try result.get()
    }

    /// The member's value; `nil` if this is no object or has no such member.
    package subscript(key: String) -> JSON? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.key == key }?.value
    }

    package var string: String? {
        if case .string(let text) = self { text } else { nil }
    }

    package var integer: Int? {
        if case .integer(let value) = self { value } else { nil }
    }

    package var bool: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }

    package var array: [JSON]? {
        if case .array(let values) = self { values } else { nil }
    }

    package var object: [Member]? {
        if case .object(let members) = self { members } else { nil }
    }

    /// Whether there is nothing: `null`.
    package var isNull: Bool {
        if case .null = self { true } else { false }
    }
}

/// Where a JSON text stops being one.
package struct JSONError: Error, Hashable, Sendable, CustomStringConvertible {
    /// In bytes, from 0.
    package let offset: Int
    package let problem: String

    package var description: String { "\(problem) at byte \(offset)" }
}

/// A text that equals another when the bytes do: `String` takes é and e with an accent for equal.
struct ExactText: Hashable {
    let text: String

    init(_ text: String) { self.text = text }

    static func == (left: ExactText, right: ExactText) -> Bool {
        left.text.utf8.elementsEqual(right.text.utf8)
    }

    func hash(into hasher: inout Hasher) {
        var text = text
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }
}

private struct JSONReader {
    static let deepest = 64

    let bytes: UnsafeRawBufferPointer
    var position = 0

    init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    mutating func document() throws(JSONError) -> JSON {
        let value = try value(depth: 0)
        skipSpace()
        guard position == bytes.count else { throw bad("something follows the value") }
        return value
    }

    private func bad(_ problem: String) -> JSONError {
        JSONError(offset: position, problem: problem)
    }

    private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipSpace() {
        while let byte = current, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 {
            position += 1
        }
    }

    /// Passes over `byte` if it comes next.
    private mutating func skip(_ byte: UInt8) -> Bool {
        guard current == byte else { return false }
        position += 1
        return true
    }

    private mutating func value(depth: Int) throws(JSONError) -> JSON {
        skipSpace()
        guard let byte = current else { throw bad("the text ends too early") }
        switch byte {
        case UInt8(ascii: "{"):
            guard depth < Self.deepest else { throw bad("nesting is too deep") }
            return .object(try members(depth: depth))
        case UInt8(ascii: "["):
            guard depth < Self.deepest else { throw bad("nesting is too deep") }
            return .array(try elements(depth: depth))
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: throw bad("no value begins here")
        }
    }

    private mutating func word(_ word: StaticString, _ value: JSON) throws(JSONError) -> JSON {
        let count = word.utf8CodeUnitCount
        guard position + count <= bytes.count,
            (0..<count).allSatisfy({ bytes[position + $0] == word.utf8Start[$0] })
        else { throw bad("no value begins here") }
        position += count
        return value
    }

    private mutating func elements(depth: Int) throws(JSONError) -> [JSON] {
        position += 1
        var elements: [JSON] = []
        skipSpace()
        if skip(UInt8(ascii: "]")) { return elements }
        repeat {
            elements.append(try value(depth: depth + 1))
            skipSpace()
        } while skip(UInt8(ascii: ","))
        guard skip(UInt8(ascii: "]")) else { throw bad("',' or ']' is missing") }
        return elements
    }

    private mutating func members(depth: Int) throws(JSONError) -> [JSON.Member] {
        position += 1
        var members: [JSON.Member] = []
        var keys = Set<ExactText>()
        skipSpace()
        if skip(UInt8(ascii: "}")) { return members }
        repeat {
            skipSpace()
            guard current == UInt8(ascii: "\"") else { throw bad("a key is missing") }
            let start = position
            let key = try string()
            guard keys.insert(ExactText(key)).inserted else {
                position = start
                throw bad("the key '\(key.prefix(80))' comes twice")
            }
            skipSpace()
            guard skip(UInt8(ascii: ":")) else { throw bad("':' is missing") }
            members.append(JSON.Member(key: key, value: try value(depth: depth + 1)))
            skipSpace()
        } while skip(UInt8(ascii: ","))
        guard skip(UInt8(ascii: "}")) else { throw bad("',' or '}' is missing") }
        return members
    }

    private mutating func number() throws(JSONError) -> JSON {
        let start = position
        let isNegative = skip(UInt8(ascii: "-"))
        let whole = digits()
        guard whole > 0 else { throw bad("a digit is missing") }
        if whole > 1, bytes[isNegative ? start + 1 : start] == UInt8(ascii: "0") {
            throw bad("a number begins with 0")
        }
        var isInteger = true
        if skip(UInt8(ascii: ".")) {
            isInteger = false
            guard digits() > 0 else { throw bad("a digit is missing") }
        }
        if skip(UInt8(ascii: "e")) || skip(UInt8(ascii: "E")) {
            isInteger = false
            _ = skip(UInt8(ascii: "+")) || skip(UInt8(ascii: "-"))
            guard digits() > 0 else { throw bad("a digit is missing") }
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if isInteger, let value = Int(text) { return .integer(value) }
        guard let value = Double(text) else { throw bad("a number cannot be read") }
        return .number(value)
    }

    private mutating func digits() -> Int {
        let start = position
        while let byte = current, byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") {
            position += 1
        }
        return position - start
    }

    // MARK: Strings

    private mutating func string() throws(JSONError) -> String {
        position += 1
        let start = position
        while let byte = current, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") {
            guard byte >= 0x20 else { throw bad("a control character is not escaped") }
            position += 1
        }
        if current == UInt8(ascii: "\"") {
            position += 1
            return try text(bytes[start..<(position - 1)], from: start)
        }
        var unescaped = [UInt8](bytes[start..<position])
        while let byte = current, byte != UInt8(ascii: "\"") {
            guard byte >= 0x20 else { throw bad("a control character is not escaped") }
            position += 1
            if byte == UInt8(ascii: "\\") {
                unescaped.append(contentsOf: String(try escaped()).utf8)
            } else {
                unescaped.append(byte)
            }
        }
        guard skip(UInt8(ascii: "\"")) else { throw bad("a string does not end") }
        return try text(unescaped, from: start)
    }

    private func text(
        _ bytes: some Collection<UInt8>, from start: Int
    ) throws(JSONError) -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw JSONError(offset: start, problem: "a string is not UTF-8")
        }
        return text
    }

    private mutating func escaped() throws(JSONError) -> Character {
        guard let byte = current else { throw bad("a string does not end") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""): return "\""
        case UInt8(ascii: "\\"): return "\\"
        case UInt8(ascii: "/"): return "/"
        case UInt8(ascii: "b"): return "\u{08}"
        case UInt8(ascii: "f"): return "\u{0C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return Character(try scalar())
        default: throw bad("an unknown escape")
        }
    }

    private mutating func scalar() throws(JSONError) -> Unicode.Scalar {
        let high = try unit()
        if let scalar = Unicode.Scalar(high) { return scalar }
        guard high < 0xDC00, skip(UInt8(ascii: "\\")), skip(UInt8(ascii: "u")) else {
            throw bad("half a surrogate pair")
        }
        let low = try unit()
        guard (0xDC00..<0xE000).contains(low),
            let scalar = Unicode.Scalar(0x10000 + (high - 0xD800) << 10 + (low - 0xDC00))
        else { throw bad("half a surrogate pair") }
        return scalar
    }

    /// Four hexadecimal digits.
    private mutating func unit() throws(JSONError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = current, let digit = Character(Unicode.Scalar(byte)).hexDigitValue
            else { throw bad("a hexadecimal digit is missing") }
            value = value << 4 | UInt32(digit)
            position += 1
        }
        return value
    }
}
