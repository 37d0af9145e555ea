import Foundation
import SweepCore
import SweepData
import Testing

@testable import SweepTraining

/// What `Reference/make_parity.py` wrote.
private struct Parity: Decodable {
    struct Case: Decodable {
        let logits: [Double]
        let loss: Double
        let gradients: [Summary]
    }

    // swift-format-ignore: AlwaysUseLowerCamelCase
    let sentences_sha256: String
    let models: [String: [String: Case]]

    static func read() throws -> Parity {
        let url = Fixture.reference.appending(path: "parity.json")
        return try JSONDecoder().decode(Parity.self, from: Data(contentsOf: url))
    }
}

private let sentences = 4
private let bottleneckSize = 3

/// One PET with a frozen, freshly read model under it, and the values that the script gave it.
@MainActor private struct Subject {
    let text: TextModel
    let trainable: TrainableParameters
    let batch: Batch

    init(_ backbone: TrainingCache.Backbone, _ capacity: Capacity) throws {
        text = try TextModel(backbone: backbone.weights, capacity: capacity, classes: 2)
        trainable = TrainableParameters(groups: text.groups, bottleneck: capacity.bottleneck)
        let reviews = try Fixture.reviews()
        var samples = TokenSamples()
        for index in 0..<sentences {
            samples.append(
                backbone.tokenizer.encode(reviews.sentences[index], maxLength: 100),
                label: reviews.labels[index])
        }
        batch = try samples.batch(Array(0..<sentences), device: .processor)
    }

    /// The tensors that figures are for, in the vector's order.
    var slots: [ParameterLayout.Slot] {
        guard let bottleneck = trainable.bottleneck else {
            return trainable.groups.flatMap(\.layout.slots)
        }
        return trainable.groups.flatMap {
            LowRankReparameterization(bottleneck: bottleneck, outputs: $0.layout.count).layout.slots
        }
    }

    func initialValues() -> [Float] {
        var random = RandomSource(seed: 0)
        return text.groups.indices.flatMap { text.initialValues(ofGroup: $0, &random) }
    }

    /// The fixed values that the script has, too.
    func values() -> [Float] {
        if trainable.bottleneck != nil { return generatorValues() }
        var values = initialValues()
        var start = 0
        for (phase, slot) in slots.enumerated() {
            if let size = size(of: slot) {
                values.replaceSubrange(
                    start..<start + slot.count, with: formula(slot.count, phase: phase, size: size))
            }
            start += slot.count
        }
        return values
    }

    /// How large a slot's fixed values are; `nil` for the backbone's own weights.
    private func size(of slot: ParameterLayout.Slot) -> Double? {
        let isInPlace = trainable.groups[0].start == nil
        if isInPlace && !slot.name.hasPrefix("head.") { return nil }
        if slot.name.hasSuffix("prefix") { return 0.5 }
        return slot.shape.count > 1 ? 0.05 : 0.01
    }

    private func generatorValues() -> [Float] {
        slots.enumerated().flatMap { index, slot in
            formula(
                slot.count, phase: index / 3 + index % 3 + 1, size: [0.8, 0.7, 0.06][index % 3])
        }
    }

    func leaf(_ values: [Float]) throws -> Tensor {
        let vector = try Tensor.floats(values, shape: [1, values.count], device: .processor)
        try vector.requireGradient()
        return vector
    }

    func logits(_ vector: Tensor) throws -> Tensor {
        var dropout = DropoutSource.none
        return try text.tuned(trainable.tensors(of: vector)).output(batch, &dropout).logits
    }
}

extension TrainingTests {
    /// Forward pass and gradients of every PET on every text model beside transformers and peft,
    /// which computed in float64.
    @MainActor @Suite struct ParityOfPETs {
        private static let pets: [(name: String, pet: PET)] = [
            ("lora", .lora(LoRA())), ("adapter", .adapter(size: 24)),
            ("prefix", .prefix(length: 24)),
            ("bitfit", .bitFit), ("ia3", .ia3), ("full", .full),
        ]

        private func cases(_ name: String) throws -> [String: Parity.Case] {
            let parity = try Parity.read()
            let train = try Fixture.setUp("data/movie-reviews/train.tsv")
            let digest = FileContent.digest(of: try FileContent.read(train))
            try #require(
                digest.hex == parity.sentences_sha256,
                "the data changed; run Reference/make_parity.py again")
            return try #require(parity.models[name])
        }

        private func check(_ model: TrainingCache.Backbone, _ name: String) throws {
            let cases = try cases(name)
            for (petName, pet) in Self.pets {
                for bottleneck in pet.allowsBottleneck ? [nil, bottleneckSize] : [nil] {
                    let label = petName + (bottleneck.map { "-\($0)" } ?? "")
                    let capacity = Capacity(
                        pet: pet, bottleneck: bottleneck.map { Bottleneck(size: $0) })
                    try check(
                        Subject(model, capacity), try #require(cases[label]), "\(name) \(label)")
                }
            }
        }

        private func check(_ subject: Subject, _ expected: Parity.Case, _ label: String) throws {
            let vector = try subject.leaf(subject.values())
            let logits = try subject.logits(vector)
            let values = try logits.floats().map(Double.init)
            #expect(relativeError(values, expected.logits, floor: 1) < 1e-5, "\(label)")
            let loss = try logits.crossEntropy(subject.batch.labels)
            #expect(abs(Double(try loss.value()) - expected.loss) < 1e-5, "\(label)")
            let gradient = try loss.gradient(of: vector).floats()
            let slots = subject.slots
            try #require(slots.count == expected.gradients.count, "\(label)")
            let norms = expected.gradients.map { $0.norm * $0.norm }
            let floor = 1e-3 * norms.reduce(0, +).squareRoot()
            var start = 0
            for (slot, figures) in zip(slots, expected.gradients) {
                let error = gradient.withUnsafeBufferPointer {
                    figures.error(
                        of: UnsafeBufferPointer(rebasing: $0[start..<start + slot.count]),
                        floor: floor)
                }
                #expect(error < 1e-4, "\(label): \(slot.name)")
                start += slot.count
            }
        }

        private func backbone(_ path: String) throws -> TrainingCache.Backbone {
            try Torch.prepare(threads: 2, device: .processor)
            return try TrainingCache().backbone(
                Fixture.reference(path), device: .processor, precision: .float32)
        }

        @Test("MiniLM: each PET, with and without a bottleneck") func miniLM() throws {
            try check(Fixture.model(), "all-MiniLM-L6-v2")
        }

        @Test(
            "Small RoBERTa as float32, float16 and bfloat16, BERT in shards",
            arguments: ["roberta", "roberta-float16", "roberta-bfloat16", "bert-sharded"])
        func small(name: String) throws {
            let model = try backbone(Fixture.reference.appending(path: name).path)
            try check(model, name)
            // These files have a head, too.
            let subject = try Subject(model, Capacity(pet: .bitFit))
            let logits = try subject.logits(subject.leaf(subject.initialValues())).floats()
            let expected = try #require(try cases(name)["untouched"]).logits
            #expect(relativeError(logits.map(Double.init), expected, floor: 1) < 1e-5)
        }

        private nonisolated static let mpNetName = "all-mpnet-base-v2"

        @Test(
            "MPNet-base: each PET, with and without a bottleneck",
            .enabled(
                if: (try? Fixture.setUp("models/" + mpNetName)) != nil,
                "cluster/setup --mpnet gets it"))
        func mpNet() throws {
            try check(backbone(Fixture.setUp("models/" + Self.mpNetName)), Self.mpNetName)
        }
    }
}
