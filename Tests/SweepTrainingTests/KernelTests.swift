import SweepCore
import Testing

@testable import SweepTraining

/// Each fused kernel beside libtorch's own operations, which are the slow reference.
extension TrainingTests {
    @MainActor @Suite struct FusedKernels {
        init() throws { try Torch.prepare(threads: 2, device: .processor) }

        private func random(_ shape: [Int], seed: UInt64) throws -> Tensor {
            var source = RandomSource(seed: seed)
            let values = source.normals(shape.reduce(1, *), deviation: 1)
            return try .floats(values, shape: shape, device: .processor)
        }

        private func frozen(_ width: Int, seed: UInt64) throws -> Tensor {
            try random([width], seed: seed)
        }

        /// The output and the gradient of `body`, fused and not; their largest differences.
        private func compare(
            _ shape: [Int], _ body: (Tensor) throws -> Tensor
        ) throws -> (output: Double, gradient: Double) {
            func evaluate() throws -> (output: [Double], gradient: [Double]) {
                let input = try random(shape, seed: 1)
                try input.requireGradient()
                // The identity first: `gelu` uses its argument up, and a leaf is still needed.
                let output = try body(try input + Tensor.zeros(like: input))
                let weights = try random([output.count, 1], seed: 2)
                let total = try output.reshaped([1, output.count])
                    .linear(try weights.reshaped([1, output.count]))
                let gradient = try total.reshaped([]).gradient(of: input)
                return (
                    try output.floats().map(Double.init), try gradient.floats().map(Double.init)
                )
            }
            let fast = try evaluate()
            let slow = try Torch.withoutFusion { try evaluate() }
            return (
                relativeError(fast.output, slow.output, floor: 1),
                relativeError(fast.gradient, slow.gradient, floor: 1)
            )
        }

        @Test("Residual and layer norm") func addNorm() throws {
            let norm = LayerNorm(
                gamma: try frozen(64, seed: 3), beta: try frozen(64, seed: 4), epsilon: 1e-12)
            let bias = try frozen(64, seed: 5)
            let residual = try random([37, 64], seed: 6)
            for usesBoth in [false, true] {
                let errors = try compare([37, 64]) { x in
                    var none = DropoutSource.none
                    return try x.addNorm(
                        bias: bias, residual: usesBoth ? x : residual, norm, &none)
                }
                #expect(errors.output < 1e-5 && errors.gradient < 1e-5)
            }
        }

        @Test("GELU, from far left to far right") func gelu() throws {
            var bias = [Float](repeating: 0, count: 64)
            for index in bias.indices { bias[index] = Float(index) / 4 - 8 }
            let shift = try Tensor.floats(bias, shape: [64], device: .processor)
            let errors = try compare([50, 64]) { try $0.gelu(bias: shift) }
            #expect(errors.output < 1e-6 && errors.gradient < 1e-5)
        }

        @Test("Attention over sequences of 1 to 40 tokens", arguments: [16, 32, 64])
        func attention(headWidth: Int) throws {
            let offsets: [Int64] = [0, 1, 18, 58, 60, 75, 91, 108]
            let places = AttentionPlaces(
                keys: try .indices(offsets, device: .processor), queries: nil, heads: 2,
                relative: nil, prefix: 0)
            let width = 2 * headWidth
            let errors = try compare([108, 3 * width]) { x in
                var none = DropoutSource.none
                return try .attention(packed: x, places, &none)
            }
            #expect(errors.output < 1e-5 && errors.gradient < 1e-5)
            let query = try random([7, width], seed: 7)
            let first = try compare([108, 2 * width]) { x in
                var none = DropoutSource.none
                return try .attention(query: query, packed: x, places, &none)
            }
            #expect(first.output < 1e-5 && first.gradient < 1e-5)
            let packed = try random([108, 2 * width], seed: 8)
            let second = try compare([7, width]) { x in
                var none = DropoutSource.none
                return try .attention(query: x, packed: packed, places, &none)
            }
            #expect(second.output < 1e-5 && second.gradient < 1e-5)
        }

        @Test("Dropout keeps 1 - p of the values, scaled, and the same ones in the gradient")
        func dropout() throws {
            let count = 100_003
            let ones = try Tensor.floats(
                [Float](repeating: 1, count: count), shape: [count], device: .processor)
            try ones.requireGradient()
            var source = DropoutSource(probability: 0.1, seed: 9)
            let dropped = try ones.dropout(&source)
            let values = try dropped.floats()
            #expect(values.allSatisfy { $0 == 0 || abs($0 - 1 / 0.9) < 1e-6 })
            let share = Double(values.count { $0 == 0 }) / Double(count)
            #expect(abs(share - 0.1) < 0.004)
            let weights = try Tensor.floats(
                [Float](repeating: 1, count: count), shape: [1, count], device: .processor)
            let sum = try dropped.reshaped([1, count]).linear(weights).reshaped([])
            #expect(try sum.gradient(of: ones).floats() == values)
            var other = DropoutSource(probability: 0.1, seed: 10)
            #expect(try ones.dropout(&other).floats() != values)
        }

        /// With dropout the mask is drawn again for the gradient: the slope along a direction must
        /// be what the gradient says.
        @Test("Gradients under dropout are those of the masked function")
        func gradientsUnderDropout() throws {
            let places = AttentionPlaces(
                keys: try .indices([0, 5, 30], device: .processor), queries: nil, heads: 2,
                relative: nil, prefix: 0)
            let norm = LayerNorm(
                gamma: try frozen(32, seed: 3), beta: try frozen(32, seed: 4), epsilon: 1e-12)
            let bias = try frozen(32, seed: 5)
            let weights = try random([1, 30 * 32], seed: 6)
            func value(_ x: Tensor) throws -> Tensor {
                var dropout = DropoutSource(probability: 0.3, seed: 7)
                let context = try Tensor.attention(packed: x, places, &dropout)
                let y = try context.addNorm(bias: bias, residual: context, norm, &dropout)
                return try y.reshaped([1, 30 * 32]).linear(weights).reshaped([])
            }
            let point = try random([30, 96], seed: 1)
            let direction = try random([30, 96], seed: 2).floats()
            try point.requireGradient()
            let gradient = try value(point).gradient(of: point).floats()
            let slope = zip(gradient, direction).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
            func moved(_ step: Float) throws -> Double {
                let values = zip(try point.floats(), direction).map { $0 + step * $1 }
                return Double(
                    try value(.floats(values, shape: [30, 96], device: .processor)).value())
            }
            let measured = (try moved(0.002) - moved(-0.002)) / 0.004
            #expect(abs(measured - slope) < 0.01 * max(abs(slope), 1))
        }

        @Test("A failure of libtorch is an error with its message")
        func failure() throws {
            let left = try random([2, 3], seed: 1)
            let right = try random([2, 4], seed: 1)
            #expect(throws: TrainingError.self) { try left.linear(right) }
        }
    }
}
