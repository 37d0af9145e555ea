import SweepCore
import Testing

@Suite("The scheduler")
struct SchedulerTests {
    @Test("Work goes to whoever is free, also to a worker that joins midway")
    func joiningMidway() throws {
        var bench = SchedulerBench()
        bench.join("a")
        let first = bench.submit(Sample.sweep(seeds: [1, 2, 3])).assignments
        #expect(first.map(\.to) == ["a"])
        let second = bench.join("b").assignments
        #expect(second.map(\.to) == ["b"])
        let third = bench.complete(try #require(first.first).job, from: "a").assignments
        #expect(third.map(\.to) == ["a"])
        #expect(Set((first + second + third).map(\.job.run)).count == 3)
        #expect(Set((first + second + third).map(\.job.attempt)).count == 3)
    }

    @Test("Everything is persisted before anything that tells of it is sent")
    func persistBeforeSend() throws {
        @Checked var scheduler = Scheduler(Snapshot(), at: Instant(nanoseconds: 0))
        let route = SchedulerBench.route("client")
        let event = Event.message(.submit(Sample.sweep()), from: route, role: .client)
        let effects = scheduler.handle(event, at: Instant(nanoseconds: 0))
        let stored = try #require(
            effects.firstIndex { if case .persist(.runsCreated) = $0 { true } else { false } })
        let sent = try #require(
            effects.firstIndex { if case .answer(.submitted, _) = $0 { true } else { false } })
        #expect(stored < sent)
    }

    @Test("The longest run comes first")
    func longestFirst() {
        var bench = SchedulerBench()
        let settings = TrainingSettings(schedule: .linear(horizon: nil))
        bench.submit(Sample.sweep(epochs: [1, 3, 2], settings: settings))
        let order = bench.join("a", slots: 3).assignments.map(\.job.spec.epochs)
        #expect(order == [3, 2, 1])
    }

    @Test("A worker gets at most as many runs as it has slots")
    func slots() {
        var bench = SchedulerBench()
        bench.join("a", slots: 2)
        let jobs = bench.submit(Sample.sweep(seeds: [1, 2, 3, 4, 5])).assignments
        #expect(jobs.count == 2)
    }

    @Test("Short runs are handed out ahead, long ones and the last ones are not")
    func workAhead() throws {
        var bench = SchedulerBench()
        bench.join("a")
        bench.join("b")
        let first = bench.submit(Sample.sweep(seeds: Array(1...100))).assignments
        #expect(first.count == 2)
        func complete(_ job: Assignment, _ seconds: Double, from name: String) -> [Assignment] {
            bench.report(job.attempt, 1, Sample.epoch(1, seconds: seconds), from: name)
            return bench.report(
                job.attempt, 2, .completed(seconds: seconds), from: name
            ).assignments.map(\.job)
        }
        // 50 ms of work ahead: 5 runs of 10 ms, and one.
        let short = complete(first[0].job, 0.01, from: first[0].to)
        #expect(short.count == 1 + 6)
        #expect(complete(first[1].job, 60, from: first[1].to).count == 1)
        // A quarter of what waits is the most that one of two workers gets ahead.
        var jobs = short
        while let job = jobs.popLast() {
            let before = bench.scheduler.statusReport().sweeps[0].waitingRuns
            jobs += complete(job, 0, from: first[0].to)
            let held = jobs.count
            #expect(held <= 2 + max(before / 4, 6))
        }
        #expect(bench.scheduler.statusReport().sweeps[0].waitingRuns == 0)
    }

    @Test("A point is finished as soon as its epoch is reported, and stored once")
    func milestones() throws {
        var bench = SchedulerBench()
        bench.join("a")
        let job = try #require(bench.submit(Sample.sweep(epochs: [1, 2])).assignments.first).job
        bench.report(job.attempt, 1, Sample.epoch(1), from: "a")
        #expect(bench.finishedPoints.count == 1)
        bench.report(job.attempt, 1, Sample.epoch(1), from: "a")
        #expect(bench.finishedPoints.count == 1)
        bench.report(job.attempt, 2, Sample.epoch(2), from: "a")
        bench.report(
            job.attempt, 3, .completed(seconds: 2), from: "a")
        #expect(Set(bench.finishedPoints).count == 2)
        #expect(bench.scheduler.statusReport().sweeps.first?.isOver == true)
    }

    @Test("Reports count once and in order; a gap is waited for")
    func sequences() throws {
        var bench = SchedulerBench()
        bench.join("a")
        let job = try #require(bench.submit(Sample.sweep(epochs: [1, 2])).assignments.first).job
        let early = bench.report(
            job.attempt, 2, Sample.epoch(2),
            from: "a")
        #expect(early.contains(.acknowledge(job.attempt, upTo: 0), to: "a"))
        #expect(bench.finishedPoints.isEmpty)
        let inOrder = bench.report(
            job.attempt, 1, Sample.epoch(1),
            from: "a")
        #expect(inOrder.contains(.acknowledge(job.attempt, upTo: 1), to: "a"))
    }

    @Test("A lease that is not renewed is lost: the run goes elsewhere and keeps its retries")
    func lostLease() throws {
        var bench = SchedulerBench()
        bench.join("a")
        let job = try #require(bench.submit(Sample.sweep()).assignments.first).job
        bench.join("b")
        let sent = bench.pass(.seconds(10)) { $0.send(.heartbeat([]), from: "b") }
        let again = try #require(sent.assignments.first)
        #expect(again.to == "b")
        #expect(again.job.run == job.run)
        #expect(again.job.attempt > job.attempt)
        #expect(
            bench.facts.contains { fact in
                if case .attemptEnded(job.attempt, .lost) = fact { true } else { false }
            })
        for _ in 0..<2 { bench.report(again.job.attempt, 1, .failed("error"), from: "b") }
        #expect(bench.scheduler.statusReport().sweeps.first?.failedRuns == 0)
    }

    @Test("Time in which the coordinator itself did nothing costs nobody a lease")
    func absence() throws {
        var bench = SchedulerBench()
        bench.join("a")
        let job = try #require(bench.submit(Sample.sweep()).assignments.first).job
        _ = bench.pass(.seconds(1))
        bench.now = bench.now + .seconds(60)
        #expect(bench.handle(.tick).isEmpty)
        #expect(!bench.facts.contains { if case .attemptEnded = $0 { true } else { false } })
        // From then on its lease runs as ever.
        let late = bench.pass(.seconds(9))
        #expect(late.isEmpty && bench.scheduler.statusReport().workers.isEmpty)
        #expect(
            bench.facts.contains {
                if case .attemptEnded(job.attempt, .lost) = $0 { true } else { false }
            })
    }

    @Test("Heartbeats keep a lease for as long as they list it")
    func renewal() throws {
        var bench = SchedulerBench()
        bench.join("a")
        let job = try #require(bench.submit(Sample.sweep()).assignments.first).job
        bench.join("b")
        let sent = bench.pass(.seconds(60)) {
            $0.send(.heartbeat([.init(attempt: job.attempt, stepsDone: 1)]), from: "a")
            $0.send(.heartbeat([]), from: "b")
        }
        #expect(sent.assignments.isEmpty)
    }

    @Test("A late result of a lost attempt counts if the run is not over, and stops the other")
    func lateResult() throws {
        var bench = SchedulerBench()
        bench.join("a")
        let first = try #require(bench.submit(Sample.sweep()).assignments.first).job
        bench.join("b")
        let second = try #require(
            bench.pass(.seconds(9)) { $0.send(.heartbeat([]), from: "b") }.assignments.first
        ).job
        bench.join("a", attempts: [first.attempt])
        let sent = bench.complete(first, from: "a")
        #expect(bench.finishedPoints.count == 1)
        #expect(sent.contains(.revoke(second.attempt), to: "b"))
        let late = bench.complete(second, from: "b")
        #expect(bench.finishedPoints.count == 1)
        // Stale, but acknowledged, so that the worker need not keep it.
        #expect(late.contains(.acknowledge(second.attempt, upTo: 2), to: "b"))
    }

    @Test("A worker that comes back before anybody took over goes on")
    func comesBackInTime() throws {
        var bench = SchedulerBench()
        bench.join("a")
        let job = try #require(bench.submit(Sample.sweep()).assignments.first).job
        _ = bench.pass(.seconds(20))
        #expect(bench.scheduler.statusReport().workers.isEmpty)
        let sent = bench.join("a", attempts: [job.attempt], route: "a, connected anew")
        #expect(sent.assignments.isEmpty)
        #expect(bench.scheduler.statusReport().sweeps.first?.activeRuns == 1)
    }

    @Test("Failures are retried twice, and then the run has failed")
    func retries() throws {
        var bench = SchedulerBench()
        bench.join("a")
        var sent = bench.submit(Sample.sweep())
        for _ in 0..<3 {
            let job = try #require(sent.assignments.first).job
            sent = bench.report(job.attempt, 1, .failed("out of memory"), from: "a")
        }
        #expect(sent.assignments.isEmpty)
        let status = try #require(bench.scheduler.statusReport().sweeps.first)
        #expect(status.failedRuns == 1 && status.failedPoints == 1 && status.isOver)
        #expect(
            bench.facts.contains { fact in
                if case .runFailed(_, "out of memory", let points) = fact {
                    points.count == 1
                } else {
                    false
                }
            })
        // Submitted again, it is tried again.
        #expect(bench.submit(Sample.sweep()).assignments.count == 1)
    }

    @Test("What fails on two workers has failed, with both errors")
    func failsOnTwo() throws {
        var bench = SchedulerBench()
        bench.join("a")
        let first = try #require(bench.submit(Sample.sweep()).assignments.first)
        bench.join("b")
        let second = try #require(
            bench.report(first.job.attempt, 1, .failed("no room"), from: "a").assignments.first)
        #expect(second.to == "b")
        let sent = bench.report(second.job.attempt, 1, .failed("no memory"), from: "b")
        #expect(sent.assignments.isEmpty)
        #expect(
            bench.facts.contains { fact in
                if case .runFailed(_, "on a: no room\non b: no memory", _) = fact {
                    true
                } else {
                    false
                }
            })
        let story = bench.scheduler.explanation(of: .run(first.job.run), at: bench.now) ?? []
        #expect(story.contains("It failed on a: no room"))
        #expect(story.contains("It failed on b: no memory"))
    }

    @Test("A worker on which three runs failed that succeed elsewhere is put aside")
    func circuitBreaker() throws {
        var bench = SchedulerBench()
        bench.join("bad")
        var jobs = bench.submit(Sample.sweep(seeds: Array(1...20))).assignments
        jobs += bench.join("good").assignments
        while !jobs.isEmpty {
            let (name, job) = jobs.removeFirst()
            jobs +=
                name == "bad"
                ? bench.report(job.attempt, 1, .failed("broken"), from: name).assignments
                : bench.complete(job, from: name).assignments
        }
        #expect(bench.scheduler.statusReport().sweeps.first?.completedRuns == 20)
        let worker = try #require(
            bench.scheduler.statusReport().workers.first { $0.id == WorkerID("bad") })
        #expect(worker.isSetAside)
    }

    @Test("A heartbeat from an unknown route is answered by asking who it is")
    func unknownRoute() {
        var bench = SchedulerBench()
        #expect(bench.send(.heartbeat([]), from: "x").contains(MessageToWorker.identify, to: "x"))
    }

    @Test("A key does only what its role allows")
    func roles() {
        var bench = SchedulerBench()
        let sweep = MessageToCoordinator.submit(Sample.sweep())
        for role in [Role.worker, .readOnly] {
            let answer = bench.send(sweep, from: "x", as: role)
            #expect(answer.contains { $0.isRejected })
        }
        #expect(bench.facts.isEmpty)
        bench.send(.heartbeat([]), from: "x", as: .client)
        #expect(bench.scheduler.droppedMessages == 3)
        #expect(bench.send(.askStatus, from: "x", as: .readOnly).count == 1)
    }

    @Test("A job handed back goes to somebody else at once")
    func handedBack() throws {
        var bench = SchedulerBench()
        bench.join("a")
        let job = try #require(bench.submit(Sample.sweep()).assignments.first).job
        bench.join("b")
        let sent = bench.report(job.attempt, 1, .handedBack, from: "a")
        #expect(sent.assignments.map(\.to) == ["b"])
    }

    @Test("An attempt that failed or was handed back is not brought back by a late heartbeat")
    func closedAttempts() throws {
        for event in [Report.Event.failed("broken"), .handedBack] {
            var bench = SchedulerBench()
            bench.join("a")
            let job = try #require(bench.submit(Sample.sweep()).assignments.first).job
            // Both workers are busy afterwards, so the run has to wait.
            bench.join("b", attempts: [])
            bench.submit(Sample.sweep("other", seeds: [7]))
            bench.report(job.attempt, 1, event, from: "a")
            let sent = bench.send(
                .heartbeat([.init(attempt: job.attempt, stepsDone: 1)]), from: "a")
            #expect(sent.contains(.revoke(job.attempt), to: "a"))
            #expect(
                !bench.facts.contains {
                    if case .attemptResumed = $0 { true } else { false }
                })
        }
    }

    @Test("A revoked attempt that hands back late does not send its worker away")
    func revokedThenHandedBack() throws {
        var bench = SchedulerBench()
        bench.join("a")
        let first = try #require(bench.submit(Sample.sweep()).assignments.first).job
        bench.join("b")
        let second = try #require(
            bench.pass(.seconds(9)) { $0.send(.heartbeat([]), from: "b") }.assignments.first
        ).job
        // "a" is back, is told to stop, and "b" loses the run before "a" has stopped.
        let back = bench.join("a", attempts: [first.attempt])
        #expect(back.contains(.revoke(first.attempt), to: "a"))
        bench.submit(Sample.sweep("other", seeds: [2]))
        bench.report(second.attempt, 1, .handedBack, from: "b")
        bench.send(.heartbeat([.init(attempt: first.attempt, stepsDone: 1)]), from: "a")
        bench.report(first.attempt, 1, .handedBack, from: "a")
        // "a" still gets work: both runs end up there, one after the other.
        var done: Set<RunID> = []
        while let lease = bench.scheduler.statusReport().workers.first(where: {
            $0.id == WorkerID("a")
        })?.runs.first {
            let started = bench.facts.compactMap { fact -> AttemptID? in
                if case .attemptStarted(let id, lease, WorkerID("a"), _) = fact { id } else { nil }
            }
            let attempt = try #require(started.last)
            bench.report(attempt, 1, Sample.epoch(1), from: "a")
            bench.report(
                attempt, 2, .completed(seconds: 1), from: "a")
            done.insert(lease)
        }
        #expect(done.count == 2)
    }

    @Test("A lost attempt that comes back is no longer lost in the store")
    func resumed() throws {
        var bench = SchedulerBench()
        bench.join("a")
        let job = try #require(bench.submit(Sample.sweep()).assignments.first).job
        _ = bench.pass(.seconds(20))
        bench.join("a", attempts: [job.attempt])
        #expect(bench.facts.last == .attemptResumed(job.attempt))
    }

    @Test("Runs that a sweep submitted anew no longer wants are cancelled")
    func unwantedRuns() {
        var bench = SchedulerBench()
        bench.submit(Sample.sweep(epochs: [100]))
        bench.submit(Sample.sweep(epochs: [10]), replaces: true)
        #expect(
            bench.scheduler.explanation(of: .run(RunID(1)), at: bench.now)?.last?
                .contains("cancelled before it began") == true)
        #expect(bench.join("a").assignments.map(\.job.spec.epochs) == [10])
        #expect(bench.scheduler.statusReport().sweeps.first?.waitingRuns == 0)
    }

    @Test("A sweep submitted anew counts the steps of its own points only")
    func stepsAfterResubmission() throws {
        var bench = SchedulerBench()
        bench.join("a")
        let job = try #require(bench.submit(Sample.sweep(epochs: [2])).assignments.first).job
        bench.complete(job, from: "a")
        bench.submit(Sample.sweep(epochs: [2], learningRates: [1e-3, 1e-4]))
        var status = try #require(bench.scheduler.statusReport().sweeps.first)
        #expect(status.steps == 40)
        #expect(status.stepsDone == 20)
        bench.submit(Sample.sweep(epochs: [2], learningRates: [1e-5]), replaces: true)
        status = try #require(bench.scheduler.statusReport().sweeps.first)
        #expect(status.steps == 20)
        #expect(status.stepsDone == 0)
    }

    @Test("A grid of absurd size is rejected in words, not added up")
    func absurdSize() {
        var bench = SchedulerBench()
        var sweep = Sample.sweep(epochs: [1_000_000], seeds: Array(1...10_000))
        sweep.trainingSamples = [Sample.train.digest: 1_000_000_000]
        sweep.settings.batchSize = 1
        let answer = bench.submit(sweep)
        #expect(answer.contains { $0.isRejected })
        #expect(bench.facts.isEmpty)
    }
}
