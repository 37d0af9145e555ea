import Foundation
import SweepCore
import SweepData
import Testing

@testable import SweepTraining

/// What `Reference/make_reference.py` wrote: the figures of transformers and peft.
private struct Reference: Decodable {
    struct Probes: Decodable {
        let norm: Double
        let values: [Double]
    }
    struct Step: Decodable {
        let logits: [Double]
        let loss: Double
        let gradient: Probes
    }
    struct Training: Decodable {
        let losses: [Double]
        let logits: [Double]
    }
    struct Generated: Decodable {
        let loss: Double
        let gradient: Probes
        // swift-format-ignore: AlwaysUseLowerCamelCase
        let small_gradients: [Double]
    }

    // swift-format-ignore: AlwaysUseLowerCamelCase
    let sentences_sha256: String
    let trainable: Int
    let step: Step
    let training: Training
    let bottleneck: Generated

    static func read() throws -> Reference {
        let url = Fixture.reference.appending(path: "reference.json")
        return try JSONDecoder().decode(Reference.self, from: Data(contentsOf: url))
    }
}

private let batchSize = 8

extension TrainingTests {
    @MainActor @Suite struct AgainstTheReference {
        private let reference: Reference
        private let model: TrainingCache.Backbone
        private let samples: TokenSamples

        init() throws {
            reference = try Reference.read()
            model = try Fixture.model()
            let tokenizer = model.tokenizer
            let text = try Fixture.reviews()
            var samples = TokenSamples()
            for index in 0..<10 * batchSize {
                samples.append(
                    tokenizer.encode(text.sentences[index], maxLength: 128),
                    label: text.labels[index])
            }
            self.samples = samples
        }

        /// Values by formula, in the order of the layout: one phase for each parameter.
        private func formulaValues(_ trainable: TrainableParameters) -> [Float] {
            var values: [Float] = []
            for (phase, slot) in trainable.groups.flatMap(\.layout.slots).enumerated() {
                values += formula(
                    slot.count, phase: phase, size: slot.shape.count > 1 ? 0.05 : 0.01)
            }
            return values
        }

        private func trainable(_ bottleneck: Bottleneck? = nil) -> TrainableParameters {
            TrainableParameters(groups: textModel.groups, bottleneck: bottleneck)
        }

        private var textModel: TextModel {
            guard
                let made = try? TextModel(
                    backbone: model.weights, capacity: Capacity(pet: .lora(LoRA())), classes: 2)
            else { preconditionFailure("LoRA is for sentences") }
            return made
        }

        private func leaf(_ values: [Float]) throws -> Tensor {
            let vector = try Tensor.floats(values, shape: [1, values.count], device: .processor)
            try vector.requireGradient()
            return vector
        }

        private func logits(
            _ vector: Tensor, _ trainable: TrainableParameters, _ indices: Range<Int>
        ) throws -> (logits: Tensor, labels: Tensor) {
            let batch = try samples.batch(Array(indices), device: .processor)
            var dropout = DropoutSource.none
            let tuned = try textModel.tuned(trainable.tensors(of: vector))
            return (try tuned.output(batch, &dropout).logits, batch.labels)
        }

        private func check(_ gradient: [Double], _ probes: Reference.Probes, within limit: Double) {
            let norm = gradient.reduce(0) { $0 + $1 * $1 }.squareRoot()
            #expect(abs(norm - probes.norm) < limit * probes.norm)
            let last = Double(gradient.count - 1)
            let count = probes.values.count
            let picked = (0..<count).map {
                // The script's positions are rounded to float32 before they are cut.
                gradient[probePosition($0, count: count, last: last)]
            }
            let floor = probes.norm / Double(gradient.count).squareRoot()
            #expect(relativeError(picked, probes.values, floor: floor) < limit)
        }

        private func probePosition(_ index: Int, count: Int, last: Double) -> Int {
            let step = Float(last) / Float(count - 1)
            return index < count / 2
                ? Int(step * Float(index)) : Int(Float(last) - step * Float(count - 1 - index))
        }

        @Test("The sentences are those that the script saw")
        func sentences() throws {
            let path = try Fixture.setUp("data/movie-reviews/train.tsv")
            let digest = FileContent.digest(of: try FileContent.read(path))
            #expect(
                digest.hex == reference.sentences_sha256,
                "the data changed; run Reference/make_reference.py again")
        }

        @Test("Logits, loss and LoRA's gradients of a step", arguments: [true, false])
        func step(fused: Bool) throws {
            let trainable = trainable()
            #expect(trainable.count == reference.trainable)
            let vector = try leaf(formulaValues(trainable))
            func check() throws {
                let (logits, labels) = try logits(vector, trainable, 0..<batchSize)
                let values = try logits.floats().map(Double.init)
                #expect(relativeError(values, reference.step.logits, floor: 1) < 1e-4)
                let loss = try logits.crossEntropy(labels)
                #expect(abs(Double(try loss.value()) - reference.step.loss) < 1e-5)
                let gradient = try loss.gradient(of: vector).floats().map(Double.init)
                self.check(gradient, reference.step.gradient, within: 1e-4)
            }
            if fused { try check() } else { try Torch.withoutFusion { try check() } }
        }

        @Test("Ten AdamW steps with linear decay and clipping")
        func tenSteps() throws {
            let trainable = trainable()
            let vector = try leaf(formulaValues(trainable))
            var optimizer = try Optimizer(
                .adamW(AdamW(weightDecay: 0.01)), clip: 1, parameter: vector)
            var losses: [Double] = []
            for step in 0..<10 {
                let chosen = step * batchSize..<(step + 1) * batchSize
                let (logits, labels) = try logits(vector, trainable, chosen)
                let loss = try logits.crossEntropy(labels)
                let rate = 1e-3 * (1 - Double(step) / 10)
                _ = try optimizer.step(loss.gradient(of: vector), rate: rate)
                losses.append(Double(try loss.value()))
            }
            #expect(relativeError(losses, reference.training.losses, floor: 0.1) < 1e-3)
            let last = try logits(vector, trainable, 0..<batchSize).logits.floats()
            let expected = reference.training.logits
            #expect(relativeError(last.map(Double.init), expected, floor: 1) < 1e-3)
        }

        @Test("The low-rank reparameterisation: loss and gradients of z, W1 and W2")
        func reparameterization() throws {
            let bottleneck = Bottleneck(size: 3)
            let trainable = trainable(bottleneck)
            var values: [Float] = []
            let counts = trainable.groups.map(\.layout.count)
            for (number, count) in counts.enumerated() {
                values += formula(2, phase: 1 + number, size: 0.8)
                values += formula(3 * 2, phase: 2 + number, size: 0.7)
                values += formula(count * 3, phase: 3 + number, size: 0.06)
            }
            let vector = try leaf(values)
            let (logits, labels) = try logits(vector, trainable, 0..<batchSize)
            let loss = try logits.crossEntropy(labels)
            #expect(abs(Double(try loss.value()) - reference.bottleneck.loss) < 1e-5)
            let gradient = try loss.gradient(of: vector).floats().map(Double.init)
            check(gradient, reference.bottleneck.gradient, within: 1e-4)
            let second = 8 + counts[0] * 3
            let small = Array(gradient[0..<8]) + Array(gradient[second..<second + 8])
            let expected = reference.bottleneck.small_gradients
            let floor = expected.map(abs).max() ?? 1
            #expect(relativeError(small, expected, floor: floor) < 1e-4)
        }
    }
}
