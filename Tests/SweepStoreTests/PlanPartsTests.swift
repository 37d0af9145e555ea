import Foundation
import GRDB
import SweepCore
import Testing

@testable import SweepStore

@Suite("Plans in parts")
struct PlanPartsTests {
    private static let file = FileReference(
        path: "/data/train.tsv", digest: Digest(ofText: "train"))

    private func sweep(_ name: String, seeds: ClosedRange<UInt64>) -> SweepSpec {
        SweepSpec(
            name: name,
            backbone: BackboneReference(path: "/model", digest: Digest(ofText: "model")),
            data: TaskData(
                train: .sentences(Self.file), test: .sentences(Self.file), labels: 2),
            grid: Grid(
                capacities: [Capacity(pet: .lora(LoRA()))], epochs: [1, 2], learningRates: [1e-3],
                attacks: [.word(WordAttack())], poisonRatios: [0.05], seeds: Array(seeds)),
            settings: TrainingSettings(schedule: .constant),
            trainingSamples: [Self.file.digest: 64])
    }

    private func scheduler(_ store: SweepStore) throws -> Scheduler {
        var configuration = Scheduler.Configuration()
        configuration.itemsInASlice = 64
        return Scheduler(
            try store.snapshot(), configuration: configuration, at: Instant(nanoseconds: 0))
    }

    /// Submits the sweep and commits the facts of each turn, as a coordinator does; of the first
    /// `turns` turns alone.
    private func submit(
        _ sweep: SweepSpec, to scheduler: inout Scheduler, _ store: SweepStore,
        turns: Int = Int.max
    ) throws {
        let now = Instant(nanoseconds: 0)
        var event = Event.message(
            .submit(sweep, replaces: true), from: Route([1]), role: .client)
        for _ in 0..<turns {
            var facts: [Fact] = []
            for case .persist(let fact) in scheduler.handle(event, at: now) { facts.append(fact) }
            try store.commit(facts)
            guard scheduler.isBusy else { return }
            event = .spareTime
        }
    }

    @Test("What is read of a plan does not depend on how it was cut", arguments: [1, 63, 64, 300])
    func parts(limit: Int) throws {
        let store = try SweepStore.inMemory()
        var scheduler = try scheduler(store)
        let sweep = sweep("large", seeds: 1...250)
        try submit(sweep, to: &scheduler, store)
        let points = Plan(sweep).points
        let room = ResultsRoom(most: limit, size: { $0.count })
        var all = GatheredResults(of: "large")
        var answers = 0
        while all.goesOn {
            let slice = try store.results(of: "large", since: all.cursor, room)
            #expect(slice.total == points.count)
            #expect((1...limit).contains(slice.runs.count))
            all.add(slice)
            answers += 1
        }
        #expect(answers == (all.runs.count + limit - 1) / limit)
        #expect(all.points.map(\.spec) == points.map(\.spec))
    }

    @Test("A coordinator that is killed while a sweep is on its way has nothing of it afterwards")
    func killed() throws {
        let store = try SweepStore.inMemory()
        var first = try scheduler(store)
        try submit(sweep("large", seeds: 1...250), to: &first, store, turns: 12)
        let parts = try store.database.read {
            try Int.fetchOne($0, sql: "SELECT COUNT(*) FROM plan_part") ?? 0
        }
        #expect(parts > 0)
        var second = try scheduler(store)
        #expect(second.statusReport().sweeps.isEmpty)
        let other = sweep("other", seeds: 1...100)
        try submit(other, to: &second, store)
        let snapshot = try store.snapshot()
        #expect(snapshot.sweeps.map(\.spec.name) == ["other"])
        #expect(snapshot.sweeps.map(\.keys) == [Plan(other).grid.keys])
        #expect(snapshot.runs.map(\.id.number) == Array(1...100))
        #expect(snapshot.runs.map(\.plan.spec.seed) == Array(1...100))
    }

    @Test("A coordinator that starts again has exactly the runs to do that it had")
    func restart() throws {
        let store = try SweepStore.inMemory()
        var before = try scheduler(store)
        try submit(sweep("a", seeds: 1...300), to: &before, store)
        try submit(sweep("b", seeds: 200...400), to: &before, store)
        // Seeds 1 to 199 are of no sweep any more; b still wants what it shares with a.
        try submit(sweep("a", seeds: 250...260), to: &before, store)
        let now = Instant(nanoseconds: 0)
        for control in [Control.cancel(sweep: "b"), .retry(sweep: "b"), .pause(sweep: "a")] {
            var effects = before.handle(
                .message(.control(control), from: Route([1]), role: .client), at: now)
            while before.isBusy { effects += before.handle(.spareTime, at: now) }
            var facts: [Fact] = []
            for case .persist(let fact) in effects { facts.append(fact) }
            try store.commit(facts)
        }
        let after = try scheduler(store)
        after.checkInvariants()
        #expect(after.statusReport() == before.statusReport())
        #expect(after.statusReport().sweeps.map(\.waitingRuns) == [11, 201])
    }
}
