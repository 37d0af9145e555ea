// How people read the values of a sweep, in tables, charts and logs.

extension Bottleneck {
    /// Such as `bottleneck 2`; the input size only if it is not the paper's.
    public var label: String {
        inputSize == Bottleneck(size: size).inputSize
            ? "bottleneck \(size)" : "bottleneck \(size) (in-dim \(inputSize))"
    }
}

extension Capacity {
    /// Such as `LoRA r=8, bottleneck 2`.
    public var label: String {
        guard let bottleneck else { return pet.label }
        return "\(pet.label), \(bottleneck.label)"
    }
}

extension Attack {
    /// The word for the kind.
    public var kind: String {
        if case .paired(let paired) = self { paired.name } else { kindName }
    }

    /// The kind, and what is not the default: `word`, `word ×2, clean, target 0`.
    public var label: String { label(of: nil) }

    /// - Parameter data: The task's, whose labels may have names.
    public func label(of data: TaskData?) -> String {
        var parts = [kind + kindCase.label(self)]
        if let labelMode, labelMode != .dirty { parts.append(labelMode.rawValue) }
        if let target, target != WordAttack().target {
            parts.append("target \(data?.name(ofLabel: target) ?? "\(target)")")
        }
        return parts.joined(separator: ", ")
    }

    /// Everything about it, in words.
    public var details: String { details(of: nil) }

    /// - Parameter data: The task's, whose labels may have names.
    public func details(of data: TaskData?) -> String {
        let target = self.target ?? 0
        let targetName = data?.name(ofLabel: target) ?? "\(target)"
        let labels = "\(labelMode?.rawValue ?? "") labels, target \(targetName)"
        func times(_ count: Int, _ what: String) -> String {
            count == 1 ? "1 \(what)" : "\(count) \(what)s"
        }
        switch self {
        case .none:
            return "none"
        case .word(let word):
            let triggers = word.triggers.joined(separator: " ")
            return "word: \(times(word.count, "word")) of '\(triggers)', \(labels)"
        case .sentence(let sentence):
            let count = sentence.count == 1 ? "" : " \(sentence.count) times"
            return "sentence: '\(sentence.sentence)'\(count), \(labels)"
        case .paired(let paired):
            return "\(paired.name): \(paired.train.path), tested on \(paired.test.file.path), "
                + labels
        case .prepared(let prepared):
            return "prepared: \(prepared.train.path), tested on \(prepared.test.path), "
                + "target \(targetName)"
        default:
            let values = kindCase.fields.compactMap { field -> String? in
                guard !["labels", "target"].contains(field.name), let value = field.get(self)
                else { return nil }
                return "\(field.spacedName) \(field.kind.shown(value))"
            }
            return "\(kind): \(values.joined(separator: ", ")), \(labels)"
        }
    }
}

extension PatchAttack.Colour {
    /// Such as `#ffffff`.
    public var label: String { hexColour(number) }
}

extension DataSet {
    /// The first file's path.
    public var path: String { files.first?.path ?? "" }

    /// The path of the first file that holds labels.
    public var labelPath: String {
        if case .idx(_, let labels) = self { return labels.path }
        return path
    }

    /// The first file's name.
    public var name: String { path.split(separator: "/").last.map(String.init) ?? path }
}

/// A number as short as it can be read back: `16`, `0.05`.
public func decimal(_ value: Double) -> String {
    let text = "\(value)"
    // Bytes, not characters: an export writes millions of numbers.
    return text.utf8.suffix(2).elementsEqual(".0".utf8) ? String(text.dropLast(2)) : text
}

/// A number as learning rates are written: `1e-3`, `2.5e-4`, `1`.
public func scientific(_ value: Double) -> String {
    guard value.isFinite, value != 0 else { return decimal(value) }
    // The shortest text that reads back as the value, taken apart into digits and an exponent.
    let parts = "\(value.magnitude)".split(separator: "e")
    let halves = parts[0].split(separator: ".", omittingEmptySubsequences: false)
    let whole = String(halves[0])
    let digits = whole + (halves.count > 1 ? String(halves[1]) : "")
    let significant = digits.drop { $0 == "0" }
    var exponent = (parts.count > 1 ? Int(parts[1]) ?? 0 : 0) + whole.count - 1
    exponent -= digits.count - significant.count
    var mantissa = String(significant)
    while mantissa.count > 1, mantissa.last == "0" { mantissa.removeLast() }
    if mantissa.count > 1 { mantissa.insert(".", at: mantissa.index(after: mantissa.startIndex)) }
    let sign = value < 0 ? "-" : ""
    return exponent == 0 ? sign + mantissa : "\(sign)\(mantissa)e\(exponent)"
}
