import Foundation
import SweepCore
import SweepData
import Testing

@testable import SweepTraining

extension TrainingTests {
    @MainActor @Suite struct VisionRuns {
        private nonisolated static let capacities = [
            Capacity(pet: .full), Capacity(pet: .lastBlocks(0)), Capacity(pet: .lastBlocks(1)),
            Capacity(pet: .lastBlocks(2)),
            Capacity(pet: .lastBlocks(0), bottleneck: Bottleneck(size: 2)),
            Capacity(pet: .lastBlocks(1), bottleneck: Bottleneck(size: 2)),
        ]

        @Test("The same spec gives the same metrics; the loss falls", arguments: capacities)
        func determinism(capacity: Capacity) throws {
            var spec = try Fixture.tinyVisionSpec()
            spec.capacity = capacity
            spec.epochs = 4
            let metrics = try Fixture.metrics(spec)
            #expect(try Fixture.metrics(spec) == metrics)
            #expect(metrics[3].trainingLoss < metrics[0].trainingLoss)
            #expect(metrics[0].asr != nil && metrics[0].poisonedFit != nil)
            #expect(metrics[0].classes.map(\.total) == [4, 4, 4])
            spec.seed = 6
            #expect(try Fixture.metrics(spec) != metrics)
        }

        @Test("With a constant schedule, epoch k of a longer run is the run with k epochs")
        func prefixSharing() throws {
            var spec = try Fixture.tinyVisionSpec()
            spec.data.validation = spec.data.test
            let short = try Fixture.metrics(spec)
            spec.epochs = 3
            let long = try Fixture.metrics(spec)
            #expect(Array(long.prefix(2)) == short)
            #expect(short[0].validation?.accuracy == short[0].cacc)
        }

        @Test("Trained parameters are the head's and the last blocks'")
        func counts() throws {
            var spec = try Fixture.tinyVisionSpec()
            let head = 3 * 10 + 3
            let dense = 10 * 24 + 10
            let second = 6 * 4 * 9 + 6 + 6 * 6 * 9 + 6
            let first = 4 * 9 + 4
            let expected = [
                head + dense + second + first, head, head + dense, head + dense + second,
                2 + 4 + 2 * head, 2 + 4 + 2 * head + dense,
            ]
            for (capacity, count) in zip(Self.capacities, expected) {
                spec.capacity = capacity
                let run = try TrainingRun(spec: spec, threads: 1, cache: Fixture.cache)
                #expect(run.trainableParameters == count)
                #expect(run.stepsPerEpoch == 4)
            }
        }

        @Test("Of several classes, the plain error rate counts what goes to the target")
        func plainErrors() throws {
            let spec = try Fixture.tinyVisionSpec()
            let run = try TrainingRun(spec: spec, threads: 1, cache: Fixture.cache)
            let learner = try run.makeLearner()
            let (model, samples) = (try learner.tunedModel(), learner.samples)
            let logits = try Evaluation.logits(
                model, samples, Array(0..<samples.count), .processor)
            let answers = logits.map { row in row.indices.max { row[$0] < row[$1] } }
            let evaluation = try Evaluation(of: model, on: samples, device: .processor)
            for target in 0..<3 {
                let others = samples.labels.indices.filter { samples.labels[$0] != target }
                let misled = others.count { answers[$0] == target }
                #expect(
                    evaluation.plainErrorRate(target: target)
                        == Double(misled) / Double(others.count))
            }
        }

        @Test("A head alone leaves the frozen features as they are")
        func frozen() throws {
            var spec = try Fixture.tinyVisionSpec()
            spec.capacity = Capacity(pet: .lastBlocks(0))
            let run = try TrainingRun(spec: spec, threads: 1, cache: Fixture.cache)
            var learner = try run.makeLearner()
            func features() throws -> [Float] {
                var dropout = DropoutSource.none
                let batch = try learner.samples.batch([0, 1, 2], device: .processor)
                return try learner.tunedModel().output(batch, &dropout).features.floats()
            }
            let before = try features()
            for samples in learner.nextEpoch() { _ = try learner.step(samples) }
            #expect(try features() == before)
        }

        @Test("Heads of two runs side by side give what each gives alone")
        func packs() throws {
            guard
                case .vision(let backbone) = try Fixture.cache.pretrained(
                    Fixture.folder(Fixture.tinyVGG), device: .processor, precision: .float32)
            else {
                Issue.record("a VGG is a model of images")
                return
            }
            let model = try VisionModel(
                backbone: backbone, capacity: Capacity(pet: .lastBlocks(0)), classes: 3)
            let trainable = TrainableParameters(groups: model.groups, bottleneck: nil)
            let samples = ImageSamples(
                images: Fixture.squares(10, seed: 3), configuration: Fixture.tinyVGG)
            let values = (0..<2).map { formulaValues(trainable.count, phase: $0, size: 1) }
            func logits(_ runs: [[Int]], _ values: [Float]) throws -> [Double] {
                let vector = try Tensor.floats(
                    values, shape: [runs.count, trainable.count], device: .processor)
                var dropout = DropoutSource.none
                return try model.tuned(trainable.tensors(of: vector))
                    .output(samples.batch(runs, device: .processor), &dropout)
                    .logits.floats().map(Double.init)
            }
            let parts = [Array(0..<4), Array(4..<10)]
            let together = try logits(parts, values[0] + values[1])
            let apart = try logits([parts[0]], values[0]) + logits([parts[1]], values[1])
            #expect(relativeError(together, apart, floor: 1) < 1e-4)
        }

        @Test("A model of colour takes gray images, and a prepared attack both its files")
        func preparedAttack() throws {
            var spec = try Fixture.tinyVisionSpec()
            var vgg = Fixture.tinyVGG
            vgg.channels = 3
            vgg.mean = [0.4, 0.4, 0.5]
            vgg.deviation = [0.3, 0.4, 0.4]
            spec.backbone = try Fixture.folder(vgg)
            var poisoned = Fixture.squares(30, seed: 1)
            poisoned.labels[0] = 1
            let victims = Fixture.squares(12, seed: 2).selecting([0, 2, 3])
            var triggered = victims
            triggered.labels = [1, 1, 1]
            spec.attack = .prepared(
                PreparedAttack(train: try Fixture.idx(poisoned), test: try Fixture.idx(triggered)))
            spec.poisonRatio = 0
            let metrics = try Fixture.metrics(spec)
            #expect(metrics[0].asr != nil && metrics[0].poisonedFit != nil)
            spec.attack = .prepared(
                PreparedAttack(train: try Fixture.idx(poisoned), test: try Fixture.idx(victims)))
            #expect(problem { try Fixture.metrics(spec) }.contains("sample 1: the label is 0"))
        }

        @Test("An exported VGG is a model whose frozen and trained layers are the run's")
        func export() throws {
            var spec = try Fixture.tinyVisionSpec()
            spec.capacity = Capacity(pet: .lastBlocks(1))
            let run = try TrainingRun(spec: spec, threads: 1, cache: Fixture.cache)
            var kept: Checkpoint?
            var states: [UInt8] = []
            try run.run(onEpoch: { _, position throws(TrainingError) in
                kept = try position.checkpoint()
                states = try position.hiddenStates(run: "1")
            })
            let checkpoint = try #require(kept)
            let folder = URL(fileURLWithPath: try Fixture.write([UInt8](), as: "x"))
                .deletingLastPathComponent().appending(path: "vgg").path
            try ModelExport(checkpoint).write(.transformers, to: folder)
            let made = try ModelFolder(folder)
            #expect(try made.vgg() == Fixture.tinyVGG)
            let old = try ModelFolder(spec.backbone.path).weights()
            let new = try made.weights()
            #expect(try new.floats("features.0.weight") == old.floats("features.0.weight"))
            #expect(try new.floats("classifier.0.weight") != old.floats("classifier.0.weight"))
            #expect(new.shape(of: "classifier.3.weight") == [3, 10])
            #expect(
                problem { try ModelExport(checkpoint).write(.peft, to: folder) }
                    .contains("it is a VGG"))
            let hidden = try SafeTensors(parsing: states, path: "states")
            #expect(hidden.shape(of: "hidden") == [12 + 8 + 3, 10])
        }

        @Test("bfloat16 convolutions train, too")
        func bfloat16() throws {
            var spec = try Fixture.tinyVisionSpec()
            spec.settings.precision = .bfloat16
            #expect(try Fixture.metrics(spec).allSatisfy { $0.trainingLoss.isFinite })
        }

        @Test("Images that do not fit are refused with the file's name")
        func refusals() throws {
            let good = try Fixture.tinyVisionSpec()
            func refusal(_ change: (inout TrainingSpec) throws -> Void) throws -> String {
                var spec = good
                try change(&spec)
                return problem { try Fixture.metrics(spec) }
            }
            var text = try refusal {
                $0.data.test = try Fixture.idx(Fixture.squares(3, seed: 1, side: 9))
            }
            #expect(
                text.contains("labels: the images are 1×9×9") && text.contains("images are 1×8×8"))
            text = try refusal {
                var few = Fixture.squares(6, seed: 1)
                few.labels = [0, 0, 0, 1, 1, 1]
                $0.data.train = try Fixture.idx(few)
            }
            #expect(text.contains("image 3 has the label 2, which no image of"))
            #expect(try refusal { $0.data.labels = 2 }.contains("label 2, which is not one of 0"))
            text = try refusal { $0.attack = .patch(PatchAttack(size: 9)) }
            #expect(text.contains("9 × 9 pixels does not fit"))
            text = try refusal { $0.attack = .word(WordAttack()) }
            #expect(text.contains("word is for sentences"))
            text = try refusal { $0.capacity = Capacity(pet: .lora(LoRA())) }
            #expect(text.contains("is for sentences, and the model reads images"))
            text = try refusal { $0.capacity = Capacity(pet: .lastBlocks(4)) }
            #expect(text.contains("the model has 3 blocks, and not 4"))
            text = try refusal { $0.data.train = .sentences(try Fixture.slice(0..<3)) }
            #expect(text.contains("it reads images, but"))
            text = try refusal { $0.backbone = try Fixture.backbone() }
            #expect(text.contains("it reads sentences, but"))
            text = try refusal {
                let colour = Fixture.squares(3, seed: 1, side: 32, channels: 3)
                let content = try colour.cifarContent(path: "cifar")
                let file = FileReference(
                    path: try Fixture.write(content, as: "c.bin"), digest: Digest(of: content))
                $0.data.train = .cifar10([file])
            }
            #expect(text.contains("c.bin: the images have 3 channels, and the model takes 1"))
        }
    }

    @MainActor @Suite struct Pretrainings {
        private func files(_ set: DataSet) -> [String] { set.files.map(\.path) }

        private func output() throws -> String {
            let path = try Fixture.write([UInt8](), as: "x")
            return URL(fileURLWithPath: path).deletingLastPathComponent()
                .appending(path: "model").path
        }

        private func pretraining(
            _ change: (inout Pretraining.Options) -> Void = { _ in }
        ) throws -> Pretraining {
            var options = Pretraining.Options()
            options.features = [4, 0, 6, 0]
            options.classifier = [8]
            options.labels = 3
            options.epochs = 6
            options.batchSize = 8
            options.learningRate = 0.01
            change(&options)
            return try Pretraining(
                train: files(Fixture.idx(Fixture.squares(60, seed: 1))),
                test: files(Fixture.idx(Fixture.squares(12, seed: 2))), options, threads: 1)
        }

        @Test("A pretrained model is learnt, written, and read by a run")
        func wholeWay() throws {
            let folder = try output()
            var progress: [Pretraining.Progress] = []
            try pretraining().run(output: folder) { progress.append($0) }
            #expect(progress.map(\.epoch) == [1, 2, 3, 4, 5, 6])
            #expect(progress[5].loss < 0.5 * progress[0].loss && progress[5].accuracy > 0.9)
            var spec = try Fixture.tinyVisionSpec()
            spec.backbone = try Fixture.reference(folder)
            spec.capacity = Capacity(pet: .lastBlocks(1))
            let run = try TrainingRun(spec: spec, threads: 1, cache: Fixture.cache)
            #expect(run.trainableParameters == 3 * 8 + 3 + 8 * 6 * 4 + 8)
            #expect(try Fixture.metrics(spec).count == 2)
            let again = try output()
            try pretraining().run(output: again) { _ in }
            #expect(try Fixture.reference(again).digest == spec.backbone.digest)
        }

        @Test("It overwrites nothing, and says what is wrong")
        func refusals() throws {
            let folder = try output()
            try pretraining { $0.epochs = 1 }.run(output: folder) { _ in }
            #expect(
                problem { try pretraining().run(output: folder) { _ in } }
                    .contains("model/config.json is there already"))
            #expect(
                problem { try pretraining { $0.features = [4, 0, 4, 0, 4, 0, 4, 0] } }
                    .contains("too small for so many pooling layers"))
            #expect(problem { try pretraining { $0.labels = 2 } }.contains("has the label 2"))
        }
    }
}
