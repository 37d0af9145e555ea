import Foundation
import SweepCore
import SweepWire
import Testing

/// What `make fuzz-wire` has found to reach all of the code, run again: an input a line.
@Suite("The fuzzers' corpus")
struct CorpusTests {
    private static func inputs(_ target: String) throws -> [[UInt8]] {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("Corpus/\(target)")
        return try String(contentsOf: file, encoding: .utf8).split(separator: "\n").map { line in
            let digits = line.compactMap(\.hexDigitValue)
            return stride(from: 0, to: digits.count - 1, by: 2).map {
                UInt8(digits[$0] << 4 | digits[$0 + 1])
            }
        }
    }

    @Test("The codec takes or refuses each, twice alike, and what it takes it can send")
    func codec() throws {
        var taken = 0
        for input in try Self.inputs("codec") {
            for frame in [input, FuzzTarget.version + input] {
                let first = AnyMessage.all(in: frame)
                #expect(AnyMessage.all(in: frame) == first)
                for message in first {
                    taken += 1
                    #expect(try message.read(message.frame) == message)
                }
            }
        }
        #expect(taken > 100)
    }

    @Test("Admission answers each, and lets nobody in but the key that it knows")
    func admission() throws {
        let inputs = try Self.inputs("admission")
        #expect(inputs.count > 10)
        for input in inputs { FuzzTarget.admission(input) }
    }

    @Test("Coordinator and worker live through each conversation, and what they say can be read")
    func peers() throws {
        let inputs = try Self.inputs("peers")
        #expect(inputs.count > 100)
        for input in inputs { FuzzTarget.peers(input) }
    }
}
