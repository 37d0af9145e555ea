import Foundation
import SweepCore
import SweepStore
import Testing

/// `Exports` has what these sweeps came to before results were told by runs: whatever stores and
/// sends them, people see the same.
@Suite("Exports of two sweeps that share points")
struct ExportFileTests {
    private static let file = FileReference(
        path: "/data/reviews/train.tsv", digest: Digest(ofText: "x"))

    private static func metrics(_ epoch: Int, _ number: Int) -> EpochMetrics {
        let share = Double((number * 7_919 + epoch * 104_729) % 1_000) / 1_000
        return EpochMetrics(
            epoch: epoch, trainingLoss: 1 - share / 2, testLoss: 1 / 3, cacc: 0.5 + share / 2,
            asr: share,
            classes: [ClassResult(correct: 90, total: 100), ClassResult(correct: 80, total: 100)],
            cleanFit: Fit(loss: 0.1, accuracy: 1 / 3), poisonedFit: Fit(loss: 7, accuracy: 0),
            validation: nil, triggeredSamples: 100, plainErrorRate: 0.25)
    }

    private static func sweep(
        _ name: String, epochs: [Int], rates: [Double], attacks: [Attack], seeds: [UInt64]
    ) -> SweepSpec {
        SweepSpec(
            name: name,
            backbone: BackboneReference(path: "/models/MiniLM", digest: Digest(ofText: "model")),
            data: TaskData(train: .sentences(file), test: .sentences(file), labels: 2),
            grid: Grid(
                capacities: [
                    Capacity(pet: .lora(LoRA())),
                    Capacity(pet: .adapter(size: 3), bottleneck: Bottleneck(size: 2)),
                ], epochs: epochs, learningRates: rates, attacks: attacks, poisonRatios: [0.05],
                seeds: seeds),
            settings: TrainingSettings(schedule: .constant), trainingSamples: [file.digest: 640])
    }

    /// Facts of runs that are trained one after the other.
    private struct Story {
        var facts: [Fact] = []
        var known: Set<PointKey> = []
        var attempts: UInt64 = 0

        /// - Parameter end: `nil` while it goes on.
        mutating func train(
            _ number: Int, _ run: PlannedRun, _ epochs: ClosedRange<Int>, _ end: AttemptEnd?
        ) {
            attempts += 1
            let (id, attempt) = (RunID(UInt64(number)), AttemptID(attempts))
            facts.append(.attemptStarted(attempt, id, WorkerID("a"), isSecond: false))
            for epoch in epochs {
                let metrics = ExportFileTests.metrics(epoch, number)
                facts.append(.epochMeasured(id, attempt, metrics, seconds: 1))
                for milestone in run.milestones
                where milestone.epoch == epoch && known.insert(milestone.key).inserted {
                    facts.append(
                        .pointFinished(
                            milestone.key, id, attempt, metrics, trainableParameters: 9))
                }
            }
            guard let end else { return }
            facts.append(.attemptEnded(attempt, end))
            if case .completed = end {
                facts.append(.runCompleted(id, attempt, steps: run.steps, seconds: 4))
            } else if case .failed(let error) = end {
                let unfinished = run.milestones.map(\.key).filter { !known.contains($0) }
                facts.append(.runFailed(id, error: error, points: unfinished))
            }
        }
    }

    /// Finished, failed, waiting, in training; a run of two attempts; and a sweep that shares
    /// points with the first and trains further.
    private static func fill(_ path: String) throws {
        let store = try SweepStore(path: path)
        let first = sweep(
            "story", epochs: [1, 3, 4], rates: [1e-3, 0.1 + 0.2],
            attacks: [.none, .word(WordAttack())], seeds: [1, .max])
        let plan = Plan(first)
        let hello = Hello(
            worker: WorkerID("a"), incarnation: 1, host: "node-with-a-long-name", slots: 1,
            device: "cuda:0, 8 threads", memory: 1 << 36, program: "0.1.0", libtorch: "2.9.1+cu128")
        var story = Story(facts: plan.facts(SweepID(1), first) + [.workerJoined(hello)])
        for (index, run) in plan.runs.enumerated() {
            switch index {
            case 2: story.train(3, run, 1...2, .failed("out of \"memory\",\nat step 7"))
            case 5: story.train(6, run, 1...2, nil)
            case 6:
                story.train(7, run, 1...2, .lost("gone"))
                story.train(7, run, 1...4, .completed)
            case 9, 13: break
            default: story.train(index + 1, run, 1...4, .completed)
            }
        }
        try store.commit(story.facts, at: 1_800_000_000)
        let second = sweep(
            "wider", epochs: [1, 4, 6], rates: [1e-3], attacks: [.word(WordAttack())],
            seeds: [1, .max, 5])
        let wider = Plan(second, isFinished: { story.known.contains($0) })
        let begin = plan.runs.count + 1
        story.facts = wider.facts(SweepID(2), second, from: RunID(UInt64(begin)))
        for (index, run) in wider.runs.prefix(4).enumerated() {
            story.train(begin + index, run, 1...6, .completed)
        }
        try store.commit(story.facts, at: 1_800_000_100)
    }

    @Test(
        "CSV and JSON, from the store and over the wire, are byte for byte what they were",
        arguments: [("story", "csv"), ("wider", "csv"), ("wider", "json")])
    func same(sweep: String, form: String) async throws {
        let stage = try Stage()
        try FileManager.default.createDirectory(
            atPath: stage.home, withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700])
        try Self.fill(stage.home + "/store.sqlite")
        let expected = try String(
            contentsOf: Stage.checkout.appendingPathComponent(
                "Tests/moderatoTests/Exports/\(sweep).\(form)"), encoding: .utf8)
        let words = ["results", "--sweep", sweep, "--\(form)"]
        let stored = try stage.run(words + ["--home", stage.home])
        #expect(stored.output == expected)
        _ = try await stage.startCoordinator()
        let sent = try stage.run(words + ["--access", stage.home + "/client.access"])
        #expect(sent.output == expected, "\(sent.errors)")
    }
}
