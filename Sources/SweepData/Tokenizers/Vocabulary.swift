/// A WordPiece vocabulary as a trie over UTF-8 bytes: the longest piece at a place in one walk.
struct Vocabulary {
    /// Where a walk begins: whole words and first pieces, or pieces inside a word (`##…`).
    enum Start: Int32 {
        case word = 0
        case inside = 1
    }

    let count: Int
    private var keys: [UInt64]
    private var nodes: [Int32]
    /// The piece that ends at a node, -1 for none.
    private var pieces: [Int32]
    private let mask: Int

    /// Reads `vocab.txt`: a piece a line, numbered from 0.
    init(parsing content: [UInt8], path: String) throws(DataError) {
        var lines = content.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        if lines.last?.isEmpty == true { lines.removeLast() }
        guard lines.count > 1 else {
            throw .badVocabulary(path: path, problem: "it has \(lines.count) lines")
        }
        count = lines.count
        var capacity = 1024
        while capacity < 2 * content.count { capacity *= 2 }
        mask = capacity - 1
        keys = [UInt64](repeating: .max, count: capacity)
        nodes = [Int32](repeating: 0, count: capacity)
        pieces = [-1, -1]
        let marker = Array("##".utf8)
        for (number, line) in lines.enumerated() {
            let piece = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
            let isInside = piece.count > 2 && piece.starts(with: marker)
            insert(isInside ? piece.dropFirst(2) : piece, at: isInside ? .inside : .word, number)
        }
    }

    /// The number of a whole word; `nil` if it is not in the vocabulary.
    func number(of word: String) -> Int32? {
        let bytes = Array(word.utf8)
        guard let match = longest(in: bytes[...], from: .word), match.length == bytes.count else {
            return nil
        }
        return match.piece
    }

    /// The longest piece that `bytes` begins with.
    func longest(
        in bytes: ArraySlice<UInt8>, from start: Start
    ) -> (piece: Int32, length: Int)? {
        var node = start.rawValue
        var best: (piece: Int32, length: Int)?
        var length = 0
        for byte in bytes {
            guard let next = child(of: node, byte) else { break }
            node = next
            length += 1
            if pieces[Int(node)] >= 0 { best = (pieces[Int(node)], length) }
        }
        return best
    }

    private mutating func insert(_ piece: ArraySlice<UInt8>, at start: Start, _ number: Int) {
        var node = start.rawValue
        for byte in piece {
            if let next = child(of: node, byte) {
                node = next
                continue
            }
            let slot = slot(of: node, byte)
            keys[slot] = UInt64(node) << 8 | UInt64(byte)
            nodes[slot] = Int32(pieces.count)
            node = Int32(pieces.count)
            pieces.append(-1)
        }
        pieces[Int(node)] = Int32(number)
    }

    private func child(of node: Int32, _ byte: UInt8) -> Int32? {
        let slot = slot(of: node, byte)
        return keys[slot] == .max ? nil : nodes[slot]
    }

    /// The slot that holds the key, or the free one where it would go.
    private func slot(of node: Int32, _ byte: UInt8) -> Int {
        let key = UInt64(node) << 8 | UInt64(byte)
        var slot = Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> 20) & mask
        while keys[slot] != key && keys[slot] != .max { slot = (slot + 1) & mask }
        return slot
    }
}
