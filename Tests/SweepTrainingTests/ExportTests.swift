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

        /// What Hugging Face's libraries make of the sentences, for each exported model.
        private func logits(_ exports: [String], _ sentences: [String]) throws -> [[[Double]]] {
            let script = Fixture.root.appending(
                path: "Tests/SweepTrainingTests/Reference/load_export.py")
            let input = try Fixture.write(JSONEncoder().encode(sentences), as: "sentences.json")
            let process = Process()
            let output = Pipe()
            process.executableURL = URL(
                fileURLWithPath: try Fixture.setUp("reference/bin/python"))
            process.arguments = [script.path, "2"] + exports
            process.standardInput = FileHandle(forReadingAtPath: input)
            process.standardOutput = output
            var environment = ProcessInfo.processInfo.environment
            environment["HF_HUB_OFFLINE"] = "1"
            process.environment = environment
            try process.run()
            let data = output.fileHandleForReading.readDataToEndOfFile()
            process.waitUntilExit()
            try #require(process.terminationStatus == 0)
            return try JSONDecoder().decode([[[Double]]].self, from: data)
        }

        /// One Python for all: it takes ten seconds until it has loaded its libraries.
        @Test(
            "transformers loads merged weights, PEFT LoRA or (IA)³, and both predict the same"
        )
        func loaded() throws {
            let lora = PET.lora(LoRA(rank: 4, alpha: 6))
            let bottleneck = Bottleneck(size: 2)
            let cases: [(ModelExport.Form, Capacity)] = [
                (.transformers, Capacity(pet: .lora(LoRA()))),
                (.transformers, Capacity(pet: lora, bottleneck: bottleneck)),
                (.transformers, Capacity(pet: .bitFit)), (.transformers, Capacity(pet: .ia3)),
                (.transformers, Capacity(pet: .full)), (.peft, Capacity(pet: .ia3)),
                (.peft, Capacity(pet: lora)), (.peft, Capacity(pet: lora, bottleneck: bottleneck)),
            ]
            var exports: [String] = []
            var trained: [Trained] = []
            for (form, capacity) in cases {
                let model = try train(capacity)
                let folder = try folder()
                try ModelExport(model.checkpoint).write(form, to: folder)
                trained.append(model)
                exports.append("\(form)=\(folder)")
            }
            let found = try logits(exports, trained[0].sentences)
            try #require(found.count == cases.count)
            for (index, logits) in found.enumerated() {
                let expected = Array(trained[index].logits.joined())
                #expect(
                    relativeError(Array(logits.joined()), expected, floor: 0.1) < 1e-4,
                    "\(cases[index])")
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
