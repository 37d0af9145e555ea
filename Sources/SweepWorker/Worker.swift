import Logging
import SweepCore
import SweepWire

/// The worker's shell: one loop that waits for the coordinator and the trainers, lets the machine
/// decide, and carries out its effects.
public final class Worker {
    private var machine: WorkerMachine
    private let dialer: Dialer
    private let trainers: [any Trainer]
    private let logger: Logger
    private let clock = ContinuousClock()
    private let start: ContinuousClock.Instant
    /// A greeting for which there was no connection yet, and since when.
    private var unsentHello: (Message, since: Instant)?

    /// - Parameter trainers: one for each slot of `hello`.
    public init(
        _ hello: Hello, access: AccessFile, trainers: [any Trainer], logger: Logger
    ) throws {
        precondition(trainers.count == hello.slots, "a trainer for each slot")
        machine = WorkerMachine(hello)
        dialer = try Dialer(access)
        self.trainers = trainers
        self.logger = logger
        start = clock.now
    }

    private var now: Instant { Instant(nanoseconds: (clock.now - start).nanoseconds) }

    /// Works until something can be read from `stop`, then hands back its jobs and leaves.
    ///
    /// - Throws: `WorkerError.refused` if the coordinator does not want this worker.
    public func run(until stop: Int32) throws {
        defer { for trainer in trainers { trainer.shutDown() } }
        logger.info("dialling \(dialer.endpoint)")
        let tickInterval = Duration.milliseconds(250)
        var nextTick = now
        var isDraining = false
        while true {
            if now >= nextTick {
                nextTick = now + tickInterval
                if try carryOut(machine.handle(.tick, at: now)) { return }
            }
            var sources: [Poll.Source] = [.socket(dialer.socket)]
            if !isDraining { sources.append(.file(stop)) }
            let files = trainers.flatMap(\.descriptors)
            sources += files.map { .file($0) }
            let isReadable = try Poll.readable(sources, timeout: timeout(atMost: tickInterval))
            if !isDraining, isReadable[1] {
                isDraining = true
                logger.info("leaving: handing jobs back")
                if try carryOut(machine.handle(.drain, at: now)) { return }
            }
            if let (hello, _) = unsentHello, try dialer.send(hello) { unsentHello = nil }
            if try receive() { return }
            if try pollTrainers() { return }
        }
    }

    private func timeout(atMost limit: Duration) -> Duration {
        var timeout = limit
        // A coordinator that is there answers at once; one that is not is not worth the effort.
        if let unsentHello, now - unsentHello.since < .seconds(5) { timeout = .milliseconds(10) }
        guard let next = trainers.compactMap(\.wakeUp).min() else { return timeout }
        return max(.zero, min(timeout, next - now))
    }

    private func receive() throws -> Bool {
        while true {
            do {
                guard let message = try dialer.receive() else { return false }
                if try carryOut(machine.handle(.message(message), at: now)) { return true }
            } catch let error as WireError {
                switch error {
                case .malformed: logger.warning("dropped: \(error)")
                case .versionMismatch: throw WorkerError.refused("\(error)")
                case .socket, .accessFile, .noAnswer, .rejected, .tooLarge: throw error
                }
            }
        }
    }

    private func pollTrainers() throws -> Bool {
        for (slot, trainer) in trainers.enumerated() {
            for event in trainer.poll(at: now) {
                let effects =
                    switch event {
                    case .progress(let progress): machine.handle(.progress(progress), at: now)
                    case .report(let attempt, let report):
                        machine.handle(.report(attempt, report), at: now)
                    case .exited(let how): exited(slot, how)
                    }
                if try carryOut(effects) { return true }
            }
        }
        return false
    }

    private func exited(_ slot: Int, _ how: String) -> [WorkerMachine.Effect] {
        logger.error("slot \(slot): \(how)")
        return machine.handle(.trainerExited(slot, how), at: now)
    }

    /// `true` when the worker has left.
    private func carryOut(_ effects: [WorkerMachine.Effect]) throws -> Bool {
        for effect in effects {
            switch effect {
            case .send(let message):
                let isSent = try dialer.send(message)
                if case .hello = message {
                    unsentHello = isSent ? nil : (message, since: unsentHello?.since ?? now)
                }
            case .train(let slot, let assignment):
                logger.info("slot \(slot): \(assignment.run), \(assignment.attempt)")
                trainers[slot].train(assignment, at: now)
            case .stop(let slot, let attempt): trainers[slot].stop(attempt)
            case .note(let text): logger.info("\(text)")
            case .leave(let error):
                if let error { throw WorkerError.refused(error) }
                logger.info("left")
                return true
            }
        }
        return false
    }
}
