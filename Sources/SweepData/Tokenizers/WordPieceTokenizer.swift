import FoundationEssentials

/// BERT's tokenizer. Its tokens equal those of Hugging Face's `BertTokenizer` one for one.
package struct WordPieceTokenizer {
    /// Longer words, in characters, are unknown.
    static let longestWord = 100

    private let vocabulary: Vocabulary
    private let normalizer: TextNormalizer
    private let unknown: Int32
    private let first: Int32
    private let last: Int32
    /// Tokens that stand for themselves wherever their exact text occurs.
    private let special: [(text: [UInt8], token: Int32)]

    package var vocabularySize: Int { vocabulary.count }

    /// - Parameters:
    ///   - vocabulary: The content of `vocab.txt`.
    ///   - configuration: The content of `tokenizer_config.json`, if the model has one.
    ///   - path: Of `vocab.txt`, for errors.
    package init(
        vocabulary content: [UInt8], configuration: [UInt8]?, path: String
    ) throws(DataError) {
        let vocabulary = try Vocabulary(parsing: content, path: path)
        func number(of token: String) throws(DataError) -> Int32 {
            guard let number = vocabulary.number(of: token) else {
                throw .badVocabulary(path: path, problem: "the token \(token) is missing")
            }
            return number
        }
        unknown = try number(of: "[UNK]")
        first = try number(of: "[CLS]")
        last = try number(of: "[SEP]")
        special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"].compactMap { token in
            vocabulary.number(of: token).map { (Array(token.utf8), $0) }
        }
        self.vocabulary = vocabulary
        normalizer = Self.normalizer(configuration)
    }

    /// Token numbers of `[CLS] text [SEP]`, at most `maxLength` of them.
    package func encode(_ text: String, maxLength: Int) -> [Int32] {
        var tokens = [first]
        let limit = maxLength - 1
        let bytes = Substring(text).utf8
        var start = bytes.startIndex
        if bytes.contains(UInt8(ascii: "[")) {
            var index = start
            while index < bytes.endIndex && tokens.count < limit {
                if let match = special(in: bytes[index...]) {
                    append(bytes[start..<index], to: &tokens, limit: limit)
                    tokens.append(match.token)
                    index = bytes.index(index, offsetBy: match.text.count)
                    start = index
                } else {
                    index = bytes.index(after: index)
                }
            }
        }
        append(bytes[start...], to: &tokens, limit: limit)
        if tokens.count > limit { tokens.removeLast(tokens.count - limit) }
        tokens.append(last)
        return tokens
    }

    private func special(in bytes: Substring.UTF8View) -> (text: [UInt8], token: Int32)? {
        guard bytes.first == UInt8(ascii: "[") else { return nil }
        return special.first { bytes.starts(with: $0.text) }
    }

    private func append(_ text: Substring.UTF8View, to tokens: inout [Int32], limit: Int) {
        if text.isEmpty || tokens.count >= limit { return }
        normalizer.forEachWord(text) { word, characters in
            if tokens.count < limit { append(word, characters: characters, to: &tokens) }
        }
    }

    private func append(_ word: ArraySlice<UInt8>, characters: Int, to tokens: inout [Int32]) {
        let before = tokens.count
        var rest = word
        var start = Vocabulary.Start.word
        while !rest.isEmpty && characters <= Self.longestWord {
            guard let match = vocabulary.longest(in: rest, from: start) else { break }
            tokens.append(match.piece)
            rest = rest.dropFirst(match.length)
            start = .inside
        }
        if rest.isEmpty { return }
        tokens.removeLast(tokens.count - before)
        tokens.append(unknown)
    }

    private struct Configuration: Decodable {
        // swift-format-ignore: AlwaysUseLowerCamelCase
        var do_lower_case: Bool?
        // swift-format-ignore: AlwaysUseLowerCamelCase
        var strip_accents: Bool?
        // swift-format-ignore: AlwaysUseLowerCamelCase
        var tokenize_chinese_chars: Bool?
    }

    /// Without a configuration, or one that cannot be read: lower-case, as BERT uncased.
    private static func normalizer(_ content: [UInt8]?) -> TextNormalizer {
        let configuration = content.flatMap {
            try? JSONDecoder().decode(Configuration.self, from: Data($0))
        }
        let lowercases = configuration?.do_lower_case ?? true
        return TextNormalizer(
            lowercases: lowercases, stripsAccents: configuration?.strip_accents ?? lowercases,
            separatesChinese: configuration?.tokenize_chinese_chars ?? true)
    }
}
