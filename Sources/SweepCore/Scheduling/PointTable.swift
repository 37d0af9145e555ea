/// Values by points. In 256 parts, by the first byte of the keys: as a table of a million grows, no
/// single insertion moves them all.
struct PointTable<Value: Sendable>: Sendable {
    private var parts = [[PointKey: Value]](repeating: [:], count: 256)

    subscript(key: PointKey) -> Value? {
        get { parts[key.part][key] }
        set { parts[key.part][key] = newValue }
    }
}

/// A set of points, in parts like `PointTable`.
struct PointSet: Sendable {
    private var parts = [Set<PointKey>](repeating: [], count: 256)

    init() {}

    init(_ keys: some Sequence<PointKey>) {
        for key in keys { insert(key) }
    }

    func contains(_ key: PointKey) -> Bool { parts[key.part].contains(key) }

    /// Whether it was not in before.
    @discardableResult
    mutating func insert(_ key: PointKey) -> Bool { parts[key.part].insert(key).inserted }
}

extension PointKey {
    fileprivate var part: Int { Int(digest.firstByte) }
}
