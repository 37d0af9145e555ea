import SweepCore

/// Adapters (Houlsby et al., 2019) after each layer's attention block and feed-forward block, their
/// layer norms included: `h + W₂ gelu(W₁ h + b₁) + b₂`, GELU in the tanh form.
///
/// One group: for each layer and place `W₁`, `b₁`, `W₂`, `b₂`; then the head.
struct AdapterTuning: TextTuning {
    let groups: [ParameterGroup]
    private let size: Int
    private let head: HeadLayout

    init(size: Int, _ head: HeadLayout) {
        self.size = size
        self.head = head
        var layout = ParameterLayout()
        let hidden = head.configuration.hiddenSize
        for layer in 0..<head.configuration.layers {
            for place in ["attention", "output"] {
                let name = "layer.\(layer).\(place).adapter."
                layout.append(name + "down.weight", [size, hidden])
                layout.append(name + "down.bias", [size])
                layout.append(name + "up.weight", [hidden, size])
                layout.append(name + "up.bias", [hidden])
            }
        }
        head.append(to: &layout)
        groups = [ParameterGroup(layout: layout, start: .normal)]
    }

    /// Weights ~ N(0, 0.01²), biases 0: nearly the identity.
    func initialValues(
        ofGroup group: Int, _ backbone: TextBackbone, _ random: inout RandomSource
    ) -> [Float] {
        let own = groups[0].layout.slots.dropLast(head.tensorCount)
        let values = own.flatMap { slot in
            slot.shape.count == 1
                ? [Float](repeating: 0, count: slot.count)
                : random.normals(slot.count, deviation: 0.01)
        }
        return values + head.initialValues(backbone, &random)
    }

    func tuned(
        _ tensors: [[Tensor]], _ backbone: TextBackbone
    ) throws(TrainingError) -> TunedTextModel {
        var model = try TunedTextModel(
            backbone, head: head.head(tensors[0], pooler: backbone.pooler))
        func adapter(_ first: Int) -> AdapterLayer {
            let parts = tensors[0]
            return AdapterLayer(
                down: RunLinear(weight: parts[first], bias: parts[first + 1]),
                up: RunLinear(weight: parts[first + 2], bias: parts[first + 3]))
        }
        for layer in model.layers.indices {
            model.layers[layer].afterAttention = adapter(8 * layer)
            model.layers[layer].afterOutput = adapter(8 * layer + 4)
        }
        return model
    }
}

/// One adapter: `down` to the bottleneck and `up` again, for each run.
struct AdapterLayer {
    let down: RunLinear
    let up: RunLinear

    func adapted(_ hidden: Tensor, rowOffsets: Tensor) throws(TrainingError) -> Tensor {
        let inner = try hidden.linear(down, rowOffsets: rowOffsets).geluTanh()
        return try hidden + inner.linear(up, rowOffsets: rowOffsets)
    }
}
