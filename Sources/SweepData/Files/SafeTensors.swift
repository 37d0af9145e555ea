/// The tensors of a model: of one safetensors file, or of several with an index (shards).
package struct SafeTensors: Sendable {
    private struct Place {
        let file: Int
        let entry: TensorEntry
    }

    /// The file, or the index of the files; for errors.
    package let path: String
    /// What the files say of themselves.
    package let metadata: [String: String]
    private let files: [Content]
    private let places: [String: Place]

    private enum Content {
        case mapped(FileBytes)
        case copied([UInt8])

        func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
            switch self {
            case .mapped(let file): body(file.bytes)
            case .copied(let content): content.withUnsafeBytes(body)
            }
        }
    }

    /// - Throws: `badModelFile` when the header is not one, or does not fit the file.
    package init(parsing content: [UInt8], path: String) throws(DataError) {
        try self.init(files: [(path, .copied(content))], path: path)
    }

    package init(file: FileBytes, path: String) throws(DataError) {
        try self.init(files: [(path, .mapped(file))], path: path)
    }

    /// - Parameters:
    ///   - shards: By the name that the index gives them.
    ///   - index: `model.safetensors.index.json`.
    package init(
        shards: [(name: String, file: FileBytes)], index: SafeTensorsIndex
    ) throws(DataError) {
        try self.init(
            files: shards.map { (index.folder + "/" + $0.name, .mapped($0.file)) },
            path: index.path)
        let numbers = Dictionary(
            uniqueKeysWithValues: shards.enumerated().map { ($1.name, $0) })
        for (name, shard) in index.shards {
            guard let place = places[name], place.file == numbers[shard] else {
                throw .badModelFile(
                    path: path,
                    problem: "it says that the weight '\(name.prefix(200))' is in "
                        + "\(shard.prefix(200)), which does not have it")
            }
        }
    }

    private init(files: [(path: String, content: Content)], path: String) throws(DataError) {
        var places: [String: Place] = [:]
        var metadata: [String: String] = [:]
        for (number, file) in files.enumerated() {
            let header = SafeTensorsHeader(path: file.path)
            let head = try file.content.withBytes { bytes in
                Swift.Result { () throws(DataError) in try header.content(of: bytes) }
            }.get()
            metadata.merge(head.metadata) { $1 }
            for (name, entry) in head.entries {
                guard places.updateValue(Place(file: number, entry: entry), forKey: name) == nil
                else {
                    throw .badModelFile(
                        path: file.path,
                        problem: "the weight '\(name.prefix(200))' is in another file too")
                }
            }
        }
        self.files = files.map(\.content)
        self.places = places
        self.metadata = metadata
        self.path = path
    }

    package var names: [String] { places.keys.sorted() }

    /// The shape of a tensor, `nil` if there is none of that name.
    package func shape(of name: String) -> [Int]? { places[name]?.entry.shape }

    /// Gives the values of a tensor of float32, float16 or bfloat16, in row order, to `body`.
    /// They are not copied if the file has them as aligned float32.
    package func withFloats<Result>(
        _ name: String, _ body: (UnsafeBufferPointer<Float>) -> Result
    ) throws(DataError) -> Result {
        let place = try place(of: name)
        let entry = place.entry
        guard let type = FloatType(rawValue: entry.type) else {
            throw wrongType(name, entry, "F32, F16 or BF16")
        }
        return files[place.file].withBytes { file in
            let bytes = UnsafeRawBufferPointer(rebasing: file[entry.bytes])
            if type == .float32, UInt(bitPattern: bytes.baseAddress) % 4 == 0 {
                return body(bytes.assumingMemoryBound(to: Float.self))
            }
            return type.values(of: bytes, count: entry.count).withUnsafeBufferPointer(body)
        }
    }

    /// The values of a tensor, in row order.
    package func floats(_ name: String) throws(DataError) -> [Float] {
        try withFloats(name) { Array($0) }
    }

    /// The values of a tensor of int64, in row order.
    package func integers(_ name: String) throws(DataError) -> [Int64] {
        let place = try place(of: name)
        let entry = place.entry
        guard entry.type == "I64" else { throw wrongType(name, entry, "I64") }
        return files[place.file].withBytes { file in
            (0..<entry.count).map { index in
                let start = entry.bytes.lowerBound + 8 * index
                return Int64(
                    littleEndian: file.loadUnaligned(fromByteOffset: start, as: Int64.self))
            }
        }
    }

    private func place(of name: String) throws(DataError) -> Place {
        guard let place = places[name] else { throw .missingWeight(path: path, name: name) }
        return place
    }

    private func wrongType(_ name: String, _ entry: TensorEntry, _ types: String) -> DataError {
        .badModelFile(
            path: path,
            problem: "the weight '\(name.prefix(200))' has the type \(entry.type.prefix(40)), "
                + "not \(types)")
    }
}

private enum FloatType: String {
    case float32 = "F32"
    case float16 = "F16"
    case bfloat16 = "BF16"

    func values(of bytes: UnsafeRawBufferPointer, count: Int) -> [Float] {
        [Float](unsafeUninitializedCapacity: count) { values, initialized in
            for index in 0..<count {
                switch self {
                case .float32:
                    let bits = bytes.loadUnaligned(fromByteOffset: 4 * index, as: UInt32.self)
                    values.initializeElement(
                        at: index, to: Float(bitPattern: .init(littleEndian: bits)))
                case .float16, .bfloat16:
                    let bits = bytes.loadUnaligned(fromByteOffset: 2 * index, as: UInt16.self)
                    values.initializeElement(at: index, to: value(of: UInt16(littleEndian: bits)))
                }
            }
            initialized = count
        }
    }

    /// The value of a 16-bit type's bits.
    private func value(of bits: UInt16) -> Float {
        if self == .bfloat16 { return Float(bitPattern: UInt32(bits) << 16) }
        let magnitude = UInt32(bits & 0x7FFF)
        // As float32's bits the exponent is 112 too small; subnormal numbers come out right too.
        let value =
            magnitude < 0x7C00
            ? Float(bitPattern: magnitude << 13) * 0x1p112
            : Float(bitPattern: 0x7F80_0000 | (magnitude & 0x3FF) << 13)
        return bits & 0x8000 == 0 ? value : -value
    }
}
