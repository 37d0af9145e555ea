/// The layers of a VGG (Simonyan & Zisserman, 2015) and what its images look like: `config.json`.
///
/// The weights are named as in torchvision: `features.N` and `classifier.N`, where the number
/// counts ReLU, pooling and dropout too.
package struct VGGConfiguration: Hashable, Sendable {
    package enum Feature: Hashable, Sendable {
        /// 3 × 3, with this many outputs, then ReLU.
        case convolution(Int)
        /// The largest of each 2 × 2 values.
        case pooling
    }

    package var features: [Feature]
    /// Of the images the model takes in: 1 (gray) or 3.
    package var channels: Int
    /// Side of those images in pixels.
    package var imageSize: Int
    /// Side of the grid that is averaged over before the fully connected layers.
    package var pool: Int
    /// Widths of the hidden fully connected layers.
    package var classifier: [Int]
    /// Of each channel over 255.
    package var mean: [Double]
    package var deviation: [Double]

    package init(
        features: [Feature], channels: Int, imageSize: Int, pool: Int, classifier: [Int],
        mean: [Double], deviation: [Double]
    ) {
        self.features = features
        self.channels = channels
        self.imageSize = imageSize
        self.pool = pool
        self.classifier = classifier
        self.mean = mean
        self.deviation = deviation
    }

    /// torchvision's VGG-16 for ImageNet.
    package static let vgg16 = VGGConfiguration(
        features: [64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0]
            .map { $0 == 0 ? .pooling : .convolution($0) },
        channels: 3, imageSize: 224, pool: 7, classifier: [4096, 4096],
        mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225])

    /// The word for the family in `config.json`.
    package static let modelType = "vgg"
    /// A weight that every VGG has.
    package static let firstWeight = "features.0.weight"
}

extension VGGConfiguration {
    /// A run of convolutions up to a pooling layer, or the hidden fully connected layers.
    package struct Block: Hashable, Sendable {
        package struct Layer: Hashable, Sendable {
            /// In the model file, without `.weight` and `.bias`.
            package let name: String
            /// Of the weight: [outputs, inputs, 3, 3], or [outputs, inputs].
            package let shape: [Int]
        }

        package var layers: [Layer] = []
        package var isConvolutional = true
        /// Whether a pooling layer follows.
        package var pools = false
    }

    /// In the order of computation.
    package var blocks: [Block] {
        var blocks: [Block] = []
        var block = Block()
        var inputs = channels
        var number = 0
        for feature in features {
            switch feature {
            case .convolution(let outputs):
                block.layers.append(
                    Block.Layer(name: "features.\(number)", shape: [outputs, inputs, 3, 3]))
                inputs = outputs
                number += 2
            case .pooling:
                block.pools = true
                blocks.append(block)
                block = Block()
                number += 1
            }
        }
        if !block.layers.isEmpty { blocks.append(block) }
        guard !classifier.isEmpty else { return blocks }
        var dense = Block(isConvolutional: false)
        inputs *= pool * pool
        for (index, outputs) in classifier.enumerated() {
            dense.layers.append(
                Block.Layer(name: "classifier.\(3 * index)", shape: [outputs, inputs]))
            inputs = outputs
        }
        return blocks + [dense]
    }

    /// What the task's head takes in.
    package var headInputs: Int { classifier.last ?? lastChannels * pool * pool }

    /// Of the last, linear layer in the model file.
    package var headName: String { "classifier.\(3 * classifier.count)" }

    private var lastChannels: Int {
        for case .convolution(let outputs) in features.reversed() { return outputs }
        return channels
    }

    /// Whether `weights` has those of every block; a head is not asked for.
    ///
    /// - Throws: `missingWeight` or `wrongShape`.
    package func check(_ weights: SafeTensors) throws(DataError) {
        func check(_ name: String, _ shape: [Int]) throws(DataError) {
            guard let found = weights.shape(of: name) else {
                throw .missingWeight(path: weights.path, name: name)
            }
            guard found == shape else {
                throw .wrongShape(path: weights.path, name: name, expected: shape, found: found)
            }
        }
        for layer in blocks.flatMap(\.layers) {
            try check(layer.name + ".weight", layer.shape)
            try check(layer.name + ".bias", [layer.shape[0]])
        }
    }

    /// Side of the feature maps before the averaging.
    package var mapSide: Int {
        features.reduce(imageSize) { $1 == .pooling ? $0 / 2 : $0 }
    }
}

extension VGGConfiguration {
    /// - Throws: `badModelFile` that names the key.
    package init(_ file: ModelConfiguration) throws(DataError) {
        let features = try file.list("features", "a list of widths and \"M\"") {
            (item: JSON) -> Feature? in
            item.string == "M" ? .pooling : item.integer.map(Feature.convolution)
        }
        let classifier = try file.list("classifier", "a list of widths") { $0.integer }
        let channels = try file.integer("channels")
        self.init(
            features: features, channels: channels, imageSize: try file.integer("image_size"),
            pool: try file.integer("pool"), classifier: classifier,
            mean: try file.numbers("mean", count: channels),
            deviation: try file.numbers("std", count: channels))
        if let problem { throw file.bad(problem) }
    }

    /// Why no model can be built, in words.
    package var problem: String? {
        var widths = classifier
        for case .convolution(let width) in features { widths.append(width) }
        if features.first == .pooling || features.isEmpty {
            return "features has to begin with a convolution"
        }
        if zip(features, features.dropFirst()).contains(where: { $0 == .pooling && $1 == .pooling })
        {
            return "features has two pooling layers with no convolution between them"
        }
        if let width = widths.first(where: { !(1...65_536).contains($0) }) {
            return "a layer of width \(width) is not in 1 to 65,536"
        }
        if widths.count > 200 { return "\(widths.count) layers are more than 200" }
        if ![1, 3].contains(channels) { return "channels is \(channels), not 1 or 3" }
        if !(1...4_096).contains(imageSize) {
            return "image_size \(imageSize) is not in 1 to 4,096"
        }
        if mapSide < 1 {
            return "image_size \(imageSize) is too small for so many pooling layers"
        }
        if !(1...256).contains(pool) { return "pool \(pool) is not in 1 to 256" }
        if !(mean + deviation).allSatisfy(\.isFinite) || deviation.contains(where: { $0 <= 0 }) {
            return "std has to be above 0"
        }
        return nil
    }

    /// The content of `config.json`.
    package var content: [UInt8] {
        let features: [JSON] = features.map {
            switch $0 {
            case .convolution(let width): .integer(width)
            case .pooling: .string("M")
            }
        }
        let members: [(String, JSON)] = [
            ("model_type", .string(Self.modelType)), ("features", .array(features)),
            ("channels", .integer(channels)), ("image_size", .integer(imageSize)),
            ("pool", .integer(pool)), ("classifier", .array(classifier.map(JSON.integer))),
            ("mean", .array(mean.map(JSON.number))), ("std", .array(deviation.map(JSON.number))),
        ]
        let json = JSON.object(members.map { JSON.Member(key: $0.0, value: $0.1) })
        return Array((json.text + "\n").utf8)
    }
}
