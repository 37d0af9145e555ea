import Foundation
import SweepCore

/// Exact t-SNE (van der Maaten & Hinton, 2008) in two dimensions: every pair of rows counts, so the
/// time grows with their square. It starts from the principal components (Kobak & Berens, 2019).
struct TSNE {
    /// Two coordinates in each row.
    let points: Matrix
    /// The one asked for, or `(n − 1) / 3` where there are too few rows for it.
    let perplexity: Double
    /// The Kullback-Leibler divergence that is left, in nats.
    let divergence: Double

    static let leastRows = 4

    private static let earlyIterations = 250
    private static let earlyExaggeration = 12.0
    /// Rows are worked on eight at a time; what is added to make them up lies so far off that it
    /// pulls at nothing.
    private static let farAway = 1e150

    /// - Parameter data: At least `leastRows` rows.
    init(of data: Matrix, _ options: Projection.Options = Projection.Options()) {
        precondition(data.rows >= TSNE.leastRows)
        perplexity = min(options.perplexity, Double(data.rows - 1) / 3)
        let count = data.rows
        let width = (count + 7) / 8 * 8
        let joint = TSNE.joint(
            TSNE.conditional(data.pairs(squaredDistance), perplexity: perplexity), width: width)
        var (x, y) = TSNE.start(data, width: width, seed: options.seed)
        // As in scikit-learn: Belkina et al., 2019, with the gradient's factor 4 taken off.
        let rate = max(Double(count) / TSNE.earlyExaggeration / 4, 50)
        var (stepX, stepY) = (
            [Double](repeating: 0, count: count), [Double](repeating: 0, count: count)
        )
        var (gainX, gainY) = (
            [Double](repeating: 1, count: count), [Double](repeating: 1, count: count)
        )
        let early = min(TSNE.earlyIterations, options.iterations / 4)
        for iteration in 0..<options.iterations {
            let isEarly = iteration < early
            let (slopeX, slopeY) = TSNE.gradient(
                joint, x, y, count: count, exaggeration: isEarly ? TSNE.earlyExaggeration : 1)
            let momentum = isEarly ? 0.5 : 0.8
            for index in 0..<count {
                TSNE.move(&x[index], &stepX[index], &gainX[index], slopeX[index], momentum, rate)
                TSNE.move(&y[index], &stepY[index], &gainY[index], slopeY[index], momentum, rate)
            }
        }
        divergence = TSNE.divergence(joint, x, y, count: count)
        var points = Matrix(rows: count, columns: 2)
        for index in 0..<count { (points[index, 0], points[index, 1]) = (x[index], y[index]) }
        self.points = points.centred
    }

    // MARK: Neighbours

    /// For each row the probability of each other one as its neighbour: a Gaussian whose width
    /// gives the perplexity.
    private static func conditional(_ distances: Matrix, perplexity: Double) -> Matrix {
        let count = distances.rows
        var result = Matrix(rows: count, columns: count)
        let wanted = log(perplexity)
        var weights = [Double](repeating: 0, count: count)
        for row in 0..<count {
            var nearest = Double.infinity
            var sum = 0.0
            for other in 0..<count where other != row {
                nearest = min(nearest, distances[row, other])
                sum += distances[row, other]
            }
            let mean = sum / Double(count - 1) - nearest
            var precision = mean > 0 ? 1 / mean : 1
            var (low, high) = (0.0, Double.infinity)
            for _ in 0..<100 {
                var (total, weighted) = (0.0, 0.0)
                for other in 0..<count {
                    let distance = distances[row, other] - nearest
                    weights[other] = other == row ? 0 : exp(-precision * distance)
                    total += weights[other]
                    weighted += weights[other] * distance
                }
                let difference = log(total) + precision * weighted / total - wanted
                for other in 0..<count { result[row, other] = weights[other] / total }
                if abs(difference) < 1e-7 { break }
                if difference > 0 {
                    low = precision
                    precision = high == .infinity ? precision * 2 : (precision + high) / 2
                } else {
                    high = precision
                    precision = (precision + low) / 2
                }
            }
        }
        return result
    }

    /// `(p(j|i) + p(i|j)) / 2n`, in rows of `width`.
    private static func joint(_ conditional: Matrix, width: Int) -> Matrix {
        let count = conditional.rows
        var result = Matrix(rows: count, columns: width)
        for row in 0..<count {
            for other in 0..<count {
                let sum = conditional[row, other] + conditional[other, row]
                result[row, other] = sum / Double(2 * count)
            }
        }
        return result
    }

    // MARK: Descent

    /// The first two principal components, the first scaled to a deviation of 1e-4, and noise of a
    /// hundredth of that, so that no two rows move as one.
    private static func start(
        _ data: Matrix, width: Int, seed: UInt64
    ) -> (x: [Double], y: [Double]) {
        let components = PrincipalComponents(of: data)
        let deviation = components.variances[0].squareRoot()
        let scale = deviation > 0 ? 1e-4 / deviation : 0
        var random = RandomSource(seed: seed)
        var x = [Double](repeating: farAway, count: width)
        var y = x
        for index in 0..<data.rows {
            x[index] =
                components.scores[index, 0] * scale + .random(in: -1e-6...1e-6, using: &random)
            y[index] =
                components.scores[index, 1] * scale + .random(in: -1e-6...1e-6, using: &random)
        }
        return (x, y)
    }

    /// One coordinate's step, with momentum and a gain of its own (Jacobs, 1988).
    @inline(__always)
    private static func move(
        _ place: inout Double, _ step: inout Double, _ gain: inout Double, _ slope: Double,
        _ momentum: Double, _ rate: Double
    ) {
        gain = max(step * slope < 0 ? gain + 0.2 : gain * 0.8, 0.01)
        step = momentum * step - rate * gain * slope
        place += step
    }

    /// `4 Σ (p − q) w (yᵢ − yⱼ)` with `w = 1 / (1 + |yᵢ − yⱼ|²)` and `q = w / Σ w`, in one pass:
    /// the sum of all w is taken out of the second term.
    private static func gradient(
        _ joint: Matrix, _ x: [Double], _ y: [Double], count: Int, exaggeration: Double
    ) -> (x: [Double], y: [Double]) {
        typealias Eight = SIMD8<Double>
        var (pullX, pullY) = (
            [Double](repeating: 0, count: count), [Double](repeating: 0, count: count)
        )
        var (pushX, pushY) = (pullX, pullY)
        var total = -Double(count)
        let size = MemoryLayout<Double>.stride
        joint.values.withUnsafeBytes { joint in
            x.withUnsafeBytes { xs in
                y.withUnsafeBytes { ys in
                    for row in 0..<count {
                        let (ownX, ownY) = (Eight(repeating: x[row]), Eight(repeating: y[row]))
                        var (sum, toX, toY) = (Eight.zero, Eight.zero, Eight.zero)
                        var (fromX, fromY) = (Eight.zero, Eight.zero)
                        let start = row * x.count * size
                        for place in stride(from: 0, to: x.count * size, by: 8 * size) {
                            let dx = ownX - xs.loadUnaligned(fromByteOffset: place, as: Eight.self)
                            let dy = ownY - ys.loadUnaligned(fromByteOffset: place, as: Eight.self)
                            let near = Eight(repeating: 1) / (1 + dx * dx + dy * dy)
                            sum += near
                            let pull =
                                near
                                * joint.loadUnaligned(
                                    fromByteOffset: start + place, as: Eight.self)
                            let push = near * near
                            toX += pull * dx
                            toY += pull * dy
                            fromX += push * dx
                            fromY += push * dy
                        }
                        total += sum.sum()
                        (pullX[row], pullY[row]) = (toX.sum(), toY.sum())
                        (pushX[row], pushY[row]) = (fromX.sum(), fromY.sum())
                    }
                }
            }
        }
        for row in 0..<count {
            pullX[row] = 4 * (exaggeration * pullX[row] - pushX[row] / total)
            pullY[row] = 4 * (exaggeration * pullY[row] - pushY[row] / total)
        }
        return (pullX, pullY)
    }

    private static func divergence(
        _ joint: Matrix, _ x: [Double], _ y: [Double], count: Int
    ) -> Double {
        func near(_ row: Int, _ other: Int) -> Double {
            let (dx, dy) = (x[row] - x[other], y[row] - y[other])
            return 1 / (1 + dx * dx + dy * dy)
        }
        var total = 0.0
        var sum = 0.0
        for row in 0..<count {
            for other in 0..<count where other != row {
                total += near(row, other)
                let share = joint[row, other]
                if share > 0 { sum += share * log(share / near(row, other)) }
            }
        }
        return sum + log(total)
    }
}
