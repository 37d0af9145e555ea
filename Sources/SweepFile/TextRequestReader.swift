import SweepCore
import SweepData

extension TextRequest {
    /// Keys that say how files of sentences are written.
    static let keys = ["format", "columns", "header"]

    /// `nil`: none of the keys is there.
    init?(reading fields: [String: Entry]) throws(SweepFileError) {
        if Self.keys.allSatisfy({ fields[$0] == nil }) { return nil }
        self.init()
        if let entry = fields["format"] {
            let word = try entry.word(
                TextLayout.Format.allCases.map(\.rawValue), what: "format of sentences")
            format = TextLayout.Format(rawValue: word)
        }
        if let entry = fields["header"] {
            let word = try entry.word(["yes", "no", "true", "false"], what: "answer")
            hasHeader = ["yes", "true"].contains(word)
        }
        guard let entry = fields["columns"] else { return }
        let columns = try entry.fields(
            ["text", "label", "touched"], required: [], what: "a mapping of columns")
        text = try columns["text"]?.column()
        label = try columns["label"]?.column()
        touched = try columns["touched"]?.column()
    }
}

extension Entry {
    /// A column's name, or its number from 1. A name of digits stands in quotes.
    fileprivate func column() throws(SweepFileError) -> TextRequest.Column {
        let text = try text("a column's name or number")
        if case .scalar(let scalar) = node, scalar.style == .plain,
            text.utf8.allSatisfy({ (0x30...0x39).contains($0) })
        {
            return .number(try integer(0...TextLayout.mostColumns))
        }
        guard text.utf8.count <= TextLayout.longestName else {
            throw mistake("a column's name has \(TextLayout.longestName) bytes at most")
        }
        return .name(text)
    }

    /// A label by its number or, where labels have names, by name.
    func label(of data: TaskData) throws(SweepFileError) -> Int {
        let text = try text("a label")
        if let label = data.labelNames.firstIndex(of: text) { return label }
        let number = Int(text)
        guard data.labelNames.isEmpty || number != nil else {
            throw mistake(
                "\(shown) is no label; write \(alternatives(Array(data.labelNames.prefix(20)))), "
                    + "or a number from 0 to \(data.labels - 1)")
        }
        return try integer(0...(data.labels - 1))
    }
}
