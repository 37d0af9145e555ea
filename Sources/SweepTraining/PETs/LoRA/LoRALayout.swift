import SweepCore

/// The order in which LoRA's parameters lie in vectors: one for `A` and the head, one for `B`,
/// because the reparameterisation generates these two apart.
///
/// `A`: layer by layer, query then value; then the head's weight and bias. `B`: the same order.
struct LoRALayout {
    let configuration: BertConfiguration
    let rank: Int
    let scale: Double
    let classes: Int
    let inputs: ParameterLayout
    let outputs: ParameterLayout

    init(_ lora: LoRA, configuration: BertConfiguration, classes: Int) {
        self.configuration = configuration
        self.classes = classes
        rank = lora.rank
        scale = lora.alpha / Double(lora.rank)
        var inputs = ParameterLayout()
        var outputs = ParameterLayout()
        let hidden = configuration.hiddenSize
        for layer in 0..<configuration.layers {
            for part in ["query", "value"] {
                inputs.append("layer.\(layer).\(part).A", [lora.rank, hidden])
                outputs.append("layer.\(layer).\(part).B", [hidden, lora.rank])
            }
        }
        inputs.append("head.weight", [classes, hidden])
        inputs.append("head.bias", [classes])
        self.inputs = inputs
        self.outputs = outputs
    }

    /// The parameters from the two vectors.
    func parameters(inputs a: Tensor, outputs b: Tensor) throws(TrainingError) -> LoRAParameters {
        let inputs = try self.inputs.tensors(of: a)
        let outputs = try self.outputs.tensors(of: b)
        let layers = (0..<configuration.layers).map { layer in
            LoRALayer(
                queryA: inputs[2 * layer], queryB: outputs[2 * layer],
                valueA: inputs[2 * layer + 1], valueB: outputs[2 * layer + 1])
        }
        return LoRAParameters(
            layers: layers, headWeight: inputs[inputs.count - 2],
            headBias: inputs[inputs.count - 1], scale: scale)
    }

    /// Initial values of `A` (Kaiming-uniform, a = √5) and the head: the model file's classifier if
    /// it fits, else N(0, initializerRange²) and a bias of 0.
    func initialInputs(
        classifier: (weight: [Float], bias: [Float])?, _ random: inout RandomSource
    ) -> [Float] {
        let hidden = configuration.hiddenSize
        var values = random.kaimingUniforms(
            2 * configuration.layers * rank * hidden, inputs: hidden)
        let fresh = random.normals(
            classes * hidden, deviation: configuration.initializerRange)
        if let classifier, classifier.bias.count == classes {
            values += classifier.weight + classifier.bias
        } else {
            values += fresh + [Float](repeating: 0, count: classes)
        }
        return values
    }
}
