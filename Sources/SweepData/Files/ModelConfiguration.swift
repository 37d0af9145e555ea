/// A model's `config.json`: the one place that reads it.
package struct ModelConfiguration: Sendable {
    /// For messages.
    package let path: String
    private let json: JSON

    /// - Throws: `badModelFile` if it is not a JSON object.
    package init(parsing content: [UInt8], path: String) throws(DataError) {
        guard let json = try? JSON(parsing: content), json.object != nil else {
            throw .badModelFile(path: path, problem: "it is not a JSON object")
        }
        self.path = path
        self.json = json
    }

    /// `nil` if there is none.
    package subscript(key: String) -> JSON? {
        json[key].flatMap { $0.isNull ? nil : $0 }
    }

    package var isVGG: Bool { self["model_type"]?.string == VGGConfiguration.modelType }

    /// Tokens of a sequence at most; `nil` if it does not say.
    package var maxPositions: Int? {
        guard let rows = self["max_position_embeddings"]?.integer else { return nil }
        return max(0, rows) - firstPosition
    }

    /// The position embedding's row of a sequence's first token.
    var firstPosition: Int { family == .bert ? 0 : min(max(0, padding), Self.mostRows) + 1 }

    private static let mostRows = 1_000_000

    var family: EncoderFamily {
        self["model_type"]?.string.flatMap(EncoderFamily.init(rawValue:)) ?? .bert
    }

    var padding: Int { self["pad_token_id"]?.integer ?? (family == .bert ? 0 : 1) }

    /// The content with other values of these keys, and without those.
    package func content(with own: [(String, JSON)], without removed: Set<String>) -> [UInt8] {
        let replaced = removed.union(own.map(\.0))
        let members =
            (json.object ?? []).filter { !replaced.contains($0.key) }
            + own.map { .init(key: $0.0, value: $0.1) }
        return Array((JSON.object(members).text + "\n").utf8)
    }

    /// Of `label2id`, in the order of the labels; empty without one that a person wrote.
    package var labelNames: [String] {
        let members = self["label2id"]?.object ?? []
        let pairs = members.compactMap { member in
            member.value.integer.map { (number: $0, name: member.key) }
        }.sorted { $0.number < $1.number }
        let names = pairs.map(\.name)
        let isOwn = names.contains { !$0.hasPrefix("LABEL_") && !$0.isEmpty }
        return isOwn && pairs.map(\.number) == Array(pairs.indices) ? names : []
    }

    // MARK: Values that have to be there

    func bad(_ problem: String) -> DataError { .badModelFile(path: path, problem: problem) }

    private func bad(_ key: String, _ wanted: String) -> DataError {
        self[key] == nil
            ? bad("the key '\(key)' is missing") : bad("the value of '\(key)' is not \(wanted)")
    }

    /// - Parameter other: Where the key may be missing.
    func integer(_ key: String, or other: Int? = nil) throws(DataError) -> Int {
        if self[key] == nil, let other { return other }
        guard let value = self[key]?.integer else { throw bad(key, "a whole number") }
        return value
    }

    func number(_ key: String, or other: Double) throws(DataError) -> Double {
        guard let json = self[key] else { return other }
        guard let value = json.double else { throw bad(key, "a number") }
        return value
    }

    /// `nil` if there is none.
    func text(_ key: String) throws(DataError) -> String? {
        guard let json = self[key] else { return nil }
        guard let value = json.string else { throw bad(key, "text") }
        return value
    }

    func numbers(_ key: String, count: Int) throws(DataError) -> [Double] {
        let values = self[key]?.array?.compactMap(\.double) ?? []
        guard values.count == count else { throw bad(key, "a list of \(count) numbers") }
        return values
    }

    /// A list of which every item makes something.
    func list<Item>(
        _ key: String, _ wanted: String, _ make: (JSON) -> Item?
    ) throws(DataError) -> [Item] {
        guard let items = self[key]?.array?.map(make), items.allSatisfy({ $0 != nil }) else {
            throw bad(key, wanted)
        }
        return items.compactMap { $0 }
    }
}

extension JSON {
    /// Any number.
    fileprivate var double: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .number(let value): value
        case .null, .bool, .string, .array, .object: nil
        }
    }
}
