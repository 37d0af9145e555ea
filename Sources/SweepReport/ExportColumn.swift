/// A column of the CSV and a key of the JSON, in the CSV's order. The compiler sees to it that each
/// is there once.
enum ExportColumn: Int, CaseIterable {
    case pet, rank, alpha, bottleneck, inDim, learningRate, epochs, attack, triggers,
        triggerCount, labelMode, target, poisonRatio, seed, trainableParameters, state, cacc, asr,
        trainingLoss, testLoss, error, petSize, attackDetails, cleanFitLoss, cleanFitAccuracy,
        poisonedFitLoss, poisonedFitAccuracy, validationLoss, validationAccuracy, classAccuracies,
        taskLearnt, triggerLearnt, window, run, triggeredSamples, plainErrorRate, turnedShare,
        verdict, settingVerdict, trainer, attempt, worker, host, device, program, trainingCore,
        libtorch, modelDigest, trainDigest, testDigest, validationDigest, attackDigests, started,
        ended

    /// As in the files: `learning_rate` for `learningRate`.
    var name: String {
        "\(self)".reduce(into: "") { name, letter in
            name += letter.isUppercase ? "_" + letter.lowercased() : String(letter)
        }
    }
}

/// The cells of one point.
struct ExportRow {
    private(set) var cells = [JSONValue](repeating: .null, count: ExportColumn.allCases.count)

    subscript(column: ExportColumn) -> JSONValue {
        get { cells[column.rawValue] }
        set { cells[column.rawValue] = newValue }
    }

    /// Keys sorted, with `more` beside some of the columns.
    struct Keys {
        /// As they are written: in quotes, which none of the names has.
        private let keys: [(name: String, column: ExportColumn?)]

        init(_ columns: [ExportColumn], more: String) {
            let all = columns.map { ($0.name, $0) } + [(more, nil)]
            keys = all.sorted { $0.0 < $1.0 }.map { ("\"\($0.0)\" : ", $0.1) }
        }

        func object(_ row: ExportRow, more: JSONValue) -> JSONValue {
            .object(keys.map { ($0.name, $0.column.map { row[$0] } ?? more) })
        }
    }
}
