import SweepCore
import SweepWire
import SweepWorker

/// A worker as the coordinator sees one, without a process of its own: real socket, codec and
/// worker's decisions, and a fake trainer that needs no time.
final class Session {
    let dialer: Dialer
    private var machine: WorkerMachine
    private(set) var completed = 0
    private(set) var isWelcome = false

    init(_ number: Int, access: AccessFile, in context: SocketContext) throws {
        dialer = try Dialer(access, in: context)
        machine = WorkerMachine(
            Hello(
                worker: WorkerID("bench-\(number)"), incarnation: 1, host: "bench", slots: 1,
                device: "none", memory: 0, trainer: .fake), readsFiles: false)
    }

    func tick(at now: Instant) throws { try carryOut(machine.handle(.tick, at: now), at: now) }

    /// Takes in everything that has arrived.
    func receive(at now: Instant) throws {
        while let message = try dialer.receive(as: MessageToWorker.self) {
            if case .welcome = message { isWelcome = true }
            try carryOut(machine.handle(.message(message), at: now), at: now)
        }
    }

    private func carryOut(_ effects: [WorkerMachine.Effect], at now: Instant) throws {
        for effect in effects {
            switch effect {
            case .send(let message): _ = try dialer.send(message)
            case .train(_, let assignment):
                for epoch in 1...assignment.spec.epochs {
                    let metrics = EpochMetrics(
                        epoch: epoch, trainingLoss: 0.5, testLoss: 0.5, cacc: 0.8, asr: 0.2)
                    try carryOut(
                        machine.handle(
                            .report(
                                assignment.attempt,
                                .epoch(metrics, trainableParameters: 1, seconds: 0)), at: now),
                        at: now)
                }
                completed += 1
                try carryOut(
                    machine.handle(
                        .report(
                            assignment.attempt, .completed(seconds: 0)),
                        at: now), at: now)
            case .leave(let error): fatalError("a session had to leave: \(error ?? "")")
            case .abandon(let reason): fatalError("a session could not train: \(reason)")
            case .stop, .note, .sendChunk, .findFile, .openFile, .storeChunk, .finishFile,
                .readManifest, .assembleModel, .releaseFile, .spill, .clearSpill,
                .renameSpill, .removeFile:
                break
            }
        }
    }
}

/// Many sessions in one loop.
final class Driver {
    let sessions: [Session]
    private let clock = ContinuousClock()
    private let start: ContinuousClock.Instant
    private var lastTick: Instant?

    init(_ count: Int, access: AccessFile) throws {
        let context = SocketContext()
        start = clock.now
        sessions = try (0..<count).map { try Session($0, access: access, in: context) }
    }

    var now: Instant { Instant(nanoseconds: (clock.now - start).nanoseconds) }
    var seconds: Double { (clock.now - start) / .seconds(1) }
    var completed: Int { sessions.reduce(0) { $0 + $1.completed } }

    /// One round: waits a little, takes in what has come, and lets time pass.
    ///
    /// - Parameter client: Ends the wait too.
    func round(watching client: Socket? = nil) throws {
        let sources =
            sessions.map { Poll.Source.socket($0.dialer.socket) }
            + (client.map { [.socket($0)] } ?? [])
        let isReadable = try Poll.readable(sources, timeout: .milliseconds(20))
        let now = self.now
        for (session, isReadable) in zip(sessions, isReadable) where isReadable {
            try session.receive(at: now)
        }
        if lastTick.map({ now - $0 >= .milliseconds(250) }) ?? true {
            lastTick = now
            for session in sessions { try session.tick(at: now) }
        }
    }

    func join() throws {
        while !sessions.allSatisfy(\.isWelcome) { try round() }
    }
}
