import SweepCore

/// Finds out which columns of a file hold what, from its first two records.
struct LayoutFinder {
    typealias Problem = LabelledTextError.Problem

    private let format: TextLayout.Format
    private let isGzip: Bool
    private let request: TextRequest
    private let hasHeader: Bool
    /// Of columns as rows have them; empty without a header.
    private let names: [String]
    /// Whether the first column is an index without a name.
    private let hasIndex: Bool
    private let first: [String]

    /// - Parameters:
    ///   - first: The first record: of a table, perhaps the header.
    ///   - second: The one after it, if there is one.
    init(
        _ format: TextLayout.Format, isGzip: Bool, request: TextRequest, first: TextRecord,
        second: TextRecord?
    ) throws(Problem) {
        self.format = format
        self.isGzip = isGzip
        self.request = request
        guard case .cells(let cells, _) = first.content else {
            guard case .object(let object) = first.content, let members = object.object else {
                throw .noRecords
            }
            hasHeader = true
            hasIndex = false
            names = members.map(\.key)
            self.first = []
            return
        }
        var texts: [String] = []
        for cell in cells {
            guard let text = String(validating: cell, as: UTF8.self) else { throw .notUTF8 }
            texts.append(text)
        }
        guard texts.count <= TextLayout.mostColumns else {
            throw .wrongColumns(found: texts.count, expected: TextLayout.mostColumns)
        }
        hasHeader = request.hasHeader ?? !Self.isSample(texts, request)
        self.first = texts
        // R names no column for the numbers of its rows. In plain lines of two columns, another
        // tab is part of the sentence.
        if hasHeader, format != .tsv || texts.count > 2, texts.count > 1,
            case .cells(let row, _)? = second?.content, row.count == texts.count + 1
        {
            texts.insert("", at: 0)
        }
        names = texts
        let start = ColumnNames.normal(texts.first ?? "")
        hasIndex = hasHeader && texts.count > 2 && (start == "" || start == "unnamed: 0")
    }

    /// Where all columns are said by number, the first line may be a sample. A line of the numbers
    /// from 0 is pandas' header of columns without names.
    private static func isSample(_ cells: [String], _ request: TextRequest) -> Bool {
        guard case .number? = request.text, case .number(let label)? = request.label,
            cells.indices.contains(label - 1)
        else { return false }
        if case .name? = request.touched { return false }
        let numbers = cells.first == "" ? Array(cells.dropFirst()) : cells
        if numbers == numbers.indices.map(String.init) { return false }
        if case .number(let touched)? = request.touched {
            guard cells.indices.contains(touched - 1),
                TextFlag(cells[touched - 1]) != nil
            else { return false }
        }
        return Int(cells[label - 1]) != nil
    }

    /// The layout, but for how labels are written; `nil`: the one of the first versions.
    func layout() throws(Problem) -> TextLayout? {
        let places = try self.places()
        if isFirstVersions(places) { return nil }
        var layout = TextLayout(
            format: format, isGzip: isGzip, hasHeader: hasHeader || format.isJSON,
            text: column(places.text), label: column(places.label),
            touched: places.touched.map(column))
        if format.isJSON { layout.hasHeader = false }
        if Set(layout.columns).count < layout.columns.count {
            throw .sameColumn("'\(name(places.label))'")
        }
        // A key may be longer than what travels.
        if layout.problem != nil { throw unclear }
        return layout
    }

    private typealias Places = (text: Int, label: Int, touched: Int?)

    private func isFirstVersions(_ places: Places) -> Bool {
        guard format == .tsv, !isGzip, hasHeader, places.text == 0, places.label == 1 else {
            return false
        }
        guard places.touched != nil else { return names.count <= 2 }
        // Said by a person, the flags count in clean data too.
        return names == LabelledText.flaggedHeader && request.touched == nil
    }

    private func column(_ place: Int) -> TextLayout.Column {
        format.isJSON ? .key(names[place]) : .place(place)
    }

    private func name(_ place: Int) -> String {
        names.indices.contains(place) ? names[place] : "\(place + 1)"
    }

    private func places() throws(Problem) -> Places {
        let said = (
            try request.text.map(place), try request.label.map(place),
            try request.touched.map(place)
        )
        if !hasHeader {
            guard let text = said.0, let label = said.1 else { throw unclear }
            return (text, label, said.2)
        }
        let known = [ColumnNames.text, ColumnNames.label, ColumnNames.touched].map { names in
            self.names.indices.filter { names.contains(ColumnNames.normal(self.names[$0])) }
        }
        guard request.columns.isEmpty else {
            let used = [said.0, said.1, said.2].compactMap(\.self)
            let free = known.map { $0.filter { !used.contains($0) } }
            guard let text = said.0 ?? Self.only(free[0]), let label = said.1 ?? Self.only(free[1])
            else { throw unclear }
            return (text, label, said.2 ?? Self.only(free[2]))
        }
        if format == .tsv, names.count == 1 { return (0, 1, nil) }
        let claimed = Set(known.joined())
        let others = names.indices.filter {
            !claimed.contains($0) && !ColumnNames.index.contains(ColumnNames.normal(names[$0]))
        }
        if let text = Self.only(known[0]), let label = Self.only(known[1]), known[2].count < 2,
            others.isEmpty
        {
            return (text, label, known[2].first)
        }
        return try twoColumns(known, others)
    }

    /// Where two columns are left, one of them is the sentence and the other one the label.
    private func twoColumns(_ known: [[Int]], _ others: [Int]) throws(Problem) -> Places {
        guard known[2].isEmpty, known[0].count + known[1].count + others.count == 2 else {
            throw unclear
        }
        if let text = Self.only(known[0]), let label = others.first { return (text, label, nil) }
        if let label = Self.only(known[1]), let text = others.first { return (text, label, nil) }
        guard others.count == 2, !format.isJSON else { throw unclear }
        if format != .tsv, Int(names[others[1]]) != nil { throw .noHeader(label: names[others[1]]) }
        return (others[0], others[1], nil)
    }

    private static func only(_ places: [Int]) -> Int? { places.count == 1 ? places[0] : nil }

    private func place(of column: TextRequest.Column) throws(Problem) -> Int {
        switch column {
        case .number(let number):
            let place = number - 1 + (hasIndex ? 1 : 0)
            guard !format.isJSON, names.indices.contains(place) else {
                throw .noColumn("\(number)", among: names)
            }
            return place
        case .name(let name):
            var found = names.indices.filter { names[$0] == name }
            if found.isEmpty {
                found = names.indices.filter {
                    ColumnNames.normal(names[$0]) == ColumnNames.normal(name)
                }
            }
            guard hasHeader, let place = Self.only(found) else {
                throw .noColumn("'\(name)'", among: hasHeader ? names : [])
            }
            return place
        }
    }

    /// With an example that a person can copy: the column after an index first.
    private var unclear: Problem {
        let listed = hasHeader ? names : names.map { _ in "" }
        if names.count(where: { ColumnNames.pairs.contains(ColumnNames.normal($0)) }) > 1 {
            return .unknownColumns(
                listed,
                advice: "or put both sentences into one column: pairs are not read yet")
        }
        guard !format.isJSON else {
            return .unknownColumns(listed, advice: "as columns: { text: KEY, label: KEY }")
        }
        let shown = hasIndex ? Array(listed.dropFirst()) : listed
        let more = shown.count > 2 ? ", and touched: 3 if the third says what was poisoned" : ""
        return .unknownColumns(
            shown, advice: "by name or number, such as columns: { text: 1, label: 2 }\(more)")
    }
}

/// Whether a sample was poisoned, as files write it.
struct TextFlag {
    let isSet: Bool

    init?(_ text: some StringProtocol) {
        switch text.lowercased() {
        case "1", "true": isSet = true
        case "0", "false": isSet = false
        default: return nil
        }
    }
}
