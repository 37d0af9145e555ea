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

extension Unicode.Scalar {
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
