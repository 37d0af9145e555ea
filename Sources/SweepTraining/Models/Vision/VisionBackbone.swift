import SweepCore
import SweepData

/// Convolutions up to a pooling layer, or the hidden fully connected layers: what is trained or
/// frozen as a whole.
struct VisionBlock {
    /// ReLU follows each. Weights are [outputs, inputs, 3, 3] or [outputs, inputs].
    var layers: [Linear]
    let isConvolutional: Bool
    /// Whether a pooling layer follows.
    let pools: Bool
}

/// The weights of a VGG without its last layer, on one device.
final class VisionBackbone {
    let configuration: VGGConfiguration
    let device: Device
    let precision: Precision
    let blocks: [VisionBlock]

    /// - Parameter values: The numbers of a weight of this name and shape.
    private init(
        configuration: VGGConfiguration, device: Device, precision: Precision,
        values: (String, [Int]) throws(TrainingError) -> [Float]
    ) throws(TrainingError) {
        self.configuration = configuration
        self.device = device
        self.precision = precision
        var blocks: [VisionBlock] = []
        for block in configuration.blocks {
            var layers: [Linear] = []
            for layer in block.layers {
                let bias = [layer.shape[0]]
                layers.append(
                    Linear(
                        weight: try Tensor.floats(
                            values(layer.name + ".weight", layer.shape), shape: layer.shape,
                            device: device
                        ).converted(to: precision),
                        bias: try .floats(
                            values(layer.name + ".bias", bias), shape: bias, device: device)))
            }
            blocks.append(
                VisionBlock(
                    layers: layers, isConvolutional: block.isConvolutional, pools: block.pools))
        }
        self.blocks = blocks
    }

    /// The pretrained weights of a model's file.
    convenience init(
        configuration: VGGConfiguration, weights: SafeTensors, device: Device,
        precision: Precision
    ) throws(TrainingError) {
        try TrainingError.reading { () throws(DataError) in try configuration.check(weights) }
        try self.init(configuration: configuration, device: device, precision: precision) {
            name, _ throws(TrainingError) in
            try TrainingError.reading { () throws(DataError) in try weights.floats(name) }
        }
    }

    /// He-normal weights and biases of 0, to be trained from the start.
    convenience init(
        configuration: VGGConfiguration, _ random: inout RandomSource, device: Device
    ) throws(TrainingError) {
        try self.init(configuration: configuration, device: device, precision: .float32) {
            _, shape throws(TrainingError) in
            let count = shape.reduce(1, *)
            return shape.count == 1
                ? [Float](repeating: 0, count: count)
                : random.heNormals(count, inputs: count / shape[0])
        }
    }
}
