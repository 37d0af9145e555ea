import FoundationEssentials

/// The sizes of a BERT-family encoder, from `config.json`.
struct BertConfiguration: Decodable {
    let vocabularySize: Int
    let hiddenSize: Int
    let layers: Int
    let heads: Int
    let intermediateSize: Int
    let maxPositions: Int
    let tokenTypes: Int
    let layerNormEpsilon: Double
    /// Standard deviation of fresh weights.
    let initializerRange: Double
    private let modelType: String?
    private let activation: String?
    private let positionType: String?

    private enum CodingKeys: String, CodingKey {
        case vocabularySize = "vocab_size"
        case hiddenSize = "hidden_size"
        case layers = "num_hidden_layers"
        case heads = "num_attention_heads"
        case intermediateSize = "intermediate_size"
        case maxPositions = "max_position_embeddings"
        case tokenTypes = "type_vocab_size"
        case layerNormEpsilon = "layer_norm_eps"
        case initializerRange = "initializer_range"
        case modelType = "model_type"
        case activation = "hidden_act"
        case positionType = "position_embedding_type"
    }

    init(from decoder: any Decoder) throws {
        let keys = try decoder.container(keyedBy: CodingKeys.self)
        vocabularySize = try keys.decode(Int.self, forKey: .vocabularySize)
        hiddenSize = try keys.decode(Int.self, forKey: .hiddenSize)
        layers = try keys.decode(Int.self, forKey: .layers)
        heads = try keys.decode(Int.self, forKey: .heads)
        intermediateSize = try keys.decode(Int.self, forKey: .intermediateSize)
        maxPositions = try keys.decode(Int.self, forKey: .maxPositions)
        tokenTypes = try keys.decodeIfPresent(Int.self, forKey: .tokenTypes) ?? 2
        layerNormEpsilon = try keys.decodeIfPresent(Double.self, forKey: .layerNormEpsilon) ?? 1e-12
        initializerRange = try keys.decodeIfPresent(Double.self, forKey: .initializerRange) ?? 0.02
        modelType = try keys.decodeIfPresent(String.self, forKey: .modelType)
        activation = try keys.decodeIfPresent(String.self, forKey: .activation)
        positionType = try keys.decodeIfPresent(String.self, forKey: .positionType)
    }

    /// - Throws: `badModelFile` that names the key.
    static func parse(_ content: [UInt8], path: String) throws(TrainingError) -> BertConfiguration {
        func bad(_ problem: String) -> TrainingError {
            .badModelFile(path: path, problem: problem)
        }
        let configuration: BertConfiguration
        do {
            configuration = try JSONDecoder().decode(BertConfiguration.self, from: Data(content))
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
            ("intermediate_size", intermediateSize), ("max_position_embeddings", maxPositions),
            ("type_vocab_size", tokenTypes),
        ]
        if let size = sizes.first(where: { !(1...1_000_000).contains($0.1) }) {
            return "\(size.0) is \(size.1)"
        }
        if let modelType, modelType != "bert" {
            return "model_type is '\(modelType)', and only 'bert' is supported"
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
        return nil
    }
}
