@_spi(_Unicode) import Swift

/// BERT's basic tokenizer: cleans a text, and cuts it into words and single punctuation marks.
/// It follows Hugging Face's `BertNormalizer` and `BertPreTokenizer`.
package struct TextNormalizer: Hashable, Sendable {
    /// Take control characters away, and write white space as spaces.
    let cleans: Bool
    /// Lower-case the text.
    let lowercases: Bool
    /// Take accents (non-spacing marks) away after canonical decomposition.
    let stripsAccents: Bool
    /// Put spaces around Chinese characters.
    let separatesChinese: Bool

    package init(
        cleans: Bool = true, lowercases: Bool = true, stripsAccents: Bool = true,
        separatesChinese: Bool = true
    ) {
        self.cleans = cleans
        self.lowercases = lowercases
        self.stripsAccents = stripsAccents
        self.separatesChinese = separatesChinese
    }

    /// Leaves every text as it is.
    static let none = TextNormalizer(
        cleans: false, lowercases: false, stripsAccents: false, separatesChinese: false)

    /// Gives the UTF-8 bytes and the number of characters of each word of the normalized text to
    /// `body`.
    package func forEachWord(_ text: Substring.UTF8View, _ body: (ArraySlice<UInt8>, Int) -> Void) {
        var words = WordCollector()
        if text.allSatisfy({ $0 < 0x80 }) {
            for byte in text { addByte(byte, &words, body) }
        } else {
            for scalar in normalized(String(Substring(text))) { addScalar(scalar, &words, body) }
        }
        words.finish(body)
    }

    /// The text, cleaned, but not cut.
    func normalizedText(_ text: Substring.UTF8View) -> String {
        if self == .none { return String(Substring(text)) }
        var result = String.UnicodeScalarView()
        result.append(contentsOf: normalized(String(Substring(text))))
        return String(result)
    }

    private func addByte(
        _ byte: UInt8, _ words: inout WordCollector, _ body: (ArraySlice<UInt8>, Int) -> Void
    ) {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            words.append(byte)
        case UInt8(ascii: "A")...UInt8(ascii: "Z"):
            words.append(lowercases ? byte | 0x20 : byte)
        case 0x20, 0x09, 0x0A, 0x0D: words.finish(body)
        case 0x21...0x7E:
            words.finish(body)
            words.append(byte)
            words.finish(body)
        case 0x0B, 0x0C: if !cleans { words.finish(body) }
        default: if !cleans { words.append(byte) }
        }
    }

    private func addScalar(
        _ scalar: Unicode.Scalar, _ words: inout WordCollector,
        _ body: (ArraySlice<UInt8>, Int) -> Void
    ) {
        if scalar.properties.isWhitespace {
            words.finish(body)
        } else if Self.isPunctuation(scalar) {
            words.finish(body)
            words.append(scalar)
            words.finish(body)
        } else {
            words.append(scalar)
        }
    }

    private func normalized(_ text: String) -> [Unicode.Scalar] {
        var clean = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            if cleans && Self.isRemoved(scalar) { continue }
            if cleans && scalar.properties.isWhitespace {
                clean.append(" ")
            } else if separatesChinese && Self.isChinese(scalar) {
                clean.append(" ")
                clean.append(scalar)
                clean.append(" ")
            } else {
                clean.append(scalar)
            }
        }
        var scalars = Array(clean)
        if stripsAccents {
            scalars = decomposed(scalars).filter { Self.category(of: $0) != .nonspacingMark }
        }
        if lowercases {
            scalars = scalars.flatMap { Array($0.properties.lowercaseMapping.unicodeScalars) }
        }
        return scalars
    }

    /// The canonical decomposition, as Hugging Face's tables have it.
    private func decomposed(_ scalars: [Unicode.Scalar]) -> [Unicode.Scalar] {
        var result: [Unicode.Scalar] = []
        var known = String.UnicodeScalarView()
        for scalar in scalars {
            if Self.isKnown(scalar) {
                known.append(scalar)
                continue
            }
            result += Array(String(known)._nfd)
            known.removeAll()
            result.append(scalar)
        }
        return result + Array(String(known)._nfd)
    }

    // Hugging Face's tokenizers know characters as of Unicode 8.

    private static func isKnown(_ scalar: Unicode.Scalar) -> Bool {
        guard let age = scalar.properties.age else { return false }
        return age.major <= 8
    }

    /// The category in Unicode 8: that of today but for newer characters and seven that moved.
    private static func category(of scalar: Unicode.Scalar) -> Unicode.GeneralCategory {
        guard isKnown(scalar) else {
            return scalar.properties.generalCategory == .privateUse ? .privateUse : .unassigned
        }
        switch scalar.value {
        case 0x166D, 0x111C9: return .otherPunctuation
        case 0x1734, 0x1171E: return .nonspacingMark
        case 0xA9BD: return .spacingMark
        case 0x1885, 0x1886: return .otherLetter
        default: return scalar.properties.generalCategory
        }
    }

    /// NUL, the replacement character, and the control, format and private characters except tab,
    /// line feed and carriage return.
    static func isRemoved(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x09, 0x0A, 0x0D: false
        case 0, 0xFFFD: true
        default:
            switch category(of: scalar) {
            case .control, .format, .surrogate, .privateUse: true
            default: false
            }
        }
    }

    static func isChinese(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x4E00...0x9FFF, 0x3400...0x4DBF, 0x20000...0x2A6DF, 0x2A700...0x2B73F,
            0x2B740...0x2B81F, 0x2B920...0x2CEAF, 0xF900...0xFAFF, 0x2F800...0x2FA1F:
            true
        default: false
        }
    }

    static func isPunctuation(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x21...0x2F, 0x3A...0x40, 0x5B...0x60, 0x7B...0x7E: return true
        case 0..<0x80: return false
        default: break
        }
        switch category(of: scalar) {
        case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation,
            .initialPunctuation, .finalPunctuation, .otherPunctuation:
            return true
        default: return false
        }
    }
}

/// The word that is being read.
private struct WordCollector {
    private var bytes: [UInt8] = []
    private var characters = 0

    mutating func append(_ byte: UInt8) {
        bytes.append(byte)
        characters += 1
    }

    mutating func append(_ scalar: Unicode.Scalar) {
        bytes.append(contentsOf: String(scalar).utf8)
        characters += 1
    }

    mutating func finish(_ body: (ArraySlice<UInt8>, Int) -> Void) {
        if bytes.isEmpty { return }
        body(bytes[...], characters)
        bytes.removeAll(keepingCapacity: true)
        characters = 0
    }
}
