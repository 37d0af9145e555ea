/// Which architecture an encoder has, and so how its files name its weights.
package enum EncoderFamily: String, Sendable {
    case bert
    case roberta
    case mpnet
}

/// The sizes of a text encoder, from `config.json`.
package struct EncoderConfiguration: Sendable {
    package let vocabularySize: Int
    package let hiddenSize: Int
    package let layers: Int
    package let heads: Int
    package let intermediateSize: Int
    /// Rows of the position embeddings.
    package let positionRows: Int
    package let tokenTypes: Int
    package let layerNormEpsilon: Double
    /// Standard deviation of fresh weights.
    package let initializerRange: Double
    /// MPNet's classes of distance between tokens.
    package let relativeBuckets: Int
    package let family: EncoderFamily
    /// The position embedding's row of a sequence's first token.
    package let firstPosition: Int
    private let padding: Int

    /// Tokens of a sequence at most.
    package var maxPositions: Int { positionRows - firstPosition }

    /// - Throws: `badModelFile` that names the key.
    package init(_ file: ModelConfiguration) throws(DataError) {
        vocabularySize = try file.integer("vocab_size")
        hiddenSize = try file.integer("hidden_size")
        layers = try file.integer("num_hidden_layers")
        heads = try file.integer("num_attention_heads")
        intermediateSize = try file.integer("intermediate_size")
        positionRows = try file.integer("max_position_embeddings")
        tokenTypes = try file.integer("type_vocab_size", or: 2)
        layerNormEpsilon = try file.number("layer_norm_eps", or: 1e-12)
        initializerRange = try file.number("initializer_range", or: 0.02)
        relativeBuckets = try file.integer("relative_attention_num_buckets", or: 32)
        family = file.family
        padding = try file.integer("pad_token_id", or: file.padding)
        firstPosition = file.firstPosition
        let kindProblem = try Self.kindProblem(file)
        if let problem = sizeProblem ?? kindProblem { throw file.bad(problem) }
    }

    /// Why no model of these sizes can be built, in words.
    private var sizeProblem: String? {
        let sizes = [
            ("vocab_size", vocabularySize), ("hidden_size", hiddenSize),
            ("num_hidden_layers", layers), ("num_attention_heads", heads),
            ("intermediate_size", intermediateSize), ("max_position_embeddings", positionRows),
            ("type_vocab_size", tokenTypes), ("relative_attention_num_buckets", relativeBuckets),
        ]
        if let size = sizes.first(where: { !(1...1_000_000).contains($0.1) }) {
            return "\(size.0) is \(size.1)"
        }
        if !hiddenSize.isMultiple(of: heads) {
            return "hidden_size \(hiddenSize) is no multiple of num_attention_heads \(heads)"
        }
        if padding < 0 || maxPositions < 3 {
            return "pad_token_id \(padding) leaves no room in \(positionRows) positions"
        }
        return nil
    }

    /// Why a model of this kind can't be built, in words.
    private static func kindProblem(_ file: ModelConfiguration) throws(DataError) -> String? {
        if let type = try file.text("model_type"), EncoderFamily(rawValue: type) == nil {
            return "model_type is '\(type)', and only 'bert', 'roberta' and 'mpnet' are supported"
        }
        if let activation = try file.text("hidden_act"), activation != "gelu" {
            return "hidden_act is '\(activation)', and only 'gelu' is supported"
        }
        if let type = try file.text("position_embedding_type"), type != "absolute" {
            return "position_embedding_type is '\(type)', and only 'absolute' is supported"
        }
        return nil
    }
}
