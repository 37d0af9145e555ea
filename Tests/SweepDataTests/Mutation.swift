import SweepCore

/// Changes valid files in ways that readers get wrong. The same number gives the same input.
struct Mutation {
    /// Valid files of one format.
    let seeds: [[UInt8]]
    /// Bytes that mean something in the format.
    let words: [[UInt8]]
    /// Puts a file together again whose parts were changed, such as a length in front.
    var frame: (@Sendable ([UInt8]) -> [UInt8])?

    init(
        seeds: [[UInt8]], words: [String] = [], frame: (@Sendable ([UInt8]) -> [UInt8])? = nil
    ) {
        self.seeds = seeds
        self.words = words.map { Array($0.utf8) }
        self.frame = frame
    }

    private static let numbers = [
        "0", "-1", "1", "2", "7", "255", "256", "65536", "2147483647", "2147483648", "4294967295",
        "4294967296", "4611686018427387904", "9223372036854775807", "9223372036854775808",
        "18446744073709551616", "-9223372036854775808", "1e3", "1e999", "0.5", "00",
        String(repeating: "9", count: 300),
    ].map { Array($0.utf8) }

    private static let lengths: [UInt64] = [
        0, 1, 2, 8, 16, 127, 255, 256, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, 1 << 32,
        1 << 62, UInt64(Int64.max), 1 << 63, .max,
    ]

    /// Input `number`.
    func input(_ number: Int) -> [UInt8] {
        var random = RandomSource(seed: UInt64(number))
        var bytes = seeds[below(seeds.count, &random)]
        for _ in 0...below(4, &random) { change(&bytes, &random) }
        if let frame, below(2, &random) == 0 { return frame(bytes) }
        return bytes
    }

    private func below(_ bound: Int, _ random: inout RandomSource) -> Int {
        Int(random.next() >> 11) % bound
    }

    /// A range of at most `longest` bytes.
    private func range(
        in bytes: [UInt8], longest: Int, _ random: inout RandomSource
    ) -> Range<Int> {
        let start = below(bytes.count + 1, &random)
        return start..<min(bytes.count, start + below(longest + 1, &random))
    }

    private func change(_ bytes: inout [UInt8], _ random: inout RandomSource) {
        if bytes.isEmpty {
            bytes = seeds[0]
            return
        }
        switch below(11, &random) {
        case 0: bytes.removeLast(below(bytes.count, &random))
        case 1: bytes[below(bytes.count, &random)] ^= 1 << UInt8(below(8, &random))
        case 2: bytes[below(bytes.count, &random)] = UInt8(truncatingIfNeeded: random.next())
        case 3: bytes.removeSubrange(range(in: bytes, longest: 40, &random))
        case 4:
            let copied = bytes[range(in: bytes, longest: 60, &random)]
            bytes.insert(contentsOf: Array(copied), at: below(bytes.count + 1, &random))
        case 5:
            let other = seeds[below(seeds.count, &random)]
            let piece = other[range(in: other, longest: 200, &random)]
            bytes.replaceSubrange(range(in: bytes, longest: 200, &random), with: piece)
        case 6, 7: replaceNumber(in: &bytes, &random)
        case 8:
            let word =
                words.isEmpty
                ? [UInt8(truncatingIfNeeded: random.next())] : words[below(words.count, &random)]
            let repeated = Array(repeatElement(word, count: 1 << below(7, &random)).joined())
            bytes.replaceSubrange(range(in: bytes, longest: 8, &random), with: repeated)
        default: lieAboutLength(in: &bytes, &random)
        }
    }

    /// Puts an odd number in the place of a number in decimal digits.
    private func replaceNumber(in bytes: inout [UInt8], _ random: inout RandomSource) {
        let isDigit = { (byte: UInt8) in (0x30...0x39).contains(byte) }
        let start = below(bytes.count, &random)
        guard let first = bytes[start...].firstIndex(where: isDigit) else { return }
        let end = bytes[first...].firstIndex { !isDigit($0) } ?? bytes.count
        let number = Self.numbers[below(Self.numbers.count, &random)]
        bytes.replaceSubrange(first..<end, with: number)
    }

    /// Writes an odd binary number of 1 to 8 bytes, in either byte order, more often at the front.
    private func lieAboutLength(in bytes: inout [UInt8], _ random: inout RandomSource) {
        let size = 1 << below(4, &random)
        if bytes.count < size { return }
        let places = bytes.count - size + 1
        let place = below(3, &random) > 0 ? below(min(places, 24), &random) : below(places, &random)
        var value = Self.lengths[below(Self.lengths.count, &random)]
        if below(4, &random) == 0 { value = UInt64(bytes.count) &+ UInt64(below(17, &random)) &- 8 }
        let isBig = below(2, &random) == 0
        for index in 0..<size {
            bytes[place + (isBig ? size - 1 - index : index)] = UInt8(
                truncatingIfNeeded: value >> (8 * index))
        }
    }
}
