import Foundation
import GRDB
import SweepCore
import Testing

@testable import SweepStore

@Suite("The store")
struct StoreTests {
    /// The facts of one sweep of two points in one run, up to and with its first epoch.
    struct Story {
        let plan: Plan
        let sweep: SweepSpec
        var facts: [Fact]

        init() throws {
            let file = FileReference(path: "/x.tsv", digest: Digest(ofText: "x"))
            sweep = SweepSpec(
                name: "story",
                backbone: BackboneReference(path: "/model", digest: Digest(ofText: "model")),
                data: TaskData(train: .sentences(file), test: .sentences(file), labels: 2),
                grid: Grid(
                    capacities: [Capacity(pet: .lora(LoRA()), bottleneck: Bottleneck(size: 2))],
                    epochs: [1, 2], learningRates: [0.1 + 0.2], attacks: [.word(WordAttack())],
                    poisonRatios: [0.05], seeds: [.max]),
                settings: TrainingSettings(schedule: .constant),
                trainingSamples: [file.digest: 64])
            plan = Plan(sweep)
            let run = try #require(plan.runs.first)
            facts =
                plan.facts(SweepID(1), sweep) + [
                    .workerJoined(Self.hello(1)),
                    .attemptStarted(AttemptID(1), RunID(1), WorkerID("a"), isSecond: false),
                    .reportsStored(AttemptID(1), upTo: 1),
                    .epochMeasured(RunID(1), AttemptID(1), Self.metrics(1), seconds: 1),
                    .pointFinished(
                        run.milestones[0].key, RunID(1), AttemptID(1), Self.metrics(1),
                        trainableParameters: 74_498),
                ]
        }

        static func hello(_ incarnation: UInt64) -> Hello {
            Hello(
                worker: WorkerID("a"), incarnation: incarnation, host: "node-1",
                slots: 1, device: "cpu, \(incarnation) threads", memory: 0, trainer: .fake,
                program: "0.1.0", libtorch: "2.9")
        }

        static func metrics(_ epoch: Int) -> EpochMetrics {
            EpochMetrics(
                epoch: epoch, trainingLoss: 0.1 + 0.2, testLoss: 1 / 3, cacc: 2 / 3,
                asr: 0.123456789012345678,
                classes: [
                    ClassResult(correct: 2, total: 3), ClassResult(correct: 0, total: 0),
                ],
                cleanFit: Fit(loss: 0.1, accuracy: 1 / 3), poisonedFit: Fit(loss: 7, accuracy: 0),
                validation: Fit(loss: 1e-9, accuracy: 1), triggeredSamples: 871,
                plainErrorRate: 2 / 7)
        }
    }

    @Test("Figures come back bit for bit")
    func exactFigures() throws {
        let store = try SweepStore.inMemory()
        let story = try Story()
        try store.commit(story.facts)
        let results = try store.results(of: "story")
        #expect(results.points.map(\.spec) == story.plan.points.map(\.spec))
        #expect(results.points[0].state == .finished(Story.metrics(1)))
        #expect(results.points[0].curve == [Story.metrics(1)])
        #expect(results.points[1].state == .waiting)
        // Its run is not over, and may yet fail.
        #expect(results.points[0].trainableParameters == 74_498)
    }

    @Test("A result tells which process of which worker measured it, and when")
    func provenance() throws {
        let store = try SweepStore.inMemory()
        let story = try Story()
        try store.commit(story.facts, at: 100)
        // It says hello again, and then its successor does.
        try store.commit(
            [.workerJoined(Story.hello(1)), .workerJoined(Story.hello(.max))], at: 200)
        try store.commit([.attemptEnded(AttemptID(1), .completed)], at: 300)
        let points = try store.results(of: "story").points
        #expect(
            points[0].provenance
                == Provenance(
                    run: RunID(1), attempt: AttemptID(1), worker: WorkerID("a"),
                    process: WorkerProcess(
                        host: "node-1", device: "cpu, 1 threads", trainer: .fake, program: "0.1.0",
                        trainingCore: trainingCoreVersion, libtorch: "2.9"),
                    started: 100, ended: 300))
        #expect(points[1].provenance == nil)
    }

    @Test("A snapshot holds what a scheduler needs to go on")
    func snapshot() throws {
        let store = try SweepStore.inMemory()
        let story = try Story()
        try store.commit(story.facts)
        let snapshot = try store.snapshot()
        #expect(snapshot.sweeps.map(\.spec) == [story.sweep])
        #expect(snapshot.sweeps.first?.keys == story.plan.points.map(\.key))
        #expect(snapshot.runs.map(\.plan) == story.plan.runs)
        #expect(snapshot.runs.first?.state == .active(AttemptID(1), WorkerID("a")))
        #expect(snapshot.attempts.map(\.acknowledged) == [1])
        #expect(snapshot.finished == [story.plan.points[0].key])
        #expect(snapshot.lastAttempt == AttemptID(1))
    }

    @Test("The newest state of an open run is remembered, and digests that nobody keeps are told")
    func states() throws {
        let store = try SweepStore.inMemory()
        let story = try Story()
        func artifact(_ name: String, _ kind: Artifact.Kind, steps: Int = 0) -> Artifact {
            Artifact(
                kind: kind, epoch: 1,
                file: FileReference(path: "/\(name)", digest: Digest(ofText: name)), size: 1,
                steps: steps)
        }
        let first = artifact("first", .state, steps: 3)
        let second = artifact("second", .state, steps: 5)
        let model = artifact("model", .checkpoint)
        try store.commit(
            story.facts + [
                .artifactKept(RunID(1), first), .artifactKept(RunID(1), model),
                .artifactKept(RunID(1), second), .artifactDropped(RunID(1), first),
            ])
        #expect(try store.snapshot().states == [RunID(1): second])
        let all = Set([first, second, model].map(\.file.digest))
        #expect(try store.kept(all) == [second.file.digest, model.file.digest])
        try store.commit([
            .runCompleted(RunID(1), AttemptID(1), steps: 1, seconds: 1),
            .artifactDropped(RunID(1), second),
        ])
        #expect(try store.snapshot().states.isEmpty)
        #expect(try store.keptDigests() == [model.file.digest])
    }

    @Test("Lost attempts leave a run waiting, failures are remembered, the end is the end")
    func runStates() throws {
        let store = try SweepStore.inMemory()
        try store.commit(try Story().facts)
        func state() throws -> Snapshot.Run.State? { try store.snapshot().runs.first?.state }
        try store.commit([.attemptEnded(AttemptID(1), .lost("gone"))])
        #expect(try state() == .waiting)
        try store.commit([
            .attemptStarted(AttemptID(2), RunID(1), WorkerID("b"), isSecond: false),
            .attemptEnded(AttemptID(2), .failed("broken")),
        ])
        #expect(try state() == .waiting)
        #expect(
            try store.snapshot().runs.first?.failures
                == [Failure(worker: WorkerID("b"), error: "broken")])
        let unfinished = try Story().plan.points[1].key
        try store.commit([.runFailed(RunID(1), error: "broken", points: [unfinished])])
        #expect(try state() == .failed("broken"))
        #expect(try store.results(of: "").points[1].state == .failed("broken"))
        #expect(try store.snapshot().attempts.isEmpty)
    }

    @Test("A batch is stored whole or not at all")
    func atomic() throws {
        let store = try SweepStore.inMemory()
        let story = try Story()
        // The second start of attempt 1 breaks its primary key.
        let start = Fact.attemptStarted(AttemptID(1), RunID(1), WorkerID("a"), isSecond: false)
        #expect(throws: StoreError.self) { try store.commit(story.facts + [start]) }
        #expect(try store.snapshot().sweeps.isEmpty)
    }

    @Test("Results survive the process, and can be read while a coordinator has the store open")
    func onDisk() throws {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("moderato-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appendingPathComponent("store.sqlite").path
        #expect(throws: StoreError.self) { try SweepStore.reading(path: path) }
        do {
            let store = try SweepStore(path: path)
            try store.commit(try Story().facts)
            #expect(try SweepStore.reading(path: path).sweepNames() == ["story"])
        }
        #expect(try SweepStore.reading(path: path).results(of: "story").total == 2)
        #expect(try SweepStore(path: path).snapshot().sweeps.count == 1)
    }

    @Test("A sweep that is not there is named, with those that are")
    func unknownSweep() throws {
        let store = try SweepStore.inMemory()
        #expect(throws: StoreError.unknownSweep(name: "", known: [])) { try store.results(of: "") }
        try store.commit(try Story().facts)
        let error = #expect(throws: StoreError.self) { try store.results(of: "stroy") }
        #expect("\(try #require(error))".contains("story"))
    }

    @Test("Submitting a sweep of the same name again replaces its grid and keeps its points")
    func resubmitted() throws {
        let store = try SweepStore.inMemory()
        let story = try Story()
        try store.commit(story.facts)
        var larger = story.sweep
        larger.grid.seeds = [.max, 1]
        try store.commit(Plan(larger).facts(SweepID(1), larger, from: RunID(2)))
        let results = try store.results(of: "story")
        #expect(results.total == 4)
        #expect(results.points.count { $0.state != .waiting } == 1)
    }

    @Test("Who opens a store that another has locked for a moment waits for it")
    func locked() throws {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("moderato-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appendingPathComponent("store.sqlite").path
        try SweepStore(path: path).commit(Story().facts)
        // As SQLite does while it recovers what a killed process left; held until it is closed.
        var configuration = Configuration()
        configuration.prepareDatabase { database in
            try database.execute(sql: "PRAGMA locking_mode = EXCLUSIVE")
        }
        let holder = try DatabaseQueue(path: path, configuration: configuration)
        try holder.write { try $0.execute(sql: "UPDATE sweep SET priority = 0") }
        Thread.detachNewThread {
            Thread.sleep(forTimeInterval: 0.5)
            try? holder.close()
        }
        #expect(try SweepStore.reading(path: path).sweepNames() == ["story"])
        #expect(try SweepStore(path: path).snapshot().sweeps.count == 1)
    }
}
