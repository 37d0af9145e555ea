import Glibc
import SweepCore

/// Loss and accuracy over a set of samples, without dropout.
struct Evaluation {
    let fit: Fit
    /// One for each class.
    let classes: [ClassResult]
    /// For each class, how many samples of other classes are classified as it.
    let wrongly: [Int]

    /// Samples in a forward pass. Fixed, and samples are sorted by cost, so that the result does
    /// not depend on anything but the parameters.
    static let batchSize = 128

    /// - Parameter indices: The samples to look at, at least one; all by default.
    init(
        of model: any TunedModel, on samples: any SampleSet, _ indices: [Int]? = nil,
        device: Device
    ) throws(TrainingError) {
        var loss = 0.0
        var classes: [ClassResult] = []
        var wrongly: [Int] = []
        let chosen = indices ?? Array(0..<samples.count)
        precondition(!chosen.isEmpty, "nothing to evaluate on")
        let costs = chosen.map { (samples.cost($0), $0) }
        let order = costs.sorted { $0 < $1 }.map(\.1)
        for start in stride(from: 0, to: order.count, by: Self.batchSize) {
            let chunk = Array(order[start..<min(start + Self.batchSize, order.count)])
            for (row, index) in zip(try Self.logits(model, samples, chunk, device), chunk) {
                let label = samples.labels[index]
                if classes.isEmpty {
                    classes = row.map { _ in ClassResult(correct: 0, total: 0) }
                    wrongly = row.map { _ in 0 }
                }
                loss += Self.crossEntropy(row, label)
                classes[label].total += 1
                let answer = row.indices.max { row[$0] < row[$1] } ?? label
                if answer == label {
                    classes[label].correct += 1
                } else {
                    wrongly[answer] += 1
                }
            }
        }
        let correct = classes.reduce(0) { $0 + $1.correct }
        fit = Fit(
            loss: loss / Double(order.count), accuracy: Double(correct) / Double(order.count))
        self.classes = classes
        self.wrongly = wrongly
    }

    /// Of the samples of other classes than `target`, the share that is classified as it; `nil`
    /// without such samples.
    func plainErrorRate(target: Int) -> Double? {
        let others = classes.indices.filter { $0 != target }.reduce(0) { $0 + classes[$1].total }
        guard others > 0, wrongly.indices.contains(target) else { return nil }
        return Double(wrongly[target]) / Double(others)
    }

    /// One row of logits for each sample.
    static func logits(
        _ model: any TunedModel, _ samples: any SampleSet, _ indices: [Int], _ device: Device
    ) throws(TrainingError) -> [[Double]] {
        let values = try Torch.withoutRecording { () throws(TrainingError) in
            let batch = try samples.batch(indices, device: device)
            var dropout = DropoutSource.none
            return try model.output(batch, &dropout).logits.floats()
        }
        let classes = values.count / indices.count
        return indices.indices.map { values[$0 * classes..<($0 + 1) * classes].map(Double.init) }
    }

    private static func crossEntropy(_ logits: [Double], _ label: Int) -> Double {
        let top = logits.max() ?? 0
        return log(logits.reduce(0) { $0 + exp($1 - top) }) + top - logits[label]
    }
}
