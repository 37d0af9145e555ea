extension FieldKind {
    /// The value in a key of a point: files by their digests, text with its length. Numbers are
    /// written in Swift's shortest form that reads back the same.
    func keyText(_ value: FieldValue?) -> String {
        switch (self, value) {
        case (_, nil): "none"
        case (.flag(let no, let yes), .flag(let value)?): value ? yes : no
        case (.colour, .integer(let colour)?): String(colour, radix: 16)
        case (.word, .text(let word)?): word
        case (_, .text(let text)?): counted(text)
        case (_, .integer(let value)?): "\(value)"
        case (_, .number(let value)?): decimal(value)
        case (_, .seed(let value)?): "\(value)"
        case (_, .flag(let value)?): "\(value)"
        case (_, .words(let words)?): words.map(counted).joined(separator: ",")
        case (_, .file(let file)?): file.readDigest.hex
        case (_, .dataSet(let set)?): set.digest.hex
        }
    }

    private func counted(_ text: String) -> String { "\(text.utf8.count):\(text)" }
}

extension Field {
    /// A line of a key; `nil`: it says nothing there.
    ///
    /// - Parameter prefix: Before the name, as `attack.`.
    func keyLine(_ root: Root, prefix: String, isImages: Bool) -> String? {
        let value = get(root)
        switch key {
        case .always: break
        case .never: return nil
        case .forSentences: if isImages { return nil }
        case .unless(let silent): if value == silent { return nil }
        }
        return "\(prefix)\(name)=\(kind.keyText(value))"
    }
}

extension FieldTable {
    func keyLines(prefix: String = "", isImages: Bool) -> [String] {
        Self.fields.compactMap { $0.keyLine(self, prefix: prefix, isImages: isImages) }
    }
}

extension CaseTable {
    /// `what=kind`, and a line for each field.
    func keyLines(_ what: String, isImages: Bool) -> [String] {
        let kind = kindCase
        return ["\(what)=\(kind.name)"]
            + kind.fields.compactMap {
                $0.keyLine(self, prefix: "\(what).", isImages: isImages)
            }
    }
}
