import Testing

@testable import SweepCore

@Suite("A large sweep on its way in")
struct IntakeTests {
    private static let slice = 100

    private func bench() -> SchedulerBench {
        var configuration = Scheduler.Configuration()
        configuration.itemsInASlice = Self.slice
        return SchedulerBench(Snapshot(), configuration)
    }

    private func sweep(_ name: String, seeds: ClosedRange<UInt64>) -> SweepSpec {
        Sample.sweep(name, seeds: Array(seeds))
    }

    /// Gives spare time until nothing needs it.
    private func finish(_ bench: inout SchedulerBench) -> [Said] {
        var sent: [Said] = []
        while bench.scheduler.isBusy { sent += bench.handle(.spareTime) }
        return sent
    }

    @Test("It is planned and stored in slices, and nothing of it begins before all of it is stored")
    func slices() throws {
        var bench = bench()
        bench.join("a")
        var sent = bench.submit(sweep("large", seeds: 1...1_000))
        var turns = 0
        while bench.scheduler.isBusy {
            #expect(sent.isEmpty)
            let before = bench.facts.count
            sent = bench.handle(.spareTime)
            turns += 1
            for fact in bench.facts[before...] {
                switch fact {
                case .pointsPlanned(_, let places): #expect(places.count <= Self.slice)
                case .runsCreated(_, let runs): #expect(runs.count <= Self.slice)
                default: break
                }
            }
        }
        // 1,000 cells and 1,000 points, 100 at a time; the first slice is the submission's.
        #expect(turns == 19)
        let submitted = try #require(
            bench.facts.firstIndex { if case .sweepSubmitted = $0 { true } else { false } })
        let begun = try #require(
            bench.facts.firstIndex { if case .attemptStarted = $0 { true } else { false } })
        #expect(submitted < begun)
        #expect(sent.assignments.count == 1)
        let runs = bench.facts.reduce(0) { sum, fact in
            if case .runsCreated(_, let runs) = fact { sum + runs.count } else { sum }
        }
        #expect(runs == 1_000)
        #expect(bench.scheduler.statusReport().sweeps.first?.points == 1_000)
    }

    @Test("Meanwhile others are heard, and the status tells how far it is")
    func others() throws {
        var bench = bench()
        bench.submit(sweep("large", seeds: 1...1_000))
        bench.handle(.spareTime)
        let welcomes = bench.join("a").count {
            if case .welcome = $0.message { true } else { false }
        }
        #expect(welcomes == 1)
        let status = bench.scheduler.statusReport()
        #expect(status.sweeps.isEmpty)
        #expect(status.incoming == [.init(name: "large", share: 0.1)])
        bench.submit(sweep("next", seeds: 1...1))
        #expect(bench.scheduler.statusReport().incoming.map(\.name) == ["large", "next"])
        let answers = finish(&bench).compactMap { said -> SweepID? in
            if case .submitted(let submission)? = said.answer { submission.sweep } else { nil }
        }
        #expect(answers == [SweepID(1), SweepID(2)])
        #expect(bench.scheduler.statusReport().incoming.isEmpty)
    }

    @Test("What is asked of a sweep that is on its way waits until it is there")
    func controlWaits() throws {
        var bench = bench()
        bench.join("a")
        bench.submit(sweep("large", seeds: 1...300))
        #expect(
            bench.send(.control(.pause(sweep: "large")), from: "client", as: .client).isEmpty)
        let sent = finish(&bench)
        #expect(sent.contains { if case .done = $0.answer { true } else { false } })
        #expect(bench.scheduler.statusReport().sweeps.first?.condition.state == .paused)
    }

    @Test("Pausing, resuming and cancelling tell one fact, however many runs wait")
    func conditions() throws {
        var bench = bench()
        bench.submit(sweep("large", seeds: 1...5_000))
        _ = finish(&bench)
        let controls: [Control] = [
            .pause(sweep: "large"), .resume(sweep: "large"), .prioritize(sweep: "large", 3),
            .cancel(sweep: "large"),
        ]
        for control in controls {
            let before = bench.facts.count
            bench.send(.control(control), from: "client", as: .client)
            #expect(bench.facts.count == before + 1)
        }
        #expect(bench.join("a").assignments.isEmpty)
        bench.send(.control(.retry(sweep: "large")), from: "client", as: .client)
        #expect(finish(&bench).assignments.count == 1)
        #expect(bench.scheduler.statusReport().sweeps.first?.waitingRuns == 4_999)
    }

    @Test("A run that another sweep shares may end, or be lost, while that one is on its way")
    func sharedRunsMove() throws {
        var bench = bench()
        bench.join("a")
        bench.join("b")
        let held = bench.submit(sweep("first", seeds: 1...3)).assignments
        #expect(held.count == 2)
        bench.submit(sweep("second", seeds: 1...500))
        for _ in 0..<7 { bench.handle(.spareTime) }
        // The shared runs are known to it by now: one is completed, and one is lost.
        bench.complete(held[0].job, from: held[0].to)
        bench.send(.goodbye(), from: held[1].to)
        bench.send(.control(.pause(sweep: "first")), from: "client", as: .client)
        bench.join("c")
        let sent = finish(&bench)
        let second = try #require(bench.scheduler.statusReport().sweeps.last)
        #expect(second.finishedPoints == 1)
        #expect(second.waitingRuns + second.activeRuns + second.completedRuns == 500)
        // The one that was lost waits in the line of the second sweep as well.
        var jobs = sent.assignments
        while let next = jobs.popLast() {
            jobs += bench.complete(next.job, from: next.to).assignments
        }
        // Seed 3 is in training on the first worker.
        #expect(bench.scheduler.statusReport().sweeps.last?.finishedPoints == 499)
    }

    @Test("A file that would lose points is refused before anything of it is stored")
    func refused() throws {
        var bench = bench()
        bench.submit(sweep("large", seeds: 1...500))
        _ = finish(&bench)
        let before = bench.facts.count
        var sent = bench.submit(sweep("large", seeds: 401...900))
        sent += finish(&bench)
        let words = sent.compactMap { said -> String? in
            if case .rejected(let words)? = said.answer { words } else { nil }
        }
        #expect(words.count == 1 && words[0].contains("400 points"))
        #expect(bench.facts.count == before)
    }

    @Test("Sweeps beyond those that may wait are refused in words")
    func tooMany() throws {
        var bench = bench()
        for number in 1...65 { bench.submit(sweep("sweep-\(number)", seeds: 1...200)) }
        let sent = bench.submit(sweep("one more", seeds: 1...200))
        #expect(
            sent.contains {
                if case .rejected(let words) = $0.answer {
                    words.contains("try again later")
                } else {
                    false
                }
            })
        let submitted = finish(&bench).count {
            if case .submitted = $0.answer { true } else { false }
        }
        #expect(submitted == 65)
    }

    @Test("A sweep that needs less does not wait for runs that need more")
    func needs() throws {
        var bench = bench()
        bench.join("plain")
        var first = sweep("first", seeds: 1...2)
        first.needs = ["gpu=a100"]
        #expect(bench.submit(first).assignments.isEmpty)
        var jobs = bench.submit(sweep("second", seeds: 1...2)).assignments
        #expect(jobs.count == 1)
        while let next = jobs.popLast() {
            jobs += bench.complete(next.job, from: next.to).assignments
        }
        #expect(bench.scheduler.statusReport().sweeps.map(\.finishedPoints) == [2, 2])
        // Who needs more is served by runs that need less.
        first.grid.seeds = [1, 2, 3]
        bench.submit(sweep("third", seeds: 3...3))
        let answer = bench.submit(first).compactMap { said -> Int? in
            if case .submitted(let submission)? = said.answer { submission.runs } else { nil }
        }
        #expect(answer == [0])
    }

    @Test("A point that several runs have failed on is one failed point")
    func failedTwice() throws {
        var bench = bench()
        bench.join("a")
        for epochs in [[1], [1, 2]] {
            var spec = sweep("sweep-\(epochs.count)", seeds: 1...1)
            spec.grid.epochs = epochs
            var sent = bench.submit(spec).assignments
            for _ in 0..<3 {
                let attempt = try #require(sent.first).job.attempt
                sent = bench.report(attempt, 1, .failed("no room"), from: "a").assignments
            }
        }
        var larger = sweep("sweep-2", seeds: 1...1)
        larger.grid.epochs = [1, 2, 3]
        bench.submit(larger)
        let status = bench.scheduler.statusReport().sweeps
        #expect(status.map(\.failedPoints) == [1, 0])
        #expect(status.allSatisfy { $0.failedPoints + $0.finishedPoints <= $0.points })
    }

    @Test("The refusal names the submission that would be hidden")
    func namesSubmission() throws {
        var bench = bench()
        bench.submit(sweep("grown", seeds: 1...2))
        bench.submit(sweep("grown", seeds: 1...3))
        bench.submit(sweep("grown", seeds: 1...4))
        let words = bench.submit(sweep("grown", seeds: 1...1)).compactMap { said -> String? in
            if case .rejected(let words)? = said.answer { words } else { nil }
        }
        #expect(words.first?.contains("--sweep grown@3") == true, "\(words)")
    }
}
