import SweepCore
import Testing

@Suite("How long a lease is")
struct LeaseTests {
    @Test(
        "It lasts as long as the coordinator was told; four heartbeats, or more, fit in",
        arguments: [(2, 0.5), (8, 2), (40, 10), (120, 10)])
    func leaseAsTold(seconds: Int, heartbeat: Double) throws {
        var configuration = Scheduler.Configuration()
        configuration.lease = .seconds(seconds)
        var bench = SchedulerBench(Snapshot(), configuration)
        let answer = bench.join("a").first?.message
        let welcome = Welcome(heartbeat: .seconds(heartbeat), lease: .seconds(seconds))
        #expect(answer == .welcome(welcome))
        bench.submit(Sample.sweep())
        func isLost() -> Bool {
            bench.facts.contains { if case .attemptEnded = $0 { true } else { false } }
        }
        // The coordinator's own ticks come all the while.
        while bench.now < Instant(nanoseconds: 0) + .seconds(seconds) {
            #expect(!isLost())
            _ = bench.pass(.milliseconds(250))
        }
        #expect(isLost())
    }

    @Test("An absence of the coordinator prolongs a lease once, however many attempts there were")
    func prolongedOnce() throws {
        var bench = SchedulerBench()
        bench.join("a")
        bench.submit(Sample.sweep())
        bench.send(.goodbye(), from: "a")
        let job = try #require(bench.join("b").assignments.first).job
        let progress = AttemptProgress(attempt: job.attempt, stepsDone: 1)
        _ = bench.pass(.seconds(1)) { $0.send(.heartbeat([progress]), from: "b") }
        bench.now = bench.now + .seconds(60)
        bench.handle(.tick)
        let story = bench.scheduler.explanation(of: .run(job.run), at: bench.now)
        #expect(
            story?.contains { $0.contains("its lease is good for 8 s") } == true, "\(story ?? [])")
    }
}
