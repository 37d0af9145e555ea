import SweepCore
import Testing

@Suite("The scheduler and what runs go on from")
struct SchedulerStateTests {
    private func state(_ name: String, epoch: Int = 1, steps: Int = 5) -> Artifact {
        Artifact(
            kind: .state, epoch: epoch,
            file: FileReference(path: "/\(name)", digest: Digest(ofText: name)), size: 9,
            steps: steps)
    }

    /// The worker "a" has trained the first of two epochs of one run, and left the state.
    private func bench(_ artifacts: Artifact...) throws -> (SchedulerBench, Assignment) {
        var bench = SchedulerBench()
        bench.join("a")
        let job = try #require(bench.submit(Sample.sweep(epochs: [1, 2])).assignments.first).job
        bench.report(job.attempt, 1, Sample.epoch(1), from: "a")
        for (place, artifact) in artifacts.enumerated() {
            bench.report(job.attempt, UInt64(place) + 2, .artifact(artifact), from: "a")
        }
        return (bench, job)
    }

    private func dropped(_ bench: SchedulerBench) -> [String] {
        bench.facts.compactMap {
            if case .artifactDropped(_, let artifact) = $0 { artifact.file.path } else { nil }
        }
    }

    @Test("A lost run goes on from its newest state, and its finished points count")
    func goingOn() throws {
        var (bench, job) = try bench(state("x"))
        #expect(job.checkpoint == nil)
        let next = try #require(bench.join("a", incarnation: 2).assignments.first).job
        #expect(next.checkpoint == state("x"))
        bench.report(next.attempt, 1, Sample.epoch(2), from: "a")
        bench.report(
            next.attempt, 2, .completed(seconds: 1), from: "a")
        #expect(bench.finishedPoints.count == 2)
        let trained = bench.facts.compactMap { fact in
            if case .runCompleted(_, _, let steps, _) = fact { steps } else { nil }
        }
        // Two epochs of 320 samples, 32 at a time, of which five steps were done before.
        #expect(trained == [15])
    }

    @Test("Of states the one with the most steps stays, until the run is over")
    func newest() throws {
        var (bench, job) = try bench(
            state("x"), state("y", steps: 7), state("z", steps: 6), state("y", steps: 7))
        #expect(dropped(bench) == ["/x", "/z"])
        bench.report(job.attempt, 6, Sample.epoch(2), from: "a")
        bench.report(
            job.attempt, 7, .completed(seconds: 1), from: "a")
        #expect(dropped(bench) == ["/x", "/z", "/y"])
    }

    @Test("A cancelled run leaves no state")
    func cancelled() throws {
        var (bench, _) = try bench(state("x"))
        bench.send(.control(.cancel(sweep: "sample")), from: "client", as: .client)
        #expect(dropped(bench) == ["/x"])
    }

    @Test("After a restart a run still goes on from its state")
    func restart() throws {
        let sweep = Sample.sweep(epochs: [1, 2])
        let plan = Plan(sweep)
        var bench = SchedulerBench(
            Snapshot(
                sweeps: [.init(id: SweepID(1), spec: sweep, keys: plan.points.map(\.key))],
                runs: [
                    .init(
                        id: RunID(1), plan: try #require(plan.runs.first), state: .waiting,
                        failures: [])
                ], lastAttempt: AttemptID(1), states: [RunID(1): state("x")]))
        #expect(bench.join("b").assignments.first?.job.checkpoint == state("x"))
    }

    @Test("A worker that has to leave gets what it can still finish, from the state on")
    func remainingSteps() throws {
        var (bench, job) = try bench(state("x", steps: 18))
        // 20 steps a run, at one step a second.
        for second in 1...4 {
            _ = bench.pass(.seconds(1)) {
                $0.send(
                    .heartbeat([.init(attempt: job.attempt, stepsDone: second)]), from: "a")
            }
        }
        let next = bench.join("a", incarnation: 1, secondsLeft: 5).assignments
        #expect(next.map(\.job.checkpoint) == [state("x", steps: 18)])
    }
}
