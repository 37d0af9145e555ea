/// Cells in columns, for a terminal or a page.
struct DataTable {
    let header: [String]
    /// Whether each column's cells stand at its right.
    let isRight: [Bool]
    let rows: [[String]]

    /// The header and the rule under it.
    ///
    /// - Parameter isTerminal: whether to use bold letters.
    func head(isTerminal: Bool) -> [String] {
        // The rule ends where the last column with a title does.
        let titled = (header.lastIndex { !$0.isEmpty } ?? -1) + 1
        let length = widths.prefix(titled).reduce(0) { $0 + $1 + 2 } - 2
        let title = line(header)
        return [
            isTerminal ? "\u{1B}[1m\(title)\u{1B}[0m" : title,
            "  " + String(repeating: "─", count: max(length, 0)),
        ]
    }

    var lines: [String] { rows.map(line) }

    private var widths: [Int] {
        header.indices.map { column in ([header] + rows).map { $0[column].count }.max() ?? 0 }
    }

    var markup: Markup {
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
        return .element(
            "div", ["class": "scroll"],
            .element(
                "table", [:],
                [
                    .element("thead", [:], row(header, "th")),
                    .element("tbody", [:], Markup(rows.map { row($0, "td") })),
                ]))
    }

    private func line(_ cells: [String]) -> String {
        var text = ""
        for ((cell, isRight), width) in zip(zip(cells, isRight), widths) {
            let space = String(repeating: " ", count: width - cell.count)
            text += "  " + (isRight ? space + cell : cell + space)
        }
        return String(text.reversed().drop { $0 == " " }.reversed())
    }
}
