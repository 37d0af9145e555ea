import SweepCore
import Testing

@Suite("How many workers are asked for")
struct ElasticTests {
    private func at(_ seconds: Int64) -> Instant { Instant(nanoseconds: seconds * 1_000_000_000) }

    private func name(_ number: Int) -> WorkerID { WorkerID("w\(number)") }

    /// Workers `w1`, `w2`, …, each with so many runs.
    private func report(
        waiting: Int, active: Int = 0, workers: [Int: Int] = [:], slots: Int = 1,
        state: SweepCondition.State = .active
    ) -> StatusReport {
        StatusReport(
            sweeps: [
                .init(
                    id: SweepID(1), name: "s", points: 9, finishedPoints: 0, failedPoints: 0,
                    waitingRuns: waiting, activeRuns: active, completedRuns: 0, failedRuns: 0,
                    steps: 0, stepsDone: 0, secondsLeft: nil,
                    condition: SweepCondition(state: state))
            ],
            workers: workers.sorted { $0.key < $1.key }.map { number, runs in
                .init(
                    id: name(number), host: "h", device: "cpu", slots: slots,
                    runs: (0..<runs).map { RunID(UInt64($0 + 1)) }, stepsPerSecond: 0,
                    isSetAside: false)
            })
    }

    private func places(
        _ numbers: ClosedRange<Int>, _ state: Elastic.Place.State = .running
    ) -> [Elastic.Place] { numbers.map { Elastic.Place(name($0), state) } }

    @Test("Never more are asked for than there are runs to do, nor than the most")
    func asks() {
        for (waiting, count) in [(3, 3), (100, 8), (1, 1)] {
            @Checked var elastic = Elastic(.init(least: 2, most: 8))
            #expect(elastic.decide(report(waiting: waiting), [], at: at(0)) == [.ask(count)])
        }
        @Checked var elastic = Elastic(.init(least: 2, most: 8))
        #expect(elastic.decide(report(waiting: 0), [], at: at(0)) == [])
        #expect(elastic.decide(report(waiting: 9, state: .paused), [], at: at(1)) == [])
    }

    @Test("A worker of two slots counts for two runs, once it is known")
    func slots() {
        @Checked var elastic = Elastic(.init(least: 1, most: 8))
        let report = report(waiting: 3, active: 2, workers: [1: 2], slots: 2)
        #expect(elastic.decide(report, places(1...1), at: at(0)) == [.ask(2)])
    }

    @Test("Who hit a time limit or was killed is asked for anew; who is requeued is not")
    func again() {
        @Checked var elastic = Elastic(.init(least: 1, most: 2))
        let busy = report(waiting: 5, active: 2, workers: [1: 1, 2: 1])
        #expect(elastic.decide(busy, places(1...2), at: at(0)) == [])
        let one = report(waiting: 6, active: 1, workers: [1: 1])
        let ending = places(1...1) + places(2...2, .ending)
        #expect(elastic.decide(one, ending, at: at(2)) == [])
        #expect(elastic.decide(one, places(1...1) + places(2...2, .waiting), at: at(4)) == [])
        #expect(elastic.decide(one, places(1...1), at: at(6)) == [.ask(1)])
    }

    @Test("What ends for ever, on a node that is gone, is not waited for")
    func endsForEver() {
        @Checked var elastic = Elastic(.init(least: 1, most: 1))
        let busy = report(waiting: 4, active: 1, workers: [1: 1])
        #expect(elastic.decide(busy, places(1...1), at: at(0)) == [])
        #expect(elastic.decide(report(waiting: 5), places(1...1, .ending), at: at(0)) == [])
        #expect(elastic.decide(report(waiting: 5), places(1...1, .ending), at: at(29)) == [])
        #expect(elastic.decide(report(waiting: 5), places(1...1, .ending), at: at(30)) == [.ask(1)])
    }

    @Test("Idle workers go after ten seconds, down to the least; the queue goes at once")
    func letsGo() {
        @Checked var elastic = Elastic(.init(least: 2, most: 8))
        let end = report(waiting: 0, active: 1, workers: [1: 0, 2: 1, 3: 0, 4: 0])
        let all = places(1...4) + places(5...6, .waiting)
        #expect(elastic.decide(end, all, at: at(0)) == [.letGo([name(6), name(5)])])
        #expect(elastic.decide(end, places(1...4), at: at(9)) == [])
        #expect(elastic.decide(end, places(1...4), at: at(10)) == [.letGo([name(1), name(3)])])
        // They are on their way; nobody else goes, and nobody is asked for.
        #expect(elastic.decide(end, places(1...4), at: at(30)) == [])
    }

    @Test("While runs wait nobody is let go")
    func keeps() {
        @Checked var elastic = Elastic(.init(least: 0, most: 4))
        let busy = report(waiting: 9, active: 3, workers: [1: 1, 2: 1, 3: 1, 4: 0])
        for second in stride(from: Int64(0), to: 60, by: 2) {
            #expect(elastic.decide(busy, places(1...4), at: at(second)) == [])
        }
    }

    @Test("What the engine did not let go is told to go again")
    func triesAgain() {
        @Checked var elastic = Elastic(.init(least: 0, most: 4))
        let none = report(waiting: 0)
        #expect(elastic.decide(none, places(1...1, .waiting), at: at(0)) == [.letGo([name(1)])])
        elastic.kept([name(1)])
        #expect(elastic.decide(none, places(1...1, .waiting), at: at(2)) == [.letGo([name(1)])])
    }

    @Test("An engine that refuses is asked less and less often, then again as before")
    func refusals() {
        @Checked var elastic = Elastic(.init(least: 1, most: 1))
        var times: [Int64] = []
        for second in Int64(0)..<1_000 {
            if elastic.decide(report(waiting: 1), [], at: at(second)) == [.ask(1)] {
                times.append(second)
                _ = elastic.refused(at: at(second))
            }
        }
        #expect(times == [0, 5, 15, 35, 75, 155, 315, 615, 915])
        elastic.accepted([name(1)])
        #expect(elastic.refused(at: at(2_000)) == Elastic.firstPause)
    }

    @Test("After five rounds of workers that nobody saw nothing more is asked for")
    func fruitless() {
        @Checked var elastic = Elastic(.init(least: 2, most: 2))
        var asked = 0
        for second in Int64(0)..<1_000 {
            let decisions = elastic.decide(report(waiting: 9), [], at: at(second))
            if decisions == [.giveUp(5)] { break }
            if decisions == [.ask(2)] {
                asked += 1
                elastic.accepted([name(asked * 2), name(asked * 2 + 1)])
            }
            #expect(second < 999)
        }
        #expect(asked == 5)
    }

    @Test("A worker that came resets the count of those that did not")
    func fruitful() {
        @Checked var elastic = Elastic(.init(least: 1, most: 1))
        for round in 1...20 {
            let second = Int64(round) * 1_000
            #expect(elastic.decide(report(waiting: 9), [], at: at(second)) == [.ask(1)])
            elastic.accepted([name(round)])
            let isSeen = round.isMultiple(of: 4)
            let next = report(waiting: 9, workers: isSeen ? [round: 1] : [:])
            _ = elastic.decide(next, places(round...round), at: at(second + 1))
            let after = elastic.decide(report(waiting: 9), [], at: at(second + 2))
            #expect(after == (isSeen ? [.ask(1)] : []))
        }
    }

    @Test("A worker that runs and that nobody hears of is let go, and another asked for")
    func unseen() {
        @Checked var elastic = Elastic(.init(least: 1, most: 1))
        #expect(elastic.decide(report(waiting: 5), places(1...1), at: at(0)) == [])
        #expect(elastic.decide(report(waiting: 5), places(1...1), at: at(119)) == [])
        let decisions = elastic.decide(report(waiting: 5), places(1...1), at: at(120))
        #expect(decisions == [.letGo([name(1)]), .ask(1)])
    }
}
