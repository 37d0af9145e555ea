import SweepCore
import SweepData

/// Scale, shift and epsilon of a layer norm over the last dimension.
struct LayerNorm {
    let gamma: Tensor
    let beta: Tensor
    let epsilon: Double
}

/// A frozen linear map: `weight` [outputs, inputs], `bias` [outputs].
struct Linear {
    let weight: Tensor
    let bias: Tensor
}

/// One frozen encoder layer.
struct BertLayer {
    /// Query, key and value of all heads, one above the other: weight [3H, H].
    let queryKeyValue: Linear
    /// The parts that the last layer needs apart: weight [H, H] and [2H, H].
    let query: Linear
    let keyValue: Linear
    let attentionOutput: Linear
    let attentionNorm: LayerNorm
    let intermediate: Linear
    let output: Linear
    let outputNorm: LayerNorm
}

/// The frozen weights of a BERT-family encoder with its pooler, on one device.
final class BertBackbone {
    let configuration: BertConfiguration
    let device: Device
    /// [vocabulary, H]
    let wordEmbeddings: Tensor
    /// [positions, H]: position embeddings plus the embedding of token type 0.
    let positionEmbeddings: Tensor
    let embeddingNorm: LayerNorm
    let layers: [BertLayer]
    let pooler: Linear
    /// The classifier in the model file, if there is one: weight in row order, bias.
    let classifier: (weight: [Float], bias: [Float])?

    init(
        configuration: BertConfiguration, weights: SafeTensors, device: Device
    ) throws(TrainingError) {
        let reader = WeightReader(weights: weights, device: device)
        let hidden = configuration.hiddenSize
        let epsilon = configuration.layerNormEpsilon
        self.configuration = configuration
        self.device = device
        wordEmbeddings = try reader.tensor(
            "embeddings.word_embeddings.weight", [configuration.vocabularySize, hidden])
        var positions = try reader.floats(
            "embeddings.position_embeddings.weight", [configuration.maxPositions, hidden])
        let types = try reader.floats(
            "embeddings.token_type_embeddings.weight", [configuration.tokenTypes, hidden])
        for index in positions.indices { positions[index] += types[index % hidden] }
        positionEmbeddings = try .floats(
            positions, shape: [configuration.maxPositions, hidden], device: device)
        embeddingNorm = try reader.norm("embeddings.LayerNorm", hidden, epsilon)
        var layers: [BertLayer] = []
        for index in 0..<configuration.layers {
            layers.append(try reader.layer(index, configuration))
        }
        self.layers = layers
        pooler = try reader.pooler(hidden, configuration.initializerRange)
        classifier = try reader.classifier(hidden)
    }
}

/// Reads named weights, with or without the prefix that `BertForSequenceClassification` puts.
private struct WeightReader {
    let weights: SafeTensors
    let device: Device

    func floats(_ name: String, _ shape: [Int]) throws(TrainingError) -> [Float] {
        let full = weights.shape(of: name) == nil ? "bert." + name : name
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

    func linear(_ name: String, _ outputs: Int, _ inputs: Int) throws(TrainingError) -> Linear {
        Linear(
            weight: try tensor(name + ".weight", [outputs, inputs]),
            bias: try tensor(name + ".bias", [outputs]))
    }

    func norm(_ name: String, _ width: Int, _ epsilon: Double) throws(TrainingError) -> LayerNorm {
        LayerNorm(
            gamma: try tensor(name + ".weight", [width]),
            beta: try tensor(name + ".bias", [width]), epsilon: epsilon)
    }

    func layer(
        _ index: Int, _ configuration: BertConfiguration
    ) throws(TrainingError) -> BertLayer {
        let name = "encoder.layer.\(index)."
        let hidden = configuration.hiddenSize
        let epsilon = configuration.layerNormEpsilon
        var weights: [[Float]] = []
        var biases: [[Float]] = []
        for part in ["query", "key", "value"] {
            let part = name + "attention.self." + part
            weights.append(try floats(part + ".weight", [hidden, hidden]))
            biases.append(try floats(part + ".bias", [hidden]))
        }
        func stack(_ parts: Range<Int>) throws(TrainingError) -> Linear {
            let rows = parts.count * hidden
            return Linear(
                weight: try .floats(
                    Array(weights[parts].joined()), shape: [rows, hidden], device: device),
                bias: try .floats(Array(biases[parts].joined()), shape: [rows], device: device))
        }
        return BertLayer(
            queryKeyValue: try stack(0..<3), query: try stack(0..<1), keyValue: try stack(1..<3),
            attentionOutput: try linear(name + "attention.output.dense", hidden, hidden),
            attentionNorm: try norm(name + "attention.output.LayerNorm", hidden, epsilon),
            intermediate: try linear(
                name + "intermediate.dense", configuration.intermediateSize, hidden),
            output: try linear(name + "output.dense", hidden, configuration.intermediateSize),
            outputNorm: try norm(name + "output.LayerNorm", hidden, epsilon))
    }

    /// A model without a pooler gets a random one, the same in every run.
    func pooler(_ hidden: Int, _ deviation: Double) throws(TrainingError) -> Linear {
        let name = "pooler.dense"
        let candidates = [name + ".weight", "bert." + name + ".weight"]
        if candidates.contains(where: { weights.shape(of: $0) != nil }) {
            return try linear(name, hidden, hidden)
        }
        var random = RandomSource(seed: 0)
        let values = random.normals(hidden * hidden, deviation: deviation)
        return Linear(
            weight: try .floats(values, shape: [hidden, hidden], device: device),
            bias: try .floats(
                [Float](repeating: 0, count: hidden), shape: [hidden], device: device))
    }

    func classifier(_ hidden: Int) throws(TrainingError) -> (weight: [Float], bias: [Float])? {
        guard let shape = weights.shape(of: "classifier.weight"), shape.count == 2,
            shape[1] == hidden
        else { return nil }
        return (
            try floats("classifier.weight", shape), try floats("classifier.bias", [shape[0]])
        )
    }
}
