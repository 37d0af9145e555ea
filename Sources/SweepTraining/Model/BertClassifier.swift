/// One batch of token sequences without padding, on a device.
struct Batch {
    /// [T]: token numbers, and positions within each sequence.
    let tokens: Tensor
    let positions: Tensor
    /// [B + 1], on the processor: the first row of each sequence, and T.
    let offsets: Tensor
    /// [B]: the row of each sequence's `[CLS]`.
    let firstRows: Tensor
    /// [B]
    let labels: Tensor
    let count: Int

    init(_ samples: [Sample], device: Device) throws(TrainingError) {
        var tokens: [Int64] = []
        var positions: [Int64] = []
        var offsets: [Int64] = [0]
        for sample in samples {
            for (position, token) in sample.tokens.enumerated() {
                tokens.append(Int64(token))
                positions.append(Int64(position))
            }
            offsets.append(Int64(tokens.count))
        }
        self.tokens = try .indices(tokens, device: device)
        self.positions = try .indices(positions, device: device)
        self.offsets = try .indices(offsets, device: .processor)
        firstRows = try .indices(Array(offsets.dropLast()), device: device)
        labels = try .indices(samples.map { Int64($0.label) }, device: device)
        count = samples.count
    }
}

/// BERT with a classification head (`BertForSequenceClassification`), frozen but for a PET.
///
/// Nothing is computed for padding: linear maps, norms and GELU see the T tokens of a batch in one
/// matrix [T, H], and attention works within each sequence. Of the last layer only what the `[CLS]`
/// rows need is computed, since the head sees no other row.
struct BertClassifier {
    let backbone: BertBackbone

    /// [B, classes]
    func logits(
        _ batch: Batch, _ parameters: LoRAParameters, _ dropout: inout DropoutSource
    ) throws(TrainingError) -> Tensor {
        var hidden = try embeddings(batch, &dropout)
        let last = backbone.layers.count - 1
        for (index, layer) in backbone.layers.enumerated() {
            let adapters = parameters.layers[index]
            hidden =
                index == last
                ? try lastLayer(layer, hidden, batch, adapters, parameters.scale, &dropout)
                : try fullLayer(layer, hidden, batch, adapters, parameters.scale, &dropout)
        }
        let pooled = try hidden.linear(backbone.pooler.weight, bias: backbone.pooler.bias).tanh()
        return try pooled.dropout(&dropout)
            .linear(parameters.headWeight, bias: parameters.headBias)
    }

    private func embeddings(
        _ batch: Batch, _ dropout: inout DropoutSource
    ) throws(TrainingError) -> Tensor {
        let words = try backbone.wordEmbeddings.rows(batch.tokens)
        let positions = try backbone.positionEmbeddings.rows(batch.positions)
        return try (words + positions).layerNorm(backbone.embeddingNorm).dropout(&dropout)
    }

    private func fullLayer(
        _ layer: BertLayer, _ hidden: Tensor, _ batch: Batch, _ adapters: LoRALayer,
        _ scale: Double, _ dropout: inout DropoutSource
    ) throws(TrainingError) -> Tensor {
        let width = backbone.configuration.hiddenSize
        let packed = try hidden.linear(
            layer.queryKeyValue.weight, bias: layer.queryKeyValue.bias,
            adapters: [adapters.query(firstRow: 0), adapters.value(firstRow: 2 * width)],
            scale: scale)
        let context = try Tensor.attention(
            packed: packed, offsets: batch.offsets, heads: backbone.configuration.heads, &dropout)
        return try afterAttention(layer, context, residual: hidden, &dropout)
    }

    /// `hidden` [T, H] gives [B, H]: the `[CLS]` rows.
    private func lastLayer(
        _ layer: BertLayer, _ hidden: Tensor, _ batch: Batch, _ adapters: LoRALayer,
        _ scale: Double, _ dropout: inout DropoutSource
    ) throws(TrainingError) -> Tensor {
        let width = backbone.configuration.hiddenSize
        let first = try hidden.rows(batch.firstRows)
        let query = try first.linear(
            layer.query.weight, bias: layer.query.bias, adapters: [adapters.query(firstRow: 0)],
            scale: scale)
        let packed = try hidden.linear(
            layer.keyValue.weight, bias: layer.keyValue.bias,
            adapters: [adapters.value(firstRow: width)], scale: scale)
        let context = try Tensor.attention(
            query: query, packed: packed, offsets: batch.offsets,
            heads: backbone.configuration.heads, &dropout)
        return try afterAttention(layer, context, residual: first, &dropout)
    }

    private func afterAttention(
        _ layer: BertLayer, _ context: Tensor, residual: Tensor, _ dropout: inout DropoutSource
    ) throws(TrainingError) -> Tensor {
        let attended = try context.linear(layer.attentionOutput.weight).addNorm(
            bias: layer.attentionOutput.bias, residual: residual, layer.attentionNorm, &dropout)
        let inner = try attended.linear(layer.intermediate.weight)
            .gelu(bias: layer.intermediate.bias)
        return try inner.linear(layer.output.weight).addNorm(
            bias: layer.output.bias, residual: attended, layer.outputNorm, &dropout)
    }
}
