import GRDB

/// A column that results are read from. Its place is looked up once for each statement: to look
/// for it by name in each of a hundred thousand rows takes longer than to read it.
enum StoredColumn: Int, CaseIterable {
    case epoch, trainingLoss, testLoss, cacc, asr, classes, cleanFitLoss, cleanFitAccuracy,
        poisonedFitLoss, poisonedFitAccuracy, validationLoss, validationAccuracy,
        triggeredSamples, plainErrorRate, trainableParameters, ofRun, run, state, error,
        attemptId, worker, started, ended, process, host, device, trainer, program, trainingCore,
        libtorch

    /// As in the store: `training_loss` for `trainingLoss`.
    var name: String {
        "\(self)".reduce(into: "") { name, letter in
            name += letter.isUppercase ? "_" + letter.lowercased() : String(letter)
        }
    }

    /// Where a statement's rows have the columns.
    struct Places {
        private let places: [Int?]

        init(_ statement: Statement) {
            let names = statement.columnNames
            places = allCases.map { column in names.firstIndex(of: column.name) }
        }

        func cells(of row: Row) -> Cells { Cells(row: row, places: places) }
    }

    /// One row; only as long as its cursor stands on it.
    struct Cells {
        fileprivate let row: Row
        fileprivate let places: [Int?]

        /// A column that the store does not have yet, because an earlier version made it, reads as
        /// NULL.
        subscript<Value: DatabaseValueConvertible & StatementColumnConvertible>(
            column: StoredColumn
        ) -> Value? {
            places[column.rawValue].flatMap { row[$0] }
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
