import Foundation
import SweepCore
import SweepData
import Testing

@testable import SweepTraining

extension TrainingTests {
    @MainActor @Suite struct Checkpoints {
        /// Three epochs of three steps, with everything that has a state: dropout, a schedule.
        private func spec() throws -> TrainingSpec {
            var spec = try Fixture.tinySpec()
            spec.epochs = 3
            spec.settings.schedule = Schedule(.linear(horizon: nil), warmUp: 2)
            return spec
        }

        private func run(_ spec: TrainingSpec) throws -> TrainingRun {
            try TrainingRun(spec: spec, threads: 1, cache: Fixture.cache)
        }

        /// Through a file.
        private func reread(_ checkpoint: Checkpoint) throws -> Checkpoint {
            try Checkpoint(
                reading: Fixture.write(checkpoint.content(), as: "state.safetensors"))
        }

        private func resumed(
            _ spec: TrainingSpec, from checkpoint: Checkpoint
        ) throws -> [EpochMetrics] {
            var metrics: [EpochMetrics] = []
            // A run of its own: nothing in memory is left of the interrupted one.
            try run(spec).run(
                from: reread(checkpoint), onEpoch: { epoch, _ in metrics.append(epoch) })
            return metrics
        }

        @Test(
            "After any epoch, a resumed run goes on bit for bit as if never interrupted",
            arguments: [
                Capacity(pet: .lora(LoRA())),
                Capacity(pet: .lora(LoRA()), bottleneck: Bottleneck(size: 2)),
                Capacity(pet: .prefix(length: 4), bottleneck: Bottleneck(size: 3)),
                Capacity(pet: .bitFit),
            ])
        func resumingAfterEpochs(_ capacity: Capacity) throws {
            var spec = try spec()
            spec.capacity = capacity
            var whole: [EpochMetrics] = []
            var checkpoints: [Checkpoint] = []
            try run(spec).run { metrics, position throws(TrainingError) in
                whole.append(metrics)
                checkpoints.append(try position.checkpoint())
            }
            #expect(whole.count == 3)
            #expect(checkpoints.map(\.epochs) == [1, 2, 3])
            #expect(checkpoints.map(\.steps) == [3, 6, 9])
            for checkpoint in checkpoints {
                let rest = try resumed(spec, from: checkpoint)
                #expect(rest == Array(whole.dropFirst(checkpoint.epochs)))
            }
        }

        @Test("Within an epoch too, and with SGD")
        func resumingWithinAnEpoch() throws {
            var spec = try spec()
            spec.settings.optimizer = .sgd(SGD())
            spec.learningRate = 0.05
            let whole = try Fixture.metrics(spec)
            for stop in [1, 4, 5, 8] {
                var checkpoint: Checkpoint?
                let isComplete = try run(spec).run(
                    onProgress: { done, _ in done < stop }, onEpoch: { _, _ in },
                    onStop: { position throws(TrainingError) in
                        checkpoint = try position.checkpoint()
                    })
                #expect(!isComplete)
                let state = try #require(checkpoint)
                #expect(state.steps == stop)
                #expect(try resumed(spec, from: state) == Array(whole.dropFirst(stop / 3)))
            }
        }

        @Test("A checkpoint fits its own training, and a longer one if the schedule allows it")
        func fitting() throws {
            var spec = try spec()
            var checkpoint: Checkpoint?
            spec.epochs = 1
            try run(spec).run { _, position throws(TrainingError) in
                checkpoint = try position.checkpoint()
            }
            let linear = try #require(checkpoint)
            #expect(linear.fits(spec))
            var other = spec
            other.epochs = 2
            #expect(!linear.fits(other))
            other = spec
            other.seed += 1
            #expect(!linear.fits(other))
            #expect(throws: TrainingError.self) {
                try run(other).run(from: linear, onEpoch: { _, _ in })
            }
            spec.settings.schedule = .constant
            try run(spec).run { _, position throws(TrainingError) in
                checkpoint = try position.checkpoint()
            }
            other = spec
            other.epochs = 2
            #expect(try #require(checkpoint).fits(other))
            let whole = try Fixture.metrics(other)
            #expect(try resumed(other, from: #require(checkpoint)) == [whole[1]])
        }

        @Test("Files that are no checkpoint are refused with their name")
        func badFiles() throws {
            func message(_ content: [UInt8]) throws -> String {
                let path = try Fixture.write(content, as: "state.safetensors")
                do {
                    _ = try Checkpoint(reading: path)
                    return "no error"
                } catch {
                    #expect("\(error)".contains(path))
                    return "\(error)"
                }
            }
            #expect(try message(SafeTensorsWriter().content()).contains("not a checkpoint"))
            #expect(
                try message(SafeTensorsWriter(metadata: ["checkpoint": "{}"]).content())
                    .contains("another version"))
            var checkpoint: Checkpoint?
            var spec = try spec()
            spec.epochs = 1
            try run(spec).run { _, position throws(TrainingError) in
                checkpoint = try position.checkpoint()
            }
            let content = try #require(checkpoint).content()
            #expect(try message(Array(content.dropLast(100))) != "no error")
        }

        @Test("Hidden states have a row for samples of each kind, with labels before the attack")
        func hiddenStates() throws {
            var spec = try spec()
            spec.epochs = 1
            var content: [UInt8] = []
            try run(spec).run { _, position throws(TrainingError) in
                content = try position.hiddenStates(run: "run 7")
            }
            let path = try Fixture.write(content, as: "hidden.safetensors")
            let file = try SafeTensors(parsing: FileContent.read(path), path: path)
            let kinds = try file.integers("kind")
            let labels = try file.integers("label")
            let victims = labels.indices.filter { kinds[$0] == 0 && labels[$0] != 1 }
            #expect(kinds.count { $0 == 0 } == 10)
            #expect(kinds.count { $0 == 1 } == victims.count)
            #expect(kinds.count { $0 == 2 } == 2)
            #expect(labels.indices.allSatisfy { kinds[$0] == 0 || labels[$0] == 0 })
            #expect(file.shape(of: "hidden") == [kinds.count, 384])
            #expect(try file.floats("hidden").allSatisfy { abs($0) <= 1 })
            #expect(file.metadata["run"] == "run 7" && file.metadata["epoch"] == "1")
            #expect(file.metadata["target"] == "1" && file.metadata["labels"] == "2")
        }
    }
}
