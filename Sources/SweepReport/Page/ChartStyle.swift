/// How lines of a chart look; the first is the undefended one.
enum ChartStyle {
    /// Colours on a light and on a dark ground, told apart with any colour vision by their order
    /// of lightness, their markers and the labels at the lines.
    private static let colours: [(light: String, dark: String)] = [
        ("#c4122f", "#ff7b7b"), ("#0b6bb8", "#6cb6ff"), ("#16794a", "#56d68b"),
        ("#7446b0", "#c4a1ff"), ("#a85500", "#ffb066"), ("#00797a", "#45d0d0"),
        ("#a92c80", "#ff8fce"), ("#6f5426", "#d9bd8b"),
    ]

    private static let dashes = ["", "7 4", "2 3"]

    /// The class that gives line `index` its colour. Only the undefended line is red.
    static func name(of index: Int) -> String {
        "line-\(index == 0 ? 0 : 1 + (index - 1) % (colours.count - 1))"
    }

    /// Lines past the last colour are told apart by dashes.
    static func dash(of index: Int) -> String {
        dashes[max(index - 1, 0) / (colours.count - 1) % dashes.count]
    }

    /// A circle, square, triangle or diamond around a place.
    static func marker(_ index: Int, x: Double, y: Double, tooltip: String) -> Markup {
        marker(
            index, x: x, y: y, size: index == 0 ? 5 : 4.2,
            title: .element("title", [:], tooltip))
    }

    static func marker(
        _ index: Int, x: Double, y: Double, size: Double, title: Markup = []
    ) -> Markup {
        switch index % 4 {
        case 0:
            return .element("circle", ["cx": px(x), "cy": px(y), "r": px(size)], title)
        case 1:
            return .element(
                "rect",
                [
                    "x": px(x - size * 0.9), "y": px(y - size * 0.9), "width": px(size * 1.8),
                    "height": px(size * 1.8),
                ], title)
        case 2:
            return polygon(
                [(x, y - size * 1.2), (x + size * 1.1, y + size), (x - size * 1.1, y + size)], title
            )
        default:
            return polygon(
                [
                    (x, y - size * 1.3), (x + size * 1.3, y), (x, y + size * 1.3),
                    (x - size * 1.3, y),
                ], title)
        }
    }

    private static func polygon(_ points: [(Double, Double)], _ content: Markup) -> Markup {
        let list = points.map { "\(px($0.0)),\(px($0.1))" }.joined(separator: " ")
        return .element("polygon", ["points": list], content)
    }

    /// The style sheet of a chart, for both grounds. No variables: not every viewer of SVG knows
    /// them.
    static let sheet: String = {
        let base = """
            svg text { font-family: system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif;
              font-size: 12.5px; }
            svg .title { font-weight: 650; font-size: 14px; }
            svg .small { font-size: 11.5px; }
            svg .strong { font-weight: 650; }
            svg .middle { text-anchor: middle; }
            svg .end { text-anchor: end; }
            svg .curve { fill: none; stroke-width: 2; stroke-linejoin: round; }
            svg .thick .curve { stroke-width: 3.2; }
            svg .curve.plain, svg .thick .curve.plain { stroke-width: 1.3; stroke-dasharray: 1 3; }
            svg .tick { fill: none; stroke-width: 2; }
            svg .leader, svg .spread { fill: none; stroke-width: 1; opacity: 0.55; }

            """
        func ground(
            _ text: String, _ faint: String, _ grid: String, _ bar: String, _ surface: String,
            _ window: String
        ) -> String {
            """
            svg .ground { fill: \(surface); }
            svg text { fill: \(text); }
            svg text.faint { fill: \(faint); }
            svg .window { fill: \(window); }
            svg .grid { stroke: \(grid); stroke-width: 1; }
            svg .base { stroke: \(faint); stroke-width: 1; }
            svg .bar { fill: \(bar); }
            svg .tick { stroke: \(text); }
            svg .none { fill: \(grid); }

            """
        }
        func lines(_ colour: (Int) -> String) -> String {
            colours.indices.map { index in
                let name = name(of: index)
                return "svg .\(name) .curve, svg .\(name) .leader, svg .\(name) .spread "
                    + "{ stroke: \(colour(index)); }\n"
                    + "svg .\(name) .marks, svg .\(name) text, svg .\(name) .bar "
                    + "{ fill: \(colour(index)); }\n"
            }.joined()
        }
        let light =
            ground("#1c2024", "#5d6670", "#dfe3e8", "#aab3bd", "#ffffff", "#d8efe2")
            + lines { colours[$0].light }
        let dark =
            ground("#e8ebee", "#9aa4ae", "#343b43", "#59636e", "#15191e", "#173d2a")
            + lines { colours[$0].dark }
        return base + light + "@media (prefers-color-scheme: dark) {\n\(dark)}\n"
    }()
}
