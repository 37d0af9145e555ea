import Foundation
import SweepCore
import SweepData

@testable import SweepTraining

/// The reference scripts' `formula`.
func formulaValues(_ count: Int, phase: Int, size: Double) -> [Float] {
    (0..<count).map { index in
        let k = Double(index)
        return Float(
            size * sin(Double(phase) + (0.7 * k * k).truncatingRemainder(dividingBy: 1000)))
    }
}

extension Fixture {
    /// The model file of `vgg` by formula, with a head of `classes`.
    static func weights(_ vgg: VGGConfiguration, classes: Int) -> [UInt8] {
        var writer = SafeTensorsWriter()
        var shapes = vgg.blocks.flatMap(\.layers).map { ($0.name, $0.shape) }
        shapes.append((vgg.headName, [classes, vgg.headInputs]))
        for (index, (name, shape)) in shapes.enumerated() {
            let count = shape.reduce(1, *)
            let size = 2 / Double(count / shape[0]).squareRoot()
            writer.add(
                name + ".weight", shape: shape,
                floats: formulaValues(count, phase: 2 * index, size: size))
            writer.add(
                name + ".bias", shape: [shape[0]],
                floats: formulaValues(shape[0], phase: 2 * index + 1, size: 0.01))
        }
        return writer.content()
    }

    /// Gray squares: class 0 is dark, 1 bright, 2 half and half, each with some noise.
    static func squares(_ count: Int, seed: UInt64, side: Int = 8, channels: Int = 1) -> ImageSet {
        var random = RandomSource(seed: seed)
        var pixels: [UInt8] = []
        for index in 0..<count {
            for place in 0..<channels * side * side {
                let isBright = [false, true, place % side < side / 2][index % 3]
                pixels.append((isBright ? 180 : 20) + UInt8(random.number(below: 60)))
            }
        }
        return ImageSet(
            pixels: pixels, labels: (0..<count).map { $0 % 3 }, channels: channels, height: side,
            width: side)
    }

    /// The images as IDX files in a folder of their own.
    static func idx(_ images: ImageSet) throws -> DataSet {
        func file(_ content: [UInt8], _ name: String) throws -> FileReference {
            FileReference(path: try write(content, as: name), digest: Digest(of: content))
        }
        return .idx(
            images: try file(images.idxImageContent(path: "images"), "images"),
            labels: try file(images.idxLabelContent(path: "labels"), "labels"))
    }

    /// A VGG of three blocks, the last fully connected, for gray images of 8 × 8.
    static let tinyVGG = VGGConfiguration(
        features: [.convolution(4), .pooling, .convolution(6), .convolution(6), .pooling],
        channels: 1, imageSize: 8, pool: 2, classifier: [10], mean: [0.4], deviation: [0.4])

    static func folder(_ vgg: VGGConfiguration) throws -> BackboneReference {
        let path = try write(vgg.content, as: "config.json")
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent()
        try Data(weights(vgg, classes: 10)).write(to: folder.appending(path: "model.safetensors"))
        return try reference(folder.path)
    }

    /// A run of four short steps an epoch on 30 squares, of which 3 are painted.
    static func tinyVisionSpec() throws -> TrainingSpec {
        TrainingSpec(
            backbone: try folder(tinyVGG),
            data: TaskData(
                train: try idx(squares(30, seed: 1)), test: try idx(squares(12, seed: 2)),
                labels: 3),
            capacity: Capacity(pet: .full), attack: .patch(PatchAttack(size: 2)),
            poisonRatio: 0.1, epochs: 2, learningRate: 1e-3, seed: 5,
            settings: TrainingSettings(schedule: .constant, batchSize: 8))
    }
}

/// The words of the error that `body` throws.
func problem(_ body: () throws -> some Any) -> String {
    do {
        _ = try body()
        return "no error"
    } catch {
        return "\(error)"
    }
}
