import SweepCore

/// Training steps a second: reading, evaluation and the first 20 steps are not counted.
///
/// - Parameters:
///   - threads: Processor threads of one operation, 1 or more.
///   - steps: Steps to measure, 1 or more.
public func measureStepsPerSecond(
    spec: TrainingSpec, threads: Int, steps: Int, device: Device = .processor
) throws(TrainingError) -> Double {
    let warmUp = 20
    guard steps >= 1 else { throw .badSpec(field: "steps", problem: "\(steps) is not 1 or more") }
    var learner = try TrainingRun(spec: spec, threads: threads, device: device).makeLearner()
    let clock = ContinuousClock()
    var start = clock.now
    while true {
        for samples in learner.nextEpoch() {
            if learner.stepsDone == warmUp { start = clock.now }
            _ = try learner.step(samples)
            if learner.stepsDone == warmUp + steps {
                let seconds = (clock.now - start) / Duration.seconds(1)
                return Double(steps) / seconds
            }
        }
    }
}

/// The same for LoRA of rank 8 with the paper's settings, on a model folder and a TSV file with
/// labels 0 and 1 that need no digests.
public func measureStepsPerSecond(
    model folder: String, train path: String, threads: Int, steps: Int,
    device: Device = .processor
) throws(TrainingError) -> Double {
    var digests: [Digest] = []
    for name in BackboneReference.fileNames {
        digests.append(FileContent.digest(of: try FileContent.read(folder + "/" + name)))
    }
    let file = FileReference(
        path: path, digest: FileContent.digest(of: try FileContent.read(path)))
    let spec = TrainingSpec(
        backbone: BackboneReference(
            path: folder, digest: BackboneReference.digest(ofFiles: digests)),
        data: TextData(train: file, test: file, labels: 2),
        capacity: Capacity(pet: .lora(LoRA())), attack: .none, poisonRatio: 0, epochs: 1,
        learningRate: 3e-4, seed: 42,
        settings: TrainingSettings(schedule: .constant))
    return try measureStepsPerSecond(spec: spec, threads: threads, steps: steps, device: device)
}
