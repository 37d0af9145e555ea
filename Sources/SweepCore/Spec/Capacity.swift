/// LoRA on query and value: `h = W x + (alpha / rank) · B A x` (Hu et al., 2021).
public struct LoRA: FieldTable {
    /// Rows of `A`, 1 or more; the paper uses 8.
    public var rank: Int
    public var alpha: Double

    public init(rank: Int = 8, alpha: Double = 16) {
        self.rank = rank
        self.alpha = alpha
    }

    public init() { self.init(rank: 8) }

    public static let fields: [Field<LoRA>] = [
        .integer("rank", "rows of A", \.rank, 1...PET.mostSize),
        .number(
            "alpha", "scale, divided by the rank", \.alpha, Bounds(0, 1e6, excludesLow: true)),
    ]
}

/// A parameter-efficient tuning method.
public enum PET: CaseTable {
    case lora(LoRA)
    /// `h + W₂ gelu(W₁ h + b₁) + b₂` after the attention block and after the feed-forward block of
    /// each layer (Houlsby et al., 2019); `size` rows of `W₁`, 24 in the paper.
    case adapter(size: Int)
    /// `length` trained keys and values before those of each layer's tokens (Li & Liang, 2021); 24
    /// in the paper.
    case prefix(length: Int)
    /// All biases and the shifts of layer norms (Ben-Zaken et al., 2022).
    case bitFit
    /// Trained scales of each layer's keys, values and inner activations of the feed-forward block
    /// (Liu et al., 2022).
    case ia3
    /// Every weight of the backbone.
    case full
    /// Of an image backbone, its last `count` blocks; 0 trains the head alone. A block is what lies
    /// before a pooling layer; the hidden fully connected layers, if there are some, are the last.
    case lastBlocks(Int)

    /// The largest value that is no slip of the pen.
    static let mostSize = 65_536

    /// From what trains most freely to what trains least.
    public static let cases: [FieldCase<PET>] = [
        FieldCase("full", "every weight", .full, label: "full"),
        sized(
            "last-blocks", "the last blocks of an image model, and its head", "count", "blocks",
            0...1_000, usual: 0, only: .images, isRequired: true,
            get: { if case .lastBlocks(let count) = $0 { count } else { nil } },
            make: { .lastBlocks($0) },
            label: { $0 == 0 ? "head" : $0 == 1 ? "last block" : "last \($0) blocks" }),
        FieldCase(
            "lora", "low-rank updates of query and value", LoRA.self, only: .sentences,
            get: { if case .lora(let lora) = $0 { lora } else { nil } }, make: { .lora($0) },
            label: {
                let alpha = $0.alpha == LoRA().alpha ? "" : " α=\(decimal($0.alpha))"
                return "LoRA r=\($0.rank)\(alpha)"
            }),
        sized(
            "adapter", "bottleneck layers after each block", "size", "rows of W₁",
            1...mostSize, usual: 24, only: .sentences,
            get: { if case .adapter(let size) = $0 { size } else { nil } },
            make: { .adapter(size: $0) }, label: { "Adapter \($0)" }),
        sized(
            "prefix", "trained keys and values before each layer's", "length",
            "keys and values of a layer", 1...mostSize, usual: 24, only: .sentences,
            get: { if case .prefix(let length) = $0 { length } else { nil } },
            make: { .prefix(length: $0) }, label: { "Prefix \($0)" }),
        FieldCase("bitfit", "all biases", .bitFit, only: .sentences, label: "BitFit"),
        FieldCase(
            "ia3", "scales of keys, values and inner activations (Liu et al., 2022)", .ia3,
            only: .sentences, label: "(IA)³"),
    ]

    /// A method with one size.
    private static func sized(
        _ name: String, _ title: String, _ size: String, _ sizeTitle: String,
        _ range: ClosedRange<Int>, usual: Int, only: SampleKind, isRequired: Bool = false,
        get: @escaping @Sendable (PET) -> Int?, make: @escaping @Sendable (Int) -> PET,
        label: @escaping @Sendable (Int) -> String
    ) -> FieldCase<PET> {
        FieldCase(
            name, title, usual: make(usual),
            fields: [
                Field(
                    size, sizeTitle, .integer(range), column: "pet-size",
                    get: { get($0).map { .integer($0) } },
                    set: { if case .integer(let value)? = $1 { $0 = make(value) } })
            ],
            required: isRequired ? [size] : [], only: only, contains: { get($0) != nil },
            label: { get($0).map(label) ?? "" })
    }

    /// The paper's sizes.
    public static let usualAdapter = PET.adapter(size: 24)
    public static let usualPrefix = PET.prefix(length: 24)

    /// Whether the low-rank reparameterisation can generate what this method trains.
    public var allowsBottleneck: Bool {
        switch self {
        case .lora, .adapter, .prefix, .lastBlocks: true
        case .bitFit, .ia3, .full: false
        }
    }

    public var isForImages: Bool { kindCase.only != .sentences }
    public var isForSentences: Bool { kindCase.only != .images }
}

/// The low-rank reparameterisation `θ = W₂ · tanh(W₁ z)` of all trained parameters
/// (Zhu et al., NeurIPS 2022): the paper's capacity knob. With `lastBlocks` it generates the head.
public struct Bottleneck: FieldTable {
    /// `mid_dim`, the number of rows of `W₁`; 1 or more.
    public var size: Int
    /// `in_dim`, the number of entries of `z`; 1 or more, 2 in the paper.
    public var inputSize: Int

    public init(size: Int, inputSize: Int = 2) {
        self.size = size
        self.inputSize = inputSize
    }

    public init() { self.init(size: 1) }

    public static let fields: [Field<Bottleneck>] = [
        .integer("bottleneck", "rows of W₁", \.size, 1...PET.mostSize),
        .integer("in-dim", "entries of z", \.inputSize, 1...PET.mostSize),
    ]
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
