/// Cells in columns, for a terminal or a page.
struct DataTable {
    let header: [String]
    /// Whether each column's cells stand at its right.
    let isRight: [Bool]
    let rows: [[String]]

    /// Lines of a terminal or a file; the first two are the header and the rule under it.
    ///
    /// - Parameters:
    ///   - isTerminal: whether to use bold letters.
    ///   - width: columns that a line may take; words are shortened until it fits.
    ///   - most: rows shown.
    func lines(isTerminal: Bool, width: Int? = nil, most: Int = .max) -> [String] {
        let shown = rows.prefix(most).map { $0.map(\.shown) }
        let widths = widths(of: shown, most: width)
        // The rule ends where the last column with a title does.
        let titled = (header.lastIndex { !$0.isEmpty } ?? -1) + 1
        let length = widths.prefix(titled).reduce(0) { $0 + $1 + 2 } - 2
        let title = line(header, widths, width)
        let rule = "  " + String(repeating: "─", count: max(length, 0))
        return [
            isTerminal ? "\u{1B}[1m\(title)\u{1B}[0m" : title,
            width.map { rule.cut(toColumns: $0) } ?? rule,
        ] + shown.map { line($0, widths, width) }
    }

    /// What a line takes where nothing has to give way.
    var columns: Int {
        widths(of: rows.map { $0.map(\.shown) }, most: nil).reduce(0) { $0 + $1 + 2 }
    }

    private static let leastOfAColumn = 6

    /// Of each column. Where all together are too wide, the widest with words gives way.
    private func widths(of rows: [[String]], most: Int?) -> [Int] {
        var widths = header.map(\.columns)
        for row in rows {
            for (column, cell) in row.enumerated() {
                widths[column] = max(widths[column], cell.columns)
            }
        }
        guard let most else { return widths }
        let least = header.indices.map { column in
            isRight[column]
                ? rows.map { $0[column].columns }.max() ?? 0 : DataTable.leastOfAColumn
        }
        var excess = widths.reduce(0) { $0 + $1 + 2 } - most
        while excess > 0 {
            // Numbers stay whole; their titles need not.
            let words = widths.indices.filter { widths[$0] > least[$0] }
            guard let widest = words.max(by: { widths[$0] < widths[$1] }) else { break }
            widths[widest] -= 1
            excess -= 1
        }
        return widths
    }

    /// The first rows, and a line that says so where there are more.
    var markup: Markup {
        let shown = rows.prefix(PageLimits.rows)
        func row(_ cells: [String], _ element: String) -> Markup {
            .element(
                "tr", [:],
                Markup(
                    zip(cells, isRight).map { text, isRight in
                        .element(
                            element,
                            [
                                "class": isRight ? "number" : "",
                                "scope": element == "th" ? "col" : "",
                            ],
                            text)
                    }))
        }
        let table = Markup.element(
            "div", ["class": "scroll"],
            .element(
                "table", [:],
                [
                    .element("thead", [:], row(header, "th")),
                    .element("tbody", [:], Markup(shown.map { row($0, "td") })),
                ]))
        return [table, PageLimits.note(shown.count, of: rows.count, "rows")]
    }

    private func line(_ cells: [String], _ widths: [Int], _ most: Int?) -> String {
        var text = ""
        for ((cell, isRight), width) in zip(zip(cells, isRight), widths) {
            let cell = cell.cut(toColumns: width)
            let space = String(repeating: " ", count: max(0, width - cell.columns))
            text += "  " + (isRight ? space + cell : cell + space)
        }
        let end = text.utf8.lastIndex { $0 != UInt8(ascii: " ") }
        text = end.map { String(text[...$0]) } ?? ""
        return most.map { text.cut(toColumns: $0) } ?? text
    }
}

/// The text in lines of at most `width` columns, broken between words; those after the first begin
/// with `indent` spaces. A word that is longer than a line is shortened.
func wrapped(_ text: String, width: Int?, indent: Int = 0) -> [String] {
    guard let width, text.columns > width else { return [text] }
    let margin = String(repeating: " ", count: indent)
    var lines: [String] = []
    var line = ""
    var isFirst = true
    for word in text.split(separator: " ", omittingEmptySubsequences: false) {
        let longer = isFirst ? String(word) : "\(line) \(word)"
        isFirst = false
        if longer.columns <= width || line.allSatisfy({ $0 == " " }) {
            line = longer
        } else {
            lines.append(line)
            line = margin + word
        }
    }
    return (lines + [line]).map { $0.cut(toColumns: width) }
}
