import SweepCore

/// How a file of sentences is read, and its first sample, for a person to look at.
package struct TextPreview {
    /// Such as `CSV` or `TSV with quotes, packed with gzip`.
    package let format: String
    /// The names of the columns for text, label and flag, or their numbers.
    package let columns: (text: String, label: String, touched: String?)
    package let sentence: String
    package let label: Int
    package let isTouched: Bool?

    /// Of the beginning; a first sample that is longer cannot be shown.
    private static let mostBytes = 1 << 20

    /// - Parameter classes: The number of classes; a label is in `0 ..< classes`.
    package init(reading file: FileReference, labels classes: Int) throws(DataError) {
        let start = try FileContent.readStart(file.path, most: Self.mostBytes)
        do throws(LabelledTextError.Problem) {
            try self.init(start, file.layout, classes)
        } catch {
            throw .badText(LabelledTextError(file: file.path, line: 1, problem: error))
        }
    }

    private init(
        _ start: [UInt8], _ layout: TextLayout?, _ classes: Int
    ) throws(LabelledTextError.Problem) {
        var reader = RecordReader(layout?.format ?? .tsv)
        var samples = TextCollector(layout, LabelReading(layout, classes: classes))
        if layout?.isGzip == true {
            try Inflater().unpack(start) { reader.append($0) }
        } else {
            reader.append(start)
        }
        if start.count < Self.mostBytes { reader.end() }
        var header: [String] = []
        var width = 0
        while samples.sentences.isEmpty {
            guard let record = try reader.next() else { throw .noSamples }
            if case .cells(let cells, _) = record.content {
                if header.isEmpty { header = cells.map { String(decoding: $0, as: UTF8.self) } }
                width = cells.count
            }
            try samples.add(record)
        }
        if width == header.count + 1, layout != nil { header.insert("", at: 0) }
        let hasFlags = samples.poisoned != nil
        let columns = layout ?? TextLayout(format: .tsv, touched: hasFlags ? .place(2) : nil)
        func name(_ column: TextLayout.Column) -> String {
            switch column {
            case .key(let key): return "'\(key)'"
            case .place(let place):
                let isNamed = columns.hasHeader && header.indices.contains(place)
                return isNamed ? "'\(header[place])'" : "column \(place + 1)"
            }
        }
        self.columns = (
            name(columns.text), name(columns.label), columns.touched.map(name)
        )
        format = columns.format.words + (columns.isGzip ? ", packed with gzip" : "")
        sentence = samples.sentences[0]
        label = samples.labels[0]
        isTouched = samples.poisoned?.first
    }
}

extension TextLayout.Format {
    /// For people.
    fileprivate var words: String {
        switch self {
        case .tsv: "TSV"
        case .quotedTSV: "TSV with fields in quotes"
        case .csv: "CSV"
        case .semicolonCSV: "CSV with semicolons"
        case .json: "a JSON list"
        case .jsonl: "JSON lines"
        }
    }
}
