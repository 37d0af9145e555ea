import Foundation
import GRDB
import SweepCore
import Testing

@testable import SweepStore

@Suite("Last states in the store")
struct LastStateTests {
    private let file = FileReference(path: "/x.tsv", digest: Digest(ofText: "x"))

    private func sweep(epochs: [Int]) -> SweepSpec {
        SweepSpec(
            name: "story",
            backbone: BackboneReference(path: "/model", digest: Digest(ofText: "model")),
            data: TaskData(train: .sentences(file), test: .sentences(file), labels: 2),
            grid: Grid(
                capacities: [Capacity(pet: .lora(LoRA()))], epochs: epochs,
                learningRates: [1e-3], attacks: [.none], poisonRatios: [0], seeds: [1, 2]),
            settings: TrainingSettings(schedule: .constant), trainingSamples: [file.digest: 64])
    }

    private func metrics(_ epoch: Int) -> EpochMetrics {
        EpochMetrics(
            epoch: epoch, trainingLoss: 1 / Double(epoch), testLoss: 1 / 3, cacc: 2 / 3, asr: nil)
    }

    /// Two runs of two epochs each, with their last states.
    private func story() throws -> (facts: [Fact], states: [LastState]) {
        let sweep = sweep(epochs: [1, 2])
        let plan = Plan(sweep)
        var facts = plan.facts(SweepID(1), sweep)
        var states: [LastState] = []
        for (place, run) in plan.runs.enumerated() {
            let id = RunID(UInt64(place + 1))
            let attempt = AttemptID(UInt64(place + 1))
            facts.append(.attemptStarted(attempt, id, WorkerID("a"), isSecond: false))
            for milestone in run.milestones {
                facts.append(
                    .epochMeasured(id, attempt, metrics(milestone.epoch), seconds: 1))
                facts.append(
                    .pointFinished(
                        milestone.key, id, attempt, metrics(milestone.epoch),
                        trainableParameters: 7))
            }
            let state = Artifact(
                kind: .state, epoch: 2,
                file: FileReference(path: "/\(id)", digest: Digest(ofText: "\(id)")), size: 9,
                steps: 4)
            states.append(
                LastState(
                    trajectory: PointKey(of: run.spec.trajectory), run: id, artifact: state))
            facts += [
                .artifactKept(id, state), .attemptEnded(attempt, .completed),
                .runCompleted(id, attempt, steps: 4, seconds: 1), .lastStateKept(states[place]),
            ]
        }
        return (facts, states)
    }

    @Test("States that stay come back with the oldest first, and their files are known")
    func order() throws {
        let store = try SweepStore.inMemory()
        let (facts, states) = try story()
        let half = facts.count - 4
        // The second run's state is the older one.
        let second = Array(facts[half...])
        let first = facts.firstIndex(of: .lastStateKept(states[0]))!
        var early = Array(facts[..<half])
        early.remove(at: first)
        try store.commit(early + second, at: 100)
        try store.commit([.lastStateKept(states[0])], at: 200)
        let snapshot = try store.snapshot()
        #expect(snapshot.lastStates == [states[1], states[0]])
        #expect(snapshot.states.isEmpty && snapshot.pieces.isEmpty)
        #expect(try store.keptDigests() == Set(states.map(\.artifact.file.digest)))
        try store.commit([.artifactDropped(states[1].run, states[1].artifact)])
        #expect(try store.snapshot().lastStates == [states[0]])
        #expect(try store.keptDigests() == [states[0].artifact.file.digest])
    }

    @Test("A run that goes on has state and curve of its own, as if it had been asked for at once")
    func goingOn() throws {
        let store = try SweepStore.inMemory()
        let (facts, states) = try story()
        try store.commit(facts)
        let larger = sweep(epochs: [1, 2, 3])
        let finished = try store.snapshot().finished
        let snapshot = try store.snapshot()
        let plan = Plan(
            larger,
            on: Groundwork(LeftBehind(snapshot), hasResult: { finished.contains($0) })
        ) { finished.contains($0) }
        #expect(plan.starts == [0: states[0], 1: states[1]])
        try store.commit(plan.facts(SweepID(1), larger, from: RunID(3)))
        try store.commit([
            .runContinued(RunID(3), from: states[0]), .runContinued(RunID(4), from: states[1]),
            // What it came from goes; its file is still the new run's.
            .artifactDropped(states[0].run, states[0].artifact),
        ])
        // The coordinator is killed here: a new one has it all.
        let open = try store.snapshot()
        #expect(open.states == [RunID(3): states[0].artifact, RunID(4): states[1].artifact])
        #expect(open.runs.suffix(2).allSatisfy { $0.state == .waiting })
        #expect(try store.kept([states[0].artifact.file.digest]).count == 1)
        try store.commit([
            .attemptStarted(AttemptID(3), RunID(3), WorkerID("b"), isSecond: false),
            .epochMeasured(RunID(3), AttemptID(3), metrics(3), seconds: 1),
            .pointFinished(
                plan.grid.keys[Int(plan.runs[0].last)], RunID(3), AttemptID(3), metrics(3),
                trainableParameters: 7),
        ])
        let point = try #require(store.results(of: "story").points.first { $0.run == RunID(3) })
        #expect(point.curve == [metrics(1), metrics(2), metrics(3)])
        #expect(point.provenance?.worker == WorkerID("b"))
        // Earlier results are those of the runs that brought them.
        #expect(try store.results(of: "story").points.first?.run == RunID(1))
    }

    @Test("A coordinator killed while a larger grid is on its way leaves nothing of its new runs")
    func killedOnTheWay() throws {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("moderato-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appendingPathComponent("store.sqlite").path
        let (facts, states) = try story()
        let larger = sweep(epochs: [1, 2, 3])
        do {
            let store = try SweepStore(path: path)
            try store.commit(facts)
            let whole = Plan(larger).facts(SweepID(1), larger, from: RunID(3))
            try store.commit(
                whole.dropLast() + [
                    .runContinued(RunID(3), from: states[0]),
                    .runContinued(RunID(4), from: states[1]),
                ])
        }
        let before = try SweepStore.reading(path: path).snapshot()
        #expect(before.runs.count == 2 && before.states.isEmpty)
        let store = try SweepStore(path: path)
        let after = try store.snapshot()
        #expect(after.runs.count == 2 && after.states.isEmpty && after.lastStates == states)
        // The numbers are given again, to runs that know nothing of those.
        let other = sweep(epochs: [7])
        try store.commit(Plan(other).facts(SweepID(1), other, from: RunID(3)))
        #expect(try store.snapshot().states.isEmpty)
        #expect(try store.results(of: "story").points.allSatisfy { $0.curve.isEmpty })
    }

    @Test("A point gets what a longer run measured; where that is missing it will be trained")
    func takenPoint() throws {
        let store = try SweepStore.inMemory()
        let (facts, states) = try story()
        let shorter = facts.filter {
            if case .pointFinished(_, _, _, let metrics, _) = $0 {
                metrics.epoch == 2
            } else {
                true
            }
        }
        try store.commit(shorter)
        let grid = Plan(sweep(epochs: [1, 2])).grid
        func finish(_ place: Int, epoch: Int, of run: UInt64) throws {
            try store.commit([
                .pointTaken(MeasuredPoint(key: grid.keys[place], epoch: epoch, run: RunID(run)))
            ])
        }
        try finish(0, epoch: 1, of: 1)
        let point = try store.results(of: "story").points[0]
        #expect(point.state == .finished(metrics(1)) && point.curve == [metrics(1)])
        #expect(point.trainableParameters == 7 && point.run == RunID(1))
        #expect(point.provenance?.attempt == AttemptID(1))
        try finish(2, epoch: 9, of: 2)
        #expect(try store.results(of: "story").points[2].metrics == nil)
        #expect(try store.snapshot().lastStates == [states[0]])
    }
}
