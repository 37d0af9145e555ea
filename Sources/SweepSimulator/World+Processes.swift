import SweepCore
import SweepWire

extension World {
    mutating func happen(_ event: Event) {
        switch event {
        case .coordinatorStarts: startCoordinator()
        case .coordinatorTick:
            guard scheduler != nil else { return }
            if deferred(event, until: coordinatorStoppedUntil) { return }
            handle(.tick)
            agenda.plan(.coordinatorTick, at: now + .milliseconds(250))
        case .coordinatorHasTime:
            guard scheduler != nil else { return }
            if deferred(event, until: coordinatorStoppedUntil) { return }
            isSpareTimePlanned = false
            handle(.spareTime)
        case .toCoordinator(let frame, let connection, let role):
            guard scheduler != nil else { return }
            if deferred(event, until: coordinatorStoppedUntil) { return }
            receive(frame, connection, role)
        case .toWorker(let name, let frame, let connection):
            guard workers[name].isRunning, workers[name].connection == connection else { return }
            if deferred(event, until: workers[name].stoppedUntil) { return }
            receive(frame, at: name)
        case .workerStarts(let name): startWorker(name)
        case .workerTick(let name, let process):
            guard isAlive(name, process) else { return }
            if deferred(event, until: workers[name].stoppedUntil) { return }
            work(name, .tick)
            agenda.plan(.workerTick(name: name, process: process), at: now + .milliseconds(250))
        case .epoch(let name, let process, let attempt, let epoch):
            guard isAlive(name, process) else { return }
            if deferred(event, until: workers[name].stoppedUntil) { return }
            train(name, attempt, epoch)
        case .trainerStops(let name, let process, let attempt):
            guard isAlive(name, process), workers[name].trainings[attempt] != nil else { return }
            workers[name].trainings[attempt] = nil
            work(name, .report(attempt, .handedBack))
        case .connectionEnds(let connection):
            guard scheduler != nil else { return }
            if deferred(event, until: coordinatorStoppedUntil) { return }
            handle(.disconnected(Self.route(connection)))
        case .connectionHeals(let name):
            if workers[name].isRunning, workers[name].connection == nil { connect(name) }
        case .fault: makeFault()
        case .client(let number): submit(number)
        }
        checkStep()
    }

    /// A stopped process gets to it later; TCP and timers keep the order.
    private mutating func deferred(_ event: Event, until time: Instant) -> Bool {
        guard time > now else { return false }
        agenda.plan(event, at: time)
        return true
    }

    private func isAlive(_ name: Int, _ process: Int) -> Bool {
        workers[name].isRunning && workers[name].process == process
    }

    // MARK: The coordinator

    private mutating func startCoordinator() {
        guard scheduler == nil else { return }
        var snapshot = ledger.snapshot
        switch plantedBug {
        case .reusesAttempts: snapshot.lastAttempt = AttemptID(snapshot.lastAttempt.number / 2)
        case .forgetsActiveRuns:
            snapshot.runs.removeAll { if case .active = $0.state { true } else { false } }
        case .sendsBeforeCommit, .forgetsUnacknowledged, .acknowledgesGaps, nil: break
        }
        tell("the coordinator starts")
        // Runs are short here: second attempts are worth it sooner.
        var configuration = Scheduler.Configuration()
        configuration.leastGain = .seconds(1)
        configuration.itemsInASlice = sliceSize
        scheduler = Scheduler(snapshot, configuration: configuration, at: now)
        isSpareTimePlanned = false
        agenda.plan(.coordinatorTick, at: now)
    }

    private mutating func receive(_ frame: [UInt8], _ connection: Int, _ role: Role) {
        addFrameToTrace(frame)
        guard let message = try? Codec.decode(frame) else { return }
        var heard = message
        if plantedBug == .acknowledgesGaps, case .report(let report) = message,
            let known = ledger.attempts[report.attempt], report.sequence > known.acknowledged + 1
        {
            var renumbered = report
            renumbered.sequence = known.acknowledged + 1
            heard = .report(renumbered)
            send(.acknowledge(report.attempt, upTo: report.sequence), connection)
        }
        tell("from \(connection): \(heard)")
        handle(.message(heard, from: Self.route(connection), role: role))
    }

    static func route(_ connection: Int) -> Route {
        Route(withUnsafeBytes(of: connection.bigEndian) { Array($0) })
    }

    private mutating func handle(_ event: SweepCore.Event) {
        guard let effects = scheduler?.handle(event, at: now) else { return }
        if scheduler?.isBusy == true, !isSpareTimePlanned {
            isSpareTimePlanned = true
            agenda.plan(.coordinatorHasTime, at: now + random.duration(0.001...0.3))
        }
        var facts: [Fact] = []
        for case .persist(let fact) in effects { facts.append(fact) }
        let isFaulty = now < faultsEnd && !facts.isEmpty
        if plantedBug == .sendsBeforeCommit { send(effects) }
        if isFaulty, random.happens(0.004) {
            // SIGKILL, or power: what was not committed is gone, and nothing of it was told.
            count(.killedBeforeCommit)
            killCoordinator()
            return
        }
        for fact in facts { tell("stored: \(fact)") }
        ledger.commit(facts)
        if isFaulty, random.happens(0.004) {
            count(.killedAfterCommit)
            let some = effects.prefix(Int.random(in: 0...effects.count, using: &random))
            if plantedBug != .sendsBeforeCommit { send(Array(some)) }
            killCoordinator()
            return
        }
        if plantedBug != .sendsBeforeCommit { send(effects) }
    }

    private mutating func send(_ effects: [Effect]) {
        for case .send(let message, let route) in effects {
            let connection = route.bytes.reduce(0) { $0 << 8 | Int($1) }
            if route != Self.route(Self.clientConnection) { send(message, connection) }
        }
    }

    private mutating func send(_ message: Message, _ connection: Int) {
        guard let name = owners[connection], workers[name].connection == connection else { return }
        tell("to \(connection), worker-\(name): \(message)")
        if case .acknowledge(let attempt, let sequence) = message {
            require(
                sequence == 0 || ledger.remembers(attempt, upTo: sequence),
                "\(attempt): report \(sequence) is acknowledged and not stored")
        }
        let at = max(
            now + random.duration(0.0001...0.02), arrivals[connection]?.down ?? now)
        arrivals[connection]?.down = at
        agenda.plan(
            .toWorker(name: name, frame: Codec.encode(message), connection: connection), at: at)
    }

    mutating func killCoordinator() {
        scheduler = nil
        // Everybody's connection is gone with it, and what was in flight.
        for name in workers.indices { disconnect(name, for: 0.2...2) }
        agenda.plan(.coordinatorStarts, at: now + random.duration(0.1...15))
    }

    // MARK: Workers

    private mutating func startWorker(_ name: Int) {
        guard !workers[name].isRunning else { return }
        workers[name].process += 1
        workers[name].isRunning = true
        workers[name].stoppedUntil = now
        workers[name].trainings = [:]
        let incarnation = UInt64(workers[name].process)
        let slots = Int.random(in: 1...2, using: &random)
        workers[name].machine = WorkerMachine(
            Self.hello(name, incarnation: incarnation, slots: slots), readsFiles: false,
            spilled: workers[name].spilled)
        connect(name)
        agenda.plan(.workerTick(name: name, process: workers[name].process), at: now)
    }

    private mutating func connect(_ name: Int) {
        guard scheduler != nil else {
            agenda.plan(.connectionHeals(name: name), at: now + random.duration(0.1...2))
            return
        }
        lastConnection += 1
        workers[name].connection = lastConnection
        owners[lastConnection] = name
        arrivals[lastConnection] = (now, now)
    }

    /// - Parameter isNoticed: Whether the coordinator's kernel learns of it.
    mutating func disconnect(
        _ name: Int, for seconds: ClosedRange<Double>, isNoticed: Bool = true
    ) {
        endConnection(of: name, isNoticed: isNoticed)
        agenda.plan(.connectionHeals(name: name), at: now + random.duration(seconds))
    }

    private mutating func endConnection(of name: Int, isNoticed: Bool) {
        guard let connection = workers[name].connection else { return }
        workers[name].connection = nil
        guard isNoticed else { return }
        // After what is still on its way.
        let at = max(now + random.duration(0.0001...0.02), arrivals[connection]?.up ?? now)
        agenda.plan(.connectionEnds(connection), at: at)
    }

    mutating func killWorker(_ name: Int) {
        workers[name].isRunning = false
        endConnection(of: name, isNoticed: true)
        workers[name].trainings = [:]
        agenda.plan(.workerStarts(name: name), at: now + random.duration(0.1...25))
    }

    private mutating func receive(_ frame: [UInt8], at name: Int) {
        addFrameToTrace(frame)
        guard let message = try? Codec.decode(frame) else {
            require(false, "the coordinator sent what can't be decoded")
            return
        }
        work(name, .message(message))
    }

    mutating func work(_ name: Int, _ event: WorkerMachine.Event) {
        for effect in workers[name].machine.handle(event, at: now) {
            switch effect {
            case .send(let message): send(message, from: name)
            case .train(let slot, let assignment):
                workers[name].trainings[assignment.attempt] = (slot, assignment, false)
                planEpoch(1, of: assignment.attempt, at: name)
            case .stop(_, let attempt):
                workers[name].trainings[attempt]?.isStopping = true
                agenda.plan(
                    .trainerStops(name: name, process: workers[name].process, attempt),
                    at: now + random.duration(0.001...0.2))
            // Its trainers leave no files behind.
            case .note, .sendChunk, .findFile, .openFile, .storeChunk, .finishFile, .readManifest,
                .assembleModel, .releaseFile, .removeFile:
                break
            case .spill(let reports): workers[name].spilled += reports
            case .clearSpill, .renameSpill: workers[name].spilled = []
            case .leave, .abandon:
                require(
                    workers[name].trainings.isEmpty || now < faultsEnd,
                    "worker-\(name) left while it trained")
                killWorker(name)
                return
            }
        }
        if plantedBug == .forgetsUnacknowledged { workers[name].machine.forgetUnacknowledged() }
    }

    private mutating func send(_ message: Message, from name: Int) {
        guard let connection = workers[name].connection else { return }
        let at = max(now + random.duration(0.0001...0.02), arrivals[connection]?.up ?? now)
        arrivals[connection]?.up = at
        agenda.plan(
            .toCoordinator(
                frame: Codec.encode(message), connection: connection, role: .worker), at: at)
    }

    private mutating func planEpoch(_ epoch: Int, of attempt: AttemptID, at name: Int) {
        let worker = workers[name]
        agenda.plan(
            .epoch(name: name, process: worker.process, attempt, epoch),
            at: now + .nanoseconds(Int64(worker.pace * 1e9)))
    }

    private mutating func train(_ name: Int, _ attempt: AttemptID, _ epoch: Int) {
        guard let training = workers[name].trainings[attempt], !training.isStopping else { return }
        let spec = training.assignment.spec
        let seconds = workers[name].pace * Double(epoch)
        work(name, .progress(AttemptProgress(attempt: attempt, stepsDone: epoch * 10)))
        work(
            name,
            .report(
                attempt,
                .epoch(Self.metrics(spec, epoch: epoch), trainableParameters: 1, seconds: seconds)))
        guard workers[name].trainings[attempt] != nil else { return }
        if epoch == spec.epochs {
            workers[name].trainings[attempt] = nil
            work(
                name, .report(attempt, .completed(seconds: seconds)))
        } else {
            planEpoch(epoch + 1, of: attempt, at: name)
        }
    }
}
