import SweepCore
import SweepWorker
import Testing

@Suite("The fake trainer")
struct FakeTrainerTests {
    private func spec(attack: Attack = .word(WordAttack()), epochs: Int = 2) -> TrainingSpec {
        let file = FileReference(path: "/x.tsv", digest: Digest(ofText: "x"))
        return TrainingSpec(
            backbone: BackboneReference(path: "/model", digest: Digest(ofText: "model")),
            data: TaskData(train: .sentences(file), test: .sentences(file), labels: 2),
            capacity: Capacity(pet: .lora(LoRA())), attack: attack, poisonRatio: 0.1,
            epochs: epochs, learningRate: 1e-3, seed: 1, settings: TrainingSettings(),
            trainer: .fake)
    }

    private func events(
        _ options: String, attempt: UInt64 = 1, _ spec: TrainingSpec, at seconds: Int64 = 100
    ) throws -> [TrainerEvent] {
        let trainer = FakeTrainer(try FakeTrainer.Options(parsing: options))
        let start = Instant(nanoseconds: 0)
        trainer.train(
            Assignment(attempt: AttemptID(attempt), run: RunID(1), spec: spec), at: start)
        return trainer.poll(at: start + .seconds(seconds))
    }

    @Test("It reports each epoch in its time, then that it is done")
    func epochs() throws {
        #expect(try events("seconds=10", spec(), at: 4).isEmpty)
        #expect(try events("seconds=10", spec(), at: 5).count == 1)
        let all = try events("seconds=10", spec(), at: 10)
        #expect(all.count == 3)
        #expect(
            all.last
                == .report(AttemptID(1), .completed(seconds: 10)))
    }

    @Test("It makes nothing up for a sweep that wants to be trained")
    func real() throws {
        var real = spec()
        real.trainer = .real
        let all = try events("seconds=0", real)
        #expect(all.count == 1)
        guard case .report(AttemptID(1), .failed(let error))? = all.first else {
            Issue.record("it reported \(all)")
            return
        }
        #expect(error.contains("without --fake"))
    }

    @Test("Figures come from the spec, so that any two agree, or are those asked for")
    func metrics() throws {
        #expect(try events("", spec()) == events("", attempt: 1, spec()))
        let asked = try events("cacc=0.75,asr=0.5", spec(epochs: 1))
        guard case .report(_, .epoch(let metrics, _, _)) = try #require(asked.first) else {
            Issue.record("\(asked)")
            return
        }
        #expect(metrics.cacc == 0.75)
        #expect(metrics.asr == 0.5)
        let clean = try events("asr=0.5", spec(attack: .none, epochs: 1))
        guard case .report(_, .epoch(let without, _, _)) = try #require(clean.first) else {
            Issue.record("\(clean)")
            return
        }
        #expect(without.asr == nil)
    }

    @Test("It fails and dies when asked to")
    func failures() throws {
        guard case .report(_, .failed) = try #require(try events("failures=1", spec()).last) else {
            Issue.record("no failure")
            return
        }
        guard case .exited = try #require(try events("crashes=1", spec()).last) else {
            Issue.record("no crash")
            return
        }
    }

    @Test(
        "Options that make no sense are named",
        arguments: ["seconds", "seconds=x", "seconds=-1", "failures=2", "speed=1", "asr=nan"])
    func nonsense(_ text: String) throws {
        #expect(throws: WorkerError.fakeTrainer(text)) { try FakeTrainer.Options(parsing: text) }
    }
}
