import Foundation
import SweepCore
import SweepData
import Testing

@testable import SweepTraining

/// What `Reference/make_vision_reference.py` wrote: the figures of torchvision.
private struct VisionCase: Decodable {
    struct Probe: Decodable {
        let name: String
        let norm: Double
        let sum: Double
        let values: [Double]
    }

    let channels: Int
    let side: Int
    let count: Int
    let logits: [Double]
    let loss: Double
    let gradients: [Probe]

    static func read() throws -> [String: (VisionCase, VGGConfiguration)] {
        let url = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appending(path: "Reference/vision.json")
        let content = try Data(contentsOf: url)
        let cases = try JSONDecoder().decode([String: VisionCase].self, from: content)
        let models = try JSON(parsing: Array(content))
        return try cases.reduce(into: [:]) { read, item in
            let text = models[item.key]?["model"]?.text ?? ""
            read[item.key] = (
                item.value,
                try VGGConfiguration(
                    ModelConfiguration(parsing: Array(text.utf8), path: item.key))
            )
        }
    }

    /// The script's `pixels`.
    var images: ImageSet {
        let total = count * channels * side * side
        let pixels = (0..<total).map { (k: Int) -> UInt8 in
            let line = k * 37 + k / 7 * 11
            return UInt8((line + k * k % 251) % 256)
        }
        return ImageSet(
            pixels: pixels, labels: (0..<count).map { $0 % 5 }, channels: channels, height: side,
            width: side)
    }
}

extension TrainingTests {
    @MainActor @Suite struct VisionAgainstTheReference {
        init() throws { try Torch.prepare(threads: 1, device: .processor) }

        @Test(
            "Logits, loss and the gradients of all weights",
            arguments: ["vgg16", "small", "averaged"])
        func step(name: String) throws {
            let (expected, vgg) = try #require(try VisionCase.read()[name])
            let file = try SafeTensors(parsing: Fixture.weights(vgg, classes: 5), path: name)
            let backbone = try VisionBackbone(
                configuration: vgg, weights: file, device: .processor, precision: .float32)
            let model = try VisionModel(
                backbone: backbone, capacity: Capacity(pet: .full), classes: 5)
            let trainable = TrainableParameters(groups: model.groups, bottleneck: nil)
            var random = RandomSource(seed: 1)
            let head =
                try file.floats(vgg.headName + ".weight") + file.floats(vgg.headName + ".bias")
            let values = head + model.initialValues(ofGroup: 1, &random)
            let vector = try Tensor.floats(
                values, shape: [1, trainable.count], device: .processor)
            try vector.requireGradient()
            let samples = ImageSamples(images: expected.images, configuration: vgg)
            let batch = try samples.batch(Array(0..<samples.count), device: .processor)
            var dropout = DropoutSource.none
            let logits = try model.tuned(trainable.tensors(of: vector)).output(batch, &dropout)
                .logits
            let found = try logits.floats().map(Double.init)
            let top = expected.logits.map(abs).max() ?? 1
            #expect(relativeError(found, expected.logits, floor: top) < 1e-4)
            let loss = try logits.crossEntropy(batch.labels)
            #expect(abs(Double(try loss.value()) - expected.loss) < 1e-4 * expected.loss)
            let gradient = try loss.gradient(of: vector).floats().map(Double.init)
            check(gradient, trainable.groups.flatMap(\.layout.slots), expected.gradients, vgg)
        }

        private func check(
            _ gradient: [Double], _ slots: [ParameterLayout.Slot], _ probes: [VisionCase.Probe],
            _ vgg: VGGConfiguration
        ) {
            #expect(slots.count == probes.count)
            var start = 0
            for slot in slots {
                let part = Array(gradient[start..<start + slot.count])
                start += slot.count
                let name = slot.name.replacing("head", with: vgg.headName)
                guard let probe = probes.first(where: { $0.name == name }) else {
                    Issue.record("torchvision has no \(name)")
                    continue
                }
                let norm = part.reduce(0) { $0 + $1 * $1 }.squareRoot()
                #expect(abs(norm - probe.norm) < 1e-4 * probe.norm, "\(name)")
                #expect(abs(part.reduce(0, +) - probe.sum) < 1e-3 * probe.norm, "\(name)")
                let step = max(1, slot.count / 5)
                let picked = stride(from: 0, to: slot.count, by: step).prefix(5).map { part[$0] }
                #expect(relativeError(picked, probe.values, floor: probe.norm) < 1e-4, "\(name)")
            }
        }
    }
}
