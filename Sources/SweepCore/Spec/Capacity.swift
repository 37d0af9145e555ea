/// LoRA on query and value: `h = W x + (alpha / rank) · B A x` (Hu et al., 2021).
public struct LoRA: Hashable, Sendable, Codable {
    /// Rows of `A`, 1 or more; the paper uses 8.
    public var rank: Int
    public var alpha: Double

    public init(rank: Int = 8, alpha: Double = 16) {
        self.rank = rank
        self.alpha = alpha
    }
}

/// A parameter-efficient tuning method.
public enum PET: Hashable, Sendable, Codable {
    case lora(LoRA)
    /// `h + W₂ gelu(W₁ h + b₁) + b₂` after the attention block and after the feed-forward block of
    /// each layer (Houlsby et al., 2019); `size` rows of `W₁`, 24 in the paper.
    case adapter(size: Int)
    /// `length` trained keys and values before those of each layer's tokens (Li & Liang, 2021); 24
    /// in the paper.
    case prefix(length: Int)
    /// All biases and the shifts of layer norms (Ben-Zaken et al., 2022).
    case bitFit
    /// Every weight of the backbone.
    case full
    /// Of an image backbone, its last `count` blocks; 0 trains the head alone. A block is what lies
    /// before a pooling layer; the hidden fully connected layers, if there are some, are the last.
    case lastBlocks(Int)

    /// The paper's sizes.
    public static let usualAdapter = PET.adapter(size: 24)
    public static let usualPrefix = PET.prefix(length: 24)

    /// Whether the low-rank reparameterisation can generate what this method trains.
    public var allowsBottleneck: Bool {
        switch self {
        case .lora, .adapter, .prefix, .lastBlocks: true
        case .bitFit, .full: false
        }
    }

    public var isForImages: Bool {
        switch self {
        case .lastBlocks, .full: true
        case .lora, .adapter, .prefix, .bitFit: false
        }
    }

    public var isForSentences: Bool {
        if case .lastBlocks = self { return false }
        return true
    }
}

/// The low-rank reparameterisation `θ = W₂ · tanh(W₁ z)` of all trained parameters
/// (Zhu et al., NeurIPS 2022): the paper's capacity knob. With `lastBlocks` it generates the head.
public struct Bottleneck: Hashable, Sendable, Codable {
    /// `mid_dim`, the number of rows of `W₁`; 1 or more.
    public var size: Int
    /// `in_dim`, the number of entries of `z`; 1 or more, 2 in the paper.
    public var inputSize: Int

    public init(size: Int, inputSize: Int = 2) {
        self.size = size
        self.inputSize = inputSize
    }
}

/// How much of the model is trained.
public struct Capacity: Hashable, Sendable, Codable {
    public var pet: PET
    /// `nil`: the PET's parameters and the head are trained as they are.
    public var bottleneck: Bottleneck?

    public init(pet: PET, bottleneck: Bottleneck? = nil) {
        self.pet = pet
        self.bottleneck = bottleneck
    }
}
