import SweepCore
import Testing

@Suite("The scheduler after a restart of the coordinator")
struct SchedulerRestartTests {
    /// A sweep of one run, given to the worker "a" as attempt 1 by an earlier coordinator.
    private func snapshot(acknowledged: UInt64 = 0) throws -> Snapshot {
        let sweep = Sample.sweep(epochs: [1, 2])
        let plan = Plan(sweep)
        let run = try #require(plan.runs.first)
        return Snapshot(
            sweeps: [.init(id: SweepID(1), spec: sweep, keys: plan.points.map(\.key))],
            runs: [
                .init(
                    id: RunID(1), plan: run, state: .active(AttemptID(1), WorkerID("a")),
                    failures: [])
            ],
            attempts: [
                .init(
                    id: AttemptID(1), run: RunID(1), worker: WorkerID("a"),
                    acknowledged: acknowledged)
            ],
            finished: [], lastAttempt: AttemptID(1))
    }

    @Test("A worker that still trains is re-attached, and nobody repeats its work")
    func reattach() throws {
        var bench = SchedulerBench(try snapshot(acknowledged: 1))
        bench.join("b")
        bench.join("a", attempts: [AttemptID(1)])
        let sent = bench.pass(.seconds(20)) {
            $0.send(.heartbeat([.init(attempt: AttemptID(1), stepsDone: 3)]), from: "a")
            $0.send(.heartbeat([]), from: "b")
        }
        #expect(sent.assignments.isEmpty)
        bench.report(AttemptID(1), 2, Sample.epoch(2), from: "a")
        #expect(bench.finishedPoints.count == 1)
    }

    @Test("A worker that does not come back loses its run after one lease")
    func gone() throws {
        var bench = SchedulerBench(try snapshot())
        bench.join("b")
        let sent = bench.pass(.seconds(9)) { $0.send(.heartbeat([]), from: "b") }
        #expect(sent.assignments.map(\.to) == ["b"])
        #expect(sent.assignments.map(\.job.attempt) == [AttemptID(2)])
    }

    @Test("The same sweep submitted again makes no new run")
    func resubmit() throws {
        var bench = SchedulerBench(try snapshot())
        bench.submit(Sample.sweep(epochs: [1, 2]))
        #expect(!bench.facts.contains { if case .runsCreated = $0 { true } else { false } })
        #expect(bench.scheduler.statusReport().sweeps.count == 1)
    }

    @Test("A larger grid trains only what is new")
    func extend() throws {
        var bench = SchedulerBench(try snapshot())
        bench.submit(Sample.sweep(epochs: [1, 2], seeds: [1, 2]))
        let created = bench.facts.flatMap { fact -> [UInt64] in
            if case .runsCreated(_, let runs) = fact { runs.map(\.spec.seed) } else { [] }
        }
        #expect(created == [2])
        #expect(bench.scheduler.statusReport().sweeps.first?.points == 4)
    }

    @Test("A worker that clears up after an earlier process of its name gets work")
    func clearsUp() throws {
        var bench = SchedulerBench()
        bench.join("a")
        let job = try #require(bench.submit(Sample.sweep()).assignments.first).job
        bench.now = bench.now + .seconds(1)
        bench.join("a", incarnation: 2, attempts: [job.attempt])
        let sent = bench.report(job.attempt, 1, .handedBack, from: "a").assignments
        #expect(sent.map(\.job.run) == [job.run])
    }
}
