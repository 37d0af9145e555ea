import SweepCore

/// Every weight of the encoder, trained in place for one run.
///
/// One group: embeddings of words, positions and token type 0 and their norm; for each layer
/// query-key-value, attention output, its norm, intermediate, output, its norm, weight before bias;
/// BERT's pooler or MPNet's bias by distance; then the head.
struct FullTuning: TextTuning {
    let groups: [ParameterGroup]
    private let head: HeadLayout

    init(_ backbone: TextBackbone, _ head: HeadLayout) {
        self.head = head
        var layout = ParameterLayout()
        for (index, tensor) in Self.tensors(of: backbone).enumerated() {
            layout.append("backbone.\(index)", tensor.shape)
        }
        head.append(to: &layout)
        groups = [ParameterGroup(layout: layout, start: nil)]
    }

    private static func tensors(of backbone: TextBackbone) -> [Tensor] {
        let embeddings = backbone.embeddings
        var tensors = [embeddings.words, backbone.allPositions]
        if let type = backbone.type { tensors.append(type) }
        tensors += [embeddings.norm.gamma, embeddings.norm.beta]
        for layer in backbone.layers {
            for (linear, norm) in [
                (layer.queryKeyValue, nil), (layer.attentionOutput, layer.attentionNorm),
                (layer.intermediate, nil), (layer.output, layer.outputNorm),
            ] {
                tensors += [linear.weight, linear.bias]
                if let norm { tensors += [norm.gamma, norm.beta] }
            }
        }
        if let pooler = backbone.pooler { tensors += [pooler.weight, pooler.bias] }
        if let bias = backbone.relativeBias { tensors.append(bias) }
        return tensors
    }

    /// Those of the backbone.
    func initialValues(
        ofGroup group: Int, _ backbone: TextBackbone, _ random: inout RandomSource
    ) -> [Float] {
        Self.tensors(of: backbone).flatMap(\.hostValues) + head.initialValues(backbone, &random)
    }

    func tuned(
        _ tensors: [[Tensor]], _ backbone: TextBackbone
    ) throws(TrainingError) -> TunedTextModel {
        let configuration = backbone.configuration
        var parts = ReplacementParts(tensors[0])
        var model = try TunedTextModel(
            backbone, head: head.head(tensors[0], pooler: backbone.pooler))
        model.trainsPositions = true
        model.embeddings.words = try parts.next()
        model.embeddings.positions = try parts.next()
            .slice(configuration.firstPosition, configuration.maxPositions)
        if backbone.type != nil { model.embeddings.type = try parts.next() }
        model.embeddings.norm.gamma = try parts.next()
        model.embeddings.norm.beta = try parts.next()
        func linear() throws(TrainingError) -> Linear {
            Linear(
                weight: try parts.next().converted(to: backbone.precision),
                bias: try parts.next())
        }
        for index in model.layers.indices {
            var layer = model.layers[index].frozen
            let all = try linear()
            let hidden = configuration.hiddenSize
            layer.queryKeyValue = all
            layer.query = Linear(
                weight: try all.weight.slice(0, hidden), bias: try all.bias.slice(0, hidden))
            layer.keyValue = Linear(
                weight: try all.weight.slice(hidden, 2 * hidden),
                bias: try all.bias.slice(hidden, 2 * hidden))
            layer.attentionOutput = try linear()
            layer.attentionNorm.gamma = try parts.next()
            layer.attentionNorm.beta = try parts.next()
            layer.intermediate = try linear()
            layer.output = try linear()
            layer.outputNorm.gamma = try parts.next()
            layer.outputNorm.beta = try parts.next()
            model.layers[index].frozen = layer
        }
        if backbone.pooler != nil { model.head.pooler = try linear() }
        if backbone.relativeBias != nil {
            try model.setRelativeBias(try parts.next())
        }
        return model
    }
}
