import CSweepProto
import SweepCore

/// Checks on what a peer sent. Each throws `WireError.malformed` with the name of the value.
enum Decoding {
    /// The longest text taken for a name, path or trigger, in bytes.
    static let maxNameBytes = 4_096
    /// The longest text taken for an error or a reason, in bytes.
    static let maxTextBytes = 64 * 1_024

    static func text(
        _ pointer: UnsafeMutablePointer<CChar>?, _ name: String, maxBytes: Int = maxTextBytes
    ) throws(WireError) -> String {
        guard let pointer, let text = String(validatingCString: pointer) else {
            throw .malformed("\(name) is not UTF-8")
        }
        guard text.utf8.count <= maxBytes else { throw .malformed("\(name) is too long") }
        return text
    }

    /// A text of 1 to 100 characters.
    static func name(
        _ pointer: UnsafeMutablePointer<CChar>?, _ name: String
    ) throws(WireError) -> String {
        let text = try text(pointer, name, maxBytes: maxNameBytes)
        guard (1...100).contains(text.count) else {
            throw .malformed("\(name) has \(text.count) characters, not 1 to 100")
        }
        return text
    }

    static func integer(
        _ value: some BinaryInteger, _ name: String, in range: ClosedRange<Int> = 0...(1 << 53)
    ) throws(WireError) -> Int {
        guard let integer = Int(exactly: value), range.contains(integer) else {
            throw .malformed("\(name) is \(value), not in \(range)")
        }
        return integer
    }

    /// The number of a run, attempt or sweep, or of a report within its attempt: from 1, and such
    /// that SQLite and JSON hold it.
    static func identifier(_ value: UInt64, _ name: String) throws(WireError) -> UInt64 {
        UInt64(try integer(value, name, in: 1...(1 << 53)))
    }

    static func identifiers(
        _ pointer: UnsafeMutablePointer<UInt64>?, _ count: Int, _ name: String
    ) throws(WireError) -> [UInt64] {
        var numbers: [UInt64] = []
        numbers.reserveCapacity(count)
        for value in values(pointer, count) { numbers.append(try identifier(value, name)) }
        return numbers
    }

    /// A time of which sums and sums of sums stay finite: 0 to 31,000 years.
    static func seconds(_ value: Double, _ name: String) throws(WireError) -> Double {
        try number(value, name, in: 0...MessageToCoordinator.mostSeconds)
    }

    static func number(
        _ value: Double, _ name: String,
        in range: ClosedRange<Double> = 0...Double.greatestFiniteMagnitude
    ) throws(WireError) -> Double {
        guard range.contains(value) else {
            throw .malformed("\(name) is \(value), not in \(range)")
        }
        return value
    }

    static func share(_ value: Double, _ name: String) throws(WireError) -> Double {
        try number(value, name, in: 0...1)
    }

    /// A message in a message, which may be missing.
    static func part<T>(_ pointer: UnsafeMutablePointer<T>?, _ name: String) throws(WireError) -> T
    {
        guard let pointer else { throw .malformed("\(name) is missing") }
        return pointer.pointee
    }

    static func list<T, Result>(
        _ pointer: UnsafeMutablePointer<UnsafeMutablePointer<T>?>?, _ count: Int,
        _ transform: (T) throws(WireError) -> Result
    ) throws(WireError) -> [Result] {
        var results: [Result] = []
        results.reserveCapacity(count)
        for index in 0..<count {
            guard let item = pointer?[index] else { throw .malformed("a list has a hole") }
            results.append(try transform(item.pointee))
        }
        return results
    }

    /// The same, of messages that are read where they lie.
    static func pointers<T, Result>(
        _ pointer: UnsafeMutablePointer<UnsafeMutablePointer<T>?>?, _ count: Int,
        _ transform: (UnsafeMutablePointer<T>?) throws(WireError) -> Result
    ) throws(WireError) -> [Result] {
        var results: [Result] = []
        results.reserveCapacity(count)
        for index in 0..<count { results.append(try transform(pointer?[index])) }
        return results
    }

    static func values<T>(_ pointer: UnsafeMutablePointer<T>?, _ count: Int) -> [T] {
        Array(UnsafeBufferPointer(start: pointer, count: count))
    }

    static func digest(_ data: ProtobufCBinaryData, _ name: String) throws(WireError) -> Digest {
        guard let digest = Digest(bytes: values(data.data, data.len)) else {
            throw .malformed("\(name) has \(data.len) bytes, not 32")
        }
        return digest
    }
}
