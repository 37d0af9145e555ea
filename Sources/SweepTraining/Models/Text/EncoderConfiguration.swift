import FoundationEssentials
import SweepData

/// Which architecture an encoder has, and so how its files name its weights.
enum EncoderFamily: String {
    case bert
    case roberta
    case mpnet
}

/// The sizes of a text encoder, from `config.json`.
struct EncoderConfiguration: Decodable {
    let vocabularySize: Int
    let hiddenSize: Int
    let layers: Int
    let heads: Int
    let intermediateSize: Int
    /// Rows of the position embeddings.
    let positionRows: Int
    let tokenTypes: Int
    let layerNormEpsilon: Double
    /// Standard deviation of fresh weights.
    let initializerRange: Double
    /// MPNet's classes of distance between tokens.
    let relativeBuckets: Int
    let family: EncoderFamily
    private let modelType: String?
    private let activation: String?
    private let positionType: String?
    private let padding: Int

    /// The position embedding's row of a sequence's first token.
    var firstPosition: Int { family == .bert ? 0 : padding + 1 }

    /// Tokens of a sequence at most.
    var maxPositions: Int { positionRows - firstPosition }

    private enum CodingKeys: String, CodingKey {
        case vocabularySize = "vocab_size"
        case hiddenSize = "hidden_size"
        case layers = "num_hidden_layers"
        case heads = "num_attention_heads"
        case intermediateSize = "intermediate_size"
        case positionRows = "max_position_embeddings"
        case tokenTypes = "type_vocab_size"
        case layerNormEpsilon = "layer_norm_eps"
        case initializerRange = "initializer_range"
        case relativeBuckets = "relative_attention_num_buckets"
        case modelType = "model_type"
        case activation = "hidden_act"
        case positionType = "position_embedding_type"
        case padding = "pad_token_id"
    }

    init(from decoder: any Decoder) throws {
        let keys = try decoder.container(keyedBy: CodingKeys.self)
        func optional<Value: Decodable>(_ key: CodingKeys, or other: Value) throws -> Value {
            try keys.decodeIfPresent(Value.self, forKey: key) ?? other
        }
        vocabularySize = try keys.decode(Int.self, forKey: .vocabularySize)
        hiddenSize = try keys.decode(Int.self, forKey: .hiddenSize)
        layers = try keys.decode(Int.self, forKey: .layers)
        heads = try keys.decode(Int.self, forKey: .heads)
        intermediateSize = try keys.decode(Int.self, forKey: .intermediateSize)
        positionRows = try keys.decode(Int.self, forKey: .positionRows)
        modelType = try keys.decodeIfPresent(String.self, forKey: .modelType)
        family = EncoderFamily(rawValue: modelType ?? "bert") ?? .bert
        tokenTypes = try optional(.tokenTypes, or: 2)
        layerNormEpsilon = try optional(.layerNormEpsilon, or: 1e-12)
        initializerRange = try optional(.initializerRange, or: 0.02)
        relativeBuckets = try optional(.relativeBuckets, or: 32)
        padding = try optional(.padding, or: family == .bert ? 0 : 1)
        activation = try keys.decodeIfPresent(String.self, forKey: .activation)
        positionType = try keys.decodeIfPresent(String.self, forKey: .positionType)
    }

    /// - Throws: `badModelFile` that names the key.
    static func parse(
        _ content: [UInt8], path: String
    ) throws(TrainingError) -> EncoderConfiguration {
        func bad(_ problem: String) -> TrainingError {
            .badModelFile(path: path, problem: problem)
        }
        let configuration: EncoderConfiguration
        do {
            configuration = try JSONDecoder().decode(
                EncoderConfiguration.self, from: Data(content))
        } catch DecodingError.keyNotFound(let key, _) {
            throw bad("the key '\(key.stringValue)' is missing")
        } catch DecodingError.typeMismatch(_, let context) {
            let key = context.codingPath.map(\.stringValue).joined(separator: ".")
            throw bad("the value of '\(key)' has the wrong type")
        } catch {
            throw bad("it is not JSON with a model's sizes")
        }
        if let problem = configuration.problem { throw bad(problem) }
        return configuration
    }

    /// Why no model can be built, in words.
    private var problem: String? {
        let sizes = [
            ("vocab_size", vocabularySize), ("hidden_size", hiddenSize),
            ("num_hidden_layers", layers), ("num_attention_heads", heads),
            ("intermediate_size", intermediateSize), ("max_position_embeddings", positionRows),
            ("type_vocab_size", tokenTypes), ("relative_attention_num_buckets", relativeBuckets),
        ]
        if let size = sizes.first(where: { !(1...1_000_000).contains($0.1) }) {
            return "\(size.0) is \(size.1)"
        }
        if let modelType, EncoderFamily(rawValue: modelType) == nil {
            return "model_type is '\(modelType)', and only 'bert', 'roberta' and 'mpnet' are "
                + "supported"
        }
        if let activation, activation != "gelu" {
            return "hidden_act is '\(activation)', and only 'gelu' is supported"
        }
        if let positionType, positionType != "absolute" {
            return "position_embedding_type is '\(positionType)', and only 'absolute' is supported"
        }
        if !hiddenSize.isMultiple(of: heads) {
            return "hidden_size \(hiddenSize) is no multiple of num_attention_heads \(heads)"
        }
        if padding < 0 || maxPositions < 3 {
            return "pad_token_id \(padding) leaves no room in \(positionRows) positions"
        }
        return nil
    }
}
