/// GPT-2's cut of a text into words, a space before a word being part of it:
/// `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
package enum ByteLevelSplitter {
    private enum Kind {
        case space, letter, number, other
    }

    private static let contractions = ["s", "t", "re", "ve", "m", "ll", "d"].map { Array($0.utf8) }

    /// Gives the words of UTF-8 text in order to `body` until it says to stop.
    package static func forEachWord(
        _ text: UnsafeBufferPointer<UInt8>, _ body: (UnsafeBufferPointer<UInt8>) -> Bool
    ) {
        var start = 0
        while start < text.count {
            let end = wordEnd(text, from: start)
            if !body(UnsafeBufferPointer(rebasing: text[start..<end])) { return }
            start = end
        }
    }

    private static func wordEnd(_ text: UnsafeBufferPointer<UInt8>, from start: Int) -> Int {
        if text[start] == UInt8(ascii: "'") {
            let rest = text[(start + 1)...]
            if let match = contractions.first(where: { rest.starts(with: $0) }) {
                return start + 1 + match.count
            }
        }
        let first = scalar(text, at: start)
        if text[start] == UInt8(ascii: " "), start + 1 < text.count {
            let next = scalar(text, at: start + 1)
            if next.kind != .space {
                return runEnd(text, of: next.kind, from: start + 1 + next.length).end
            }
        }
        let run = runEnd(text, of: first.kind, from: start + first.length)
        // White space leaves its last character to the word that follows.
        let leaves = first.kind == .space && run.end < text.count && run.last > start
        return leaves ? run.last : run.end
    }

    /// Where the run of a kind ends, and where its last character begins.
    private static func runEnd(
        _ text: UnsafeBufferPointer<UInt8>, of kind: Kind, from start: Int
    ) -> (end: Int, last: Int) {
        var end = start
        var last = 0
        while end < text.count {
            let next = scalar(text, at: end)
            if next.kind != kind { break }
            last = end
            end += next.length
        }
        return (end, last)
    }

    private static func scalar(
        _ text: UnsafeBufferPointer<UInt8>, at index: Int
    ) -> (kind: Kind, length: Int) {
        let byte = text[index]
        if byte < 0x80 { return (asciiKinds[Int(byte)], 1) }
        let length = byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4
        var value = UInt32(byte) & (0x7F >> UInt32(length))
        for offset in 1..<length { value = value << 6 | UInt32(text[index + offset] & 0x3F) }
        return (Unicode.Scalar(value).map(kind) ?? .other, length)
    }

    private static let asciiKinds = (0..<0x80).map { kind(of: Unicode.Scalar(UInt8($0))) }

    /// Hugging Face's library knows letters and numbers as of Unicode 16.
    private static func kind(of scalar: Unicode.Scalar) -> Kind {
        if scalar.properties.isWhitespace { return .space }
        return switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter:
            isKnown(scalar) ? .letter : .other
        case .decimalNumber, .letterNumber, .otherNumber: isKnown(scalar) ? .number : .other
        default: .other
        }
    }

    private static func isKnown(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.age.map { $0.major <= 16 } ?? false
    }
}
