import SweepCore

/// All biases of the encoder and the shifts of its layer norms (Ben-Zaken et al., 2022), trained in
/// place for one run. MPNet's bias by distance is an embedding, and stays.
///
/// One group: the embeddings' shift; for each layer query-key-value, attention output, its norm,
/// intermediate, output, its norm; BERT's pooler; then the head.
struct BitFitTuning: TextTuning {
    let groups: [ParameterGroup]
    private let head: HeadLayout

    init(_ head: HeadLayout) {
        self.head = head
        let sizes = head.configuration
        var layout = ParameterLayout()
        layout.append("embeddings.LayerNorm.bias", [sizes.hiddenSize])
        for index in 0..<sizes.layers {
            let layer = "layer.\(index)."
            layout.append(layer + "queryKeyValue.bias", [3 * sizes.hiddenSize])
            layout.append(layer + "attentionOutput.bias", [sizes.hiddenSize])
            layout.append(layer + "attentionNorm.bias", [sizes.hiddenSize])
            layout.append(layer + "intermediate.bias", [sizes.intermediateSize])
            layout.append(layer + "output.bias", [sizes.hiddenSize])
            layout.append(layer + "outputNorm.bias", [sizes.hiddenSize])
        }
        if sizes.family == .bert { layout.append("pooler.bias", [sizes.hiddenSize]) }
        head.append(to: &layout)
        groups = [ParameterGroup(layout: layout, start: nil)]
    }

    /// Those of the backbone.
    func initialValues(
        ofGroup group: Int, _ backbone: TextBackbone, _ random: inout RandomSource
    ) -> [Float] {
        var tensors = [backbone.embeddings.norm.beta]
        for layer in backbone.layers {
            tensors += [
                layer.queryKeyValue.bias, layer.attentionOutput.bias, layer.attentionNorm.beta,
                layer.intermediate.bias, layer.output.bias, layer.outputNorm.beta,
            ]
        }
        if let pooler = backbone.pooler { tensors.append(pooler.bias) }
        return tensors.flatMap(\.hostValues) + head.initialValues(backbone, &random)
    }

    func tuned(
        _ tensors: [[Tensor]], _ backbone: TextBackbone
    ) throws(TrainingError) -> TunedTextModel {
        var parts = ReplacementParts(tensors[0])
        let hidden = head.configuration.hiddenSize
        var model = try TunedTextModel(
            backbone, head: head.head(tensors[0], pooler: backbone.pooler))
        model.embeddings.norm.beta = try parts.next()
        for index in model.layers.indices {
            var layer = model.layers[index].frozen
            layer.queryKeyValue.bias = try parts.next()
            layer.query.bias = try layer.queryKeyValue.bias.slice(0, hidden)
            layer.keyValue.bias = try layer.queryKeyValue.bias.slice(hidden, 2 * hidden)
            layer.attentionOutput.bias = try parts.next()
            layer.attentionNorm.beta = try parts.next()
            layer.intermediate.bias = try parts.next()
            layer.output.bias = try parts.next()
            layer.outputNorm.beta = try parts.next()
            model.layers[index].frozen = layer
        }
        if model.head.pooler != nil { model.head.pooler?.bias = try parts.next() }
        return model
    }
}

/// Parameters that take the place of a backbone's own: those of one run, without the run dimension.
struct ReplacementParts {
    private var rest: ArraySlice<Tensor>

    init(_ tensors: [Tensor]) {
        precondition(tensors[0].shape[0] == 1, "weights in place of a backbone's are one run's")
        rest = tensors[...]
    }

    mutating func next() throws(TrainingError) -> Tensor {
        guard let tensor = rest.popFirst() else { preconditionFailure("no parameter is left") }
        return try tensor.reshaped(Array(tensor.shape.dropFirst()))
    }
}
