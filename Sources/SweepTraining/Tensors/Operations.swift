import CTorchShim

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

/// `A` [rank, inputs] and `B` [outputs, rank], which change the rows of a frozen weight from
/// `firstRow` on.
struct Adapter {
    let a: Tensor
    let b: Tensor
    let firstRow: Int
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

    /// Consecutive pieces of a vector; the sizes add up to its length.
    func split(_ sizes: [Int]) throws(TrainingError) -> [Tensor] {
        let extents = sizes.map(Int64.init)
        var handles = [OpaquePointer?](repeating: nil, count: sizes.count)
        try Torch.check("split", mts_split(handle, extents, Int32(sizes.count), &handles))
        return handles.compactMap { $0.map(Tensor.init(owning:)) }
    }

    func tanh() throws(TrainingError) -> Tensor {
        try .make("tanh") { mts_tanh(handle, $0) }
    }

    /// This matrix [m, n] times `vector` [n].
    func times(_ vector: Tensor) throws(TrainingError) -> Tensor {
        try .make("matrix-vector product") { mts_matrix_vector(handle, vector.handle, $0) }
    }

    func rows(_ indices: Tensor) throws(TrainingError) -> Tensor {
        try .make("row selection") { mts_select_rows(handle, indices.handle, $0) }
    }

    /// `x · weightᵀ + bias`, with `weight` [outputs, inputs].
    func linear(_ weight: Tensor, bias: Tensor? = nil) throws(TrainingError) -> Tensor {
        try .make("linear") { mts_linear(handle, weight.handle, bias?.handle, $0) }
    }

    /// `x · (weight + scale · B A)ᵀ + bias` with one or two adapters.
    func linear(
        _ weight: Tensor, bias: Tensor, adapters: [Adapter], scale: Double
    ) throws(TrainingError) -> Tensor {
        let a = adapters.map { Optional($0.a.handle) }
        let b = adapters.map { Optional($0.b.handle) }
        let rows = adapters.map { Int64($0.firstRow) }
        return try .make("linear with LoRA") {
            mts_lora_linear(
                handle, weight.handle, bias.handle, Int32(adapters.count), a, b, rows, scale, $0)
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

    /// Attention within each sequence of packed [T, 3H] query, key and value; or of packed
    /// [T, 2H] key and value with one query [B, H] for each sequence.
    static func attention(
        query: Tensor? = nil, packed: Tensor, offsets: Tensor, heads: Int,
        _ dropout: inout DropoutSource
    ) throws(TrainingError) -> Tensor {
        let seed = dropout.nextSeed()
        let probability = dropout.probability
        return try .make("attention") {
            mts_attention(
                query?.handle, packed.handle, offsets.handle, Int64(heads), probability, seed, $0)
        }
    }

    /// The mean cross-entropy of these logits [B, classes] with `labels` [B], in nats.
    func crossEntropy(_ labels: Tensor) throws(TrainingError) -> Tensor {
        try .make("cross-entropy") { mts_cross_entropy(handle, labels.handle, $0) }
    }
}
