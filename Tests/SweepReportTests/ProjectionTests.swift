import Foundation
import FoundationXML
import SweepCore
import Testing

@testable import SweepReport

@Suite("Principal components")
struct PrincipalComponentTests {
    /// What numpy computes (Reference/make_projection.py).
    private struct Reference: Decodable {
        let name: String
        let columns: Int
        let values: [Float]
        let components: [Double]
        let scores: [Double]
        let variances: [Double]
        let shares: [Double]
    }

    @Test("agree with numpy to 1e-6")
    func reference() throws {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("Reference/projection.json")
        let cases = try JSONDecoder().decode([Reference].self, from: Data(contentsOf: file))
        #expect(cases.count == 4)
        for expected in cases {
            let data = Matrix(
                rows: expected.values.count / expected.columns, columns: expected.columns,
                values: expected.values.map(Double.init))
            let found = PrincipalComponents(of: data)
            let pairs = [
                (found.components.values, expected.components),
                (found.scores.values, expected.scores), (found.variances, expected.variances),
                (found.shares, expected.shares),
            ]
            for (found, expected) in pairs {
                #expect(found.count == expected.count)
            }
            let errors = pairs.map { zip($0, $1).map { abs($0 - $1) }.max() ?? .infinity }
            #expect(errors.allSatisfy { $0 < 1e-6 }, "\(expected.name): \(errors)")
        }
    }

    @Test("constant columns add nothing; where nothing varies, all is zero")
    func constant() {
        let flat = PrincipalComponents(
            of: Matrix(rows: 5, columns: 3, values: Array(repeating: 7, count: 15)))
        #expect(flat.scores.values.allSatisfy { $0 == 0 })
        #expect(flat.shares == [0, 0])
        // One direction only: 3, 0, 4.
        var line = Matrix(rows: 4, columns: 3)
        for row in 0..<4 {
            (line[row, 0], line[row, 1], line[row, 2]) = (3 * Double(row), 1, 4 * Double(row))
        }
        let found = PrincipalComponents(of: line)
        #expect(abs(found.components[0, 0] - 0.6) < 1e-12)
        #expect(abs(found.components[0, 2] - 0.8) < 1e-12)
        #expect(abs(found.shares[0] - 1) < 1e-12)
        #expect((0..<4).allSatisfy { found.scores[$0, 1] == 0 })
        // Fewer columns than components.
        let narrow = PrincipalComponents(of: Matrix(rows: 3, columns: 1, values: [1, 2, 4]))
        #expect(narrow.shares == [1, 0])
        #expect(narrow.scores.rows == 3)
    }
}

@Suite("t-SNE")
struct TSNETests {
    /// Normal clusters around points `distance` apart, `size` rows in each.
    private static func clusters(_ count: Int, size: Int, distance: Double) -> Matrix {
        var random = RandomSource(seed: 5)
        var data = Matrix(rows: count * size, columns: 6)
        for row in 0..<data.rows {
            for column in 0..<data.columns {
                // Twelve uniform numbers make a normal one, nearly.
                data[row, column] =
                    (0..<12).reduce(-6) { sum, _ in sum + .random(in: 0..<1, using: &random) }
            }
            data[row, row / size] += distance
        }
        return data
    }

    @Test("keeps clusters apart: the nearest neighbour of each row is of its own cluster")
    func separated() {
        let data = Self.clusters(3, size: 20, distance: 15)
        let result = TSNE(of: data, .init(perplexity: 8, iterations: 300))
        let distances = result.points.pairs(squaredDistance)
        for row in 0..<60 {
            let nearest = (0..<60).filter { $0 != row }.min {
                distances[row, $0] < distances[row, $1]
            }
            #expect(nearest.map { $0 / 20 } == row / 20)
        }
        #expect(result.perplexity == 8)
        #expect(result.divergence > 0)
        #expect(result.divergence < 1)
    }

    @Test("gives the same points for the same seed, and others for another")
    func deterministic() {
        let data = Self.clusters(2, size: 10, distance: 5)
        func points(_ seed: UInt64) -> [Double] {
            TSNE(of: data, .init(perplexity: 5, iterations: 60, seed: seed)).points.values
        }
        #expect(points(1) == points(1))
        #expect(points(1) != points(2))
    }

    @Test("lowers the divergence step by step")
    func descent() {
        let data = Self.clusters(2, size: 12, distance: 4)
        let short = TSNE(of: data, .init(perplexity: 5, iterations: 20))
        let long = TSNE(of: data, .init(perplexity: 5, iterations: 200))
        #expect(long.divergence < short.divergence)
    }

    @Test("takes equal rows, constant columns and rows without any difference")
    func degenerate() {
        var data = Self.clusters(2, size: 8, distance: 6)
        for row in 0..<16 {
            data[row, 5] = 1
            if row % 2 == 1 {
                for column in 0..<6 { data[row, column] = data[row - 1, column] }
            }
        }
        for data in [data, Matrix(rows: 9, columns: 2), Matrix(rows: 4, columns: 1)] {
            let result = TSNE(of: data, .init(iterations: 100))
            #expect(result.points.values.allSatisfy { $0.isFinite })
            #expect(result.divergence.isFinite)
        }
    }

    @Test("asks for fewer neighbours where there are too few rows, and says so")
    func fewRows() throws {
        let states = try HiddenStates.sample(rows: 10)
        let projection = try Projection(
            of: states, method: .tsne, options: .init(perplexity: 30, iterations: 20))
        #expect(projection.summary.hasSuffix("perplexity 3 (30 is too many for 10 rows)"))
        #expect(throws: ReportError.tooFewRows(rows: 3, least: 4)) {
            try Projection(of: HiddenStates.sample(rows: 3), method: .tsne)
        }
        #expect(throws: ReportError.tooFewRows(rows: 1, least: 2)) {
            try Projection(of: HiddenStates.sample(rows: 1), method: .pca)
        }
    }
}

@Suite("Hidden states")
struct HiddenStateTests {
    @Test("with NaN, with rows of other lengths, kinds or labels are refused")
    func refused() {
        func states(
            _ values: [Float] = [0, 1, 2, 3], columns: Int = 2, kinds: [Int] = [0, 1],
            labels: [Int] = [0, 1]
        ) throws -> HiddenStates {
            try HiddenStates(
                values: values, columns: columns, kinds: kinds, labels: labels, run: "1", epoch: 1,
                target: 1)
        }
        #expect(throws: Never.self) { try states() }
        #expect(throws: ReportError.notFinite(row: 1, column: 0)) {
            try states([0, 1, .nan, 3])
        }
        #expect(throws: ReportError.notFinite(row: 0, column: 1)) {
            try states([0, .infinity, 2, 3])
        }
        #expect(throws: ReportError.self) { try states(columns: 3) }
        #expect(throws: ReportError.self) { try states(columns: 0) }
        #expect(throws: ReportError.self) { try states([], kinds: [], labels: []) }
        #expect(throws: ReportError.self) { try states(kinds: [0]) }
        #expect(throws: ReportError.self) { try states(kinds: [0, 3]) }
        #expect(throws: ReportError.self) { try states(labels: [0, -1]) }
    }

    @Test("become a table and a chart with a legend of counts, without markup of their own")
    func results() throws {
        let projection = try Projection(of: HiddenStates.sample(rows: 12), method: .pca)
        let lines = projection.csv.split(separator: "\r\n")
        #expect(lines.count == 13)
        #expect(lines[0] == "row,kind,label,x,y")
        #expect(lines[2].hasPrefix("1,triggered,1,"))
        #expect(XMLParser(data: Data(projection.svg.utf8)).parse())
        for text in [
            "clean, other labels <tspan class=\"strong\">2</tspan>",
            "clean, target label 1 <tspan class=\"strong\">2</tspan>",
            "triggered <tspan class=\"strong\">4</tspan>",
            "poisoned, training <tspan class=\"strong\">4</tspan>",
            "Run &lt;7&gt;, epoch 3: principal components",
        ] {
            #expect(projection.svg.contains(text), "\(text)")
        }
        #expect(projection.svg.contains("prefers-color-scheme: dark"))
        #expect(!projection.svg.contains("nan"))
    }
}

extension HiddenStates {
    /// Kinds and labels in turn.
    static func sample(rows: Int) throws -> HiddenStates {
        try HiddenStates(
            values: (0..<rows * 3).map { Float($0 * $0 % 17) }, columns: 3,
            kinds: (0..<rows).map { $0 % 3 }, labels: (0..<rows).map { $0 % 2 }, run: "<7>",
            epoch: 3, target: 1)
    }
}
