import SweepCore

/// Hidden states in two dimensions: a table of coordinates, and a chart.
public struct Projection: Sendable {
    public enum Method: String, Hashable, Sendable, CaseIterable {
        case pca
        case tsne

        var title: String {
            switch self {
            case .pca: "principal components"
            case .tsne: "t-SNE"
            }
        }
    }

    public struct Options: Hashable, Sendable {
        /// Of t-SNE: about how many neighbours a row has; 1 or more.
        public var perplexity: Double
        /// Of t-SNE's descent.
        public var iterations: Int
        /// Of t-SNE's start.
        public var seed: UInt64

        public init(perplexity: Double = 30, iterations: Int = 1_000, seed: UInt64 = 1) {
            self.perplexity = perplexity
            self.iterations = iterations
            self.seed = seed
        }
    }

    /// What a method has to say of its result.
    enum Figures: Hashable {
        /// The shares of all variance that the two components have.
        case shares(Double, Double)
        case divergence(Double, perplexity: Double, asked: Double)
    }

    public let method: Method
    let states: HiddenStates
    /// Two coordinates in each row.
    let points: Matrix
    let figures: Figures

    /// - Throws: `tooFewRows` under 2 rows, and under 4 for t-SNE.
    public init(
        of states: HiddenStates, method: Method, options: Options = Options()
    ) throws(ReportError) {
        self.method = method
        self.states = states
        let least = method == .pca ? 2 : TSNE.leastRows
        guard states.rows >= least else {
            throw .tooFewRows(rows: states.rows, least: least)
        }
        switch method {
        case .pca:
            let components = PrincipalComponents(of: states.states)
            points = components.scores
            figures = .shares(components.shares[0], components.shares[1])
        case .tsne:
            let result = TSNE(of: states.states, options)
            points = result.points
            figures = .divergence(
                result.divergence, perplexity: result.perplexity, asked: options.perplexity)
        }
    }

    /// One line on the result, for a terminal or under a chart.
    public var summary: String {
        switch figures {
        case .shares(let first, let second):
            return "\(percent(first)) and \(percent(second)) % of the variance"
        case .divergence(let divergence, let perplexity, let asked):
            let left = "divergence \(rounded(divergence)), perplexity \(rounded(perplexity))"
            return perplexity < asked
                ? "\(left) (\(rounded(asked)) is too many for \(counted(states.rows, "row")))"
                : left
        }
    }

    /// RFC 4180, a line for each row: `row,kind,label,x,y`; `kind` is clean, triggered or poisoned,
    /// `label` the one before the attack.
    public var csv: String {
        var lines = ["row,kind,label,x,y"]
        for row in 0..<states.rows {
            lines.append(
                "\(row),\(states.kinds[row].word),\(states.labels[row]),"
                    + "\(points[row, 0]),\(points[row, 1])")
        }
        return lines.map { $0 + "\r\n" }.joined()
    }

    /// A chart as an SVG file, for light and dark grounds.
    public var svg: String { ScatterChart(self).svg.source }

    private func rounded(_ value: Double) -> String {
        decimal((value * 100).rounded() / 100)
    }
}
