/// Makes a safetensors file. The same tensors give the same bytes, in whatever order they come.
package struct SafeTensorsWriter {
    private struct Item {
        let name: String
        let shape: [Int]
        let values: Values
    }

    private enum Values {
        case floats([Float])
        case integers([Int64])

        var type: String {
            switch self {
            case .floats: "F32"
            case .integers: "I64"
            }
        }

        var size: Int {
            switch self {
            case .floats(let values): 4 * values.count
            case .integers(let values): 8 * values.count
            }
        }
    }

    private var items: [Item] = []
    private let metadata: [String: String]

    /// - Parameter metadata: Written into the header, under `__metadata__`.
    package init(metadata: [String: String] = [:]) { self.metadata = metadata }

    /// Adds a tensor in row order. The name must be new, and the shape that of the values.
    package mutating func add(_ name: String, shape: [Int], floats: [Float]) {
        add(Item(name: name, shape: shape, values: .floats(floats)), count: floats.count)
    }

    /// Adds a tensor in row order. The name must be new, and the shape that of the values.
    package mutating func add(_ name: String, shape: [Int], integers: [Int64]) {
        add(Item(name: name, shape: shape, values: .integers(integers)), count: integers.count)
    }

    private mutating func add(_ item: Item, count: Int) {
        precondition(
            item.shape.allSatisfy { $0 >= 0 } && item.shape.reduce(1, *) == count,
            "\(item.name): \(count) values do not have the shape \(item.shape)")
        precondition(
            item.name != "__metadata__" && !items.contains { $0.name == item.name },
            "\(item.name) comes twice")
        items.append(item)
    }

    /// Wider types first, so that each tensor is aligned; then by name.
    package func content() -> [UInt8] {
        let order = items.sorted { ($1.values.type, $0.name) < ($0.values.type, $1.name) }
        var parts: [String] = []
        if !metadata.isEmpty {
            let pairs = metadata.sorted { $0.key < $1.key }.map {
                JSON.quoted($0.key) + ":" + JSON.quoted($0.value)
            }
            parts.append("\"__metadata__\":{\(pairs.joined(separator: ","))}")
        }
        var position = 0
        for item in order {
            let end = position + item.values.size
            let shape = item.shape.map(String.init).joined(separator: ",")
            parts.append(
                JSON.quoted(item.name) + ":{\"dtype\":\"\(item.values.type)\",\"shape\":[\(shape)],"
                    + "\"data_offsets\":[\(position),\(end)]}")
            position = end
        }
        var header = Array("{\(parts.joined(separator: ","))}".utf8)
        while header.count % 8 != 0 { header.append(UInt8(ascii: " ")) }
        var content: [UInt8] = []
        content.reserveCapacity(8 + header.count + position)
        append(UInt64(header.count), to: &content)
        content += header
        for item in order {
            switch item.values {
            case .floats(let values):
                for value in values { append(value.bitPattern, to: &content) }
            case .integers(let values): for value in values { append(value, to: &content) }
            }
        }
        return content
    }

    private func append(_ value: some FixedWidthInteger, to content: inout [UInt8]) {
        withUnsafeBytes(of: value.littleEndian) { content.append(contentsOf: $0) }
    }
}

extension JSON {
    /// The value as JSON text, in one line.
    package var text: String {
        switch self {
        case .null: "null"
        case .bool(let value): value ? "true" : "false"
        case .integer(let value): "\(value)"
        case .number(let value): "\(value)"
        case .string(let value): JSON.quoted(value)
        case .array(let values): "[" + values.map(\.text).joined(separator: ", ") + "]"
        case .object(let members):
            "{"
                + members.map { JSON.quoted($0.key) + ": " + $0.value.text }
                .joined(separator: ", ") + "}"
        }
    }

    /// A string as JSON writes it.
    static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\u{0}"..<" ":
                let digits = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
