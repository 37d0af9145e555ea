import Glibc
import SweepCore
import SweepWire

/// Inputs as libFuzzer has them, a file each in a folder, and as the tree has them: a line each.
enum Corpus {
    /// Writes the inputs of the file, and samples of every message.
    static func unpack(_ target: String, from file: String, to folder: String) {
        var inputs = lines(of: file).map(bytes)
        let messages = Sample.messages.map { $0.frame.dropFirst(FuzzTarget.version.count) }
        switch target {
        case "codec": inputs += messages.map(Array.init)
        case "admission":
            let key = (0..<32).map { UInt8($0) }
            let parts = [
                Array("1.0".utf8), [1], Array("moderato".utf8), Array("127.0.0.1".utf8), [],
                Array("CURVE".utf8), key,
            ]
            inputs.append(parts.flatMap { [UInt8($0.count)] + $0 })
        default:
            for how: UInt8 in [0, 1, 4, 16, 0x60, 0x80, 0x70, 12] {
                inputs.append(messages.flatMap { piece($0, how) })
                inputs += messages.map { piece($0, how) }
            }
        }
        for (number, input) in inputs.enumerated() {
            write(input, to: "\(folder)/\(number)")
        }
    }

    private static func piece(_ message: ArraySlice<UInt8>, _ how: UInt8) -> [UInt8] {
        [how, UInt8(message.count & 0xFF), UInt8(message.count >> 8)] + message
    }

    static func pack(_ folder: String, to file: String) {
        let inputs = LocalFile.names(in: folder).filter { !$0.hasPrefix(".") }
            .map { read("\(folder)/\($0)") }
        let lines = inputs.map { hexadecimal($0) + "\n" }
            .sorted { ($0.utf8.count, $0) < ($1.utf8.count, $1) }
        write(Array(lines.joined().utf8), to: file)
    }

    private static func hexadecimal(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef")
        return String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    }

    /// None if the file is not there.
    private static func lines(of file: String) -> [Substring] {
        guard LocalFile.size(file) != nil else { return [] }
        return String(decoding: read(file), as: UTF8.self).split(separator: "\n")
    }

    private static func read(_ path: String) -> [UInt8] {
        do throws(WireError) {
            return try LocalFile.read(path, offset: 0, count: LocalFile.size(path) ?? 0)
        } catch {
            fail("\(error)")
        }
    }

    private static func bytes(_ line: Substring) -> [UInt8] {
        let digits = line.utf8.compactMap { Character(UnicodeScalar($0)).hexDigitValue }
        return stride(from: 0, to: digits.count - 1, by: 2).map {
            UInt8(digits[$0] << 4 | digits[$0 + 1])
        }
    }

    private static func write(_ bytes: [UInt8], to path: String) {
        guard let file = fopen(path, "w") else { fail("\(path): can't be written") }
        fwrite(bytes, 1, bytes.count, file)
        fclose(file)
    }
}
