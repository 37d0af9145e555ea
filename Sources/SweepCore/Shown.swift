extension String {
    /// The text as terminals and logs may show it, on one line: what would move the cursor, colour,
    /// reorder or hide other text stands there in escaped form, such as `\n` or `\u{1B}`.
    ///
    /// For every name, path, label, host and error text that comes from outside. CSV and JSON keep
    /// the data itself.
    public var shown: String { escaped(keepingLines: false) }

    /// As `shown`, but line ends stay: for a text of our own that quotes what came from outside.
    public var shownLines: String { escaped(keepingLines: true) }

    private func escaped(keepingLines: Bool) -> String {
        func isEscaped(_ scalar: Unicode.Scalar) -> Bool {
            scalar.isUnshowable && !(keepingLines && scalar == "\n")
        }
        guard unicodeScalars.contains(where: isEscaped) else { return self }
        var text = ""
        text.reserveCapacity(utf8.count + 16)
        for scalar in unicodeScalars {
            if isEscaped(scalar) {
                text += scalar.escapedForm
            } else {
                text.unicodeScalars.append(scalar)
            }
        }
        return text
    }
}

extension String {
    /// The columns that it takes on a terminal: two for a character of East Asia or a picture.
    public var columns: Int {
        // Almost every text is of scalars that are characters by themselves, which is quick to see.
        var count = 0
        for scalar in unicodeScalars {
            guard scalar.standsAlone else { return reduce(0) { $0 + $1.columns } }
            count += 1
        }
        return count
    }

    /// With spaces after it, so that it takes so many columns at least.
    public func padded(toColumns least: Int) -> String {
        self + String(repeating: " ", count: max(0, least - columns))
    }

    /// At most so many columns of it, with `…` at the end if something is missing.
    public func cut(toColumns most: Int) -> String {
        if utf8.count <= most || columns <= most { return self }
        var text = ""
        var width = 1
        for character in self {
            width += character.columns
            if width > most { break }
            text.append(character)
        }
        return text + "…"
    }
}

extension Character {
    fileprivate var columns: Int {
        guard let first = unicodeScalars.first, first.value >= 0x1100 else { return 1 }
        return switch first.value {
        case 0x1100...0x115F, 0x2E80...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F,
            0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F, 0x1F680...0x1F6FF,
            0x1F900...0x1F9FF, 0x20000...0x3FFFD:
            2
        default: 1
        }
    }
}

extension Unicode.Scalar {
    /// Whether it is a character of one column whatever is beside it: ASCII but for CR (of CR LF),
    /// Latin letters, and the dashes and dots of our own texts.
    fileprivate var standsAlone: Bool {
        switch value {
        case 0x0D: false
        case 0..<0x300, 0x2010...0x2027: true
        default: false
        }
    }

    /// Control characters (C0, DEL, C1), line separators, and everything without a form of its own:
    /// marks of direction, joiners, spaces without width, fillers, tags.
    fileprivate var isUnshowable: Bool {
        if value < 0x7F { return value < 0x20 }
        return switch properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate: true
        default: properties.isDefaultIgnorableCodePoint
        }
    }

    fileprivate var escapedForm: String {
        switch self {
        case "\n": "\\n"
        case "\r": "\\r"
        case "\t": "\\t"
        default: "\\u{\(String(value, radix: 16, uppercase: true))}"
        }
    }
}
