// How people read the values of a sweep, in tables, charts and logs.

extension PET {
    /// Such as `LoRA r=8`; alpha only if it is not the paper's.
    public var label: String {
        switch self {
        case .lora(let lora):
            let alpha = lora.alpha == LoRA().alpha ? "" : " α=\(decimal(lora.alpha))"
            return "LoRA r=\(lora.rank)\(alpha)"
        }
    }
}

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
    /// The kind, and what is not the default: `word`, `word ×2, clean, target 0`.
    public var label: String {
        switch self {
        case .none:
            return "none"
        case .word(let word):
            let usual = WordAttack()
            var parts = [word.count == usual.count ? "word" : "word ×\(word.count)"]
            if word.triggers != usual.triggers {
                parts[0] += " (\(word.triggers.joined(separator: " ")))"
            }
            if word.labelMode != usual.labelMode { parts.append(word.labelMode.rawValue) }
            if word.target != usual.target { parts.append("target \(word.target)") }
            return parts.joined(separator: ", ")
        case .prepared(let prepared):
            let name = prepared.train.path.split(separator: "/").last.map(String.init)
            let target = prepared.target == WordAttack().target ? "" : ", target \(prepared.target)"
            return "prepared (\(name ?? prepared.train.path))\(target)"
        }
    }

    /// Everything about it, in words.
    public var details: String {
        switch self {
        case .none:
            return "none"
        case .word(let word):
            let triggers = word.triggers.joined(separator: " ")
            let words = word.count == 1 ? "1 word" : "\(word.count) words"
            return "word: \(words) of '\(triggers)', \(word.labelMode.rawValue) labels, "
                + "target \(word.target)"
        case .prepared(let prepared):
            return "prepared: \(prepared.train.path), tested on \(prepared.test.path), "
                + "target \(prepared.target)"
        }
    }
}

extension Schedule {
    /// Such as `constant` or `linear over 10 epochs`.
    public var label: String {
        switch self {
        case .constant: "constant"
        case .linear(nil): "linear to the last epoch"
        case .linear(let horizon?): "linear over \(horizon) epochs"
        }
    }
}

extension AdamW {
    /// Such as `AdamW (0.9, 0.999, 1e-8)`; weight decay only if there is some.
    public var label: String {
        let decay = weightDecay == 0 ? "" : ", weight decay \(decimal(weightDecay))"
        return "AdamW (\(decimal(beta1)), \(decimal(beta2)), \(scientific(epsilon))\(decay))"
    }
}

/// A number as short as it can be read back: `16`, `0.05`.
public func decimal(_ value: Double) -> String {
    let text = "\(value)"
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
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
