import SweepCore
import SweepData

/// All weights of a tuned text model, as `…ForSequenceClassification` names them.
struct MergedWeights {
    private let tuned: TunedTextModel
    private let backbone: TextBackbone
    /// Everything of the encoder in the backbone's file, by its name without the family's prefix.
    private var weights: [String: (shape: [Int], values: [Float])] = [:]

    init(
        _ tuned: TunedTextModel, of folder: ModelFolder, backbone: TextBackbone
    ) throws(TrainingError) {
        self.tuned = tuned
        self.backbone = backbone
        let prefix = backbone.configuration.family.rawValue + "."
        let parts = ["embeddings.", "encoder."]
        weights = try TrainingError.reading { () throws(DataError) in
            var weights: [String: (shape: [Int], values: [Float])] = [:]
            let file = try folder.weights()
            for name in file.names where !name.hasSuffix("position_ids") {
                let short = name.hasPrefix(prefix) ? String(name.dropFirst(prefix.count)) : name
                guard parts.contains(where: { short.hasPrefix($0) }) else { continue }
                weights[short] = (file.shape(of: name) ?? [], try file.floats(name))
            }
            return weights
        }
    }

    /// The safetensors file.
    func content() throws(TrainingError) -> [UInt8] {
        var merged = self
        try merged.setEmbeddings()
        for index in tuned.layers.indices { try merged.setLayer(index) }
        if let pooler = tuned.head.pooler { try merged.set("pooler.dense", pooler) }
        if let bias = tuned.relativeBias {
            try merged.set("encoder.relative_attention_bias.weight", bias)
        }
        var writer = SafeTensorsWriter(metadata: ["format": "pt"])
        let prefix = backbone.configuration.family.rawValue + "."
        for (name, weight) in merged.weights.sorted(by: { $0.key < $1.key }) {
            writer.add(prefix + name, shape: weight.shape, floats: weight.values)
        }
        for (name, tensor) in tuned.head.named {
            writer.add(
                name, shape: Array(tensor.shape.dropFirst()), floats: try tensor.floats())
        }
        return writer.content()
    }

    private mutating func set(_ name: String, _ tensor: Tensor) throws(TrainingError) {
        weights[name] = (tensor.shape, try tensor.floats())
    }

    private mutating func set(_ name: String, _ linear: Linear) throws(TrainingError) {
        try set(name + ".weight", linear.weight)
        try set(name + ".bias", linear.bias)
    }

    private mutating func set(_ name: String, _ norm: LayerNorm) throws(TrainingError) {
        try set(name + ".weight", norm.gamma)
        try set(name + ".bias", norm.beta)
    }

    /// Positions and type apart where they were trained; elsewhere they are as in the file.
    private mutating func setEmbeddings() throws(TrainingError) {
        let embeddings = tuned.embeddings
        try set("embeddings.word_embeddings.weight", embeddings.words)
        try set("embeddings.LayerNorm", embeddings.norm)
        guard tuned.trainsPositions else { return }
        replaceRows(
            "embeddings.position_embeddings.weight", from: backbone.configuration.firstPosition,
            with: try embeddings.positions.floats())
        if let type = embeddings.type {
            replaceRows(
                "embeddings.token_type_embeddings.weight", from: 0, with: try type.floats())
        }
    }

    private mutating func replaceRows(_ name: String, from row: Int, with values: [Float]) {
        let start = row * backbone.configuration.hiddenSize
        weights[name]?.values.replaceSubrange(start..<start + values.count, with: values)
    }

    private mutating func setLayer(_ index: Int) throws(TrainingError) {
        let names = LayerNames(family: backbone.configuration.family, layer: index)
        let layer = tuned.layers[index]
        let frozen = layer.frozen
        let hidden = backbone.configuration.hiddenSize
        for (part, name) in names.queryKeyValue.enumerated() {
            try set(
                name,
                Linear(
                    weight: frozen.queryKeyValue.weight.slice(part * hidden, hidden),
                    bias: frozen.queryKeyValue.bias.slice(part * hidden, hidden)))
        }
        if let lora = layer.lora {
            try add(lora.queryA, lora.queryB, lora.scale, to: names.queryKeyValue[0])
            try add(lora.valueA, lora.valueB, lora.scale, to: names.queryKeyValue[2])
        }
        try set(names.attentionOutput, frozen.attentionOutput)
        try set(names.attentionNorm, frozen.attentionNorm)
        try set(names.intermediate, frozen.intermediate)
        try set(names.output, frozen.output)
        try set(names.outputNorm, frozen.outputNorm)
    }

    /// `W + scale · B A`, of A [1, r, H] and B [1, H, r].
    private mutating func add(
        _ a: Tensor, _ b: Tensor, _ scale: Double, to name: String
    ) throws(TrainingError) {
        let update = try b.reshaped(Array(b.shape.dropFirst()))
            .linear(a.reshaped(Array(a.shape.dropFirst())).transposed()).floats()
        let weight = name + ".weight"
        weights[weight]?.values.withUnsafeMutableBufferPointer { values in
            for index in values.indices { values[index] += Float(scale) * update[index] }
        }
    }
}
