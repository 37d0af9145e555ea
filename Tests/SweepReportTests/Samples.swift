import SweepCore
import SweepReport
import Testing

/// Made-up results, most of them shaped like a word attack on movie reviews.
enum Samples {
    static let lora = Capacity(pet: .lora(LoRA()))
    static let narrow = Capacity(pet: .lora(LoRA()), bottleneck: Bottleneck(size: 2))

    static func spec(
        _ capacity: Capacity = lora, epochs: Int = 1, rate: Double = 1e-3,
        attack: Attack = .word(WordAttack()), ratio: Double = 0.05, seed: UInt64 = 1
    ) -> TrainingSpec {
        let digest = Digest(ofText: "a file")
        func file(_ name: String) -> FileReference {
            FileReference(path: "/data/reviews/\(name).tsv", digest: digest)
        }
        return TrainingSpec(
            backbone: BackboneReference(path: "/models/MiniLM", digest: digest),
            data: TaskData(
                train: .sentences(file("train")), test: .sentences(file("test")), labels: 2),
            capacity: capacity, attack: attack, poisonRatio: ratio, epochs: epochs,
            learningRate: rate, seed: seed, settings: TrainingSettings(schedule: .constant))
    }

    static func point(_ spec: TrainingSpec, cacc: Double, asr: Double?) -> PointOutcome {
        PointOutcome(
            spec: spec,
            state: .finished(
                EpochMetrics(
                    epoch: spec.epochs, trainingLoss: 0.5, testLoss: 0.25, cacc: cacc, asr: asr)))
    }

    /// CACC and ASR in percent after epochs 1, 2, ….
    static func line(
        _ capacity: Capacity, _ rate: Double, _ figures: [(Double, Double)], seed: UInt64 = 1,
        attack: Attack = .word(WordAttack()), ratio: Double = 0.05
    ) -> [PointOutcome] {
        figures.enumerated().map { index, figure in
            point(
                spec(
                    capacity, epochs: index + 1, rate: rate, attack: attack, ratio: ratio,
                    seed: seed),
                cacc: figure.0 / 100, asr: figure.1 / 100)
        }
    }

    /// Two capacities, two rates, four epochs, one seed.
    static let reviews = counted(
        SweepResults(
            name: "movie-reviews",
            points: line(lora, 1e-3, [(78, 18), (79, 54), (80, 98), (79, 100)])
                + line(lora, 1e-4, [(51, 100), (51, 100), (73, 35), (77, 20)])
                + line(narrow, 1e-3, [(51, 98), (72, 15), (76, 31), (77, 32)])
                + line(narrow, 1e-4, [(50, 100), (51, 100), (51, 97), (58, 61)]),
            elapsed: 192))

    /// With what it takes for an interval: 1,000 test samples, half of them triggered.
    static func counted(_ results: SweepResults) -> SweepResults {
        var results = results
        for index in results.points.indices {
            guard var metrics = results.points[index].metrics else { continue }
            let half = ClassResult(correct: Int((metrics.cacc * 500).rounded()), total: 500)
            metrics.classes = [half, half]
            metrics.triggeredSamples = metrics.asr.map { _ in 500 }
            metrics.plainErrorRate = metrics.asr.map { _ in 1 - metrics.cacc }
            results.changed[index].state = .finished(metrics)
        }
        return results
    }

    /// One capacity, one rate, two epochs, three seeds.
    static let seeds = SweepResults(
        name: "seeds",
        points: line(lora, 1e-3, [(78, 18), (79, 54)], seed: 1)
            + line(lora, 1e-3, [(78, 27), (81, 96)], seed: 2)
            + line(lora, 1e-3, [(80, 25), (78, 78)], seed: 3))

    /// Finished, failed and waiting points.
    static let partly = SweepResults(
        name: "partly",
        points: line(lora, 1e-3, [(78, 18)]) + [
            PointOutcome(
                spec: spec(epochs: 2), state: .failed("out of memory\n<at> \"step\" 7")),
            PointOutcome(spec: spec(epochs: 3), state: .waiting),
        ])

    static let empty = SweepResults(name: "empty", points: [])
}

extension SweepResults {
    /// Points of one trajectory are milestones of one run; what they measured is its curve.
    init(name: String, points: [PointOutcome], elapsed: Double? = nil) {
        var runs: [RunOutcome] = []
        var places: [TrainingSpec: Int] = [:]
        for (place, point) in points.enumerated() {
            var trajectory = point.spec
            trajectory.epochs = point.horizon ?? 0
            let index = places[trajectory] ?? runs.count
            if index == runs.count {
                places[trajectory] = index
                runs.append(RunOutcome(run: point.run, spec: point.spec, milestones: []))
            }
            runs[index].add(point, at: place)
        }
        self.init(name: name, runs: runs, elapsed: elapsed)
    }

    /// For a test to change; what it does not say of a curve is what points measured.
    var changed: [PointOutcome] {
        get {
            points.map {
                PointOutcome(
                    spec: $0.spec, state: $0.state, trainableParameters: $0.trainableParameters,
                    run: $0.run, provenance: $0.provenance)
            }
        }
        set { self = SweepResults(name: name, points: newValue, elapsed: elapsed) }
    }
}

extension RunOutcome {
    fileprivate mutating func add(_ point: PointOutcome, at place: Int) {
        var state = MilestoneOutcome.State.waiting
        var differing: EpochMetrics?
        switch point.state {
        case .waiting: break
        case .cancelled: state = .cancelled
        case .failed(let error):
            state = .failed
            self.error = error
        case .finished(let metrics):
            let known = curve.first { $0.epoch == metrics.epoch }
            state = .finished(point.provenance?.attempt ?? AttemptID(1))
            if known != nil, known != metrics { differing = metrics }
        }
        for metrics in point.curve + [point.metrics].compactMap(\.self)
        where !curve.contains(where: { $0.epoch == metrics.epoch }) {
            curve.append(metrics)
        }
        curve.sort { $0.epoch < $1.epoch }
        if let provenance = point.provenance, !attempts.contains(provenance) {
            attempts.append(provenance)
        }
        trainableParameters = trainableParameters ?? point.trainableParameters
        spec.epochs = max(spec.epochs, point.epochs)
        milestones.append(
            MilestoneOutcome(
                place: place, epochs: point.epochs, state: state, differing: differing))
    }
}

extension SweepResults: CustomTestStringConvertible {
    public var testDescription: String { "\(points.count) points" }
}
