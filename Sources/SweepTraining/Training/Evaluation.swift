import Glibc

/// Loss and accuracy over a set of samples, without dropout.
struct Evaluation {
    /// Mean cross-entropy in nats.
    let loss: Double
    /// Share of samples whose largest logit is their label's.
    let accuracy: Double

    /// Samples in a forward pass. Fixed, and samples are sorted by length, so that the result does
    /// not depend on anything but the parameters.
    static let batchSize = 128

    init(
        of model: BertClassifier, _ parameters: LoRAParameters, on samples: [Sample]
    ) throws(TrainingError) {
        var loss = 0.0
        var correct = 0
        let order = samples.indices.sorted {
            (samples[$0].tokens.count, $0) < (samples[$1].tokens.count, $1)
        }
        for start in stride(from: 0, to: order.count, by: Self.batchSize) {
            let chunk = order[start..<min(start + Self.batchSize, order.count)].map { samples[$0] }
            let logits = try Self.logits(model, parameters, chunk)
            for (row, sample) in zip(logits, chunk) {
                loss += Self.crossEntropy(row, sample.label)
                if row.indices.max(by: { row[$0] < row[$1] }) == sample.label { correct += 1 }
            }
        }
        self.loss = loss / Double(samples.count)
        accuracy = Double(correct) / Double(samples.count)
    }

    /// One row of logits for each sample.
    static func logits(
        _ model: BertClassifier, _ parameters: LoRAParameters, _ samples: [Sample]
    ) throws(TrainingError) -> [[Double]] {
        let values = try Torch.withoutRecording { () throws(TrainingError) in
            let batch = try Batch(samples, device: model.backbone.device)
            var dropout = DropoutSource.none
            return try model.logits(batch, parameters, &dropout).floats()
        }
        let classes = values.count / samples.count
        return samples.indices.map { values[$0 * classes..<($0 + 1) * classes].map(Double.init) }
    }

    private static func crossEntropy(_ logits: [Double], _ label: Int) -> Double {
        let top = logits.max() ?? 0
        return log(logits.reduce(0) { $0 + exp($1 - top) }) + top - logits[label]
    }
}
