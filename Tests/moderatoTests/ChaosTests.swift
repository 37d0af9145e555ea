import Foundation
import GRDB
import SweepCore
import Testing

/// `make chaos MINUTES=1`: a fault every few seconds, then everything has to be as if there had
/// been none.
@Suite("Chaos", .enabled(if: ProcessInfo.processInfo.environment["MODERATO_CHAOS"] != nil))
struct ChaosTests {
    private static func number(_ name: String) -> Double? {
        ProcessInfo.processInfo.environment[name].flatMap(Double.init)
    }

    @Test("After minutes of faults the store equals that of a cluster to which nothing happened")
    func chaos() async throws {
        let minutes = try #require(Self.number("MODERATO_CHAOS"), "MODERATO_CHAOS: minutes")
        let seed =
            ProcessInfo.processInfo.environment["MODERATO_SEED"].flatMap { UInt64($0) }
            ?? UInt64.random(in: 1...1_000_000)
        Chaos.say("\(minutes) minutes with SEED=\(seed)")
        let chaos = try await Chaos(seed: seed)
        var counts: [Chaos.Fault: Int] = [:]
        let begin = Date()
        try await faults(on: chaos, minutes: minutes, seed: seed, &counts)
        let afterFaults = Date()
        try await finish(chaos)
        for (fault, count) in counts.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            Chaos.say("\(fault.rawValue): \(count)")
        }
        try summarize(chaos, begin: begin, afterFaults: afterFaults)
        try check(chaos)
        Chaos.say("seed \(seed), \(counts.values.reduce(0, +)) faults: compared")
    }

    private func faults(
        on chaos: Chaos, minutes: Double, seed: UInt64, _ counts: inout [Chaos.Fault: Int]
    ) async throws {
        var random = RandomSource(seed: seed)
        let end = Date().addingTimeInterval(60 * minutes)
        var nextFault = Date().addingTimeInterval(2)
        var nextLook = Date()
        var nextLine = Date().addingTimeInterval(10)
        while Date() < end {
            try chaos.supervise()
            if Date() >= nextLook {
                nextLook = Date().addingTimeInterval(0.5)
                let snapshot = try chaos.stage.snapshot()
                try chaos.feed(snapshot, more: true)
                if Date() >= nextLine {
                    nextLine = Date().addingTimeInterval(10)
                    let completed = snapshot.runs.count { $0.state == .completed }
                    Chaos.say("\(completed) of \(snapshot.runs.count) runs are completed")
                }
            }
            if Date() >= nextFault {
                let choice = Chaos.Choice(&random, workers: chaos.workers.count)
                if let words = try chaos.carryOut(choice) {
                    counts[choice.fault, default: 0] += 1
                    Chaos.say("\(choice.fault.rawValue) \(words)")
                    nextFault = Date().addingTimeInterval(choice.pause)
                }
            }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    /// Everything is repaired, and the sweeps come to their end.
    private func finish(_ chaos: Chaos) async throws {
        Chaos.say("faults are over")
        try chaos.supervise(all: true)
        do {
            try await chaos.stage.wait(for: "the sweeps to be over") {
                try chaos.supervise()
                let snapshot = try chaos.stage.snapshot()
                try resumePaused(chaos, snapshot)
                try chaos.feed(snapshot, more: false)
                return !chaos.isFeeding && chaos.open("fake", in: snapshot) == 0
                    && chaos.open("real", in: snapshot) == 0
            }
        } catch {
            chaos.tellWhatIsOpen()
            throw error
        }
        try await retryKilled(chaos)
        Chaos.say("the sweeps are over")
        try await chaos.calm.waitUntilAllAreOver()
    }

    /// Sweeps that were paused, rightly, since the trainers of all their first runs were killed.
    private func resumePaused(_ chaos: Chaos, _ snapshot: Snapshot) throws {
        for sweep in snapshot.sweeps where sweep.condition.reason != nil {
            Chaos.say("\(sweep.spec.name) is resumed")
            _ = try chaos.stage.run(
                ["resume", sweep.spec.name, "--home", chaos.stage.home],
                in: chaos.network?.near ?? [])
        }
    }

    /// Runs that have failed, rightly, since their trainers were killed on two workers.
    private func retryKilled(_ chaos: Chaos) async throws {
        let killed = try chaos.stage.snapshot().runs.count(where: wasKilled)
        guard killed > 0 else { return }
        Chaos.say("\(killed) runs whose trainers were killed on two workers are tried again")
        for sweep in chaos.sweeps {
            let retried = try chaos.stage.run(
                ["retry", sweep, "--home", chaos.stage.home], in: chaos.network?.near ?? [])
            #expect(retried.status == 0, "\(retried.errors)")
        }
        try await chaos.stage.wait(for: "the runs that are tried again") {
            try chaos.supervise()
            let snapshot = try chaos.stage.snapshot()
            try resumePaused(chaos, snapshot)
            return chaos.sweeps.allSatisfy { chaos.open($0, in: snapshot) == 0 }
        }
    }

    private func wasKilled(_ run: Snapshot.Run) -> Bool {
        guard case .failed(let error) = run.state else { return false }
        return error.split(separator: "\n").contains { $0.contains("ended by signal 9") }
    }

    private func summarize(_ chaos: Chaos, begin: Date, afterFaults: Date) throws {
        let attempts = try chaos.stage.attempts()
        let outcomes = Dictionary(grouping: attempts, by: { $0.outcome ?? "not ended" })
            .mapValues(\.count).sorted { $0.key < $1.key }
        Chaos.say(
            "\(attempts.count) attempts: "
                + outcomes.map { "\($0.value) \($0.key)" }.joined(separator: ", "))
        func seconds(_ from: Date, _ to: Date) -> Int { Int(to.timeIntervalSince(from).rounded()) }
        let runs = try chaos.stage.snapshot().runs
        Chaos.say(
            "\(runs.count { $0.state == .completed }) of \(runs.count) runs completed; "
                + "\(seconds(begin, afterFaults)) s with faults, "
                + "\(seconds(afterFaults, Date())) s until all was over")
    }

    /// What the results are. A run whose trainers were killed on two workers has failed, and its
    /// points got another: from then on numbers are others.
    private func figures(of sweep: String, on stage: Stage) throws -> [PointOutcome] {
        try stage.results(of: sweep).map {
            var point = $0
            point.run = nil
            return point
        }
    }

    private func check(_ chaos: Chaos) throws {
        #expect(chaos.surprises.isEmpty)
        for sweep in chaos.sweeps {
            let points = try figures(of: sweep, on: chaos.stage)
            let expected = try figures(of: sweep, on: chaos.calm)
            #expect(points.count == chaos.points(of: sweep) && points.count == expected.count)
            for (point, undisturbed) in zip(points, expected) {
                #expect(point.metrics != nil)
                #expect(point == undisturbed)
            }
        }
        let runs = try chaos.stage.snapshot().runs
        #expect(runs.allSatisfy { $0.state == .completed || wasKilled($0) })
        let completed = try chaos.stage.attempts().filter { $0.outcome == "completed" }.map(\.run)
        #expect(
            completed.sorted() == runs.filter { $0.state == .completed }.map(\.id),
            "each run is completed once")
        var configuration = Configuration()
        configuration.readonly = true
        try DatabaseQueue(
            path: chaos.stage.home + "/store.sqlite", configuration: configuration
        ).read { database in
            let verdict = try String.fetchOne(database, sql: "PRAGMA integrity_check")
            #expect(verdict == "ok")
            // Whoever measured an epoch of a run measured the same.
            let figures = "training_loss, test_loss, cacc, asr, clean_fit_loss, poisoned_fit_loss"
            let different = try Int.fetchOne(
                database,
                sql: """
                    SELECT COUNT(*) FROM (SELECT 1 FROM (
                        SELECT DISTINCT run, epoch, \(figures) FROM measurement)
                    GROUP BY run, epoch HAVING COUNT(*) > 1)
                    """)
            #expect(different == 0)
        }
    }
}
