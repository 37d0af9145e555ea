import SweepCore

/// What makes a report impossible.
public enum ReportError: Error, Hashable, CustomStringConvertible {
    case noHiddenStates(problem: String)
    case notFinite(row: Int, column: Int)
    case tooFewRows(rows: Int, least: Int)

    public var description: String {
        switch self {
        case .noHiddenStates(let problem): "these are no hidden states: \(problem)"
        case .notFinite(let row, let column):
            "the hidden state of row \(row) is not a number at \(column): the training diverged "
                + "before it was written"
        case .tooFewRows(let rows, let least):
            "\(counted(rows, "row")) can't be projected; it takes \(least) or more"
        }
    }
}
