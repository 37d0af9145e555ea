import SweepCore

// Structures and kinds with a table are read by it.

extension Entry {
    /// The values of the fields that are written; others stay.
    ///
    /// - Parameters:
    ///   - entries: Of the mapping, by the names of fields.
    ///   - except: Fields that are read elsewhere.
    func read<Root>(
        _ table: [Field<Root>], _ entries: [String: Entry], except: Set<String> = [],
        into root: inout Root
    ) throws(SweepFileError) {
        for field in table where !except.contains(field.name) {
            guard let entry = entries[field.name] else { continue }
            let what = (field.column ?? "").isEmpty ? field.name : field.column ?? field.name
            field.set(&root, try entry.value(of: field.kind, called: what))
        }
    }

    /// A value of one of the kinds of a table: the kind's word, or a mapping with the kind and its
    /// fields.
    ///
    /// - Parameters:
    ///   - key: Of the kind, in the mapping.
    ///   - what: The kind's value, for people; `the` before its name in `titled`.
    func kind<Whole: CaseTable>(
        _ type: Whole.Type, key: String, what: String, titled: String
    ) throws(SweepFileError) -> Whole {
        let names = Whole.cases.map(\.name)
        let written = try kind(key, among: names, what: what)
        let name = if let written { written } else { try word(names, what: what) }
        guard let known = Whole.named(name) else { preconditionFailure("`word` checks it") }
        var value = known.usual
        guard written != nil else {
            if let lacking = known.fields.first(where: { known.required.contains($0.name) }) {
                throw mistake(
                    "how many? write { \(key): \(name), \(lacking.name): 1 }")
            }
            return value
        }
        let entries = try fields(
            [key] + known.fields.map(\.name), required: [key] + known.required.sorted(),
            what: "\(titled) \(name)")
        try read(known.fields, entries, into: &value)
        return value
    }

    /// A value as a field of the kind has it.
    func value(of kind: FieldKind, called name: String) throws(SweepFileError) -> FieldValue {
        switch kind {
        case .integer(let range): return .integer(try integer(range))
        case .number(let bounds):
            return .number(try number(bounds.words) { bounds.contains($0) })
        case .seed: return .seed(try seed())
        case .word(let words): return .text(try word(words, what: name.replacing("-", with: " ")))
        case .flag(let no, let yes):
            return .flag(try word([no, yes], what: name.replacing("-", with: " ")) == yes)
        case .colour: return .integer(try colour())
        case .text(let most):
            let text = try text("a \(name)")
            guard kind.problem(.text(text)) == nil else {
                throw mistake("write one line of 1 to \(most) characters")
            }
            return .text(text)
        case .words(let most):
            return .words(
                try axis { element throws(SweepFileError) in
                    let word = try element.text("a word")
                    guard !word.isEmpty, !word.contains(where: \.isWhitespace) else {
                        throw element.mistake(
                            "\(element.shown) is not one word; write a list of words")
                    }
                    guard word.count <= most else {
                        throw element.mistake("a word here has at most \(most) characters")
                    }
                    return word
                })
        case .file, .dataSet: preconditionFailure("files are read with the folder they lie in")
        }
    }

    /// `white`, `black`, or six hexadecimal digits, with `#` or without.
    private func colour() throws(SweepFileError) -> Int {
        let text = try text("a colour")
        let named = ["white": "ffffff", "black": "000000"]
        let digits = named[text] ?? (text.hasPrefix("#") ? String(text.dropFirst()) : text)
        guard digits.utf8.count == 6, digits.allSatisfy(\.isHexDigit),
            let number = Int(digits, radix: 16)
        else {
            throw mistake(
                "\(shown) is no colour; write white, black, or red, green and blue as in "
                    + "'#ff8000', in quotes")
        }
        return number
    }
}
