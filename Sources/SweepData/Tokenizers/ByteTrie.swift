/// Pieces of text by their UTF-8 bytes: the longest piece at a place in one walk.
struct ByteTrie: Sendable {
    /// Where a walk begins: whole words and first pieces, or pieces inside a word (`##…`).
    enum Start: Int32 {
        case word = 0
        case inside = 1
    }

    /// An edge: its node and byte, `.max` for a free slot; and the node it leads to.
    private var keys = [UInt64](repeating: .max, count: 64)
    private var nodes = [Int32](repeating: 0, count: 64)
    private var edges = 0
    /// The piece that ends at a node, -1 for none.
    private var pieces: [Int32] = [-1, -1]

    /// The piece with exactly these bytes.
    func piece(_ bytes: some Sequence<UInt8>, at start: Start) -> Int32? {
        var node = start.rawValue
        for byte in bytes {
            guard let next = child(of: node, byte) else { return nil }
            node = next
        }
        return pieces[Int(node)] >= 0 ? pieces[Int(node)] : nil
    }

    /// The longest piece that `bytes` begins with.
    func longest(
        in bytes: some Sequence<UInt8>, from start: Start
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

    /// A piece that is there already gets the new number.
    mutating func insert(_ piece: ArraySlice<UInt8>, at start: Start, _ number: Int32) {
        var node = start.rawValue
        for byte in piece {
            if let next = child(of: node, byte) {
                node = next
                continue
            }
            if 2 * edges >= keys.count { grow() }
            let slot = slot(of: node, byte)
            keys[slot] = UInt64(node) << 8 | UInt64(byte)
            nodes[slot] = Int32(pieces.count)
            node = Int32(pieces.count)
            edges += 1
            pieces.append(-1)
        }
        pieces[Int(node)] = number
    }

    private mutating func grow() {
        let old = zip(keys, nodes)
        keys = [UInt64](repeating: .max, count: 2 * keys.count)
        nodes = [Int32](repeating: 0, count: keys.count)
        for (key, node) in old where key != .max {
            let slot = slot(of: Int32(key >> 8), UInt8(truncatingIfNeeded: key))
            keys[slot] = key
            nodes[slot] = node
        }
    }

    private func child(of node: Int32, _ byte: UInt8) -> Int32? {
        let slot = slot(of: node, byte)
        return keys[slot] == .max ? nil : nodes[slot]
    }

    /// The slot that holds the key, or the free one where it would go.
    private func slot(of node: Int32, _ byte: UInt8) -> Int {
        let key = UInt64(node) << 8 | UInt64(byte)
        let mask = keys.count - 1
        var slot = Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> 20) & mask
        while keys[slot] != key && keys[slot] != .max { slot = (slot + 1) & mask }
        return slot
    }
}
