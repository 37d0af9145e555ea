import SweepCore
import Testing

@Suite("What people ask of the scheduler")
struct SchedulerControlTests {
    private func ask(_ control: Control, _ bench: inout SchedulerBench) -> String {
        for said in bench.send(.control(control), from: "client", as: .client) {
            switch said.answer {
            case .done(let words): return words
            case .rejected(let words): return "rejected: " + words
            default: continue
            }
        }
        return "no answer"
    }

    private func sweepStatus(_ bench: SchedulerBench, _ name: String) -> StatusReport.Sweep? {
        bench.scheduler.statusReport().sweeps.first { $0.name == name }
    }

    @Test("A paused sweep begins nothing more; resumed, it goes on")
    func pausing() throws {
        var bench = SchedulerBench()
        bench.join("a")
        let job = try #require(bench.submit(Sample.sweep(seeds: [1, 2])).assignments.first).job
        #expect(ask(.pause(sweep: "sample"), &bench).contains("is paused"))
        #expect(bench.complete(job, from: "a").assignments.isEmpty)
        #expect(sweepStatus(bench, "sample")?.condition.state == .paused)
        #expect(
            bench.scheduler.explanation(of: .run(RunID(2)), at: bench.now)?
                .contains { $0.contains("its sweep is paused") } == true)
        let sent = bench.send(.control(.resume(sweep: "sample")), from: "client", as: .client)
        #expect(sent.assignments.map(\.job.run) == [RunID(2)])
        #expect(ask(.pause(sweep: "smaple"), &bench).contains("there are: sample"))
    }

    @Test("What two sweeps want is held only while both are paused")
    func sharedRuns() {
        var bench = SchedulerBench()
        bench.submit(Sample.sweep("first"))
        bench.submit(Sample.sweep("second"))
        _ = ask(.pause(sweep: "first"), &bench)
        #expect(bench.join("a").assignments.count == 1)
        var other = SchedulerBench()
        other.submit(Sample.sweep("first"))
        other.submit(Sample.sweep("second"))
        _ = ask(.pause(sweep: "first"), &other)
        _ = ask(.pause(sweep: "second"), &other)
        #expect(other.join("a").assignments.isEmpty)
    }

    @Test("Cancelling stops what is in training, and what another sweep wants goes on")
    func cancelling() throws {
        var bench = SchedulerBench()
        bench.join("a")
        let job = try #require(
            bench.submit(Sample.sweep("gone", seeds: [1, 2])).assignments.first
        ).job
        bench.submit(Sample.sweep("stays", seeds: [2, 3]))
        let sent = bench.send(.control(.cancel(sweep: "gone")), from: "client", as: .client)
        #expect(sent.contains(.revoke(job.attempt), to: "a"))
        #expect(bench.facts.contains(.runsCancelled([job.run])))
        #expect(sweepStatus(bench, "gone")?.condition.state == .cancelled)
        // The worker has stopped; the runs of the other sweep are all that is left.
        var runs = sent.assignments.map(\.job)
        while let next = runs.popLast() {
            #expect([2, 3].contains(next.spec.seed))
            runs += bench.complete(next, from: "a").assignments.map(\.job)
        }
        #expect(sweepStatus(bench, "stays")?.finishedPoints == 2)
        #expect(sweepStatus(bench, "gone")?.finishedPoints == 1)
        #expect(ask(.resume(sweep: "gone"), &bench).contains("moderato retry"))
        let again = bench.send(.control(.retry(sweep: "gone")), from: "client", as: .client)
        #expect(again.assignments.map(\.job.spec.seed) == [1])
    }

    @Test("A failed run is tried again, with all its retries")
    func retrying() throws {
        var bench = SchedulerBench()
        bench.join("a")
        var sent = bench.submit(Sample.sweep())
        for _ in 0..<3 {
            let job = try #require(sent.assignments.first).job
            sent = bench.report(job.attempt, 1, .failed("no room"), from: "a")
        }
        #expect(sweepStatus(bench, "sample")?.failedRuns == 1)
        sent = bench.send(.control(.retry(sweep: "sample")), from: "client", as: .client)
        #expect(sent.assignments.count == 1)
        #expect(sweepStatus(bench, "sample")?.failedRuns == 0)
        #expect(ask(.retry(sweep: "sample"), &bench).contains("nothing to try again"))
    }

    @Test("The sweep with the larger priority comes first, also after a restart")
    func priorities() throws {
        var bench = SchedulerBench()
        bench.submit(Sample.sweep("long", epochs: [9], seeds: [1, 2]))
        bench.submit(Sample.sweep("urgent", seeds: [3]))
        _ = ask(.prioritize(sweep: "urgent", 5), &bench)
        #expect(
            bench.facts.contains(
                .sweepConditioned(SweepID(2), SweepCondition(state: .active, priority: 5))))
        let order = bench.join("a", slots: 3).assignments.map(\.job.spec.seed)
        #expect(order == [3, 1, 2])
    }

    @Test("A drained worker is told to leave and gets nothing more")
    func draining() throws {
        var bench = SchedulerBench()
        bench.join("a")
        let job = try #require(bench.submit(Sample.sweep(seeds: [1, 2])).assignments.first).job
        let sent = bench.send(
            .control(.drain(WorkerID("a"))), from: "client", as: .client)
        #expect(sent.contains(.leave, to: "a"))
        #expect(bench.report(job.attempt, 1, .handedBack, from: "a").assignments.isEmpty)
        #expect(ask(.drain(WorkerID("b")), &bench).contains("there are: a"))
        #expect(bench.join("b").assignments.count == 1)
    }

    @Test("A run that needs a label waits for a worker that has it, and says so")
    func needs() throws {
        var bench = SchedulerBench()
        var sweep = Sample.sweep()
        sweep.needs = ["gpu=a100"]
        bench.join("plain")
        #expect(bench.submit(sweep).assignments.isEmpty)
        let words = bench.scheduler.explanation(of: .run(RunID(1)), at: bench.now)
        #expect(words?.contains { $0.contains("needs gpu=a100, and no worker") } == true)
        let hello = Hello(
            worker: WorkerID("big"), incarnation: 1, host: "h", slots: 1, device: "cuda",
            memory: 0, labels: ["gpu=a100", "rack=3"])
        #expect(bench.send(.hello(hello), from: "big").assignments.map(\.to) == ["big"])
    }

    @Test("Fake workers get what was submitted as fake, real ones the rest, and runs say why")
    func fakes() throws {
        var bench = SchedulerBench()
        func hello(_ name: String, _ trainer: TrainerKind) -> Hello {
            Hello(
                worker: WorkerID(name), incarnation: 1, host: "h", slots: 1, device: "cpu",
                memory: 0, trainer: trainer)
        }
        func why(_ run: UInt64) -> String {
            bench.scheduler.explanation(of: .run(RunID(run)), at: bench.now)?
                .joined(separator: "\n") ?? ""
        }
        bench.send(.hello(hello("fake", .fake)), from: "fake")
        #expect(bench.facts.contains(.workerJoined(hello("fake", .fake))))
        #expect(bench.submit(Sample.sweep()).assignments.isEmpty)
        #expect(why(1).contains("all workers have fake trainers"))
        var made = Sample.sweep()
        made.name = "made up"
        made.trainer = .fake
        let sent = bench.submit(made).assignments
        #expect(sent.map(\.to) == ["fake"])
        #expect(sent.allSatisfy { $0.job.run == RunID(2) && $0.job.spec.trainer == .fake })
        #expect(
            bench.send(.hello(hello("real", .real)), from: "real").assignments.map(\.job.run)
                == [RunID(1)])
        bench.send(.goodbye(), from: "fake")
        #expect(why(2).contains("submitted with --fake, and no worker has a fake trainer"))
        #expect(bench.scheduler.statusReport().sweeps.map(\.trainer) == [.real, .fake])
    }

    @Test("A run that failed on every worker with its labels is not kept for one without them")
    func needsAfterFailure() throws {
        var bench = SchedulerBench()
        var sweep = Sample.sweep()
        sweep.needs = ["gpu=a100"]
        let hello = Hello(
            worker: WorkerID("able"), incarnation: 1, host: "h", slots: 1, device: "cuda",
            memory: 0, labels: ["gpu=a100"])
        bench.send(.hello(hello), from: "able")
        let job = try #require(bench.submit(sweep).assignments.first).job
        bench.join("idle")
        let again = bench.report(job.attempt, 1, .failed("out of memory"), from: "able")
        #expect(again.assignments.map(\.to) == ["able"])
    }

    @Test("Nor for a worker that is leaving")
    func leavingAfterFailure() throws {
        var bench = SchedulerBench()
        bench.join("able")
        let job = try #require(bench.submit(Sample.sweep()).assignments.first).job
        bench.join("drained")
        bench.send(.control(.drain(WorkerID("drained"))), from: "client", as: .client)
        let again = bench.report(job.attempt, 1, .failed("out of memory"), from: "able")
        #expect(again.assignments.map(\.to) == ["able"])
    }

    @Test("Control is for clients, looking for everybody who may look")
    func roles() {
        var bench = SchedulerBench()
        for role in [Role.worker, .readOnly] {
            let answer = bench.send(.control(.cancel(sweep: "x")), from: "x", as: role)
            #expect(answer.contains { $0.isRejected })
        }
        #expect(MessageToCoordinator.explain(.run(RunID(1))).isAllowed(for: .readOnly))
        #expect(!MessageToCoordinator.explain(.run(RunID(1))).isAllowed(for: .worker))
    }

    @Test("Who watches a sweep is told once, when its last run is over")
    func watching() throws {
        var bench = SchedulerBench()
        bench.join("a", slots: 2)
        let spec = Sample.sweep(seeds: [1, 2])
        let jobs = bench.submit(spec).assignments
        let ended = MessageToClient.ended(sweep: spec.name)
        #expect(
            !bench.send(.watch(sweep: spec.name), from: "client", as: .client)
                .contains(ended, to: "client"))
        bench.send(.watch(sweep: spec.name), from: "client", as: .client)
        #expect(!bench.complete(jobs[0].job, from: "a").contains(ended, to: "client"))
        let sent = bench.complete(jobs[1].job, from: "a")
        #expect(sent.filter { $0.answer == ended }.count == 1)
        let late = bench.send(.watch(sweep: spec.name), from: "late", as: .readOnly)
        #expect(late.contains(ended, to: "late"))
        let none = bench.send(.watch(sweep: "none"), from: "late", as: .readOnly)
        #expect(none.contains { $0.isRejected })
    }

    @Test("A sweep that is cancelled, or submitted anew with more, is watched as it is then")
    func watchingChanges() {
        var bench = SchedulerBench()
        let spec = Sample.sweep(seeds: [1])
        bench.submit(spec)
        bench.send(.watch(sweep: spec.name), from: "client", as: .client)
        bench.submit(Sample.sweep(seeds: [1, 2]))
        let sent = bench.send(
            .control(.cancel(sweep: spec.name)), from: "client", as: .client)
        #expect(sent.contains(.ended(sweep: spec.name), to: "client"))
    }

    @Test("A run that only another sweep's failed point could want does not wait for ever")
    func failedElsewhere() throws {
        var bench = SchedulerBench()
        bench.join("a")
        var first = Sample.sweep(seeds: [1])
        first.name = "first"
        var sent = bench.submit(first).assignments
        for _ in 0..<3 {
            let attempt = try #require(sent.first).job.attempt
            sent = bench.report(attempt, 1, .failed("no room"), from: "a").assignments
        }
        bench.send(.goodbye(), from: "a")
        // The second sweep tries the point again, and is then submitted without it.
        var second = Sample.sweep(seeds: [1, 2])
        second.name = "second"
        bench.submit(second)
        second.grid.seeds = [2]
        bench.submit(second, replaces: true)
        #expect(bench.scheduler.statusReport().sweeps.map(\.waitingRuns) == [0, 1])
        #expect(bench.join("b").assignments.map(\.job.spec.seed) == [2])
    }

    @Test("The pace of fake trainers says nothing about when a real sweep is over")
    func paces() throws {
        var bench = SchedulerBench()
        bench.submit(Sample.sweep(seeds: [1, 2]))
        var madeUp = Sample.sweep(seeds: [1, 2])
        madeUp.name = "made up"
        madeUp.trainer = .fake
        bench.submit(madeUp)
        func secondsLeft(_ name: String) -> Double? {
            bench.scheduler.statusReport().sweeps.first { $0.name == name }?.secondsLeft
        }
        func begin(_ name: String, _ kind: TrainerKind) throws -> AttemptID {
            let hello = Hello(
                worker: WorkerID(name), incarnation: 1, host: "host", slots: 1, device: "fake",
                memory: 0, trainer: kind)
            let sent = bench.send(.hello(hello), from: name)
            return try #require(sent.assignments.first { $0.to == name }?.job.attempt)
        }
        func work(_ name: String, _ attempt: AttemptID, _ steps: Int...) {
            for done in steps {
                bench.now = bench.now + .seconds(1)
                bench.send(
                    .heartbeat([AttemptProgress(attempt: attempt, stepsDone: done)]), from: name)
            }
        }
        work("fake", try begin("fake", .fake), 4, 8)
        #expect(secondsLeft("made up") != nil)
        #expect(secondsLeft("sample") == nil)
        // The fake one does four steps a second, the real one.
        work("real", try begin("real", .real), 1, 2)
        let report = bench.scheduler.statusReport()
        let sample = try #require(report.sweeps.first { $0.name == "sample" })
        #expect(sample.secondsLeft == Double(sample.steps - sample.stepsDone))
    }
}
