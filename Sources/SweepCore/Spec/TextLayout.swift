/// How samples stand in a file of sentences.
///
/// A file without one is TSV as in the first versions: a header line, then sentence, tab and a
/// number from 0 as the label; or `sentence`, `label` and `poisoned`, when the header says so.
public struct TextLayout: Hashable, Sendable, Codable {
    public enum Format: String, Hashable, Sendable, Codable, CaseIterable {
        /// Columns with tabs between them. Quotes are data.
        case tsv
        /// TSV whose fields may stand in quotes, as RFC 4180 has it for commas.
        case quotedTSV = "quoted-tsv"
        case csv
        /// CSV with semicolons, as Excel writes it where the comma is in numbers.
        case semicolonCSV = "semicolon-csv"
        /// One list of objects.
        case json
        /// One object in each line.
        case jsonl

        public var isJSON: Bool { self == .json || self == .jsonl }
    }

    public enum Column: Hashable, Sendable, Codable {
        /// Of a table, from 0.
        case place(Int)
        /// The key in each JSON object.
        case key(String)
    }

    public var format: Format
    public var isGzip: Bool
    /// Whether the first record of a table names the columns.
    public var hasHeader: Bool
    public var text: Column
    public var label: Column
    /// Says whether the sample was poisoned; `nil`: the file does not say.
    public var touched: Column?
    /// How the labels 0, 1, … are written; empty: as these numbers.
    public var labels: [String]

    /// Bytes of a key or of a label at most.
    public static let longestName = 200
    /// Columns of a table at most.
    public static let mostColumns = 1_000

    public init(
        format: Format, isGzip: Bool = false, hasHeader: Bool = true, text: Column = .place(0),
        label: Column = .place(1), touched: Column? = nil, labels: [String] = []
    ) {
        self.format = format
        self.isGzip = isGzip
        self.hasHeader = hasHeader
        self.text = text
        self.label = label
        self.touched = touched
        self.labels = labels
    }

    public var columns: [Column] { [text, label] + (touched.map { [$0] } ?? []) }

    /// Why no file can have this layout; `nil`: one can.
    public var problem: String? {
        if Set(columns).count < columns.count { return "a column has two meanings" }
        for column in columns {
            switch column {
            case .place(let place):
                guard !format.isJSON, (0..<Self.mostColumns).contains(place) else {
                    return "column \(place) is none of a \(format.rawValue) file"
                }
            case .key(let key):
                guard format.isJSON, (1...Self.longestName).contains(key.utf8.count) else {
                    return "'\(key.prefix(40))' is no column of a \(format.rawValue) file"
                }
            }
        }
        return TaskData.problem(ofLabelNames: labels)
    }

    /// Everything that changes what is read, in one line.
    var canonicalText: String {
        func text(_ column: Column) -> String {
            switch column {
            case .place(let place): "\(place)"
            case .key(let key): "\(key.utf8.count):\(key)"
            }
        }
        let labels = self.labels.map { " \($0.utf8.count):\($0)" }.joined()
        return "\(format.rawValue) gzip=\(isGzip) header=\(hasHeader)"
            + " columns=\(columns.map(text).joined(separator: ",")) labels=\(self.labels.count)"
            + labels
    }
}

extension FileReference {
    /// One digest for the content as it is read. Of a file without a layout it is the content's, so
    /// that keys of results stay what they were.
    public var readDigest: Digest {
        guard let layout else { return digest }
        return Digest(ofText: "text \(digest.hex) \(layout.canonicalText)")
    }
}

extension TaskData {
    /// Why no task is like this; `nil`: one can be.
    public var problem: String? {
        guard labelNames.isEmpty || labelNames.count == labels else {
            return "\(labelNames.count) names for \(labels) labels"
        }
        return Self.problem(of: files, labels: labels) ?? Self.problem(ofLabelNames: labelNames)
    }

    /// Why files are not of a task with so many labels; `nil`: they may be.
    public static func problem(of files: [FileReference], labels: Int) -> String? {
        let written = files.compactMap { $0.layout?.labels.count }.filter { $0 > 0 }
        return written.first { $0 != labels }.map {
            "a file writes \($0) labels, and the task has \(labels)"
        }
    }

    /// Why these are no names of labels; `nil`: they are.
    static func problem(ofLabelNames names: [String]) -> String? {
        guard names.count <= mostLabels else { return "\(names.count) names of labels" }
        let isGood = names.allSatisfy { (1...TextLayout.longestName).contains($0.utf8.count) }
        guard isGood, Set(names.map { Array($0.utf8) }).count == names.count else {
            return "a label's name is empty, too long, or there twice"
        }
        return nil
    }
}
