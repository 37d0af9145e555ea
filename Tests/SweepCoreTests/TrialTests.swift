import SweepCore
import Testing

@Suite("A sweep of which nothing has succeeded yet")
struct TrialTests {
    private func isPaused(_ bench: SchedulerBench) -> String? {
        let condition = bench.scheduler.statusReport().sweeps.first?.condition
        return condition?.state == .paused ? condition?.reason : nil
    }

    /// Fails whatever the worker is given, so many times at most.
    @discardableResult
    private func fail(
        _ bench: inout SchedulerBench, _ name: String, _ first: Assignment?, most: Int,
        error: (Int) -> String = { "no CUDA, step \($0)" }
    ) -> Int {
        var job = first
        var failures = 0
        while let current = job, failures < most {
            failures += 1
            let sent = bench.report(current.attempt, 1, .failed(error(failures)), from: name)
            job = sent.assignments.first { $0.to == name }?.job
        }
        return failures
    }

    @Test("Where the first runs all fail alike, the sweep is paused and no run is given up")
    func paused() throws {
        var bench = SchedulerBench()
        bench.submit(Sample.sweep(seeds: (1...100).map { $0 }))
        bench.send(.watch(sweep: "sample"), from: "waiting", as: .client)
        let job = bench.join("a").assignments.first?.job
        let failures = fail(&bench, "a", job, most: 1_000)
        #expect(failures == 3)
        let reason = try #require(isPaused(bench))
        #expect(reason.contains("no CUDA") && reason.contains("3 runs"))
        let sweep = try #require(bench.scheduler.statusReport().sweeps.first)
        #expect(sweep.failedRuns == 0 && sweep.waitingRuns == 100)
        let story = bench.scheduler.explanation(of: .run(RunID(50)), at: bench.now) ?? []
        #expect(story.joined().contains("its sweep is paused: nothing of it has succeeded"))
        let watcher = bench.send(.watch(sweep: "sample"), from: "late", as: .client)
        #expect(watcher.contains { $0.isRejected })

        let resumed = bench.send(.control(.resume(sweep: "sample")), from: "c", as: .client)
        #expect(resumed.assignments.count == 1)
        #expect(isPaused(bench) == nil)
        #expect(fail(&bench, "a", resumed.assignments.first?.job, most: 10) == 10)
    }

    @Test("Whoever waits for a sweep is told that it is paused")
    func watcher() throws {
        var bench = SchedulerBench()
        bench.submit(Sample.sweep(seeds: [1, 2, 3, 4]))
        bench.send(.watch(sweep: "sample"), from: "waiting", as: .client)
        var job = bench.join("a").assignments.first?.job
        var words: [MessageToClient] = []
        while let current = job {
            let sent = bench.report(current.attempt, 1, .failed("out of memory"), from: "a")
            words += sent.filter { $0.to == "waiting" }.compactMap(\.answer)
            job = sent.assignments.first?.job
        }
        guard case .rejected(let text)? = words.first else {
            Issue.record("\(words)")
            return
        }
        #expect(text.contains("out of memory") && text.contains("moderato resume sample"))
    }

    @Test("A worker on which all first runs fail is put aside where others could train them")
    func putAside() throws {
        var bench = SchedulerBench()
        bench.submit(Sample.sweep(seeds: (1...20).map { $0 }))
        let job = bench.join("bad").assignments.first?.job
        bench.join("good")
        #expect(fail(&bench, "bad", job, most: 100) == 3)
        #expect(isPaused(bench) == nil)
        let bad = bench.scheduler.statusReport().workers.first { $0.id == WorkerID("bad") }
        #expect(bad?.isSetAside == true)
        let story = bench.scheduler.explanation(of: .worker(WorkerID("bad")), at: bench.now) ?? []
        #expect(story.joined().contains("failed alike: no CUDA"))
    }

    @Test("Failures of different kinds, and a success, are no reason to stop")
    func goesOn() throws {
        var bench = SchedulerBench()
        bench.submit(Sample.sweep(seeds: (1...20).map { $0 }))
        let kinds = ["a", "b", "c"]
        let job = bench.join("a").assignments.first?.job
        let failures = fail(&bench, "a", job, most: 200) { "kind \(kinds[$0 % 3])" }
        #expect(failures == 60, "each run three times")
        #expect(isPaused(bench) == nil)

        var other = SchedulerBench()
        other.submit(Sample.sweep(seeds: (1...20).map { $0 }))
        let first = try #require(other.join("a").assignments.first?.job)
        let next = try #require(other.complete(first, from: "a").assignments.first?.job)
        #expect(fail(&other, "a", next, most: 200) > 40)
        #expect(isPaused(other) == nil)
    }

    @Test("A run that succeeds meanwhile takes the pause back")
    func success() throws {
        var bench = SchedulerBench()
        bench.submit(Sample.sweep(seeds: (1...20).map { $0 }))
        let jobs = bench.join("a", slots: 5).assignments.map(\.job)
        #expect(jobs.count == 5)
        for job in jobs.prefix(3) {
            bench.report(job.attempt, 1, .failed("no room"), from: "a")
        }
        #expect(isPaused(bench) != nil)
        bench.complete(jobs[3], from: "a")
        #expect(isPaused(bench) == nil)
    }

    @Test("A file that lacks points of the sweep of its name is refused with what would be lost")
    func replaced() throws {
        var bench = SchedulerBench()
        bench.submit(Sample.sweep(seeds: [1, 2]))
        let job = try #require(bench.join("a").assignments.first?.job)
        bench.complete(job, from: "a")
        let answer = bench.submit(Sample.sweep(seeds: [3]))
        guard case .rejected(let words)? = answer.first?.answer else {
            Issue.record("\(answer)")
            return
        }
        #expect(words.contains("2 points that this file does not have: 1 finished"))
        #expect(words.contains("1 without a result") && words.contains("--replace"))
        #expect(bench.scheduler.statusReport().sweeps.first?.points == 2)

        let grown = bench.submit(Sample.sweep(seeds: [1, 2, 3]))
        #expect(grown.contains { if case .submitted = $0.answer { true } else { false } })
        let replaced = bench.send(
            .submit(Sample.sweep(seeds: [3]), replaces: true), from: "client", as: .client)
        #expect(replaced.contains { if case .submitted = $0.answer { true } else { false } })
        #expect(bench.scheduler.statusReport().sweeps.first?.points == 1)
    }
}
