/// A token that stands for itself wherever its text occurs.
struct AddedToken: Hashable, Sendable {
    var text: String
    let number: Int32
    /// Not taken when a letter, digit or mark touches it.
    var isSingleWord = false
    /// Takes the white space before it, and after it, along.
    var stripsLeft = false
    var stripsRight = false
    /// Looked for in the normalized text, not in the text as it is written.
    var isNormalized = false
}

/// Cuts added tokens out of a text, as Hugging Face's `AddedVocabulary` does: from left to right,
/// the longest token at each place.
struct AddedTokens: Sendable {
    enum Piece {
        case text(Substring.UTF8View)
        case token(Int32)
    }

    private let tokens: [AddedToken]
    private let trie: ByteTrie
    /// Whether a token begins with this byte.
    private let begins: [Bool]

    var isEmpty: Bool { tokens.isEmpty }

    init(_ tokens: [AddedToken]) {
        var trie = ByteTrie()
        var begins = [Bool](repeating: false, count: 256)
        var kept: [AddedToken] = []
        for token in tokens {
            guard let first = token.text.utf8.first else { continue }
            begins[Int(first)] = true
            trie.insert(Array(token.text.utf8)[...], at: .word, Int32(kept.count))
            kept.append(token)
        }
        self.tokens = kept
        self.trie = trie
        self.begins = begins
    }

    /// Those that are looked for in normalized text.
    init(normalizing tokens: [AddedToken], _ normalizer: TextNormalizer) {
        self.init(
            tokens.filter(\.isNormalized).map { token in
                var token = token
                token.text = normalizer.normalizedText(Substring(token.text).utf8)
                return token
            })
    }

    /// Gives the pieces in order to `body` until it says to stop.
    func forEachPiece(_ text: Substring.UTF8View, _ body: (Piece) -> Bool) {
        var start = text.startIndex
        if !tokens.isEmpty {
            var index = start
            while index < text.endIndex {
                guard begins[Int(text[index])],
                    let match = trie.longest(in: text[index...], from: .word)
                else {
                    index = text.index(after: index)
                    continue
                }
                let token = tokens[Int(match.piece)]
                let end = text.index(index, offsetBy: match.length)
                if token.isSingleWord && touchesWord(text, index, end) {
                    index = end
                    continue
                }
                let from = token.stripsLeft ? Self.spaceStart(text[start..<index]) : index
                let to = token.stripsRight ? Self.spaceEnd(text[end...]) : end
                if start < from && !body(.text(text[start..<from])) { return }
                if !body(.token(token.number)) { return }
                start = to
                index = to
            }
        }
        if start < text.endIndex { _ = body(.text(text[start...])) }
    }

    private func touchesWord(
        _ text: Substring.UTF8View, _ start: String.Index, _ end: String.Index
    ) -> Bool {
        let before = Substring(text[..<start]).unicodeScalars.last
        let after = Substring(text[end...]).unicodeScalars.first
        return [before, after].contains { $0.map(Self.isWord) ?? false }
    }

    /// Where the white space at the end of `text` begins.
    private static func spaceStart(_ text: Substring.UTF8View) -> String.Index {
        let scalars = Substring(text).unicodeScalars
        return scalars.lastIndex { !$0.properties.isWhitespace }.map(scalars.index(after:))
            ?? text.startIndex
    }

    private static func spaceEnd(_ text: Substring.UTF8View) -> String.Index {
        Substring(text).unicodeScalars.firstIndex { !$0.properties.isWhitespace } ?? text.endIndex
    }

    /// `\w` of UTS 18: letters, marks, decimal digits, connectors and joiners.
    private static func isWord(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.properties.isAlphabetic || scalar.properties.isJoinControl { return true }
        return switch scalar.properties.generalCategory {
        case .nonspacingMark, .spacingMark, .enclosingMark, .decimalNumber, .connectorPunctuation:
            true
        default: false
        }
    }
}
