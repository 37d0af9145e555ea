import Foundation
import SweepCore
import SweepData
import Testing

@testable import SweepTraining

extension TrainingTests {
    /// Exported models beside the trained ones, as transformers and PEFT load them.
    @MainActor @Suite struct Exports {
        private struct Trained {
            let checkpoint: Checkpoint
            /// Of the first test sentences.
            let logits: [[Double]]
            let sentences: [String]
        }

        private func train(_ capacity: Capacity) throws -> Trained {
            var spec = try Fixture.tinySpec()
            spec.capacity = capacity
            spec.epochs = 1
            spec.learningRate = 5e-3
            let run = try TrainingRun(spec: spec, threads: 1, cache: Fixture.cache)
            var learner = try run.makeLearner()
            for samples in learner.nextEpoch() { _ = try learner.step(samples) }
            let text = try Fixture.reviews()
            let sentences = (100..<110).map { text.sentences[$0] }
            let reader = SentenceReader(
                tokenizer: try Fixture.model().tokenizer, maxLength: 128, labels: 2)
            let samples = try reader.read(spec.data.test.files[0]).samples
            return Trained(
                checkpoint: try learner.checkpoint(
                    of: spec, epochs: 1, stepsInEpoch: 0, lossInEpoch: 0),
                logits: try Evaluation.logits(
                    learner.tunedModel(), samples, Array(0..<10), .processor),
                sentences: sentences)
        }

        private func folder() throws -> String {
            try Fixture.write([UInt8](), as: "empty") + ".export"
        }

        /// What Hugging Face's libraries make of the sentences.
        private func logits(
            _ form: String, _ folder: String, _ sentences: [String]
        ) throws -> [[Double]] {
            let script = Fixture.root.appending(
                path: "Tests/SweepTrainingTests/Reference/load_export.py")
            let input = try Fixture.write(JSONEncoder().encode(sentences), as: "sentences.json")
            let process = Process()
            let output = Pipe()
            process.executableURL = URL(
                fileURLWithPath: try Fixture.setUp("reference/bin/python"))
            process.arguments = [script.path, form, folder, "2"]
            process.standardInput = FileHandle(forReadingAtPath: input)
            process.standardOutput = output
            var environment = ProcessInfo.processInfo.environment
            environment["HF_HUB_OFFLINE"] = "1"
            process.environment = environment
            try process.run()
            let data = output.fileHandleForReading.readDataToEndOfFile()
            process.waitUntilExit()
            #expect(process.terminationStatus == 0)
            return try JSONDecoder().decode([[Double]].self, from: data)
        }

        @Test(
            "transformers loads the merged weights and predicts the same",
            arguments: [
                Capacity(pet: .lora(LoRA())),
                Capacity(pet: .lora(LoRA(rank: 4, alpha: 6)), bottleneck: Bottleneck(size: 2)),
                Capacity(pet: .bitFit), Capacity(pet: .ia3), Capacity(pet: .full),
            ])
        func transformers(_ capacity: Capacity) throws {
            let trained = try train(capacity)
            let folder = try folder()
            try ModelExport(trained.checkpoint).write(.transformers, to: folder)
            let found = try logits("transformers", folder, trained.sentences)
            #expect(
                relativeError(
                    Array(found.joined()), Array(trained.logits.joined()), floor: 0.1) < 1e-4)
        }

        @Test("PEFT loads LoRA or (IA)³ and the head, and predicts the same")
        func peft() throws {
            let lora = PET.lora(LoRA(rank: 4, alpha: 6))
            for capacity in [
                Capacity(pet: lora), Capacity(pet: lora, bottleneck: Bottleneck(size: 2)),
                Capacity(pet: .ia3),
            ] {
                let trained = try train(capacity)
                let folder = try folder()
                try ModelExport(trained.checkpoint).write(.peft, to: folder)
                let found = try logits("peft", folder, trained.sentences)
                #expect(
                    relativeError(
                        Array(found.joined()), Array(trained.logits.joined()), floor: 0.1) < 1e-4)
            }
        }

        @Test("What has no place in a form is refused with the form that has one")
        func refusals() throws {
            let trained = try train(Capacity(pet: .adapter(size: 4)))
            let export = try ModelExport(trained.checkpoint)
            let folder = try folder()
            for (form, words) in [(ModelExport.Form.transformers, "no place"), (.peft, "LoRA")] {
                do {
                    try export.write(form, to: folder)
                    Issue.record("\(form) was written")
                } catch {
                    #expect("\(error)".contains(words))
                    #expect("\(error)".contains("--form parameters"))
                }
            }
            try export.write(.parameters, to: folder)
            let path = folder + "/parameters.safetensors"
            let file = try SafeTensors(parsing: FileContent.read(path), path: path)
            #expect(file.metadata["capacity"] == "Adapter 4")
            #expect(file.shape(of: "head.weight") == [2, 384])
            let counts = file.names.map { file.shape(of: $0)?.reduce(1, *) ?? 0 }
            #expect(counts.reduce(0, +) == trained.checkpoint.parameters.count)
        }
    }
}
