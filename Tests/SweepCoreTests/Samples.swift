import SweepCore

/// Specs that differ only in what a test is about.
enum Sample {
    static let train = FileReference(path: "/data/train.tsv", digest: Digest(ofText: "train"))
    static let test = FileReference(path: "/data/test.tsv", digest: Digest(ofText: "test"))

    static func sweep(
        _ name: String = "sample", capacities: [Capacity] = [Capacity(pet: .lora(LoRA()))],
        epochs: [Int] = [1], learningRates: [Double] = [1e-3],
        attacks: [Attack] = [.word(WordAttack())], poisonRatios: [Double] = [0.05],
        seeds: [UInt64] = [1], settings: TrainingSettings = TrainingSettings(schedule: .constant)
    ) -> SweepSpec {
        SweepSpec(
            name: name,
            backbone: BackboneReference(path: "/model", digest: Digest(ofText: "model")),
            data: TaskData(train: .sentences(train), test: .sentences(test), labels: 2),
            grid: Grid(
                capacities: capacities, epochs: epochs, learningRates: learningRates,
                attacks: attacks, poisonRatios: poisonRatios, seeds: seeds),
            settings: settings, trainingSamples: [train.digest: 320])
    }

    static func epoch(_ number: Int, seconds: Double = 1) -> Report.Event {
        .epoch(metrics(epoch: number), trainableParameters: 7, seconds: seconds)
    }

    static func metrics(epoch: Int) -> EpochMetrics {
        EpochMetrics(epoch: epoch, trainingLoss: 0.5, testLoss: 0.6, cacc: 0.8, asr: 0.25)
    }
}
