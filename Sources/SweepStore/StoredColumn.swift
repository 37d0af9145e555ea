import GRDB
import SweepCore

/// A column that results are read from. Its place is looked up once for each statement: to look
/// for it by name in each of a hundred thousand rows takes longer than to read it.
enum StoredColumn: Int, CaseIterable {
    case epoch, attempt, changed, classes, worker, started, ended, process, host, device, trainer,
        program, trainingCore, libtorch

    /// As in the store: `training_loss` for `trainingLoss`.
    var name: String {
        "\(self)".reduce(into: "") { name, letter in
            name += letter.isUppercase ? "_" + letter.lowercased() : String(letter)
        }
    }

    /// Where a statement's rows have the columns.
    struct Places {
        private let places: [Int?]
        /// In the order of the table.
        private let figures: [Int?]

        init(_ statement: Statement) {
            let names = statement.columnNames
            places = allCases.map { column in names.firstIndex(of: column.name) }
            figures = EpochMetrics.fields.map { field in
                names.firstIndex(of: field.snakeName)
            }
        }

        func cells(of row: Row) -> Cells { Cells(row: row, places: places, figurePlaces: figures) }
    }

    /// One row; only as long as its cursor stands on it.
    struct Cells {
        fileprivate let row: Row
        fileprivate let places: [Int?]
        fileprivate let figurePlaces: [Int?]

        /// A column that the store does not have yet, because an earlier version made it, reads as
        /// NULL.
        subscript<Value: DatabaseValueConvertible & StatementColumnConvertible>(
            column: StoredColumn
        ) -> Value? {
            places[column.rawValue].flatMap { row[$0] }
        }

        /// The figures of an epoch but for its classes. One that the store does not have yet has
        /// its default.
        var figures: EpochMetrics {
            var metrics = EpochMetrics()
            for (field, place) in zip(EpochMetrics.fields, figurePlaces) {
                guard let place else { continue }
                switch field.kind {
                case .number:
                    field.set(&metrics, (row[place] as Double?).map { .number($0) })
                default: field.set(&metrics, (row[place] as Int?).map { .integer($0) })
                }
            }
            return metrics
        }

        /// Of a column that is never NULL.
        func known<Value: DatabaseValueConvertible & StatementColumnConvertible>(
            _ column: StoredColumn
        ) -> Value {
            guard let value: Value = self[column] else {
                preconditionFailure("the column \(column.name) has no value")
            }
            return value
        }
    }
}
