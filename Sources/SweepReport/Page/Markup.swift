import Foundation

/// A piece of HTML or SVG that is well-formed XML. Text gets into it escaped, or not at all.
struct Markup: ExpressibleByArrayLiteral {
    var source: String

    init(arrayLiteral pieces: Markup...) { self.init(pieces) }

    init(_ pieces: [Markup]) { source = pieces.map(\.source).joined() }

    private init(source: String) { self.source = source }

    static func text(_ text: String) -> Markup { Markup(source: escaped(text)) }

    /// Style sheets only: they are ours, and stand as they are.
    static func style(_ sheet: String) -> Markup { Markup(source: "<style>\n\(sheet)</style>\n") }

    /// Attributes without a value are left out.
    static func element(
        _ name: String, _ attributes: KeyValuePairs<String, String> = [:], _ content: Markup = []
    ) -> Markup {
        let list = attributes.filter { !$1.isEmpty }
            .map { " \($0)=\"\(escaped($1))\"" }.joined()
        let isBlock = blocks.contains(name)
        let end = isBlock ? "\n" : ""
        // HTML gives a meaning to `<div/>` that XML does not.
        if content.source.isEmpty, canBeEmpty.contains(name) {
            return Markup(source: "<\(name)\(list)/>\(end)")
        }
        return Markup(source: "<\(name)\(list)>\(content.source)</\(name)>\(end)")
    }

    static func element(
        _ name: String, _ attributes: KeyValuePairs<String, String> = [:], _ text: String
    ) -> Markup {
        element(name, attributes, Markup.text(text))
    }

    private static let canBeEmpty: Set = [
        "meta", "line", "rect", "path", "circle", "polyline", "polygon", "stop",
    ]
    private static let blocks: Set = [
        "html", "head", "body", "main", "header", "section", "div", "table", "thead", "tbody", "tr",
        "p", "h1", "h2", "h3", "ul", "li", "dl", "dt", "dd", "svg", "g", "meta", "title", "footer",
        "figure", "figcaption",
    ]

    private static func escaped(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            case "'": escaped += "&#39;"
            case "\t", "\n", "\r": escaped.unicodeScalars.append(scalar)
            // No document may hold these, not even escaped.
            case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}", "\u{FFFE}", "\u{FFFF}":
                escaped += "\u{FFFD}"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}

/// A length in a drawing, in pixels.
func px(_ value: Double) -> String {
    let text = String(format: "%.1f", value)
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
}
