import Yams

/// A value of the sweep file and where it stands; reads itself as what is wanted there.
///
/// Scalars are read from their text, not as Yams resolves them: YAML 1.1 takes `no` for a truth
/// value, `010` for eight and `1e-3` for text.
struct Entry {
    let file: String
    /// The way to the value, such as `grid.learning-rate`; empty for the whole file.
    let key: String
    /// Of the value, or of its key where there is no value; counted from 1.
    let line: Int
    let node: Node

    func mistake(_ problem: String) -> SweepFileError {
        .mistake(file: file, line: line, key: key, problem: problem)
    }

    func child(_ name: String) -> String { key.isEmpty ? name : "\(key).\(name)" }

    // MARK: Mappings and lists

    /// The values of a mapping whose keys are among `known`; those of `required` are there.
    func fields(
        _ known: [String], required: [String], what: String
    ) throws(SweepFileError) -> [String: Entry] {
        guard case .mapping(let mapping) = node else {
            throw mistake("\(shown) stands where \(what) is needed; write keys: \(list(known))")
        }
        var fields: [String: Entry] = [:]
        for (keyNode, value) in mapping {
            let name = keyNode.scalar?.string ?? "?"
            let keyLine = keyNode.mark?.line ?? line
            guard known.contains(name) else {
                let hint = nearest(to: name, among: known).map { " (did you mean \($0)?)" } ?? ""
                throw .mistake(
                    file: file, line: keyLine, key: child(name),
                    problem: "there is no such key\(hint); the keys here are \(list(known))")
            }
            let entry = Entry(
                file: file, key: child(name),
                line: value.isScalar ? value.mark?.line ?? keyLine : keyLine, node: value)
            if value.isMissing {
                throw entry.mistake("there is no value; write one, or take the key out")
            }
            fields[name] = entry
        }
        for name in required where fields[name] == nil {
            throw .mistake(
                file: file, line: line, key: child(name),
                problem: "the key is missing; \(what) needs \(list(required))")
        }
        return fields
    }

    /// The value of a mapping at `name`, if there is one; checks nothing.
    func field(_ name: String) -> Entry? {
        guard case .mapping(let mapping) = node,
            let value = mapping.first(where: { $0.key.scalar?.string == name })?.value
        else { return nil }
        return Entry(file: file, key: child(name), line: value.mark?.line ?? line, node: value)
    }

    /// The values of a list, at least one; a value that is no list stands for a list of itself.
    func elements() throws(SweepFileError) -> [Entry] {
        guard case .sequence(let sequence) = node else { return [self] }
        if sequence.isEmpty {
            throw mistake("the list is empty; write at least one value")
        }
        var elements: [Entry] = []
        for node in sequence {
            let entry = Entry(file: file, key: key, line: node.mark?.line ?? line, node: node)
            if node.isMissing { throw entry.mistake("a value of the list is empty; write it") }
            elements.append(entry)
        }
        return elements
    }

    /// The values of one axis of a grid: like `elements`, and none of them twice.
    func axis<Value: Hashable>(
        _ read: (Entry) throws(SweepFileError) -> Value
    ) throws(SweepFileError) -> [Value] {
        var values: [Value] = []
        for element in try elements() {
            let value = try read(element)
            if values.contains(value) {
                throw element.mistake(
                    "\(element.shown) is in the list twice, or is the same as another value; "
                        + "keep one")
            }
            values.append(value)
        }
        return values
    }

    // MARK: Scalars

    /// Any text, quoted or not.
    func text(_ what: String) throws(SweepFileError) -> String {
        guard case .scalar(let scalar) = node else {
            throw mistake("\(shown) stands where \(what) is needed; write text")
        }
        return scalar.string
    }

    /// One of `words`.
    func word(_ words: [String], what: String) throws(SweepFileError) -> String {
        let text = try text(what)
        guard words.contains(text) else {
            let hint = nearest(to: text, among: words).map { " (did you mean \($0)?)" } ?? ""
            throw mistake("'\(text)' is no \(what)\(hint); write \(alternatives(words))")
        }
        return text
    }

    /// A whole number in `range`, in decimal digits.
    func integer(_ range: ClosedRange<Int>) throws(SweepFileError) -> Int {
        let wanted = "a whole number from \(range.lowerBound) to \(range.upperBound)"
        guard let digits = plainNumber, let value = Int(digits), digits == String(value) else {
            throw mistake("\(shown) stands where a whole number is needed; write \(wanted)")
        }
        guard range.contains(value) else {
            throw mistake("\(value) is out of range; write \(wanted)")
        }
        return value
    }

    /// A whole number from 0 to 2⁶⁴ − 1.
    func seed() throws(SweepFileError) -> UInt64 {
        guard let digits = plainNumber, let value = UInt64(digits), digits == String(value) else {
            throw mistake(
                "\(shown) is no seed; write a whole number from 0 to \(UInt64.max)")
        }
        return value
    }

    /// A finite number, such as `0.05` or `1e-3`, that `isAllowed`; `range` says which are.
    func number(
        _ range: String, _ isAllowed: (Double) -> Bool
    ) throws(SweepFileError) -> Double {
        guard let text = plainNumber, let value = Double(text), value.isFinite else {
            throw mistake("\(shown) stands where a number is needed; write a number \(range)")
        }
        guard isAllowed(value) else {
            throw mistake("\(text) is out of range; write a number \(range)")
        }
        return value
    }

    /// The text of an unquoted scalar that has nothing in it but what decimal numbers have.
    private var plainNumber: String? {
        guard case .scalar(let scalar) = node, scalar.style == .plain,
            scalar.string.allSatisfy({ "0123456789+-.eE".contains($0) }),
            scalar.string.contains(where: \.isNumber)
        else { return nil }
        return scalar.string
    }

    /// The value as a message names it.
    var shown: String {
        switch node {
        case .scalar(let scalar):
            switch scalar.style {
            case .singleQuoted, .doubleQuoted: "the quoted text '\(scalar.string.prefix(60))'"
            default: "'\(scalar.string.prefix(60))'"
            }
        case .mapping: "a mapping (keys and values)"
        case .sequence: "a list"
        case .alias: "an alias"
        }
    }

    private func list(_ words: [String]) -> String { words.joined(separator: ", ") }
}

extension Node {
    /// Something is written, and it is neither a list nor a mapping.
    fileprivate var isScalar: Bool { scalar != nil && !isMissing }

    /// Nothing is written, or `null` or `~`.
    fileprivate var isMissing: Bool {
        guard case .scalar(let scalar) = self, scalar.style == .plain else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(scalar.string)
    }
}
