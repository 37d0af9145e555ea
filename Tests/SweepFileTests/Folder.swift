import Foundation
import SweepCore
import SweepData
import SweepFile
import Testing

/// A folder of its own with a tiny model, tiny data and room for a sweep file; gone with the value.
final class Folder {
    let path: String

    init() throws {
        path =
            FileManager.default.temporaryDirectory
            .appendingPathComponent("sweep-file-" + UUID().uuidString).standardizedFileURL.path
        try FileManager.default.createDirectory(
            atPath: path + "/model", withIntermediateDirectories: true)
        try write("model/config.json", #"{"max_position_embeddings": 512}"#)
        try write("model/model.safetensors", "weights")
        try write("model/vocab.txt", "[PAD]\n")
        try write("train.tsv", Folder.table(negative: 12, positive: 8))
        try write("test.tsv", Folder.table(negative: 3, positive: 2))
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// Adds a VGG of two blocks as `vgg`, gray IDX files of three classes as `train.images`,
    /// `train.labels`, `test.images` and `test.labels`, and `cifar.bin`.
    func addImages(channels: Int = 1) throws {
        let half = [Double](repeating: 0.5, count: channels)
        let vgg = VGGConfiguration(
            features: [.convolution(2), .pooling], channels: channels, imageSize: 4, pool: 2,
            classifier: [3], mean: half, deviation: half)
        var weights = SafeTensorsWriter()
        for layer in vgg.blocks.flatMap(\.layers) {
            weights.add(
                layer.name + ".weight", shape: layer.shape,
                floats: [Float](repeating: 0, count: layer.shape.reduce(1, *)))
            weights.add(
                layer.name + ".bias", shape: [layer.shape[0]],
                floats: [Float](repeating: 0, count: layer.shape[0]))
        }
        try FileManager.default.createDirectory(
            atPath: path + "/vgg", withIntermediateDirectories: true)
        try write("vgg/config.json", bytes: vgg.content)
        try write("vgg/model.safetensors", bytes: weights.content())
        try writeImages("train", labels: (0..<20).map { $0 % 3 })
        try writeImages("test", labels: [0, 1, 2, 2])
        let colour = ImageSet(
            pixels: [UInt8](repeating: 0, count: 2 * 3072), labels: [0, 1], channels: 3,
            height: 32, width: 32)
        try write("cifar.bin", bytes: colour.cifarContent(path: "cifar.bin"))
    }

    /// `NAME.images` and `NAME.labels`.
    func writeImages(_ name: String, labels: [Int], side: Int = 4) throws {
        let images = ImageSet(
            pixels: [UInt8](repeating: 9, count: labels.count * side * side), labels: labels,
            channels: 1, height: side, width: side)
        try write("\(name).images", bytes: images.idxImageContent(path: name))
        try write("\(name).labels", bytes: images.idxLabelContent(path: name))
    }

    static func table(negative: Int, positive: Int) -> String {
        let labels = Array(repeating: 0, count: negative) + Array(repeating: 1, count: positive)
        let lines = labels.enumerated().map { "sentence \($0)\t\($1)\n" }
        return "sentence\tlabel\n" + lines.joined()
    }

    func write(_ name: String, _ text: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: path + "/" + name))
    }

    func write(_ name: String, bytes: [UInt8]) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: path + "/" + name))
    }

    func delete(_ name: String) throws {
        try FileManager.default.removeItem(atPath: path + "/" + name)
    }

    func read(_ text: String) throws(SweepFileError) -> SweepSpec {
        try SweepFile.read(text: text, path: path + "/sweep.yaml")
    }

    /// The message about the mistake in `text`, without the folder's path.
    func message(_ text: String) -> String {
        do throws(SweepFileError) {
            _ = try read(text)
            return "no mistake"
        } catch {
            return error.description.replacing(path + "/", with: "")
        }
    }
}

/// A good sweep file in which one line, counted from 1, is replaced by another, or by several.
func sweep(line: Int? = nil, _ replacement: String = "") -> String {
    var lines = [
        "name: tiny",  // 1
        "model: model",  // 2
        "data:",  // 3
        "  train: train.tsv",  // 4
        "  test: test.tsv",  // 5
        "  labels: 2",  // 6
        "grid:",  // 7
        "  capacity: lora",  // 8
        "  epochs: [1, 2]",  // 9
        "  learning-rate: 1e-3",  // 10
        "  attack: word",  // 11
        "  poison-ratio: 0.1",  // 12
        "  seed: 1",  // 13
        "training:",  // 14
        "  schedule: constant",  // 15
    ]
    if let line { lines[line - 1] = replacement }
    return lines.joined(separator: "\n") + "\n"
}

/// A good sweep file about images in which one line, counted from 1, is replaced.
func imageSweep(line: Int? = nil, _ replacement: String = "") -> String {
    var lines = [
        "name: tiny",  // 1
        "model: vgg",  // 2
        "data:",  // 3
        "  train: { images: train.images, labels: train.labels }",  // 4
        "  test: { images: test.images, labels: test.labels }",  // 5
        "  labels: 3",  // 6
        "grid:",  // 7
        "  capacity: full",  // 8
        "  epochs: 1",  // 9
        "  learning-rate: 1e-3",  // 10
        "  attack: patch",  // 11
        "  poison-ratio: 0.1",  // 12
    ]
    if let line { lines[line - 1] = replacement }
    return lines.joined(separator: "\n") + "\n"
}
