/// One tensor as a safetensors file describes it.
struct TensorEntry: Hashable, Sendable {
    /// Such as F32.
    let type: String
    let shape: [Int]
    /// Of the file.
    let bytes: Range<Int>
    /// The numbers in it.
    let count: Int
}

/// Reads and checks the head of a safetensors file, as the reference implementation does: tensors
/// lie one after the other, without gaps, and fill the file.
///
/// Layout: 8 bytes with the header's length (little-endian), a JSON header that gives each tensor's
/// type, shape and bytes, then the bytes. https://huggingface.co/docs/safetensors
struct SafeTensorsHeader {
    /// Longer headers are refused, as by the reference implementation.
    static let longest = 100_000_000

    let path: String

    private func bad(_ problem: String) -> DataError {
        .badModelFile(path: path, problem: problem)
    }

    struct Content {
        var entries: [String: TensorEntry] = [:]
        /// What the file says of itself; texts only.
        var metadata: [String: String] = [:]
    }

    func content(of file: UnsafeRawBufferPointer) throws(DataError) -> Content {
        guard file.count >= 8 else { throw bad("it has only \(file.count) bytes") }
        let length = UInt64(littleEndian: file.loadUnaligned(as: UInt64.self))
        guard length <= UInt64(file.count - 8) else {
            throw bad("the header is said to be \(length) bytes long, beyond the end of the file")
        }
        guard length <= UInt64(Self.longest) else {
            throw bad("the header is \(length) bytes long")
        }
        let base = 8 + Int(length)
        let header: JSON
        do throws(JSONError) {
            header = try JSON(parsing: UnsafeRawBufferPointer(rebasing: file[8..<base]))
        } catch {
            throw bad("the header is not the JSON of a safetensors file: \(error)")
        }
        guard let members = header.object else { throw bad("the header is no JSON object") }
        var content = Content()
        content.entries.reserveCapacity(members.count)
        let metadata = members.first { $0.key == "__metadata__" }?.value.object ?? []
        for member in metadata {
            if let text = member.value.string { content.metadata["\(member.key)"] = text }
        }
        for member in members where member.key != "__metadata__" {
            let entry = try entry(
                member.value, named: member.key, base: base, end: file.count)
            guard content.entries.updateValue(entry, forKey: member.key) == nil else {
                throw bad("two weights have the name '\(member.key.prefix(200))'")
            }
        }
        try checkPlaces(content.entries, base: base, end: file.count)
        return content
    }

    private func entry(
        _ value: JSON, named name: String, base: Int, end: Int
    ) throws(DataError) -> TensorEntry {
        func bad(_ problem: String) -> DataError {
            self.bad("the weight '\(name.prefix(200))' \(problem)")
        }
        guard let type = value["dtype"]?.string, let extents = value["shape"]?.array,
            let offsets = value["data_offsets"]?.array
        else { throw bad("lacks its dtype, shape or data_offsets") }
        guard offsets.count == 2, let first = offsets[0].integer, let last = offsets[1].integer,
            first >= 0, first <= last, last <= end - base
        else { throw bad("is said to lie beyond the end of the file") }
        var count = 1
        var shape: [Int] = []
        for extent in extents {
            guard let extent = extent.integer, extent >= 0 else { throw bad("has no shape") }
            shape.append(extent)
            let (product, overflow) = count.multipliedReportingOverflow(by: extent)
            if overflow { throw bad("has the impossible shape \(shape.prefix(9))") }
            count = product
        }
        if let width = Self.width(of: type) {
            let (size, overflow) = count.multipliedReportingOverflow(by: width)
            guard !overflow, size == last - first else {
                throw bad("of shape \(shape.prefix(9)) does not fill its \(last - first) bytes")
            }
        }
        return TensorEntry(
            type: type, shape: shape, bytes: base + first..<base + last, count: count)
    }

    private func checkPlaces(
        _ entries: [String: TensorEntry], base: Int, end: Int
    ) throws(DataError) {
        let order = entries.sorted {
            ($0.value.bytes.lowerBound, $0.value.bytes.upperBound, $0.key)
                < ($1.value.bytes.lowerBound, $1.value.bytes.upperBound, $1.key)
        }
        var position = base
        for (name, entry) in order {
            guard entry.bytes.lowerBound == position else {
                let what = entry.bytes.lowerBound < position ? "overlaps another" : "leaves a gap"
                throw bad("the weight '\(name.prefix(200))' \(what)")
            }
            position = entry.bytes.upperBound
        }
        guard position == end else {
            throw bad("\(end - position) bytes at its end belong to no weight")
        }
    }

    /// Bytes of one number; `nil` for types that this program does not know.
    private static func width(of type: String) -> Int? {
        switch type {
        case "BOOL", "U8", "I8", "F8_E4M3", "F8_E5M2", "F8_E8M0": 1
        case "I16", "U16", "F16", "BF16": 2
        case "I32", "U32", "F32": 4
        case "I64", "U64", "F64", "C64": 8
        default: nil
        }
    }
}
