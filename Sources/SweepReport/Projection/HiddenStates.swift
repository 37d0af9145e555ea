/// What the classifier of a run saw after one epoch: a row for each sample.
public struct HiddenStates: Sendable {
    public enum Kind: Int, Hashable, Sendable, CaseIterable {
        /// A sample of the clean test set.
        case clean
        /// A test sample with the trigger.
        case triggered
        /// A training sample that the attacker touched.
        case poisoned

        var word: String {
            switch self {
            case .clean: "clean"
            case .triggered: "triggered"
            case .poisoned: "poisoned"
            }
        }
    }

    /// A row for each sample, at least one.
    let states: Matrix
    public let kinds: [Kind]
    /// Labels before the attack.
    public let labels: [Int]
    public let run: String
    public let epoch: Int
    /// The attacker's label; `nil` without an attack.
    public let target: Int?

    public var rows: Int { states.rows }
    public var columns: Int { states.columns }

    /// - Parameters:
    ///   - values: Row by row, `columns` in each.
    ///   - kinds: The raw value of a `Kind` for each row.
    /// - Throws: `noHiddenStates` when the parts do not fit together, `notFinite` for NaN and
    ///   infinities.
    public init(
        values: [Float], columns: Int, kinds: [Int], labels: [Int], run: String, epoch: Int,
        target: Int?
    ) throws(ReportError) {
        guard columns > 0, !values.isEmpty, values.count % columns == 0 else {
            throw .noHiddenStates(
                problem: "\(values.count) values are no rows of \(columns) columns")
        }
        let rows = values.count / columns
        guard kinds.count == rows, labels.count == rows else {
            throw .noHiddenStates(
                problem: "\(rows) rows, but \(kinds.count) kinds and \(labels.count) labels")
        }
        if let place = values.firstIndex(where: { !$0.isFinite }) {
            throw .notFinite(row: place / columns, column: place % columns)
        }
        if let label = labels.first(where: { $0 < 0 }) {
            throw .noHiddenStates(problem: "a label is \(label)")
        }
        var known: [Kind] = []
        for number in kinds {
            guard let kind = Kind(rawValue: number) else {
                throw .noHiddenStates(problem: "a row is of kind \(number), not 0, 1 or 2")
            }
            known.append(kind)
        }
        states = Matrix(rows: rows, columns: columns, values: values.map(Double.init))
        self.kinds = known
        self.labels = labels
        self.run = run
        self.epoch = epoch
        self.target = target
    }
}
