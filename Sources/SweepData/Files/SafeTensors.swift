import FoundationEssentials

/// The tensors of a `model.safetensors` file, as float32.
///
/// Layout: 8 bytes with the header's length (little-endian), a JSON header that gives each tensor's
/// type, shape and bytes, then the bytes. https://huggingface.co/docs/safetensors
package struct SafeTensors {
    private struct Entry: Decodable {
        // Optional because the entry `__metadata__` has none of them.
        var dtype: String?
        var shape: [Int]?
        // swift-format-ignore: AlwaysUseLowerCamelCase
        var data_offsets: [Int]?
    }

    private struct Header: Decodable {
        // swift-format-ignore: AlwaysUseLowerCamelCase
        var __metadata__: [String: String]?
    }

    package let path: String
    /// What the file says of itself.
    package let metadata: [String: String]
    private let content: [UInt8]
    private let entries: [String: Entry]
    /// Where the tensors' bytes begin.
    private let base: Int

    /// - Throws: `badModelFile` when the header is not one, or names bytes beyond the file.
    package init(parsing content: [UInt8], path: String) throws(DataError) {
        func bad(_ problem: String) -> DataError {
            .badModelFile(path: path, problem: problem)
        }
        guard content.count >= 8 else { throw bad("it has only \(content.count) bytes") }
        let length = (0..<8).reduce(UInt64(0)) { $0 | UInt64(content[$1]) << (8 * $1) }
        guard length <= UInt64(content.count - 8) else {
            throw bad("the header is said to be \(length) bytes long, beyond the end of the file")
        }
        base = 8 + Int(length)
        do {
            let header = Data(content[8..<base])
            entries = try JSONDecoder().decode([String: Entry].self, from: header)
            metadata = try JSONDecoder().decode(Header.self, from: header).__metadata__ ?? [:]
        } catch {
            throw bad("the header is not the JSON of a safetensors file")
        }
        self.path = path
        self.content = content
    }

    package var names: [String] { entries.keys.sorted() }

    /// The shape of a tensor, `nil` if there is none of that name.
    package func shape(of name: String) -> [Int]? { entries[name]?.shape }

    /// Gives the values of a tensor, in row order, to `body`; converts float16 and bfloat16.
    package func withFloats<Result>(
        _ name: String, _ body: (UnsafeBufferPointer<Float>) -> Result
    ) throws(DataError) -> Result {
        let (bytes, type, count) = try bytes(of: name)
        guard type != .int64 else { throw wrongType(name, type.rawValue, "F32, F16 or BF16") }
        var floats = [Float](repeating: 0, count: count)
        content.withUnsafeBytes { all in
            let from = UnsafeRawBufferPointer(rebasing: all[bytes])
            floats.withUnsafeMutableBytes { to in
                if type == .float32 { to.copyMemory(from: from) }
            }
            if type != .float32 {
                for index in 0..<count {
                    let bits = from.loadUnaligned(fromByteOffset: 2 * index, as: UInt16.self)
                    floats[index] = type.value(of: UInt16(littleEndian: bits))
                }
            }
        }
        return floats.withUnsafeBufferPointer(body)
    }

    /// The values of a tensor of 64-bit integers, in row order.
    package func integers(_ name: String) throws(DataError) -> [Int] {
        let (bytes, type, count) = try bytes(of: name)
        guard type == .int64 else { throw wrongType(name, type.rawValue, "I64") }
        return content.withUnsafeBytes { all in
            (0..<count).map { index in
                let bits = all.loadUnaligned(
                    fromByteOffset: bytes.lowerBound + 8 * index, as: UInt64.self)
                return Int(Int64(bitPattern: UInt64(littleEndian: bits)))
            }
        }
    }

    private func wrongType(_ name: String, _ found: String, _ expected: String) -> DataError {
        .badModelFile(
            path: path, problem: "the weight '\(name)' has the type \(found), not \(expected)")
    }

    private func bytes(
        of name: String
    ) throws(DataError) -> (Range<Int>, ElementType, count: Int) {
        func bad(_ problem: String) -> DataError {
            .badModelFile(path: path, problem: "the weight '\(name)' \(problem)")
        }
        guard let entry = entries[name], let shape = entry.shape, let offsets = entry.data_offsets,
            let typeName = entry.dtype
        else { throw .missingWeight(path: path, name: name) }
        guard let type = ElementType(rawValue: typeName) else {
            throw bad("has the type \(typeName), not F32, F16, BF16 or I64")
        }
        guard offsets.count == 2, offsets[0] >= 0, offsets[0] <= offsets[1],
            offsets[1] <= content.count - base
        else { throw bad("is said to lie at bytes \(offsets), beyond the end of the file") }
        var count = 1
        for extent in shape {
            let (product, overflow) = count.multipliedReportingOverflow(by: extent)
            guard extent >= 0, !overflow, product <= content.count else {
                throw bad("has the impossible shape \(shape)")
            }
            count = product
        }
        guard offsets[1] - offsets[0] == count * type.size else {
            throw bad("of shape \(shape) does not fill the bytes \(offsets)")
        }
        return (base + offsets[0]..<base + offsets[1], type, count)
    }

    private enum ElementType: String {
        case float32 = "F32"
        case float16 = "F16"
        case bfloat16 = "BF16"
        case int64 = "I64"

        var size: Int {
            switch self {
            case .float32: 4
            case .float16, .bfloat16: 2
            case .int64: 8
            }
        }

        /// The value of a 16-bit type's bits.
        func value(of bits: UInt16) -> Float {
            if self == .bfloat16 { return Float(bitPattern: UInt32(bits) << 16) }
            let sign: Float = bits & 0x8000 == 0 ? 1 : -1
            let exponent = Int(bits >> 10 & 31)
            let fraction = Float(bits & 1023)
            switch exponent {
            case 0: return sign * fraction * 0x1p-24
            case 31: return fraction == 0 ? sign * .infinity : .nan
            default:
                let power = Float(sign: .plus, exponent: exponent - 25, significand: 1)
                return sign * (fraction + 1024) * power
            }
        }
    }
}
