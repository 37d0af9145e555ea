/// The tokenizer of BERT, MiniLM and MPNet. Its tokens equal those of Hugging Face's one for one.
struct WordPieceTokenizer: Tokenizer {
    /// What a model's files say about its pieces.
    struct Pieces: Sendable {
        /// Without the prefix of pieces inside a word, at `.inside`.
        var trie = ByteTrie()
        var unknown: Int32 = 0
        /// Longer words, in characters, are unknown.
        var longestWord = 100
        var largest: Int32 = -1

        /// Adds a piece; `prefix` marks those inside a word.
        mutating func insert(_ piece: ArraySlice<UInt8>, _ number: Int32, prefix: [UInt8]) {
            let isInside =
                !prefix.isEmpty && piece.count > prefix.count && piece.starts(with: prefix)
            let bytes = isInside ? piece.dropFirst(prefix.count) : piece
            trie.insert(bytes, at: isInside ? .inside : .word, number)
            largest = max(largest, number)
        }
    }

    private let pieces: Pieces
    private let normalizer: TextNormalizer
    private let added: AddedTokens
    private let addedNormalized: AddedTokens
    private let frame: Frame
    let vocabularySize: Int

    init(pieces: Pieces, normalizer: TextNormalizer, added: [AddedToken], frame: Frame) {
        self.pieces = pieces
        self.normalizer = normalizer
        self.added = AddedTokens(added.filter { !$0.isNormalized })
        addedNormalized = AddedTokens(normalizing: added, normalizer)
        self.frame = frame
        vocabularySize = Int(added.map(\.number).reduce(pieces.largest, max)) + 1
    }

    func encode(_ sentence: String, maxLength: Int) -> [Int32] {
        frame.around(maxLength: maxLength) { tokens, limit in
            added.forEachPiece(Substring(sentence).utf8) { piece in
                switch piece {
                case .token(let number): tokens.append(number)
                case .text(let text): append(text, to: &tokens, limit: limit)
                }
                return tokens.count < limit
            }
        }
    }

    private func append(_ text: Substring.UTF8View, to tokens: inout [Int32], limit: Int) {
        if addedNormalized.isEmpty {
            return append(text, normalizer, to: &tokens, limit: limit)
        }
        let normalized = normalizer.normalizedText(text)
        addedNormalized.forEachPiece(Substring(normalized).utf8) { piece in
            switch piece {
            case .token(let number): tokens.append(number)
            case .text(let text): append(text, .none, to: &tokens, limit: limit)
            }
            return tokens.count < limit
        }
    }

    private func append(
        _ text: Substring.UTF8View, _ normalizer: TextNormalizer, to tokens: inout [Int32],
        limit: Int
    ) {
        normalizer.forEachWord(text) { word, characters in
            if tokens.count < limit { append(word, characters: characters, to: &tokens) }
        }
    }

    private func append(_ word: ArraySlice<UInt8>, characters: Int, to tokens: inout [Int32]) {
        let before = tokens.count
        var rest = word
        var start = ByteTrie.Start.word
        while !rest.isEmpty && characters <= pieces.longestWord {
            guard let match = pieces.trie.longest(in: rest, from: start) else { break }
            tokens.append(match.piece)
            rest = rest.dropFirst(match.length)
            start = .inside
        }
        if rest.isEmpty { return }
        tokens.removeLast(tokens.count - before)
        tokens.append(pieces.unknown)
    }
}
