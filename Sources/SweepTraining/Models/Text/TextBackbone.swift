import SweepCore
import SweepData

/// One encoder layer: frozen, or with parts that are trained in place.
struct EncoderLayer {
    /// Query, key and value of all heads, one above the other: weight [3H, H].
    var queryKeyValue: Linear
    /// The parts of it that the last layer and prefixes need apart: weight [H, H] and [2H, H].
    var query: Linear
    var keyValue: Linear
    var attentionOutput: Linear
    var attentionNorm: LayerNorm
    var intermediate: Linear
    var output: Linear
    var outputNorm: LayerNorm
}

/// What tokens are turned into before the first layer.
struct Embeddings {
    /// [vocabulary, H]
    var words: Tensor
    /// [positions, H], from a sequence's first token on.
    var positions: Tensor
    /// [H], added to every token; `nil` when it is in `positions` already.
    var type: Tensor?
    var norm: LayerNorm
}

/// The frozen weights of a text encoder, on one device.
final class TextBackbone {
    let configuration: EncoderConfiguration
    let device: Device
    let precision: Precision
    let embeddings: Embeddings
    /// [positionRows, H] and [H], as in the model file.
    let allPositions: Tensor
    let type: Tensor?
    let layers: [EncoderLayer]
    /// BERT's dense layer between encoder and head; other families train theirs in the head.
    let pooler: Linear?
    /// [buckets, heads]: MPNet's bias by distance.
    let relativeBias: Tensor?
    /// The classification head in the model file, if there is one: weights in row order.
    let head: [[Float]]?

    init(
        configuration: EncoderConfiguration, weights: SafeTensors, device: Device,
        precision: Precision
    ) throws(TrainingError) {
        let reader = EncoderReader(
            weights: weights, configuration: configuration, device: device, precision: precision)
        let hidden = configuration.hiddenSize
        self.configuration = configuration
        self.device = device
        self.precision = precision
        let words = try reader.tensor(
            "embeddings.word_embeddings.weight", [configuration.vocabularySize, hidden])
        let rows = try reader.floats(
            "embeddings.position_embeddings.weight", [configuration.positionRows, hidden])
        allPositions = try .floats(
            rows, shape: [configuration.positionRows, hidden], device: device)
        var merged = Array(rows[(configuration.firstPosition * hidden)...])
        if configuration.family == .mpnet {
            type = nil
        } else {
            let types = try reader.floats(
                "embeddings.token_type_embeddings.weight", [configuration.tokenTypes, hidden])
            type = try .floats(Array(types[..<hidden]), shape: [hidden], device: device)
            for index in merged.indices { merged[index] += types[index % hidden] }
        }
        embeddings = Embeddings(
            words: words,
            positions: try .floats(
                merged, shape: [configuration.maxPositions, hidden], device: device),
            type: nil, norm: try reader.norm("embeddings.LayerNorm", hidden))
        var layers: [EncoderLayer] = []
        for index in 0..<configuration.layers { layers.append(try reader.layer(index)) }
        self.layers = layers
        pooler = configuration.family == .bert ? try reader.pooler() : nil
        relativeBias =
            configuration.family == .mpnet
            ? try reader.tensor(
                "encoder.relative_attention_bias.weight",
                [configuration.relativeBuckets, configuration.heads]) : nil
        head = try reader.head()
    }
}

/// Reads named weights, with or without the prefix that `…ForSequenceClassification` puts.
private struct EncoderReader {
    let weights: SafeTensors
    let configuration: EncoderConfiguration
    let device: Device
    let precision: Precision

    func floats(_ name: String, _ shape: [Int]) throws(TrainingError) -> [Float] {
        let prefixed = configuration.family.rawValue + "." + name
        let full = weights.shape(of: name) == nil ? prefixed : name
        guard let found = weights.shape(of: full) else {
            throw .missingWeight(path: weights.path, name: name)
        }
        guard found == shape else {
            throw .wrongShape(path: weights.path, name: full, expected: shape, found: found)
        }
        return try TrainingError.reading { () throws(DataError) in
            try weights.withFloats(full) { Array($0) }
        }
    }

    func tensor(_ name: String, _ shape: [Int]) throws(TrainingError) -> Tensor {
        try .floats(try floats(name, shape), shape: shape, device: device)
    }

    private func linear(
        _ weight: [Float], _ bias: [Float], inputs: Int
    ) throws(TrainingError) -> Linear {
        Linear(
            weight: try Tensor.floats(weight, shape: [bias.count, inputs], device: device)
                .converted(to: precision),
            bias: try .floats(bias, shape: [bias.count], device: device))
    }

    func linear(_ name: String, _ outputs: Int, _ inputs: Int) throws(TrainingError) -> Linear {
        try linear(
            try floats(name + ".weight", [outputs, inputs]), try floats(name + ".bias", [outputs]),
            inputs: inputs)
    }

    func norm(_ name: String, _ width: Int) throws(TrainingError) -> LayerNorm {
        LayerNorm(
            gamma: try tensor(name + ".weight", [width]),
            beta: try tensor(name + ".bias", [width]),
            epsilon: configuration.layerNormEpsilon)
    }

    func layer(_ index: Int) throws(TrainingError) -> EncoderLayer {
        let names = LayerNames(family: configuration.family, layer: index)
        let hidden = configuration.hiddenSize
        var weights: [[Float]] = []
        var biases: [[Float]] = []
        for part in names.queryKeyValue {
            weights.append(try floats(part + ".weight", [hidden, hidden]))
            biases.append(try floats(part + ".bias", [hidden]))
        }
        func stack(_ parts: Range<Int>) throws(TrainingError) -> Linear {
            try linear(
                Array(weights[parts].joined()), Array(biases[parts].joined()), inputs: hidden)
        }
        return EncoderLayer(
            queryKeyValue: try stack(0..<3), query: try stack(0..<1), keyValue: try stack(1..<3),
            attentionOutput: try linear(names.attentionOutput, hidden, hidden),
            attentionNorm: try norm(names.attentionNorm, hidden),
            intermediate: try linear(
                names.intermediate, configuration.intermediateSize, hidden),
            output: try linear(names.output, hidden, configuration.intermediateSize),
            outputNorm: try norm(names.outputNorm, hidden))
    }

    /// A model without a pooler gets a random one, the same in every run.
    func pooler() throws(TrainingError) -> Linear {
        let name = "pooler.dense"
        let hidden = configuration.hiddenSize
        let candidates = [name + ".weight", "bert." + name + ".weight"]
        if candidates.contains(where: { weights.shape(of: $0) != nil }) {
            return try linear(name, hidden, hidden)
        }
        var random = RandomSource(seed: 0)
        return try linear(
            random.normals(hidden * hidden, deviation: configuration.initializerRange),
            [Float](repeating: 0, count: hidden), inputs: hidden)
    }

    /// The head's parameters as `HeadLayout` orders them.
    func head() throws(TrainingError) -> [[Float]]? {
        let hidden = configuration.hiddenSize
        let isBert = configuration.family == .bert
        let output = isBert ? "classifier" : "classifier.out_proj"
        guard let shape = weights.shape(of: output + ".weight"), shape.count == 2,
            shape[1] == hidden
        else { return nil }
        var values: [[Float]] = []
        if !isBert {
            values.append(try floats("classifier.dense.weight", [hidden, hidden]))
            values.append(try floats("classifier.dense.bias", [hidden]))
        }
        values.append(try floats(output + ".weight", shape))
        values.append(try floats(output + ".bias", [shape[0]]))
        return values
    }
}

/// What the files call the parts of a layer.
struct LayerNames {
    let family: EncoderFamily
    let layer: Int

    private var base: String { "encoder.layer.\(layer)." }

    var queryKeyValue: [String] {
        family == .mpnet
            ? ["q", "k", "v"].map { base + "attention.attn." + $0 }
            : ["query", "key", "value"].map { base + "attention.self." + $0 }
    }
    var attentionOutput: String {
        base + (family == .mpnet ? "attention.attn.o" : "attention.output.dense")
    }
    var attentionNorm: String {
        base + (family == .mpnet ? "attention.LayerNorm" : "attention.output.LayerNorm")
    }
    var intermediate: String { base + "intermediate.dense" }
    var output: String { base + "output.dense" }
    var outputNorm: String { base + "output.LayerNorm" }
}
