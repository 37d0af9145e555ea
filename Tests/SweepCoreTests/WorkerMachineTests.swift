import SweepCore
import Testing

@Suite("The worker's decisions")
struct WorkerMachineTests {
    private let welcome = MessageToWorker.welcome(
        Welcome(heartbeat: .seconds(2), lease: .seconds(8)))
    private let start = Instant(nanoseconds: 0)

    private func machine(slots: Int = 1) -> WorkerMachine {
        WorkerMachine(
            Hello(
                worker: WorkerID("a"), incarnation: 1, host: "host", slots: slots, device: "fake",
                memory: 0), readsFiles: false)
    }

    private func job(_ number: UInt64) throws -> Assignment {
        let spec = try #require(Plan(Sample.sweep()).runs.first).spec
        return Assignment(attempt: AttemptID(number), run: RunID(number), spec: spec)
    }

    private func sent(_ effects: [WorkerMachine.Effect]) -> [MessageToCoordinator] {
        effects.compactMap { if case .send(let message) = $0 { message } else { nil } }
    }

    @Test("It says hello until it is welcome, then sends heartbeats")
    func greeting() {
        @Checked var machine = machine()
        #expect(sent(machine.handle(.tick, at: start)).count == 1)
        #expect(machine.handle(.tick, at: start + .milliseconds(100)).isEmpty)
        #expect(sent(machine.handle(.tick, at: start + .seconds(2))).count == 1)
        _ = machine.handle(.message(welcome), at: start + .seconds(2))
        let later = sent(machine.handle(.tick, at: start + .seconds(4)))
        #expect(later == [.heartbeat([])])
    }

    @Test("A job that comes while its slot is taken waits its turn")
    func backlog() throws {
        @Checked var machine = machine()
        _ = machine.handle(.message(welcome), at: start)
        let first = try job(1)
        let second = try job(2)
        #expect(machine.handle(.message(.assign(first)), at: start) == [.train(0, first)])
        #expect(machine.handle(.message(.assign(second)), at: start).isEmpty)
        let effects = machine.handle(
            .report(AttemptID(1), .completed(seconds: 1)), at: start)
        #expect(effects.contains(.train(0, second)))
    }

    @Test("The same job sent twice is trained once")
    func duplicate() throws {
        @Checked var machine = machine(slots: 2)
        let job = try job(1)
        #expect(machine.handle(.message(.assign(job)), at: start).count == 1)
        #expect(machine.handle(.message(.assign(job)), at: start).isEmpty)
    }

    @Test("With a trainer that can't train any more it hands all back and leaves with the reason")
    func unusable() throws {
        @Checked var machine = machine(slots: 2)
        _ = machine.handle(.message(welcome), at: start)
        _ = machine.handle(.message(.assign(try job(1))), at: start)
        _ = machine.handle(.message(.assign(try job(2))), at: start)
        let first = machine.handle(.trainerUnusable(0, "the card is gone"), at: start)
        let handedBack = Report(attempt: AttemptID(1), sequence: 1, event: .handedBack)
        #expect(sent(first) == [.report(handedBack)])
        #expect(first.contains(.stop(1, AttemptID(2))))
        // What comes meanwhile goes back as well.
        let late = machine.handle(.message(.assign(try job(3))), at: start)
        #expect(
            sent(late) == [
                .report(Report(attempt: AttemptID(3), sequence: 1, event: .handedBack))
            ])
        _ = machine.handle(.report(AttemptID(2), .handedBack), at: start)
        var last: [WorkerMachine.Effect] = []
        for number in 1...3 as ClosedRange<UInt64> {
            let stored = MessageToWorker.acknowledge(AttemptID(number), upTo: 1)
            last = machine.handle(.message(stored), at: start)
        }
        #expect(
            last == [
                .send(.goodbye(reason: "the card is gone")), .abandon(reason: "the card is gone"),
            ])
    }

    @Test("Reports are numbered, kept until acknowledged, and sent again")
    func resending() throws {
        @Checked var machine = machine()
        _ = machine.handle(.message(welcome), at: start)
        _ = machine.handle(.message(.assign(try job(1))), at: start)
        let epoch = Sample.epoch(1)
        let first = Report(attempt: AttemptID(1), sequence: 1, event: epoch)
        #expect(
            sent(machine.handle(.report(AttemptID(1), epoch), at: start)) == [.report(first)])
        let again = sent(machine.handle(.tick, at: start + .seconds(3)))
        #expect(again.contains(.report(first)))
        _ = machine.handle(.message(.acknowledge(AttemptID(1), upTo: 1)), at: start + .seconds(3))
        #expect(!sent(machine.handle(.tick, at: start + .seconds(9))).contains(.report(first)))
    }

    @Test(
        "Reports are sent again after one and a half heartbeats, but for long ones",
        arguments: [(0.5, 0.75), (2, 3), (10, 3)])
    func resendingInTime(heartbeat: Double, again: Double) throws {
        @Checked var machine = machine()
        let welcome = Welcome(heartbeat: .seconds(heartbeat), lease: .seconds(4 * heartbeat))
        _ = machine.handle(.message(.welcome(welcome)), at: start)
        _ = machine.handle(.message(.assign(try job(1))), at: start)
        _ = machine.handle(.report(AttemptID(1), Sample.epoch(1)), at: start)
        func isSent(after seconds: Double) -> Bool {
            sent(machine.handle(.tick, at: start + .seconds(seconds))).contains {
                if case .report = $0 { true } else { false }
            }
        }
        #expect(!isSent(after: again - 0.1))
        #expect(isSent(after: again))
    }

    @Test("Asked who it is, it lists what it trains; welcomed, it sends what was not acknowledged")
    func reattach() throws {
        @Checked var machine = machine()
        _ = machine.handle(.message(welcome), at: start)
        _ = machine.handle(.message(.assign(try job(1))), at: start)
        let epoch = Sample.epoch(1)
        _ = machine.handle(.report(AttemptID(1), epoch), at: start)
        let hello = sent(machine.handle(.message(.identify), at: start))
        guard case .hello(let said) = try #require(hello.first) else {
            Issue.record("no hello but \(hello)")
            return
        }
        #expect(said.attempts == [AttemptID(1)])
        let resent = sent(machine.handle(.message(welcome), at: start))
        #expect(resent == [.report(Report(attempt: AttemptID(1), sequence: 1, event: epoch))])
    }

    @Test("A trainer that dies has failed the attempt; the slot is free for the next")
    func trainerDies() throws {
        @Checked var machine = machine()
        _ = machine.handle(.message(welcome), at: start)
        _ = machine.handle(.message(.assign(try job(1))), at: start)
        let effects = machine.handle(.trainerExited(0, "killed"), at: start)
        #expect(
            sent(effects) == [
                .report(Report(attempt: AttemptID(1), sequence: 1, event: .failed("killed")))
            ])
        let next = try job(2)
        #expect(machine.handle(.message(.assign(next)), at: start) == [.train(0, next)])
        // Nothing was in training: nobody's failure.
        _ = machine.handle(
            .report(AttemptID(2), .completed(seconds: 1)), at: start)
        #expect(machine.handle(.trainerExited(0, "killed"), at: start).isEmpty)
    }

    @Test("A revoked attempt is stopped")
    func revoke() throws {
        @Checked var machine = machine()
        _ = machine.handle(.message(.assign(try job(1))), at: start)
        let effects = machine.handle(.message(.revoke(AttemptID(1))), at: start)
        #expect(effects == [.stop(0, AttemptID(1))])
    }

    @Test("Draining hands everything back, and leaves when that is acknowledged")
    func drain() throws {
        @Checked var machine = machine()
        _ = machine.handle(.message(welcome), at: start)
        _ = machine.handle(.message(.assign(try job(1))), at: start)
        _ = machine.handle(.message(.assign(try job(2))), at: start)
        let effects = machine.handle(.drain, at: start)
        #expect(effects.contains(.stop(0, AttemptID(1))))
        #expect(
            sent(effects) == [
                .report(Report(attempt: AttemptID(2), sequence: 1, event: .handedBack))
            ])
        _ = machine.handle(.report(AttemptID(1), .handedBack), at: start)
        _ = machine.handle(.message(.acknowledge(AttemptID(2), upTo: 1)), at: start)
        let last = machine.handle(.message(.acknowledge(AttemptID(1), upTo: 1)), at: start)
        #expect(last == [.send(.goodbye()), .leave(error: nil)])
    }

    @Test("Refused, it leaves with the reason")
    func refused() {
        @Checked var machine = machine()
        let effects = machine.handle(.message(.refused("another version")), at: start)
        guard case .leave(let error?) = effects.first else {
            Issue.record("\(effects)")
            return
        }
        #expect(error.contains("another version"))
    }

    @Test("A coordinator that stays silent is complained of, with what to look at")
    func silence() {
        @Checked var machine = machine()
        var notes: [String] = []
        for second in 0..<25 {
            for effect in machine.handle(.tick, at: start + .seconds(second)) {
                if case .note(let text) = effect { notes.append(text) }
            }
        }
        #expect(notes.count == 2)
        #expect(notes.allSatisfy { $0.contains("is the coordinator running") })
    }

    @Test("Asked who it is several times at once, it says hello once")
    func identifyStorm() {
        @Checked var machine = machine()
        _ = machine.handle(.message(welcome), at: start)
        let answers = (0..<5).flatMap { _ in sent(machine.handle(.message(.identify), at: start)) }
        #expect(answers.count == 1)
    }
}
