import SweepCore
import Testing

@Suite("What peers may not do to each other")
struct SchedulerPeersTests {
    @Test("A newer process of the same name replaces an older that is gone, never the other way")
    func incarnations() throws {
        var bench = SchedulerBench()
        bench.join("a", incarnation: 2)
        let job = try #require(bench.submit(Sample.sweep()).assignments.first).job
        let stranger = bench.join("a", incarnation: 1, route: "stranger")
        #expect(stranger.contains { if case .nameTaken = $0.message { true } else { false } })
        let usurper = bench.join("a", incarnation: 9, route: "usurper")
        #expect(usurper.contains { if case .nameTaken = $0.message { true } else { false } })
        let twin = bench.join("a", incarnation: 2, route: "twin")
        #expect(twin.map(\.to) == ["a"], "the real one is asked, the twin gets no answer")
        bench.handle(.disconnected(SchedulerBench.route("a")))
        let anew = bench.join("a", incarnation: 3, route: "anew").assignments
        #expect(anew.first?.to == "anew")
        #expect(anew.first?.job.run == job.run)
        #expect(anew.first?.job.attempt != job.attempt)
    }

    @Test("A worker that does not answer any more loses its name after two heartbeats' time")
    func silentWorker() {
        var bench = SchedulerBench()
        bench.join("a")
        _ = bench.pass(.seconds(3))
        let early = bench.join("a", incarnation: 2, route: "b")
        #expect(early.contains { if case .nameTaken = $0.message { true } else { false } })
        _ = bench.pass(.seconds(2))
        let late = bench.join("a", incarnation: 2, route: "b")
        #expect(late.contains { if case .welcome = $0.message { true } else { false } })
    }

    @Test("A worker without slots is refused in words")
    func noSlots() {
        var bench = SchedulerBench()
        let answer = bench.join("a", slots: 0)
        #expect(answer.count == 1)
        guard case .refused(let reason)? = answer.first?.message else {
            Issue.record("\(answer)")
            return
        }
        #expect(reason.contains("0 slots"))
        #expect(bench.scheduler.workerCount == 0)
    }

    @Test("A report that can't be fails its attempt and blames the worker; the run goes elsewhere")
    func lies() throws {
        var bench = SchedulerBench()
        bench.submit(Sample.sweep(seeds: [1, 2, 3]))
        for number in 0..<3 {
            let name = number == 0 ? "liar" : "honest-\(number)"
            let jobs = bench.join(name).assignments
            guard name == "liar" else { continue }
            let job = try #require(jobs.first).job
            var metrics = Sample.metrics(epoch: 1)
            metrics.classes = Array(repeating: ClassResult(correct: 1, total: 1), count: 90_000)
            let event = Report.Event.epoch(metrics, trainableParameters: 1, seconds: 1)
            let answer = bench.report(job.attempt, 1, event, from: "liar")
            #expect(answer.contains(.revoke(job.attempt), to: "liar"))
            #expect(answer.contains(.acknowledge(job.attempt, upTo: 1), to: "liar"))
        }
        #expect(bench.finishedPoints.isEmpty)
        let story = bench.scheduler.explanation(of: .run(RunID(1)), at: bench.now)?.joined() ?? ""
        #expect(story.contains("figures of 90000 classes for a task of 2"))
    }

    @Test("No report is said to be stored that never was")
    func honestAnswers() throws {
        var bench = SchedulerBench()
        bench.submit(Sample.sweep(seeds: [1, 2]))
        let job = try #require(bench.join("a").assignments.first).job
        bench.join("b")
        let stranger = bench.report(job.attempt, 1, .completed(seconds: 1), from: "b")
        let invented = bench.report(AttemptID(999), 1, .completed(seconds: 1), from: "b")
        let unnumbered = bench.report(job.attempt, 0, .completed(seconds: 1), from: "a")
        for answer in [stranger, invented, unnumbered] {
            #expect(answer.count == 1)
            #expect(answer.contains { $0.isRejected })
        }
    }

    @Test("The state of a large sweep is counted in slices, and everybody who asks is told")
    func statusInSlices() throws {
        var bench = SchedulerBench()
        bench.submit(Sample.sweep(seeds: (1...15_000).map { $0 }))
        while bench.scheduler.isBusy { bench.handle(.spareTime) }
        #expect(bench.send(.askStatus, from: "x", as: .readOnly).isEmpty)
        #expect(bench.send(.askStatus, from: "y", as: .client).isEmpty)
        var answers: [Said] = []
        var slices = 0
        while bench.scheduler.isBusy {
            answers += bench.handle(.spareTime)
            slices += 1
        }
        #expect(slices == 1)
        let status = MessageToClient.status(bench.scheduler.statusReport(at: bench.now))
        #expect(answers.map(\.to) == ["x", "y"] && answers.allSatisfy { $0.answer == status })
    }
}
