import SweepCore
import SweepData

/// The head, and in place the last blocks of an image backbone: none, some or all.
///
/// Two groups: the head, which a bottleneck generates; then, if there are some, the blocks' weights
/// and biases, which are one run's.
struct LastBlocksTuning {
    let groups: [ParameterGroup]
    /// The first trained block.
    private let first: Int

    init(count: Int, classes: Int, _ backbone: VisionBackbone) {
        let configuration = backbone.configuration
        first = backbone.blocks.count - count
        var head = ParameterLayout()
        head.append("head.weight", [classes, configuration.headInputs])
        head.append("head.bias", [classes])
        var groups = [ParameterGroup(layout: head, start: .uniform)]
        if count > 0 {
            var blocks = ParameterLayout()
            for layer in configuration.blocks[first...].flatMap(\.layers) {
                blocks.append(layer.name + ".weight", layer.shape)
                blocks.append(layer.name + ".bias", [layer.shape[0]])
            }
            groups.append(ParameterGroup(layout: blocks, start: nil))
        }
        self.groups = groups
    }

    /// N(0, 0.01²) and biases of 0 for the head, which is always a fresh one, as torchvision's
    /// linear layers begin; the backbone's own for the blocks.
    func initialValues(
        ofGroup group: Int, _ backbone: VisionBackbone, _ random: inout RandomSource
    ) -> [Float] {
        guard group == 0 else {
            return backbone.blocks[first...].flatMap(\.layers).flatMap {
                $0.weight.hostValues + $0.bias.hostValues
            }
        }
        let slots = groups[0].layout.slots
        return random.normals(slots[0].count, deviation: 0.01)
            + [Float](repeating: 0, count: slots[1].count)
    }

    func tuned(
        _ tensors: [[Tensor]], _ backbone: VisionBackbone
    ) throws(TrainingError) -> TunedVisionModel {
        var model = TunedVisionModel(
            configuration: backbone.configuration, blocks: backbone.blocks,
            head: RunLinear(weight: tensors[0][0], bias: tensors[0][1]))
        guard tensors.count > 1 else { return model }
        var parts = ReplacementParts(tensors[1])
        for block in first..<model.blocks.count {
            for layer in model.blocks[block].layers.indices {
                model.blocks[block].layers[layer] = Linear(
                    weight: try parts.next().converted(to: backbone.precision),
                    bias: try parts.next())
            }
        }
        return model
    }
}
