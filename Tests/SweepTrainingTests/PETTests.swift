import SweepCore
import Testing

@testable import SweepTraining

extension TrainingTests {
    @MainActor @Suite struct PETs {
        private nonisolated static let capacities = [
            Capacity(pet: .usualAdapter), Capacity(pet: .usualPrefix), Capacity(pet: .bitFit),
            Capacity(pet: .ia3),
            Capacity(pet: .full), Capacity(pet: .usualAdapter, bottleneck: Bottleneck(size: 2)),
            Capacity(pet: .usualPrefix, bottleneck: Bottleneck(size: 2)),
        ]

        @Test("Every PET learns, and gives the same metrics each time", arguments: capacities)
        func training(capacity: Capacity) throws {
            var spec = try Fixture.tinySpec()
            spec.capacity = capacity
            spec.epochs = capacity.bottleneck == nil ? 3 : 1
            spec.settings.dropout = 0
            let metrics = try Fixture.metrics(spec)
            #expect(try Fixture.metrics(spec) == metrics)
            if capacity.bottleneck == nil {
                #expect(metrics[2].trainingLoss < metrics[0].trainingLoss)
            }
            #expect(metrics[0].cleanFit != nil && metrics[0].poisonedFit != nil)
            #expect(metrics[0].classes.reduce(0) { $0 + $1.total } == 10)
        }

        @Test("Trained parameters of each PET on MiniLM, two labels")
        func counts() throws {
            var spec = try Fixture.tinySpec()
            var counts: [Int] = []
            for capacity in Self.capacities {
                spec.capacity = capacity
                counts.append(
                    try TrainingRun(spec: spec, threads: 1, cache: Fixture.cache)
                        .trainableParameters)
            }
            let head = 2 * 384 + 2
            let adapter = 6 * 2 * (2 * 24 * 384 + 24 + 384) + head
            let prefix = 6 * 24 * 2 * 384 + head
            let biases = 384 + 6 * (3 * 384 + 384 + 384 + 1536 + 384 + 384) + 384 + head
            let scales = 6 * (2 * 384 + 1536) + head
            #expect(Array(counts.prefix(4)) == [adapter, prefix, biases, scales])
            #expect(counts[5] == 2 + 4 + 2 * adapter)
            #expect(counts[6] == 2 + 4 + 2 * prefix)
            // All of the model but the second token type, and the head.
            #expect(counts[4] == 22_713_216 - 384 + head)
        }

        @Test("Fused kernels and libtorch's own operations give the same gradients of each PET")
        func fusion() throws {
            var spec = try Fixture.tinySpec()
            for capacity in Self.capacities.prefix(5) {
                spec.capacity = capacity
                spec.settings.dropout = 0
                let run = try TrainingRun(spec: spec, threads: 1, cache: Fixture.cache)
                func gradient() throws -> [Double] {
                    let learner = try run.makeLearner()
                    let batch = try learner.samples.batch(
                        Array(0..<8), device: .processor)
                    var dropout = DropoutSource.none
                    let tuned = try learner.model.tuned(
                        learner.trainable.tensors(of: learner.vector))
                    let loss = try tuned.output(batch, &dropout).logits.crossEntropy(batch.labels)
                    return try loss.gradient(of: learner.vector).floats().map(Double.init)
                }
                let fused = try gradient()
                let plain = try Torch.withoutFusion { try gradient() }
                let top = plain.map(abs).max() ?? 1
                #expect(relativeError(fused, plain, floor: top) < 1e-4, "\(capacity.label)")
            }
        }

        @Test("Two runs side by side give what each gives alone", arguments: [0, 1, 2])
        func packs(index: Int) throws {
            let pets: [PET] = [.lora(LoRA()), .usualAdapter, .usualPrefix]
            let capacity = Capacity(pet: pets[index])
            let model = try Fixture.model()
            let text = try TextModel(backbone: model.weights, capacity: capacity, classes: 2)
            let trainable = TrainableParameters(groups: text.groups, bottleneck: nil)
            var samples = TokenSamples()
            let reviews = try Fixture.reviews()
            for row in 0..<10 {
                samples.append(
                    model.tokenizer.encode(reviews.sentences[row], maxLength: 64),
                    label: reviews.labels[row])
            }
            let values = (0..<2).map { run in
                var random = RandomSource(seed: UInt64(run))
                return random.normals(trainable.count, deviation: 0.05)
            }
            func logits(_ runs: [[Int]], _ values: [Float]) throws -> [Double] {
                let vector = try Tensor.floats(
                    values, shape: [runs.count, trainable.count], device: .processor)
                let batch = try samples.batch(runs, device: .processor)
                var dropout = DropoutSource.none
                return try text.tuned(trainable.tensors(of: vector)).output(batch, &dropout)
                    .logits.floats().map(Double.init)
            }
            let parts = [Array(0..<4), Array(4..<10)]
            let together = try logits(parts, values[0] + values[1])
            let apart = try logits([parts[0]], values[0]) + logits([parts[1]], values[1])
            #expect(relativeError(together, apart, floor: 1) < 1e-4)
        }
    }
}
