import SweepCore
import Testing

@Suite("Reports that the coordinator does not take")
struct SpillTests {
    private let welcome = MessageToWorker.welcome(
        Welcome(heartbeat: .seconds(2), lease: .seconds(8)))
    private let start = Instant(nanoseconds: 0)
    private let epoch = Sample.epoch(1)

    private func machine(leaves: Instant? = nil, spilled: [Report] = []) -> WorkerMachine {
        WorkerMachine(
            Hello(
                worker: WorkerID("a"), incarnation: 1, host: "host", slots: 1, device: "fake",
                memory: 0), readsFiles: false, leaves: leaves, spilled: spilled)
    }

    private func job() throws -> Assignment {
        let spec = try #require(Plan(Sample.sweep()).runs.first).spec
        return Assignment(attempt: AttemptID(1), run: RunID(1), spec: spec)
    }

    private func spilled(_ effects: [WorkerMachine.Effect]) -> [Report] {
        effects.flatMap { effect -> [Report] in
            if case .spill(let reports) = effect { reports } else { [] }
        }
    }

    private func sent(_ effects: [WorkerMachine.Effect]) -> [Report] {
        effects.compactMap { if case .send(.report(let report)) = $0 { report } else { nil } }
    }

    @Test("They are written down once, after a while, and the file goes when all are taken")
    func writtenDown() throws {
        @Checked var machine = machine()
        _ = machine.handle(.message(welcome), at: start)
        _ = machine.handle(.message(.assign(try job())), at: start)
        _ = machine.handle(.report(AttemptID(1), epoch), at: start)
        #expect(spilled(machine.handle(.tick, at: start + .seconds(2))).isEmpty)
        #expect(spilled(machine.handle(.tick, at: start + .seconds(3))).map(\.sequence) == [1])
        #expect(spilled(machine.handle(.tick, at: start + .seconds(4))).isEmpty)
        _ = machine.handle(.report(AttemptID(1), epoch), at: start + .seconds(4))
        #expect(spilled(machine.handle(.tick, at: start + .seconds(5))).map(\.sequence) == [2])
        let some = machine.handle(
            .message(.acknowledge(AttemptID(1), upTo: 1)), at: start + .seconds(6))
        #expect(!some.contains(.clearSpill))
        let all = machine.handle(
            .message(.acknowledge(AttemptID(1), upTo: 2)), at: start + .seconds(6))
        #expect(all.contains(.clearSpill))
    }

    @Test("The next process of the name sends them, and hands back what nobody trains")
    func takenUp() throws {
        let end = Report.Event.completed(seconds: 1)
        let before = [
            Report(attempt: AttemptID(1), sequence: 4, event: epoch),
            Report(attempt: AttemptID(1), sequence: 5, event: end),
            Report(attempt: AttemptID(2), sequence: 7, event: epoch),
        ]
        @Checked var machine = machine(spilled: before)
        let hello = machine.handle(.tick, at: start).compactMap { effect -> Hello? in
            if case .send(.hello(let hello)) = effect { hello } else { nil }
        }
        #expect(hello.first?.attempts == [AttemptID(1), AttemptID(2)])
        #expect(
            sent(machine.handle(.message(welcome), at: start))
                == before + [Report(attempt: AttemptID(2), sequence: 8, event: .handedBack)])
    }

    @Test("Beyond a number of them nothing more is taken from trainers")
    func full() throws {
        @Checked var machine = machine()
        _ = machine.handle(.message(welcome), at: start)
        _ = machine.handle(.message(.assign(try job())), at: start)
        for _ in 0..<10_000 {
            #expect(!machine.isFull)
            _ = machine.handle(.report(AttemptID(1), epoch), at: start)
        }
        #expect(machine.isFull)
        _ = machine.handle(.message(.acknowledge(AttemptID(1), upTo: 1)), at: start)
        #expect(!machine.isFull)
    }

    @Test("A worker whose time is up hands back and leaves of itself, and says how long it has")
    func timeIsUp() throws {
        @Checked var machine = machine(leaves: start + .seconds(100))
        let hello = machine.handle(.tick, at: start + .seconds(10)).compactMap { effect in
            if case .send(.hello(let hello)) = effect { hello.secondsLeft } else { nil }
        }
        #expect(hello == [90])
        _ = machine.handle(.message(welcome), at: start + .seconds(10))
        _ = machine.handle(.message(.assign(try job())), at: start + .seconds(11))
        #expect(!machine.handle(.tick, at: start + .seconds(99)).contains(.stop(0, AttemptID(1))))
        #expect(machine.handle(.tick, at: start + .seconds(100)).contains(.stop(0, AttemptID(1))))
    }
}
