import SweepCore
import SweepData

/// What a PET puts on a text backbone.
protocol TextTuning {
    /// The group that carries the head has its tensors last.
    var groups: [ParameterGroup] { get }
    func initialValues(
        ofGroup group: Int, _ backbone: TextBackbone, _ random: inout RandomSource
    ) -> [Float]
    func tuned(
        _ tensors: [[Tensor]], _ backbone: TextBackbone
    ) throws(TrainingError) -> TunedTextModel
}

/// A text backbone with a PET and a classification head.
struct TextModel: Model {
    let backbone: TextBackbone
    private let tuning: any TextTuning

    /// - Throws: `badSpec` for a PET of images.
    init(
        backbone: TextBackbone, capacity: Capacity, classes: Int
    ) throws(TrainingError) {
        self.backbone = backbone
        let head = HeadLayout(configuration: backbone.configuration, classes: classes)
        switch capacity.pet {
        case .lora(let lora): tuning = LoRATuning(lora, head)
        case .adapter(let size): tuning = AdapterTuning(size: size, head)
        case .prefix(let length): tuning = PrefixTuning(length: length, head)
        case .bitFit: tuning = BitFitTuning(head)
        case .ia3: tuning = IA3Tuning(head)
        case .full: tuning = FullTuning(backbone, head)
        default:
            throw .badSpec(
                field: "capacity",
                problem: "\(capacity.pet.kindName) is for images, and the data are sentences")
        }
    }

    var device: Device { backbone.device }
    var groups: [ParameterGroup] { tuning.groups }

    func initialValues(ofGroup group: Int, _ random: inout RandomSource) -> [Float] {
        tuning.initialValues(ofGroup: group, backbone, &random)
    }

    func tuned(_ tensors: [[Tensor]]) throws(TrainingError) -> any TunedModel {
        try tunedText(tensors)
    }

    func tunedText(_ tensors: [[Tensor]]) throws(TrainingError) -> TunedTextModel {
        try tuning.tuned(tensors, backbone)
    }
}

/// One layer with what a PET does to it.
struct TunedLayer {
    var frozen: EncoderLayer
    var lora: LoRALayer?
    var afterAttention: AdapterLayer?
    var afterOutput: AdapterLayer?
    /// [runs · length, 2H]: trained keys and values.
    var prefix: Tensor?
    var scales: IA3Layer?
}

/// A text model whose trained parameters have values.
///
/// Nothing is computed for padding: linear maps, norms and GELU see the T tokens of a batch in one
/// matrix [T, H], and attention works within each sequence. Of the last layer only what the first
/// token's rows need is computed, since the head sees no other row.
struct TunedTextModel: TunedModel {
    let configuration: EncoderConfiguration
    let device: Device
    var embeddings: Embeddings
    var layers: [TunedLayer]
    /// Whether `embeddings` has trained positions and types, not the backbone's sum of both.
    var trainsPositions = false
    /// For MPNet: the learnt [buckets, heads], and the [heads, 2 · reach + 1] that come from it.
    private(set) var relativeBias: Tensor?
    private var relative: Tensor?
    var head: Head
    /// Trained keys before those of each sequence.
    var prefixLength = 0

    /// The backbone as it is.
    init(_ backbone: TextBackbone, head: Head) throws(TrainingError) {
        configuration = backbone.configuration
        device = backbone.device
        embeddings = backbone.embeddings
        layers = backbone.layers.map { TunedLayer(frozen: $0) }
        self.head = head
        if let bias = backbone.relativeBias { try setRelativeBias(bias) }
    }

    /// - Parameter bias: [buckets, heads]
    mutating func setRelativeBias(_ bias: Tensor) throws(TrainingError) {
        relativeBias = bias
        relative = try RelativePositions.table(
            bias, buckets: configuration.relativeBuckets, reach: configuration.maxPositions,
            device: device)
    }

    func output(
        _ batch: Batch, _ dropout: inout DropoutSource
    ) throws(TrainingError) -> ModelOutput {
        guard case .tokens(let tokens) = batch.content else {
            throw .badSpec(field: "model", problem: "it reads sentences, and the data are images")
        }
        let keys = try prefixLength == 0 ? nil : PrefixedKeys(tokens, prefixLength, device)
        var hidden = try embedded(tokens, &dropout)
        let last = layers.count - 1
        for (index, layer) in layers.enumerated() {
            hidden =
                index == last
                ? try lastLayer(layer, hidden, batch, tokens, keys, &dropout)
                : try fullLayer(layer, hidden, tokens, keys, &dropout)
        }
        return try head.output(hidden, runOffsets: batch.runOffsets, &dropout)
    }

    private func embedded(
        _ tokens: TokenBatch, _ dropout: inout DropoutSource
    ) throws(TrainingError) -> Tensor {
        var sum = try embeddings.words.rows(tokens.tokens)
        sum = try sum + embeddings.positions.rows(tokens.positions)
        if let type = embeddings.type { sum = try sum + type }
        return try sum.layerNorm(embeddings.norm).dropout(&dropout)
    }

    private func places(
        _ tokens: TokenBatch, _ keys: PrefixedKeys?, queries: Tensor?
    ) -> AttentionPlaces {
        AttentionPlaces(
            keys: keys?.offsets ?? tokens.offsets, queries: queries, heads: configuration.heads,
            relative: relative, prefix: prefixLength)
    }

    private func fullLayer(
        _ layer: TunedLayer, _ hidden: Tensor, _ tokens: TokenBatch, _ keys: PrefixedKeys?,
        _ dropout: inout DropoutSource
    ) throws(TrainingError) -> Tensor {
        let frozen = layer.frozen
        let context: Tensor
        if let keys, let prefix = layer.prefix {
            let query = try hidden.linear(frozen.query)
            let packed = try prefix.followed(by: hidden.linear(frozen.keyValue)).rows(keys.rows)
            context = try .attention(
                query: query, packed: packed, places(tokens, keys, queries: tokens.offsets),
                &dropout)
        } else if let scales = layer.scales {
            let packed = try hidden.linear(frozen.keyValue)
                .scaled(scales.keyValue, rowOffsets: tokens.rowOffsets)
            context = try .attention(
                query: hidden.linear(frozen.query), packed: packed,
                places(tokens, nil, queries: tokens.offsets), &dropout)
        } else {
            let packed = try map(
                hidden, frozen.queryKeyValue, layer.lora,
                layer.lora?.updates(valueRow: 2 * configuration.hiddenSize), tokens.rowOffsets)
            context = try .attention(
                packed: packed, places(tokens, nil, queries: nil), &dropout)
        }
        return try afterAttention(
            layer, context, residual: hidden, rowOffsets: tokens.rowOffsets, &dropout)
    }

    /// `hidden` [T, H] gives [B, H]: the first tokens' rows.
    private func lastLayer(
        _ layer: TunedLayer, _ hidden: Tensor, _ batch: Batch, _ tokens: TokenBatch,
        _ keys: PrefixedKeys?, _ dropout: inout DropoutSource
    ) throws(TrainingError) -> Tensor {
        let frozen = layer.frozen
        let first = try hidden.rows(tokens.firstRows)
        let query = try map(
            first, frozen.query, layer.lora, layer.lora?.queryUpdate, batch.runOffsets)
        var packed = try map(
            hidden, frozen.keyValue, layer.lora,
            layer.lora?.valueUpdate(row: configuration.hiddenSize), tokens.rowOffsets)
        if let keys, let prefix = layer.prefix {
            packed = try prefix.followed(by: packed).rows(keys.rows)
        }
        if let scales = layer.scales {
            packed = try packed.scaled(scales.keyValue, rowOffsets: tokens.rowOffsets)
        }
        let context = try Tensor.attention(
            query: query, packed: packed, places(tokens, keys, queries: nil), &dropout)
        return try afterAttention(
            layer, context, residual: first, rowOffsets: batch.runOffsets, &dropout)
    }

    private func map(
        _ x: Tensor, _ linear: Linear, _ lora: LoRALayer?, _ updates: [LowRankUpdate]?,
        _ rowOffsets: Tensor
    ) throws(TrainingError) -> Tensor {
        guard let lora, let updates else { return try x.linear(linear) }
        return try x.linear(linear, updates: updates, scale: lora.scale, rowOffsets: rowOffsets)
    }

    private func afterAttention(
        _ layer: TunedLayer, _ context: Tensor, residual: Tensor, rowOffsets: Tensor,
        _ dropout: inout DropoutSource
    ) throws(TrainingError) -> Tensor {
        let frozen = layer.frozen
        var attended = try context.linear(frozen.attentionOutput.weight).addNorm(
            bias: frozen.attentionOutput.bias, residual: residual, frozen.attentionNorm, &dropout)
        if let adapter = layer.afterAttention {
            attended = try adapter.adapted(attended, rowOffsets: rowOffsets)
        }
        var inner = try attended.linear(frozen.intermediate.weight)
            .gelu(bias: frozen.intermediate.bias)
        if let scales = layer.scales {
            inner = try inner.scaled(scales.inner, rowOffsets: rowOffsets)
        }
        let output = try inner.linear(frozen.output.weight).addNorm(
            bias: frozen.output.bias, residual: attended, frozen.outputNorm, &dropout)
        guard let adapter = layer.afterOutput else { return output }
        return try adapter.adapted(output, rowOffsets: rowOffsets)
    }
}
