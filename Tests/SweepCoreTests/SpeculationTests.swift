import SweepCore
import Testing

@Suite("Second attempts at the end of a sweep")
struct SpeculationTests {
    /// Worker `fast` has done its run in a second; `slow` has made one step of the other in a
    /// minute.
    private struct Straggling {
        var bench = SchedulerBench()
        let slow: Assignment
        var second: Assignment?

        init(steps: Int = 1) throws {
            bench.join("slow")
            let jobs = bench.submit(Sample.sweep(seeds: [1, 2])).assignments
            slow = try #require(jobs.first).job
            let fast = try #require(bench.join("fast").assignments.first).job
            _ = bench.complete(fast, from: "fast")
            pass(.seconds(60), steps: steps)
        }

        mutating func pass(_ duration: Duration, steps: Int) {
            let attempt = slow.attempt
            let sent = bench.pass(duration) { bench in
                bench.send(.heartbeat([.init(attempt: attempt, stepsDone: steps)]), from: "slow")
                bench.send(.heartbeat([]), from: "fast")
            }
            for (to, job) in sent.assignments where to == "fast" { second = job }
        }
    }

    @Test("A run that is slow is begun again on an idle worker, and the first result wins")
    func firstWins() throws {
        var world = try Straggling()
        let second = try #require(world.second)
        #expect(second.run == world.slow.run)
        #expect(second.attempt != world.slow.attempt)
        world.bench.send(.heartbeat([.init(attempt: second.attempt, stepsDone: 1)]), from: "fast")
        let story = world.bench.scheduler.explanation(of: .run(second.run), at: world.bench.now)
        #expect(story?.contains { $0.contains("on fast as") } == true)
        #expect(story?.contains("The first result counts.") == true)
        let sent = world.bench.complete(second, from: "fast")
        #expect(sent.contains(.revoke(world.slow.attempt), to: "slow"))
        let late = world.bench.complete(world.slow, from: "slow")
        #expect(late.contains(.acknowledge(world.slow.attempt, upTo: 2), to: "slow"))
        #expect(world.bench.finishedPoints.count == 2)
        #expect(world.bench.scheduler.statusReport().sweeps.first?.isOver == true)
    }

    @Test("If the first is done first after all, the second is stopped")
    func slowWins() throws {
        var world = try Straggling()
        let second = try #require(world.second)
        let sent = world.bench.complete(world.slow, from: "slow")
        #expect(sent.contains(.revoke(second.attempt), to: "fast"))
        #expect(world.bench.finishedPoints.count == 2)
    }

    @Test("If either is lost, the other goes on and nobody begins a third")
    func oneIsLost() throws {
        for lost in ["slow", "fast"] {
            var world = try Straggling()
            let second = try #require(world.second)
            let (left, attempt) =
                lost == "slow" ? ("fast", second) : ("slow", world.slow)
            world.bench.send(.goodbye(), from: lost)
            let sent = world.bench.pass(.seconds(20)) { bench in
                bench.send(
                    .heartbeat([.init(attempt: attempt.attempt, stepsDone: 1)]), from: left)
            }
            #expect(sent.assignments.isEmpty)
            _ = world.bench.complete(attempt, from: left)
            #expect(world.bench.finishedPoints.count == 2)
        }
    }

    @Test("Once the first is lost, the run is as far as the second")
    func progress() throws {
        var world = try Straggling()
        let second = try #require(world.second)
        func steps() -> Int? { world.bench.scheduler.statusReport().sweeps.first?.stepsDone }
        #expect(steps() == 11)
        world.bench.send(.heartbeat([.init(attempt: second.attempt, stepsDone: 7)]), from: "fast")
        #expect(steps() == 17)
        world.bench.send(.goodbye(), from: "slow")
        #expect(steps() == 17)
    }

    @Test("If one fails, the other decides; if both fail, the run has failed")
    func failing() throws {
        var world = try Straggling()
        let second = try #require(world.second)
        world.bench.report(world.slow.attempt, 1, .failed("slow failed"), from: "slow")
        #expect(world.bench.scheduler.statusReport().sweeps.first?.failedRuns == 0)
        world.bench.report(second.attempt, 1, .failed("fast failed"), from: "fast")
        #expect(world.bench.scheduler.statusReport().sweeps.first?.failedRuns == 1)
    }

    @Test("A run that is nearly done is left alone")
    func nearlyDone() throws {
        let world = try Straggling(steps: 10_000)
        #expect(world.second == nil)
    }

    @Test("Nobody is asked for a second attempt who has too little time left")
    func deadline() throws {
        var bench = SchedulerBench()
        bench.join("slow")
        let slow = try #require(
            bench.submit(Sample.sweep(seeds: [1, 2])).assignments.first
        ).job
        _ = bench.complete(try #require(bench.join("fast").assignments.first).job, from: "fast")
        bench.send(.goodbye(), from: "fast")
        bench.join("late", secondsLeft: 60)
        let sent = bench.pass(.seconds(100)) { bench in
            bench.send(.heartbeat([.init(attempt: slow.attempt, stepsDone: 1)]), from: "slow")
            bench.send(.heartbeat([]), from: "late")
        }
        #expect(sent.assignments.isEmpty)
    }

    @Test("Nothing is given to a worker that leaves before it could finish")
    func tooLate() throws {
        var bench = SchedulerBench()
        bench.join("a", secondsLeft: 100)
        let job = try #require(bench.submit(Sample.sweep(seeds: [1, 2])).assignments.first).job
        bench.now = bench.now + .seconds(95)
        bench.join("a", attempts: [job.attempt], secondsLeft: 5)
        // The next one would take as long.
        bench.report(job.attempt, 1, Sample.epoch(1, seconds: 10), from: "a")
        let end = Report.Event.completed(seconds: 10)
        #expect(bench.report(job.attempt, 2, end, from: "a").assignments.isEmpty)
        #expect(bench.join("b").assignments.count == 1)
    }

    @Test("A worker that leaves soon gets what it can finish, and nothing before it is timed")
    func leavesSoon() throws {
        var bench = SchedulerBench()
        bench.join("leaving", secondsLeft: 30)
        #expect(bench.submit(Sample.sweep(seeds: [1, 2, 3])).assignments.isEmpty)
        let first = try #require(bench.join("stays").assignments.first)
        // One run takes a second there: the other worker has time for one.
        let sent = bench.complete(first.job, from: "stays").assignments
        #expect(Set(sent.map(\.to)) == ["leaving", "stays"])
    }

    @Test("A worker that hands over no state gets only what it can finish, however long it stays")
    func handsNothingOver() throws {
        var bench = SchedulerBench()
        bench.join("leaving", secondsLeft: 100, keepsStates: false)
        bench.join("keeping", secondsLeft: 100)
        let sent = bench.submit(Sample.sweep(seeds: [1, 2, 3, 4])).assignments
        // Before anything is timed there is nothing to go by.
        #expect(Set(sent.map(\.to)) == ["leaving", "keeping"])
        for item in sent {
            bench.report(item.job.attempt, 1, Sample.epoch(1, seconds: 150), from: item.to)
        }
        let end = Report.Event.completed(seconds: 150)
        let next = sent.flatMap { bench.report($0.job.attempt, 2, end, from: $0.to).assignments }
        #expect(next.map(\.to) == ["keeping"])
    }
}
