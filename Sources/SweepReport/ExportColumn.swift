import SweepCore

/// A column of the CSV and a key of the JSON: those of tables by their fields, all others here.
struct ExportColumn: Hashable {
    /// As in the files, such as `learning_rate`.
    let name: String
    fileprivate let place: Int

    /// In the CSV's order.
    static let all: [ExportColumn] = names.enumerated().map { ExportColumn(name: $1, place: $0) }

    private static let names: [String] =
        ["pet"] + fields(of: PET.cases) + ["bottleneck", "in_dim", "learning_rate", "epochs"]
        + ["attack"] + fields(of: Attack.cases)
        + ["poison_ratio", "seed", "trainable_parameters", "state"]
        + EpochMetrics.fields.compactMap(\.exportName)
        + [
            "class_accuracies", "error", "attack_details", "task_learnt", "trigger_learnt",
            "window", "run", "turned_share", "verdict", "setting_verdict", "trainer", "attempt",
            "worker", "host", "device", "program", "training_core", "libtorch", "model_digest",
            "train_digest", "test_digest", "validation_digest", "attack_digests", "started",
            "ended",
        ]

    /// Of the fields of all kinds, each once.
    private static func fields<Whole>(of cases: [FieldCase<Whole>]) -> [String] {
        distinct(cases.flatMap { $0.fields.compactMap(\.exportName) })
    }

    private static let places = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

    static func named(_ name: String) -> ExportColumn {
        guard let column = places[name] else { preconditionFailure("no column is named \(name)") }
        return column
    }
}

extension Field {
    /// `nil`: it has no column.
    var exportName: String? {
        switch kind {
        case .file, .dataSet: nil
        default: column == "" ? nil : (column ?? name).snake
        }
    }

    func exported(_ root: Root) -> JSONValue {
        switch get(root) {
        case nil: .null
        case .integer(let value)?: .integer(value)
        case .number(let value)?: .optional(value)
        case .seed(let value)?: .seed(value)
        case .text(let value)?: .text(value)
        case .words(let words)?: .text(words.joined(separator: " "))
        case .flag(let value)?: .text("\(value)")
        case .file(let file)?: .text(file.path)
        case .dataSet(let set)?: .text(set.path)
        }
    }
}

/// The fields of a table with their columns.
struct ExportedFields<Root: Sendable>: Sendable {
    let items: [(field: Field<Root>, column: ExportColumn)]

    init(_ fields: [Field<Root>]) {
        items = fields.compactMap { field in
            field.exportName.map { (field, .named($0)) }
        }
    }
}

/// The cells of one point.
struct ExportRow {
    private(set) var cells = [JSONValue](repeating: .null, count: ExportColumn.all.count)

    subscript(column: ExportColumn) -> JSONValue {
        get { cells[column.place] }
        set { cells[column.place] = newValue }
    }

    subscript(name: String) -> JSONValue {
        get { self[.named(name)] }
        set { self[.named(name)] = newValue }
    }

    mutating func add<Root>(_ fields: ExportedFields<Root>, of root: Root) {
        for (field, column) in fields.items { self[column] = field.exported(root) }
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
