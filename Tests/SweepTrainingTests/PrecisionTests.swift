import SweepCore
import Testing

@testable import SweepTraining

extension TrainingTests {
    @MainActor @Suite struct BrainFloats {
        private nonisolated static let capacities = [
            Capacity(pet: .lora(LoRA())), Capacity(pet: .usualAdapter),
            Capacity(pet: .usualPrefix), Capacity(pet: .bitFit), Capacity(pet: .ia3),
            Capacity(pet: .full),
            Capacity(pet: .lora(LoRA()), bottleneck: Bottleneck(size: 2)),
        ]

        private func spec(_ capacity: Capacity, _ precision: Precision) throws -> TrainingSpec {
            var spec = try Fixture.tinySpec()
            spec.capacity = capacity
            spec.settings.precision = precision
            spec.settings.dropout = 0
            spec.epochs = 1
            spec.learningRate = 1e-4
            return spec
        }

        /// Logits and the gradient of the first eight samples' loss.
        private func step(_ spec: TrainingSpec) throws -> (logits: [Double], gradient: [Float]) {
            let learner = try TrainingRun(spec: spec, threads: 1, cache: Fixture.cache)
                .makeLearner()
            let batch = try learner.samples.batch(Array(0..<8), device: .processor)
            var dropout = DropoutSource.none
            let tuned = try learner.model.tuned(learner.trainable.tensors(of: learner.vector))
            let logits = try tuned.output(batch, &dropout).logits
            let gradient = try logits.crossEntropy(batch.labels).gradient(of: learner.vector)
            return (try logits.floats().map(Double.init), try gradient.floats())
        }

        private func cosine(_ left: [Float], _ right: [Float]) -> Double {
            var (both, one, other) = (0.0, 0.0, 0.0)
            var index = 0
            while index < left.count {
                let (a, b) = (Double(left[index]), Double(right[index]))
                both += a * b
                one += a * a
                other += b * b
                index += 1
            }
            return both / (one * other).squareRoot()
        }

        @Test("Logits and gradients in bfloat16 are float32's within its eight bits")
        func closeness() throws {
            for capacity in Self.capacities {
                let exact = try step(spec(capacity, .float32))
                let rough = try step(spec(capacity, .bfloat16))
                #expect(exact.logits != rough.logits)
                #expect(relativeError(rough.logits, exact.logits, floor: 1) < 0.02)
                #expect(cosine(exact.gradient, rough.gradient) > 0.999, "\(capacity.label)")
            }
        }

        @Test("A run in bfloat16 gives the same metrics each time, close to float32's")
        func runs() throws {
            for capacity in Self.capacities {
                let rough = try Fixture.metrics(spec(capacity, .bfloat16))
                #expect(try Fixture.metrics(spec(capacity, .bfloat16)) == rough)
                let exact = try Fixture.metrics(spec(capacity, .float32))
                for (one, other) in zip(rough, exact) {
                    #expect(abs(one.trainingLoss - other.trainingLoss) < 0.02)
                    #expect(abs(one.testLoss - other.testLoss) < 0.02)
                }
            }
        }
    }
}
