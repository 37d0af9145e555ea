import Foundation
import SweepCore
import Testing

@testable import SweepTraining

/// What `Reference/make_training.py` wrote.
private struct Reference: Decodable {
    struct Loss: Decodable {
        let loss: Double
        let gradient: [Double]
    }

    /// The parameters after each of ten steps.
    let optimizers: [String: [Double]]
    let unweighted: Loss
    let weighted: Loss
    /// By name and warm-up: the factor of each of 40 steps.
    let schedules: [String: [String: [Double]]]

    static func read() throws -> Reference {
        let url = Fixture.reference.appending(path: "training.json")
        return try JSONDecoder().decode(Reference.self, from: Data(contentsOf: url))
    }
}

extension TrainingTests {
    @MainActor @Suite struct Optimization {
        private let reference: Reference

        init() throws {
            reference = try Reference.read()
            try Torch.prepare(threads: 1, device: .processor)
        }

        private nonisolated static let optimizers: [(name: String, settings: OptimizerSettings)] = [
            ("sgd", .sgd(SGD())), ("sgd-plain", .sgd(SGD(momentum: 0))),
            ("sgd-decay", .sgd(SGD(momentum: 0.5, weightDecay: 0.1))),
            ("adamw", .adamW(AdamW(beta1: 0.8, beta2: 0.99, weightDecay: 0.1))),
        ]

        @Test("Ten steps with decaying rate and clipping are torch.optim's", arguments: 0..<4)
        func tenSteps(index: Int) throws {
            let (name, settings) = Self.optimizers[index]
            let count = 50
            let parameter = try Tensor.floats(
                formula(count, phase: 0, size: 0.5), shape: [1, count], device: .processor)
            var optimizer = try Optimizer(settings, clip: 1, parameter: parameter)
            let expected = try #require(reference.optimizers[name])
            for step in 0..<10 {
                let values = formula(count, phase: step + 1, size: step % 2 == 0 ? 1 : 0.1)
                let gradient = try Tensor.floats(values, shape: [1, count], device: .processor)
                let norm = try optimizer.step(gradient, rate: 0.1 * (1 - Double(step) / 10))
                let squares = values.reduce(0) { $0 + Double($1) * Double($1) }
                #expect(abs(norm - squares.squareRoot()) < 1e-5 * norm)
                let found = try parameter.floats().map(Double.init)
                let after = Array(expected[step * count..<(step + 1) * count])
                #expect(relativeError(found, after, floor: 0.1) < 2e-6, "\(name), step \(step)")
            }
        }

        @Test("Cross-entropy, plain and with weights of classes, is torch's")
        func crossEntropy() throws {
            let labels = try Tensor.indices([0, 1, 2, 0, 0, 1, 0, 0], device: .processor)
            func check(_ weights: [Float]?, _ expected: Reference.Loss) throws {
                let logits = try Tensor.floats(
                    formula(24, phase: 3, size: 2), shape: [8, 3], device: .processor)
                try logits.requireGradient()
                var classWeights: Tensor?
                if let weights {
                    classWeights = try .floats(weights, shape: [3], device: .processor)
                }
                let loss = try logits.crossEntropy(labels, classWeights: classWeights)
                #expect(abs(Double(try loss.value()) - expected.loss) < 1e-6)
                let gradient = try loss.gradient(of: logits).floats().map(Double.init)
                #expect(relativeError(gradient, expected.gradient, floor: 0.01) < 1e-5)
            }
            try check(nil, reference.unweighted)
            try check([0.5, 2, 1.25], reference.weighted)
        }

        @Test("Class weighting: a class's samples count n / (classes · samples of the class)")
        func classWeighting() throws {
            var spec = try Fixture.tinySpec()
            spec.attack = .none
            spec.poisonRatio = 0
            spec.settings.classWeighting = true
            spec.settings.dropout = 0
            let run = try TrainingRun(spec: spec, threads: 1, cache: Fixture.cache)
            var learner = try run.makeLearner()
            let labels = learner.samples.labels
            let ones = labels.count { $0 == 1 }
            try #require(ones != 0 && 2 * ones != labels.count && ones != labels.count)
            let counts = [labels.count - ones, ones]
            let chosen = Array(0..<8)
            let rows = try Evaluation.logits(
                learner.tunedModel(), learner.samples, chosen, .processor)
            var loss = (sum: 0.0, weight: 0.0)
            for (row, index) in zip(rows, chosen) {
                let label = labels[index]
                let weight = Double(labels.count) / Double(2 * counts[label])
                loss.sum += weight * (log(exp(row[0]) + exp(row[1])) - row[label])
                loss.weight += weight
            }
            #expect(abs(try learner.step(chosen) - loss.sum / loss.weight) < 1e-6)
        }

        @Test("Label smoothing: a target is 1 − s, and s / classes of each class beside")
        func labelSmoothing() throws {
            var spec = try Fixture.tinySpec()
            spec.settings.labelSmoothing = 0.3
            spec.settings.dropout = 0
            let run = try TrainingRun(spec: spec, threads: 1, cache: Fixture.cache)
            var learner = try run.makeLearner()
            let chosen = Array(0..<8)
            let rows = try Evaluation.logits(
                learner.tunedModel(), learner.samples, chosen, .processor)
            var sum = 0.0
            for (row, index) in zip(rows, chosen) {
                let total = log(exp(row[0]) + exp(row[1]))
                let own = total - row[learner.samples.labels[index]]
                let all = (total - row[0]) + (total - row[1])
                sum += 0.7 * own + 0.15 * all
            }
            let loss = try learner.step(chosen)
            #expect(abs(loss - sum / 8) < 1e-6, "\(loss), \(sum / 8)")
        }

        @Test("A loss that is no number ends the run with the step and the last finite loss")
        func divergence() throws {
            var spec = try Fixture.tinySpec()
            spec.learningRate = 1e6
            var learner = try TrainingRun(spec: spec, threads: 1, cache: Fixture.cache)
                .makeLearner()
            var losses: [Double] = []
            do throws(TrainingError) {
                while losses.count < 10 { losses.append(try learner.step(Array(0..<8))) }
                Issue.record("it did not diverge")
            } catch .diverged(let step, let lastLoss, let rate) {
                #expect(step == losses.count + 1 && rate == 1e6)
                #expect(lastLoss == losses.last && losses.allSatisfy(\.isFinite))
            } catch {
                Issue.record(error)
            }
        }
    }
}

extension TrainingTests {
    @MainActor @Suite struct LearningRates {
        /// The factors of the first steps, with ten steps an epoch.
        private func factors(
            _ schedule: Schedule, epochs: Int = 4, steps: Int = 40
        ) throws -> [Double] {
            var spec = try Fixture.tinySpec()
            spec.learningRate = 0.5
            spec.epochs = epochs
            spec.settings.schedule = schedule
            let rate = LearningRate(spec, stepsPerEpoch: 10)
            return (0..<steps).map { rate.rate(at: $0) / 0.5 }
        }

        private nonisolated static let shapes: [(name: String, shape: Schedule.Shape)] = [
            ("constant", .constant), ("linear", .linear(horizon: nil)),
            ("cosine", .cosine(horizon: nil)), ("inverse-sqrt", .inverseSquareRoot),
        ]

        @Test("With and without warm-up the factors are transformers'", arguments: 0..<4)
        func reference(index: Int) throws {
            let (name, shape) = Self.shapes[index]
            for warmUp in [0, 7] {
                let expected = try Reference.read().schedules[name]?["\(warmUp)"]
                let found = try factors(Schedule(shape, warmUp: warmUp))
                #expect(
                    relativeError(found, try #require(expected), floor: 1) < 1e-6,
                    "\(name), \(warmUp) steps of warm-up")
            }
        }

        @Test("A horizon takes the place of the run's end; after it the rate is 0")
        func horizon() throws {
            for shape in [Schedule.Shape.linear(horizon: 4), .cosine(horizon: 4)] {
                let long = try factors(Schedule(shape, warmUp: 3), epochs: 9, steps: 60)
                let short = try factors(Schedule(shape, warmUp: 3), epochs: 1)
                #expect(Array(long.prefix(40)) == short)
                #expect(long.suffix(20).allSatisfy { abs($0) < 1e-15 })
            }
            let linear = try factors(.linear(horizon: 4), epochs: 9)
            #expect(relativeError(linear, (0..<40).map { 1 - Double($0) / 40 }, floor: 1) < 1e-12)
            let cosine = try factors(Schedule(.cosine(horizon: 4)), epochs: 9)
            let wave = (0..<40).map { (1 + cos(.pi * Double($0) / 40)) / 2 }
            #expect(relativeError(cosine, wave, floor: 1) < 1e-12)
        }

        @Test("Closed forms of the schedules that have no end")
        func endless() throws {
            let constant = try factors(Schedule(.constant, warmUp: 4), steps: 100)
            #expect(constant == (0..<100).map { min(1, Double($0) / 4) })
            let root = try factors(Schedule(.inverseSquareRoot, warmUp: 4), steps: 100)
            let expected = (0..<100).map { step in
                step < 4 ? Double(step) / 4 : (4 / Double(step)).squareRoot()
            }
            #expect(relativeError(root, expected, floor: 1) < 1e-12)
            let unwarmed = try factors(Schedule(.inverseSquareRoot), steps: 100)
            let slow = (0..<100).map { (10_000 / (10_000 + Double($0))).squareRoot() }
            #expect(relativeError(unwarmed, slow, floor: 1) < 1e-12)
        }
    }
}
