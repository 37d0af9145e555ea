import SweepCore
import SweepData

/// An image backbone whose last blocks are trained, and a fresh classification head.
struct VisionModel: Model {
    let backbone: VisionBackbone
    private let tuning: LastBlocksTuning

    /// - Throws: `badSpec` for a PET of sentences, or for more blocks than there are.
    init(
        backbone: VisionBackbone, capacity: Capacity, classes: Int
    ) throws(TrainingError) {
        self.backbone = backbone
        let all = backbone.blocks.count
        let count: Int
        switch capacity.pet {
        case .full: count = all
        case .lastBlocks(let wanted):
            guard wanted <= all else {
                throw .badSpec(
                    field: "capacity", problem: "the model has \(all) blocks, and not \(wanted)")
            }
            count = wanted
        default:
            throw .badSpec(
                field: "capacity",
                problem: "\(capacity.pet.label) is for sentences, and the model reads images; use "
                    + "last-blocks or full")
        }
        tuning = LastBlocksTuning(count: count, classes: classes, backbone)
    }

    var device: Device { backbone.device }
    var groups: [ParameterGroup] { tuning.groups }

    func initialValues(ofGroup group: Int, _ random: inout RandomSource) -> [Float] {
        tuning.initialValues(ofGroup: group, backbone, &random)
    }

    func tuned(_ tensors: [[Tensor]]) throws(TrainingError) -> any TunedModel {
        try tunedVision(tensors)
    }

    func tunedVision(_ tensors: [[Tensor]]) throws(TrainingError) -> TunedVisionModel {
        try tuning.tuned(tensors, backbone)
    }
}

/// An image model whose trained parameters have values.
///
/// Frozen weights ask for no gradient, so libtorch records nothing before the first trained block.
struct TunedVisionModel: TunedModel {
    let configuration: VGGConfiguration
    var blocks: [VisionBlock]
    /// weight [runs, classes, width]
    let head: RunLinear

    func output(
        _ batch: Batch, _ dropout: inout DropoutSource
    ) throws(TrainingError) -> ModelOutput {
        guard case .images(var maps) = batch.content else {
            throw .badSpec(field: "model", problem: "it reads images, and the data are sentences")
        }
        for block in blocks where block.isConvolutional {
            for layer in block.layers { maps = try maps.convolution(layer).relu() }
            if block.pools { maps = try maps.maxPool() }
        }
        let pool = configuration.pool
        if pool != configuration.mapSide { maps = try maps.averagePool(side: pool) }
        var features = try maps.reshaped([batch.count, -1])
        var kept = features
        for block in blocks where !block.isConvolutional {
            for layer in block.layers {
                features = try kept.linear(layer).relu()
                kept = try features.dropout(&dropout)
            }
        }
        let logits = try kept.linear(head, rowOffsets: batch.runOffsets)
        return ModelOutput(features: features, logits: logits)
    }

    /// All weights as torchvision names them, the head's included: a safetensors file.
    func content() throws(TrainingError) -> [UInt8] {
        var writer = SafeTensorsWriter(metadata: ["format": "pt"])
        func add(_ name: String, _ shape: [Int], _ map: Linear) throws(TrainingError) {
            writer.add(name + ".weight", shape: shape, floats: try map.weight.floats())
            writer.add(name + ".bias", shape: [shape[0]], floats: try map.bias.floats())
        }
        for (names, block) in zip(configuration.blocks, blocks) {
            for (name, layer) in zip(names.layers, block.layers) {
                try add(name.name, name.shape, layer)
            }
        }
        let classes = head.bias.count
        try add(
            configuration.headName, [classes, configuration.headInputs],
            Linear(weight: head.weight, bias: head.bias))
        return writer.content()
    }
}
