import SweepCore
import SweepData

/// The trained classification head of a text model: BERT's is one linear map after the frozen
/// pooler, RoBERTa's and MPNet's have a dense layer of their own.
struct HeadLayout {
    let configuration: EncoderConfiguration
    let classes: Int

    private var hasDense: Bool { configuration.family != .bert }

    func append(to layout: inout ParameterLayout) {
        let hidden = configuration.hiddenSize
        if hasDense {
            layout.append("head.dense.weight", [hidden, hidden])
            layout.append("head.dense.bias", [hidden])
        }
        layout.append("head.weight", [classes, hidden])
        layout.append("head.bias", [classes])
    }

    /// Number of tensors.
    var tensorCount: Int { hasDense ? 4 : 2 }

    /// The model file's head if it fits, else N(0, initializerRange²) and biases of 0.
    func initialValues(_ backbone: TextBackbone, _ random: inout RandomSource) -> [Float] {
        var layout = ParameterLayout()
        append(to: &layout)
        let fresh = layout.slots.flatMap { slot in
            slot.shape.count == 1
                ? [Float](repeating: 0, count: slot.count)
                : random.normals(slot.count, deviation: configuration.initializerRange)
        }
        guard let head = backbone.head, head.map(\.count) == layout.slots.map(\.count) else {
            return fresh
        }
        return head.flatMap { $0 }
    }

    /// The head from the last tensors of a group, as `append` ordered them.
    func head(_ tensors: [Tensor], pooler: Linear?) -> Head {
        let own = Array(tensors.suffix(tensorCount))
        return Head(
            pooler: pooler,
            dense: hasDense ? RunLinear(weight: own[0], bias: own[1]) : nil,
            output: RunLinear(weight: own[own.count - 2], bias: own[own.count - 1]))
    }
}

/// From each sequence's first row to logits.
struct Head {
    var pooler: Linear?
    let dense: RunLinear?
    let output: RunLinear

    /// - Parameter first: [B, H], the encoder's rows of the first tokens.
    func output(
        _ first: Tensor, runOffsets: Tensor, _ dropout: inout DropoutSource
    ) throws(TrainingError) -> ModelOutput {
        let features: Tensor
        if let dense {
            features = try first.dropout(&dropout).linear(dense, rowOffsets: runOffsets).tanh()
        } else if let pooler {
            features = try first.linear(pooler).tanh()
        } else {
            features = first
        }
        let logits = try features.dropout(&dropout).linear(output, rowOffsets: runOffsets)
        return ModelOutput(features: features, logits: logits)
    }
}
