import SweepCore
import SweepData

/// The classifier's input [width] for samples of each kind, before dropout.
///
/// A safetensors file: `hidden` (F32, rows × width), `kind` (I64: 0 clean test, 1 triggered test,
/// 2 poisoned training) and `label` (I64, before the attack where that is known); `run`, `epoch`,
/// `target` and `labels` are metadata.
struct HiddenStatesFile {
    let model: any TunedModel
    let data: TaskSamples
    let spec: TrainingSpec
    let device: Device

    /// Samples of each kind, at most.
    private static let samplesOfAKind = 400

    func content(run: String, epoch: Int) throws(TrainingError) -> [UInt8] {
        var random = RandomSource(seed: spec.settings.dataSeed)
        func sample(_ indices: [Int]) -> [Int] {
            random.permutation(indices.count).prefix(Self.samplesOfAKind).map { indices[$0] }
                .sorted()
        }
        var rows: [Float] = []
        var kinds: [Int64] = []
        var labels: [Int64] = []
        func add(
            _ samples: any SampleSet, _ indices: [Int], kind: Int64, labels trueLabels: [Int]?
        ) throws(TrainingError) {
            rows += try features(samples, indices)
            kinds += indices.map { _ in kind }
            labels += indices.map { Int64((trueLabels ?? samples.labels)[$0]) }
        }
        try add(data.test, sample(Array(0..<data.test.count)), kind: 0, labels: nil)
        if let triggered = data.triggered {
            try add(
                triggered, sample(Array(0..<triggered.count)), kind: 1,
                labels: data.trueLabels.triggered)
        }
        let touched = (data.touched ?? []).enumerated().filter(\.element).map(\.offset)
        try add(data.train, sample(touched), kind: 2, labels: data.trueLabels.train)
        var metadata = ["run": run, "epoch": "\(epoch)", "labels": "\(spec.data.labels)"]
        if let target = spec.attack.target { metadata["target"] = "\(target)" }
        var writer = SafeTensorsWriter(metadata: metadata)
        writer.add("hidden", shape: [kinds.count, rows.count / kinds.count], floats: rows)
        writer.add("kind", shape: [kinds.count], integers: kinds)
        writer.add("label", shape: [labels.count], integers: labels)
        return writer.content()
    }

    private func features(
        _ samples: any SampleSet, _ indices: [Int]
    ) throws(TrainingError) -> [Float] {
        try Torch.withoutRecording { () throws(TrainingError) in
            var rows: [Float] = []
            for start in stride(from: 0, to: indices.count, by: Evaluation.batchSize) {
                let chunk = Array(
                    indices[start..<min(start + Evaluation.batchSize, indices.count)])
                var dropout = DropoutSource.none
                rows += try model.output(samples.batch(chunk, device: device), &dropout)
                    .features.floats()
            }
            return rows
        }
    }
}
