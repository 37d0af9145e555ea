import SweepCore

/// LoRA on query and value (Hu et al., 2021): `h = W x + (alpha / rank) · B A x`.
///
/// Two groups, because the reparameterisation generates them apart: `A` of each layer, query then
/// value, and the head; then `B` in the same order.
struct LoRATuning: TextTuning {
    let groups: [ParameterGroup]
    private let lora: LoRA
    private let head: HeadLayout

    init(_ lora: LoRA, _ head: HeadLayout) {
        self.lora = lora
        self.head = head
        var inputs = ParameterLayout()
        var outputs = ParameterLayout()
        let hidden = head.configuration.hiddenSize
        for layer in 0..<head.configuration.layers {
            for part in ["query", "value"] {
                inputs.append("layer.\(layer).\(part).A", [lora.rank, hidden])
                outputs.append("layer.\(layer).\(part).B", [hidden, lora.rank])
            }
        }
        head.append(to: &inputs)
        groups = [
            ParameterGroup(layout: inputs, start: .uniform),
            ParameterGroup(layout: outputs, start: .zero),
        ]
    }

    /// `A` is Kaiming-uniform (a = √5), `B` zero.
    func initialValues(
        ofGroup group: Int, _ backbone: TextBackbone, _ random: inout RandomSource
    ) -> [Float] {
        if group == 1 { return [Float](repeating: 0, count: groups[1].layout.count) }
        let hidden = head.configuration.hiddenSize
        return random.kaimingUniforms(
            2 * head.configuration.layers * lora.rank * hidden, inputs: hidden)
            + head.initialValues(backbone, &random)
    }

    func tuned(
        _ tensors: [[Tensor]], _ backbone: TextBackbone
    ) throws(TrainingError) -> TunedTextModel {
        var model = try TunedTextModel(
            backbone, head: head.head(tensors[0], pooler: backbone.pooler))
        for layer in model.layers.indices {
            model.layers[layer].lora = LoRALayer(
                queryA: tensors[0][2 * layer], queryB: tensors[1][2 * layer],
                valueA: tensors[0][2 * layer + 1], valueB: tensors[1][2 * layer + 1],
                scale: lora.alpha / Double(lora.rank))
        }
        return model
    }
}

/// What LoRA adds to one encoder layer: `A` [runs, rank, H], `B` [runs, H, rank] for query and
/// value.
struct LoRALayer {
    let queryA: Tensor
    let queryB: Tensor
    let valueA: Tensor
    let valueB: Tensor
    /// `alpha / rank`
    let scale: Double

    var queryUpdate: [LowRankUpdate] { [LowRankUpdate(a: queryA, b: queryB, firstRow: 0)] }

    /// Where the value's rows of a weight begin at `row`.
    func valueUpdate(row: Int) -> [LowRankUpdate] {
        [LowRankUpdate(a: valueA, b: valueB, firstRow: row)]
    }

    func updates(valueRow: Int) -> [LowRankUpdate] { queryUpdate + valueUpdate(row: valueRow) }
}
