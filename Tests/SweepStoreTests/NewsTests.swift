import Foundation
import SweepCore
import Testing

@testable import SweepStore

@Suite("What is new of results")
struct NewsTests {
    private typealias Story = StoreTests.Story

    /// Everything that fits, which is all.
    private static var wide: ResultsRoom { ResultsRoom(most: .max, size: { $0.count }) }

    private func news(
        _ store: SweepStore, since cursor: ResultsCursor, of name: String = "story"
    ) throws -> ResultsSlice {
        try store.results(of: name, since: cursor, Self.wide)
    }

    private func sweep(
        _ name: String, epochs: [Int] = [1, 2], seeds: [UInt64] = [1, 2, 3]
    ) throws -> SweepSpec {
        var sweep = try Story().sweep
        sweep.name = name
        sweep.grid.epochs = epochs
        sweep.grid.seeds = seeds
        return sweep
    }

    private func start(_ run: UInt64, attempt: UInt64? = nil) -> Fact {
        .attemptStarted(AttemptID(attempt ?? run), RunID(run), WorkerID("a"), isSecond: false)
    }

    private func measure(_ run: UInt64, _ epoch: Int, attempt: UInt64? = nil) -> Fact {
        .epochMeasured(
            RunID(run), AttemptID(attempt ?? run), Story.metrics(epoch), seconds: 1)
    }

    private func finish(_ key: PointKey, _ run: UInt64, _ epoch: Int) -> Fact {
        .pointFinished(
            key, RunID(run), AttemptID(run), Story.metrics(epoch), trainableParameters: 7)
    }

    @Test("A run is told again when something of it has changed, with the new epochs alone")
    func epochs() throws {
        let store = try SweepStore.inMemory()
        let story = try Story()
        try store.commit(story.facts)
        let first = try news(store, since: .start)
        #expect(first.isAnew && !first.goesOn)
        #expect(first.runs.map(\.run) == [RunID(1)])
        #expect(first.runs[0].curve == [Story.metrics(1)])
        let quiet = try news(store, since: first.cursor)
        #expect(quiet.runs.isEmpty && !quiet.isAnew && !quiet.goesOn)
        #expect(quiet.cursor == first.cursor)
        try store.commit([
            measure(1, 2), finish(story.plan.points[1].key, 1, 2),
            .attemptEnded(AttemptID(1), .completed),
            .runCompleted(RunID(1), AttemptID(1), steps: 4, seconds: 2),
        ])
        let second = try news(store, since: first.cursor)
        #expect(second.runs.count == 1 && !second.isAnew)
        #expect(second.runs[0].curve == [Story.metrics(2)])
        #expect(second.runs[0].milestones.map(\.place) == [0, 1])
        #expect(second.cursor.change > first.cursor.change)
        var gathered = GatheredResults(of: "story")
        gathered.add(first)
        gathered.add(second)
        #expect(gathered.points == (try store.results(of: "story").points))
    }

    @Test("The cursor holds in a store that was closed and opened again")
    func reopened() throws {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("moderato-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appendingPathComponent("store.sqlite").path
        var cursor = ResultsCursor.start
        do {
            let store = try SweepStore(path: path)
            try store.commit(try Story().facts)
            cursor = try news(store, since: cursor).cursor
        }
        let store = try SweepStore(path: path)
        #expect(try news(store, since: cursor).runs.isEmpty)
        try store.commit([measure(1, 2)])
        let slice = try news(store, since: cursor)
        #expect(slice.runs.map(\.curve) == [[Story.metrics(2)]])
        // Another store's cursor may be ahead.
        let foreign = try news(store, since: ResultsCursor(change: 1 << 40))
        #expect(foreign.isAnew && foreign.runs.count == 1)
    }

    @Test("Whoever has read a sweep that is submitted again, or cancelled, begins anew")
    func anew() throws {
        let store = try SweepStore.inMemory()
        let story = try Story()
        try store.commit(story.facts)
        let first = try news(store, since: .start).cursor
        let larger = try sweep("story", epochs: [1, 2], seeds: [.max, 1])
        try store.commit(Plan(larger).facts(SweepID(1), larger, from: RunID(2)))
        let again = try news(store, since: first)
        #expect(again.isAnew && again.total == 4)
        #expect(again.runs.flatMap(\.milestones).map(\.place) == [0, 1, 2, 3])
        // What it was before goes on where it was.
        #expect(try !news(store, since: first, of: "story@1").isAnew)
        try store.commit([.sweepConditioned(SweepID(1), SweepCondition(state: .paused))])
        #expect(try news(store, since: again.cursor).runs.isEmpty)
        try store.commit([
            .runsCancelled([RunID(2)]),
            .sweepConditioned(SweepID(1), SweepCondition(state: .cancelled)),
        ])
        let cancelled = try news(store, since: again.cursor)
        #expect(cancelled.isAnew)
        let points = try store.results(of: "story").points
        #expect(points.map(\.metrics?.epoch) == [1, nil, nil, nil])
        #expect(points.dropFirst().allSatisfy { $0.state == .cancelled })
    }

    @Test("A point that another sweep's run finishes is news of every sweep that has it")
    func shared() throws {
        let store = try SweepStore.inMemory()
        let narrow = try sweep("narrow", epochs: [2], seeds: [2])
        let other = try sweep("other", seeds: [9])
        let plan = Plan(narrow)
        let wide = Plan(try sweep("wide"))
        try store.commit(
            plan.facts(SweepID(1), narrow)
                + wide.facts(SweepID(2), try sweep("wide"), from: RunID(2))
                + Plan(other).facts(SweepID(3), other, from: RunID(5)))
        let cursor = try news(store, since: .start, of: "narrow").cursor
        // Run 3 trains both epochs of the second seed.
        let key = plan.points[0].key
        #expect(wide.runs[1].milestones.map(\.key).contains(key))
        try store.commit([start(3), measure(3, 1), measure(3, 2), finish(key, 3, 2), start(5)])
        let slice = try news(store, since: cursor, of: "narrow")
        #expect(slice.runs.map(\.run) == [RunID(3)])
        #expect(slice.runs[0].milestones.map(\.place) == [0])
        #expect(try news(store, since: cursor, of: "other").runs.map(\.run) == [RunID(5)])
        #expect(try news(store, since: slice.cursor, of: "narrow").runs.isEmpty)
    }

    @Test("A failed run's points are told with its error, and wait again under a later run")
    func failed() throws {
        let store = try SweepStore.inMemory()
        let story = try Story()
        try store.commit(story.facts)
        var gathered = GatheredResults(of: "story")
        gathered.add(try news(store, since: .start))
        let key = story.plan.points[1].key
        try store.commit([.runFailed(RunID(1), error: "broken", points: [key])])
        gathered.add(try news(store, since: gathered.cursor))
        #expect(gathered.points[1].state == .failed("broken"))
        let retried = Plan(story.sweep, isFinished: { $0 == story.plan.points[0].key })
        try store.commit(retried.facts(SweepID(1), story.sweep, from: RunID(2)))
        gathered.add(try news(store, since: gathered.cursor))
        #expect(gathered.points.map(\.state) == [.finished(Story.metrics(1)), .waiting])
        try store.commit([start(2), measure(2, 1), measure(2, 2), finish(key, 2, 2)])
        gathered.add(try news(store, since: gathered.cursor))
        #expect(gathered.points.map(\.run) == [RunID(1), RunID(2)])
        #expect(gathered.points[1].state == .finished(Story.metrics(2)))
    }

    @Test("In answers of any size everything is told, once", arguments: [1, 2, 7, 1_000])
    func sizes(most: Int) throws {
        let store = try SweepStore.inMemory()
        let sweep = try sweep("story", epochs: Array(1...12), seeds: Array(1...9))
        let plan = Plan(sweep)
        try store.commit(plan.facts(SweepID(1), sweep))
        let room = ResultsRoom(most: most, size: { $0.parts })
        func read(_ gathered: inout GatheredResults) throws -> Int {
            var parts = 0
            repeat {
                let slice = try store.results(of: "story", since: gathered.cursor, room)
                #expect(slice.runs.parts <= most)
                parts += slice.runs.parts
                gathered.add(slice)
            } while gathered.goesOn
            return parts
        }
        var gathered = GatheredResults(of: "story")
        #expect(try read(&gathered) == 108)
        // One transaction with news of all runs, and one with those of a run.
        var facts: [Fact] = []
        for (place, run) in plan.runs.enumerated() {
            let id = UInt64(place + 1)
            facts.append(start(id))
            for milestone in run.milestones where milestone.epoch <= 5 {
                facts += [measure(id, milestone.epoch), finish(milestone.key, id, milestone.epoch)]
            }
        }
        try store.commit(facts)
        try store.commit([measure(4, 6)])
        #expect(try read(&gathered) == 9 * (12 + 5) + 1)
        #expect(gathered.points == (try store.results(of: "story").points))
        #expect(gathered.points.count { $0.metrics != nil } == 45)
        #expect(try read(&gathered) == 0)
    }

    @Test("Of two attempts that measured an epoch, a point has the one that finished it")
    func attempts() throws {
        let store = try SweepStore.inMemory()
        let story = try Story()
        var other = Story.metrics(2)
        other.cacc = 0.25
        try store.commit(
            story.facts + [
                start(1, attempt: 2), .epochMeasured(RunID(1), AttemptID(2), other, seconds: 1),
                .pointFinished(
                    story.plan.points[1].key, RunID(1), AttemptID(2), other,
                    trainableParameters: 7), measure(1, 2, attempt: 1),
            ])
        let run = try #require(try news(store, since: .start).runs.first)
        #expect(run.curve == [Story.metrics(1), Story.metrics(2)])
        #expect(run.milestones[1].state == .finished(AttemptID(2)))
        #expect(run.milestones.map(\.differing) == [nil, other])
        #expect(run.attempts.map(\.attempt) == [AttemptID(1), AttemptID(2)])
        #expect(try store.results(of: "story").points[1].metrics == other)
    }
}
