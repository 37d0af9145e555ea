import Foundation
import GRDB
import SweepCore
import Testing

@testable import SweepStore

/// A store as the first version wrote it. It stays as it is: every later version has to open it.
/// With MODERATO_WRITE=1 the test makes it where it is missing.
@Suite("The store that the first version wrote")
struct FirstStoreTests {
    private static let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("Stores/version-1.sqlite")
    private static let artifact = Artifact(
        kind: .checkpoint, epoch: 2,
        file: FileReference(path: "artifacts/2", digest: Digest(ofText: "model")), size: 4_711,
        steps: 6)
    private static let state = LastState(
        trajectory: PointKey(Digest(ofText: "trajectory")), run: RunID(1),
        artifact: Artifact(
            kind: .state, epoch: 2,
            file: FileReference(path: "artifacts/s", digest: Digest(ofText: "state")), size: 99,
            steps: 6))

    private static func make(_ path: String) throws {
        let story = try StoreTests.Story()
        let run = try #require(story.plan.runs.first)
        let store = try SweepStore(path: path)
        try store.commit(
            story.facts + [
                .epochMeasured(RunID(1), AttemptID(1), StoreTests.Story.metrics(2), seconds: 2),
                .pointFinished(
                    run.milestones[1].key, RunID(1), AttemptID(1), StoreTests.Story.metrics(2),
                    trainableParameters: 74_498),
                .artifactKept(RunID(1), artifact), .artifactKept(RunID(1), state.artifact),
                .lastStateKept(state),
                .attemptEnded(AttemptID(1), .completed),
                .runCompleted(RunID(1), AttemptID(1), steps: 6, seconds: 3),
                .sweepConditioned(
                    SweepID(1),
                    SweepCondition(state: .paused, priority: -3, reason: "by hand")),
            ], at: 1_800_000_000)
        // One file, without a log beside it.
        try DatabaseQueue(path: path).vacuum(into: file.path)
    }

    @Test("opens with all it has, and takes more")
    func opens() throws {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("moderato-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appendingPathComponent("store.sqlite").path
        let isThere = FileManager.default.fileExists(atPath: Self.file.path)
        if !isThere, ProcessInfo.processInfo.environment["MODERATO_WRITE"] != nil {
            try Self.make(folder.appendingPathComponent("new.sqlite").path)
        }
        try FileManager.default.copyItem(at: Self.file, to: URL(fileURLWithPath: path))
        let story = try StoreTests.Story()
        for isReading in [true, false] {
            let store = try isReading ? SweepStore.reading(path: path) : SweepStore(path: path)
            let results = try store.results(of: "story")
            #expect(results.points.map(\.spec) == story.plan.points.map(\.spec))
            let figures = [1, 2].map { StoreTests.Story.metrics($0) }
            #expect(results.points.map(\.metrics) == figures)
            #expect(results.points[1].curve.map(\.epoch) == [1, 2])
            #expect(results.points[1].trainableParameters == 74_498)
            let provenance = try #require(results.points[1].provenance)
            #expect(provenance.started == 1_800_000_000 && provenance.worker == WorkerID("a"))
            #expect(provenance.process?.libtorch == "2.9")
            let snapshot = try store.snapshot()
            #expect(snapshot.sweeps.map(\.spec) == [story.sweep])
            #expect(snapshot.sweeps.first?.keys == story.plan.points.map(\.key))
            #expect(
                snapshot.sweeps.first?.condition
                    == SweepCondition(state: .paused, priority: -3, reason: "by hand"))
            #expect(snapshot.runs.map(\.state) == [.completed])
            #expect(snapshot.finished == Set(story.plan.points.map(\.key)))
            #expect(snapshot.lastStates == [Self.state])
            #expect(try store.artifacts(of: RunID(1)).map(\.artifact) == [Self.artifact])
        }
        let store = try SweepStore(path: path)
        var metrics = StoreTests.Story.metrics(2)
        metrics.macroF1 = 0.625
        let key = try #require(story.plan.points.last).key
        try store.commit([
            .epochMeasured(RunID(1), AttemptID(1), metrics, seconds: 2),
            .pointFinished(key, RunID(1), AttemptID(1), metrics, trainableParameters: 1),
        ])
        #expect(try store.results(of: "story").points[1].state == .finished(metrics))
    }

    @Test("What another version made, that is not an earlier one, is refused with what to do")
    func foreign() throws {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("moderato-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appendingPathComponent("store.sqlite").path
        _ = try SweepStore(path: path)
        try DatabaseQueue(path: path).write {
            try $0.execute(sql: "INSERT INTO grdb_migrations VALUES ('version 99')")
        }
        #expect(throws: StoreError.foreign(path: path)) { _ = try SweepStore(path: path) }
        #expect(throws: StoreError.foreign(path: path)) { try SweepStore.reading(path: path) }
        #expect(StoreError.foreign(path: path).description.contains("--home FOLDER"))
    }
}
