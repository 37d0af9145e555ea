/// How much a page shows of a large sweep: what a person can read and a browser can draw.
enum PageLimits {
    /// Attacks and ratios with cards, charts and heat maps.
    static let groups = 12
    /// Lines of one chart.
    static let lines = 24
    /// Rows and columns of a heat map.
    static let capacities = 40
    static let rates = 20
    /// Rows of a table.
    static let rows = 1_000

    /// Says what is left out and where it is to be found; nothing where all is shown.
    static func note(_ most: Int, of all: Int, _ things: String) -> Markup {
        guard all > most else { return [] }
        return .element("p", ["class": "faint"], sentence(most, of: all, things))
    }

    static func sentence(_ most: Int, of all: Int, _ things: String) -> String {
        "The first \(most) of \(all) \(things); 'moderato results --csv' prints all figures."
    }
}
