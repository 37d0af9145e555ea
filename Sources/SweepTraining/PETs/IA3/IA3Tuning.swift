import SweepCore
import SweepData

/// (IA)³ (Liu et al., 2022): the keys, the values and the inner activations of the feed-forward
/// block of each layer are scaled, entry by entry, by trained vectors.
///
/// One group: for each layer the scales of keys and values [2H], then of inner activations; then
/// the head.
struct IA3Tuning: TextTuning {
    let groups: [ParameterGroup]
    private let head: HeadLayout

    init(_ head: HeadLayout) {
        self.head = head
        let sizes = head.configuration
        var layout = ParameterLayout()
        for layer in 0..<sizes.layers {
            layout.append("layer.\(layer).keyValue.scale", [2 * sizes.hiddenSize])
            layout.append("layer.\(layer).inner.scale", [sizes.intermediateSize])
        }
        head.append(to: &layout)
        groups = [ParameterGroup(layout: layout, start: nil)]
    }

    /// All scales are 1.
    func initialValues(
        ofGroup group: Int, _ backbone: TextBackbone, _ random: inout RandomSource
    ) -> [Float] {
        let own = groups[0].layout.slots.dropLast(head.tensorCount).reduce(0) { $0 + $1.count }
        return [Float](repeating: 1, count: own) + head.initialValues(backbone, &random)
    }

    func tuned(
        _ tensors: [[Tensor]], _ backbone: TextBackbone
    ) throws(TrainingError) -> TunedTextModel {
        var model = try TunedTextModel(
            backbone, head: head.head(tensors[0], pooler: backbone.pooler))
        for layer in model.layers.indices {
            model.layers[layer].scales = IA3Layer(
                keyValue: tensors[0][2 * layer], inner: tensors[0][2 * layer + 1])
        }
        return model
    }

    /// What PEFT's form has of it beside the head: tensors with a leading dimension of runs.
    static func adapter(
        of tuned: TunedTextModel, _ family: EncoderFamily
    ) throws(TrainingError) -> (
        tensors: [(name: String, tensor: Tensor)], configuration: [(String, JSON)]
    ) {
        let hidden = tuned.configuration.hiddenSize
        var tensors: [(name: String, tensor: Tensor)] = []
        for (index, layer) in tuned.layers.enumerated() {
            guard let scales = layer.scales else { continue }
            let names = LayerNames(family: family, layer: index)
            let flat = try scales.keyValue.reshaped([2 * hidden])
            for part in [0, 1] {
                tensors.append(
                    (
                        "\(family.rawValue).\(names.queryKeyValue[part + 1]).ia3_l",
                        try flat.slice(part * hidden, hidden).reshaped([1, hidden, 1])
                    ))
            }
            let inner = scales.inner.shape.last ?? 0
            tensors.append(
                (
                    "\(family.rawValue).\(names.output).ia3_l",
                    try scales.inner.reshaped([1, 1, inner])
                ))
        }
        let parts = LayerNames(family: family, layer: 0).queryKeyValue.dropFirst()
            .compactMap { $0.split(separator: ".").last }
        // A list would take the attention's output, which ends alike, for one of them.
        let output = ".*layer\\.\\d+\\.output\\.dense"
        return (
            tensors,
            [
                ("peft_type", .string("IA3")),
                (
                    "target_modules",
                    .string(".*\\.(\(parts.joined(separator: "|")))|\(output)")
                ),
                ("feedforward_modules", .string(output)),
            ]
        )
    }
}

/// The scales of one encoder layer: of keys and values [runs, 2H], and of the inner activations of
/// the feed-forward block [runs, intermediate size].
struct IA3Layer {
    let keyValue: Tensor
    let inner: Tensor
}

extension TunedTextModel {
    /// The same with the scales of one run in the weights, where there are some.
    func mergingScales() throws(TrainingError) -> TunedTextModel {
        var merged = self
        for index in layers.indices {
            guard let scales = layers[index].scales else { continue }
            var frozen = layers[index].frozen
            let ones = [Float](repeating: 1, count: configuration.hiddenSize)
            let rows = try ones + scales.keyValue.floats()
            let map = frozen.queryKeyValue
            let width = map.weight.shape[1]
            var weight = try map.weight.floats()
            for place in weight.indices { weight[place] *= rows[place / width] }
            let bias = zip(try map.bias.floats(), rows).map { $0 * $1 }
            frozen.queryKeyValue = Linear(
                weight: try .floats(weight, shape: map.weight.shape, device: device),
                bias: try .floats(bias, shape: map.bias.shape, device: device))
            let columns = try scales.inner.floats()
            var output = try frozen.output.weight.floats()
            for place in output.indices { output[place] *= columns[place % columns.count] }
            frozen.output.weight = try .floats(
                output, shape: frozen.output.weight.shape, device: device)
            merged.layers[index].frozen = frozen
            merged.layers[index].scales = nil
        }
        return merged
    }
}
