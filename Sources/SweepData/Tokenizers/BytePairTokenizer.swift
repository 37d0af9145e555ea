/// The byte-level BPE tokenizer of RoBERTa and GPT-2. Its tokens equal those of Hugging Face's one
/// for one.
struct BytePairTokenizer: Tokenizer {
    /// What a model's files say about its pieces.
    struct Pieces: Sendable {
        struct Merge: Sendable {
            let rank: Int32
            let token: Int32
        }

        /// The token of each byte; -1 for none.
        var bytes = [Int32](repeating: -1, count: 256)
        /// By the left token (upper half) and the right one.
        var merges: [UInt64: Merge] = [:]
        /// For bytes without a token; without it they are passed over.
        var unknown: Int32?
        var largest: Int32 = -1

        static func key(_ left: Int32, _ right: Int32) -> UInt64 {
            UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
        }
    }

    private let pieces: Pieces
    private let normalizer: TextNormalizer
    private let added: AddedTokens
    private let addedNormalized: AddedTokens
    private let addsPrefixSpace: Bool
    private let frame: Frame
    let vocabularySize: Int

    init(
        pieces: Pieces, normalizer: TextNormalizer, added: [AddedToken], addsPrefixSpace: Bool,
        frame: Frame
    ) {
        self.pieces = pieces
        self.normalizer = normalizer
        self.added = AddedTokens(added.filter { !$0.isNormalized })
        addedNormalized = AddedTokens(normalizing: added, normalizer)
        self.addsPrefixSpace = addsPrefixSpace
        self.frame = frame
        vocabularySize = Int(added.map(\.number).reduce(pieces.largest, max)) + 1
    }

    func encode(_ sentence: String, maxLength: Int) -> [Int32] {
        frame.around(maxLength: maxLength) { tokens, limit in
            added.forEachPiece(Substring(sentence).utf8) { piece in
                switch piece {
                case .token(let number): tokens.append(number)
                case .text(let text):
                    let normalized = normalizer.normalizedText(text)
                    addedNormalized.forEachPiece(Substring(normalized).utf8) { piece in
                        switch piece {
                        case .token(let number): tokens.append(number)
                        case .text(let text): append(text, to: &tokens, limit: limit)
                        }
                        return tokens.count < limit
                    }
                }
                return tokens.count < limit
            }
        }
    }

    private func append(_ text: Substring.UTF8View, to tokens: inout [Int32], limit: Int) {
        var bytes: [UInt8] = []
        if addsPrefixSpace && text.first != UInt8(ascii: " ") { bytes.append(UInt8(ascii: " ")) }
        bytes.append(contentsOf: text)
        bytes.withUnsafeBufferPointer { bytes in
            ByteLevelSplitter.forEachWord(bytes) { word in
                append(word, to: &tokens)
                return tokens.count < limit
            }
        }
    }

    private func append(_ word: UnsafeBufferPointer<UInt8>, to tokens: inout [Int32]) {
        var parts: [Int32] = []
        parts.reserveCapacity(word.count)
        for byte in word {
            let token = pieces.bytes[Int(byte)]
            if token >= 0 {
                parts.append(token)
            } else if let unknown = pieces.unknown {
                parts.append(unknown)
            }
        }
        if parts.count < 2 { return tokens.append(contentsOf: parts) }
        var merging = Merging(parts: parts)
        merging.run(pieces.merges)
        merging.appendParts(to: &tokens)
    }
}

/// Merges the parts of one word, the pair of lowest rank first, the leftmost among equal ones.
/// Parts are a linked list and pairs a heap, so a word of n bytes costs n log n.
private struct Merging {
    private struct Candidate {
        let rank: Int32
        let left: Int32
        /// The parts it was made for; when they have changed it is stale.
        let key: UInt64
        let token: Int32

        static func < (a: Candidate, b: Candidate) -> Bool {
            a.rank != b.rank ? a.rank < b.rank : a.left < b.left
        }
    }

    /// A merged part's right half is -1.
    private var parts: [Int32]
    private var next: [Int32]
    private var previous: [Int32]
    private var heap: [Candidate] = []

    init(parts: [Int32]) {
        self.parts = parts
        next = (0..<parts.count).map { Int32($0 + 1 < parts.count ? $0 + 1 : -1) }
        previous = (0..<parts.count).map { Int32($0 - 1) }
    }

    mutating func run(_ merges: [UInt64: BytePairTokenizer.Pieces.Merge]) {
        for index in 0..<parts.count - 1 { consider(Int32(index), merges) }
        while let best = pop() {
            let left = Int(best.left)
            let right = Int(next[left])
            guard parts[left] >= 0, right >= 0,
                BytePairTokenizer.Pieces.key(parts[left], parts[right]) == best.key
            else { continue }
            parts[left] = best.token
            parts[right] = -1
            next[left] = next[right]
            if next[left] >= 0 { previous[Int(next[left])] = best.left }
            if previous[left] >= 0 { consider(previous[left], merges) }
            consider(best.left, merges)
        }
    }

    func appendParts(to tokens: inout [Int32]) {
        for part in parts where part >= 0 { tokens.append(part) }
    }

    /// Puts the pair that begins at `left` on the heap if it can be merged.
    private mutating func consider(
        _ left: Int32, _ merges: [UInt64: BytePairTokenizer.Pieces.Merge]
    ) {
        let right = next[Int(left)]
        if right < 0 { return }
        let key = BytePairTokenizer.Pieces.key(parts[Int(left)], parts[Int(right)])
        guard let merge = merges[key] else { return }
        push(Candidate(rank: merge.rank, left: left, key: key, token: merge.token))
    }

    private mutating func push(_ candidate: Candidate) {
        heap.append(candidate)
        var index = heap.count - 1
        while index > 0, heap[index] < heap[(index - 1) / 2] {
            heap.swapAt(index, (index - 1) / 2)
            index = (index - 1) / 2
        }
    }

    private mutating func pop() -> Candidate? {
        guard let last = heap.popLast() else { return nil }
        guard let first = heap.first else { return last }
        heap[0] = last
        var index = 0
        while true {
            var least = index
            for child in [2 * index + 1, 2 * index + 2] where child < heap.count {
                if heap[child] < heap[least] { least = child }
            }
            if least == index { return first }
            heap.swapAt(index, least)
            index = least
        }
    }
}
