import CTorchShim
import SweepCore

/// The dropouts of one forward pass: each operation takes a mask of its own.
struct DropoutSource {
    /// In `0 ..< 1`.
    let probability: Double
    private var seed: UInt64

    /// No dropout.
    static let none = DropoutSource(probability: 0, seed: 0)

    init(probability: Double, seed: UInt64) {
        self.probability = probability
        self.seed = seed
    }

    mutating func nextSeed() -> UInt64 {
        seed &+= 0x9E37_79B9_7F4A_7C15
        var value = seed
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}

/// `A` [runs, rank, inputs] and `B` [runs, outputs, rank], which change the rows of a frozen weight
/// from `firstRow` on.
struct LowRankUpdate {
    let a: Tensor
    let b: Tensor
    let firstRow: Int
}

/// Scale, shift and epsilon of a layer norm over the last dimension.
struct LayerNorm {
    var gamma: Tensor
    var beta: Tensor
    let epsilon: Double
}

/// A linear map or a convolution: `weight` [outputs, inputs, …], `bias` [outputs].
struct Linear {
    var weight: Tensor
    var bias: Tensor
}

/// A linear map for each run: `weight` [runs, outputs, inputs], `bias` [runs, outputs].
struct RunLinear {
    let weight: Tensor
    let bias: Tensor
}

// Shapes: T tokens of a batch, all sequences one after the other; B sequences; H hidden width.
extension Tensor {
    static func + (left: Tensor, right: Tensor) throws(TrainingError) -> Tensor {
        try .make("sum") { mts_add(left.handle, right.handle, $0) }
    }

    func reshaped(_ shape: [Int]) throws(TrainingError) -> Tensor {
        let extents = shape.map(Int64.init)
        return try .make("reshape") {
            mts_reshape(handle, extents, Int32(extents.count), $0)
        }
    }

    /// Consecutive pieces along the last dimension; the sizes add up to its extent.
    func split(_ sizes: [Int]) throws(TrainingError) -> [Tensor] {
        let extents = sizes.map(Int64.init)
        var handles = [OpaquePointer?](repeating: nil, count: sizes.count)
        try Torch.check("split", mts_split(handle, extents, Int32(sizes.count), &handles))
        return handles.compactMap { $0.map(Tensor.init(owning:)) }
    }

    /// `count` rows from `first` on.
    func slice(_ first: Int, _ count: Int) throws(TrainingError) -> Tensor {
        try .make("slice") { mts_slice_rows(handle, Int64(first), Int64(count), $0) }
    }

    /// These rows, then those of `other`.
    func followed(by other: Tensor) throws(TrainingError) -> Tensor {
        try .make("concatenation") { mts_concatenate(handle, other.handle, $0) }
    }

    func tanh() throws(TrainingError) -> Tensor {
        try .make("tanh") { mts_tanh(handle, $0) }
    }

    func relu() throws(TrainingError) -> Tensor {
        try .make("ReLU") { mts_relu(handle, $0) }
    }

    /// GELU in the tanh form.
    func geluTanh() throws(TrainingError) -> Tensor {
        try .make("GELU") { mts_gelu_tanh(handle, $0) }
    }

    /// Each run's matrix of [runs, m, n] times its vector of [runs, n].
    func times(_ vector: Tensor) throws(TrainingError) -> Tensor {
        try .make("matrix-vector product") { mts_matrix_vector(handle, vector.handle, $0) }
    }

    /// Each row of [rows, n] times its run's vector of [runs, n].
    func scaled(_ scales: Tensor, rowOffsets: Tensor) throws(TrainingError) -> Tensor {
        try .make("scaling of rows") {
            mts_scale_rows(handle, scales.handle, rowOffsets.handle, $0)
        }
    }

    func rows(_ indices: Tensor) throws(TrainingError) -> Tensor {
        try .make("row selection") { mts_select_rows(handle, indices.handle, $0) }
    }

    /// `x · weightᵀ + bias`, with `weight` [outputs, inputs], in the weight's type.
    func linear(_ weight: Tensor, bias: Tensor? = nil) throws(TrainingError) -> Tensor {
        try .make("linear") { mts_linear(handle, weight.handle, bias?.handle, $0) }
    }

    func linear(_ map: Linear) throws(TrainingError) -> Tensor {
        try linear(map.weight, bias: map.bias)
    }

    /// Each run's rows through its own map; `rowOffsets` [runs + 1] says where they begin.
    func linear(_ map: RunLinear, rowOffsets: Tensor) throws(TrainingError) -> Tensor {
        try .make("linear") {
            mts_run_linear(handle, map.weight.handle, map.bias.handle, rowOffsets.handle, $0)
        }
    }

    /// `x · (weight + scale · B A)ᵀ + bias` with one or two updates.
    func linear(
        _ map: Linear, updates: [LowRankUpdate], scale: Double, rowOffsets: Tensor
    ) throws(TrainingError) -> Tensor {
        let a = updates.map { Optional($0.a.handle) }
        let b = updates.map { Optional($0.b.handle) }
        let rows = updates.map { Int64($0.firstRow) }
        return try .make("linear with LoRA") {
            mts_lora_linear(
                handle, map.weight.handle, map.bias.handle, Int32(updates.count), a, b, rows,
                scale, rowOffsets.handle, $0)
        }
    }

    func layerNorm(_ norm: LayerNorm) throws(TrainingError) -> Tensor {
        try .make("layer norm") {
            mts_layer_norm(handle, norm.gamma.handle, norm.beta.handle, norm.epsilon, $0)
        }
    }

    /// `layerNorm(dropout(x + bias) + residual)`.
    func addNorm(
        bias: Tensor, residual: Tensor, _ norm: LayerNorm, _ dropout: inout DropoutSource
    ) throws(TrainingError) -> Tensor {
        let seed = dropout.nextSeed()
        let probability = dropout.probability
        return try .make("residual and layer norm") {
            mts_add_norm(
                handle, bias.handle, residual.handle, norm.gamma.handle, norm.beta.handle,
                norm.epsilon, probability, seed, $0)
        }
    }

    func dropout(_ dropout: inout DropoutSource) throws(TrainingError) -> Tensor {
        let seed = dropout.nextSeed()
        let probability = dropout.probability
        return try .make("dropout") { mts_dropout(handle, probability, seed, $0) }
    }

    /// `gelu(x + bias)` in the erf form; this tensor must not be used afterwards.
    consuming func gelu(bias: Tensor) throws(TrainingError) -> Tensor {
        let handle = self.handle
        return try .make("GELU") { mts_bias_gelu(handle, bias.handle, $0) }
    }

    /// The mean cross-entropy of these logits [B, classes] with `labels` [B], in nats, weighted by
    /// the label's weight if there are some.
    ///
    /// - Parameter smoothing: Share of each target that all classes have in common, `0 ... 1`.
    func crossEntropy(
        _ labels: Tensor, classWeights: Tensor? = nil, smoothing: Double = 0
    ) throws(TrainingError) -> Tensor {
        try .make("cross-entropy") {
            mts_cross_entropy(handle, labels.handle, classWeights?.handle, smoothing, $0)
        }
    }

    /// The same values in `precision`, for the weights of linear maps and convolutions.
    func converted(to precision: Precision) throws(TrainingError) -> Tensor {
        switch precision {
        case .float32: self
        case .bfloat16: try .make("conversion") { mts_to_bfloat16(handle, $0) }
        }
    }
}

/// Who attends to what: rows of sequences that lie one after the other.
struct AttentionPlaces {
    /// [B + 1], on the processor: the first row of each sequence among keys and values.
    let keys: Tensor
    /// The same among the queries; `nil` for one query a sequence.
    let queries: Tensor?
    let heads: Int
    /// [heads, 2 · reach + 1]: added to scores by the distance from query to key.
    let relative: Tensor?
    /// Keys at the start of each sequence that are no token.
    let prefix: Int
}

extension Tensor {
    /// Attention within each sequence of packed [T, 3H] query, key and value; or of packed
    /// [K, 2H] key and value for the rows of `query`.
    static func attention(
        query: Tensor? = nil, packed: Tensor, _ places: AttentionPlaces,
        _ dropout: inout DropoutSource
    ) throws(TrainingError) -> Tensor {
        let seed = dropout.nextSeed()
        let probability = dropout.probability
        return try .make("attention") {
            mts_attention(
                query?.handle, packed.handle, places.queries?.handle, places.keys.handle,
                Int64(places.heads), places.relative?.handle, Int64(places.prefix), probability,
                seed, $0)
        }
    }
}
