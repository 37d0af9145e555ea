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
}
