import SweepCore

/// Text that is handed on whenever there is enough of it.
struct Pieces {
    private static let enough = 1 << 16
    var text = ""
    private let write: (String) -> Void

    init(_ write: @escaping (String) -> Void) { self.write = write }

    mutating func add(_ more: String) {
        text += more
        if text.utf8.count >= Pieces.enough { flush() }
    }

    mutating func flush() {
        write(text)
        text.removeAll(keepingCapacity: true)
    }
}

/// What a cell of the exports can hold.
enum JSONValue {
    case null
    case text(String)
    case integer(Int)
    case seed(UInt64)
    /// Finite.
    case number(Double)
    case list([JSONValue])
    /// In the order of its keys, which are written as they are.
    case object([(key: String, value: JSONValue)])

    /// JSON has no number for what is not finite, such as the loss of a training that diverged.
    static func optional(_ value: Double?) -> JSONValue {
        guard let value, value.isFinite else { return .null }
        return .number(value)
    }

    var cell: String {
        switch self {
        case .null, .object: ""
        // What a list has no figure for keeps its place.
        case .list(let values):
            values.map { $0.cell.isEmpty ? "-" : $0.cell }.joined(separator: " ")
        case .text(let text): text
        case .integer(let value): "\(value)"
        case .seed(let value): "\(value)"
        case .number(let value): decimal(value)
        }
    }

    /// A line for each value; `indent` is that of the line it begins in.
    func append(to text: inout String, indent: Int) {
        switch self {
        case .null: text += "null"
        case .text(let value): JSONValue.append(value, to: &text)
        case .integer(let value): text += "\(value)"
        case .seed(let value): text += "\(value)"
        case .number(let value): text += decimal(value)
        case .list(let values):
            JSONValue.append(values, "[", "]", to: &text, indent: indent) { value, text in
                value.append(to: &text, indent: indent + 2)
            }
        case .object(let values):
            JSONValue.append(values, "{", "}", to: &text, indent: indent) { pair, text in
                text += pair.key
                pair.value.append(to: &text, indent: indent + 2)
            }
        }
    }

    /// A new line at each depth that exports have.
    private static let margins = (0...8).map { "\n" + String(repeating: " ", count: 2 * $0) }

    private static func append<Item>(
        _ items: [Item], _ start: String, _ end: String, to text: inout String, indent: Int,
        _ append: (Item, inout String) -> Void
    ) {
        let margin = JSONValue.margins[min(indent / 2 + 1, JSONValue.margins.count - 1)]
        text += start
        for (index, item) in items.enumerated() {
            if index > 0 { text += "," }
            text += margin
            append(item, &text)
        }
        if !items.isEmpty { text += margin.dropLast(2) }
        text += end
    }

    private static func append(_ value: String, to text: inout String) {
        text += "\""
        if value.utf8.contains(where: { $0 < 0x20 || $0 == 0x22 || $0 == 0x5C }) {
            for scalar in value.unicodeScalars {
                switch scalar {
                case "\"": text += "\\\""
                case "\\": text += "\\\\"
                case "\n": text += "\\n"
                case "\r": text += "\\r"
                case "\t": text += "\\t"
                case _ where scalar.value < 0x20:
                    let digits = String(scalar.value, radix: 16)
                    text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
                default: text.unicodeScalars.append(scalar)
                }
            }
        } else {
            text += value
        }
        text += "\""
    }
}
