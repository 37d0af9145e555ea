import GRDB
import SweepCore

/// Metrics in the columns of `measurement`.
enum StoredMetrics {
    static let columns = EpochMetrics.fields.map(\.snakeName) + ["classes"]

    /// Adds the columns of figures that the store does not have yet.
    static func addColumns(_ database: Database) throws {
        let known = Set(try database.columns(in: "measurement").map(\.name))
        for field in EpochMetrics.fields where !known.contains(field.snakeName) {
            let type = if case .number = field.kind { "REAL" } else { "INTEGER" }
            try database.execute(
                sql: "ALTER TABLE measurement ADD COLUMN \(field.snakeName) \(type)")
        }
    }

    static let insertMeasurement = """
        INSERT OR REPLACE INTO measurement
        (run, attempt, seconds, changed, \(columns.joined(separator: ", ")))
        VALUES (?, ?, ?, ?, \(columns.map { _ in "?" }.joined(separator: ", ")))
        """

    /// Others, and then those of `columns`.
    ///
    /// Of values that may be of any kind: GRDB looks up a key path for each of a list of one kind.
    static func arguments(
        _ others: [(any DatabaseValueConvertible)?], _ metrics: EpochMetrics
    ) throws -> StatementArguments {
        var values = others
        values.reserveCapacity(others.count + columns.count)
        for field in EpochMetrics.fields {
            switch field.get(metrics) {
            case .integer(let value)?: values.append(value)
            case .number(let value)?: values.append(value)
            default: values.append(nil)
            }
        }
        let classes =
            metrics.classes.isEmpty
            ? nil : try SweepStore.json(metrics.classes.map { [$0.correct, $0.total] })
        values.append(classes)
        return StatementArguments(values)
    }
}

extension SweepStore {
    func metrics(_ row: StoredColumn.Cells) throws -> EpochMetrics {
        var metrics = row.figures
        metrics.classes = try classes(row[.classes])
        return metrics
    }

    private func classes(_ text: String?) throws -> [ClassResult] {
        guard let text else { return [] }
        if let results = Self.plainClasses(text) { return results }
        return try decode([[Int]].self, text, "the classes of an epoch").map { pair in
            guard pair.count == 2 else {
                throw StoreError.damaged(path: path, what: "the classes of an epoch")
            }
            return ClassResult(correct: pair[0], total: pair[1])
        }
    }

    /// Of `[[1,2],[3,4]]`, as this program writes it; JSON's own decoder is slow with many.
    private static func plainClasses(_ text: String) -> [ClassResult]? {
        var numbers: [Int] = []
        var number: Int?
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                guard number ?? 0 < Int(Int32.max) else { return nil }
                number = (number ?? 0) * 10 + Int(byte - UInt8(ascii: "0"))
            case UInt8(ascii: ","), UInt8(ascii: "]"):
                if let known = number { numbers.append(known) }
                number = nil
            case UInt8(ascii: "["): guard number == nil else { return nil }
            default: return nil
            }
        }
        let pairs = stride(from: 0, to: numbers.count - 1, by: 2).map {
            ClassResult(correct: numbers[$0], total: numbers[$0 + 1])
        }
        // The same text again, or it was something else.
        let same = pairs.map { "[\($0.correct),\($0.total)]" }.joined(separator: ",")
        return text == "[\(same)]" ? pairs : nil
    }
}
