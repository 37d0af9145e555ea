import SweepCore
import SweepWire

extension World {
    mutating func happen(_ event: Event) {
        switch event {
        case .coordinatorStarts: startCoordinator()
        case .coordinatorTick:
            guard machine != nil else { return }
            if deferred(event, until: coordinatorStoppedUntil) { return }
            handle(.tick)
            agenda.plan(.coordinatorTick, at: now + .milliseconds(250))
        case .coordinatorHasTime:
            guard machine != nil else { return }
            if deferred(event, until: coordinatorStoppedUntil) { return }
            isSpareTimePlanned = false
            handle(.spareTime)
        case .toCoordinator(let frame, let connection):
            guard machine != nil else { return }
            if deferred(event, until: coordinatorStoppedUntil) { return }
            receive(frame, connection)
        case .answers:
            guard machine != nil else { return }
            if deferred(event, until: coordinatorStoppedUntil) { return }
            answerRequests()
        case .keysChanged:
            guard machine != nil else { return }
            if deferred(event, until: coordinatorStoppedUntil) { return }
            knownRoles = roles
            if plantedBug != .ignoresRevocations { handle(.admitted(roles, names: [:])) }
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
            guard machine != nil else { return }
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

    // MARK: Workers

    private mutating func startWorker(_ name: Int) {
        guard !workers[name].isRunning else { return }
        workers[name].process += 1
        workers[name].isRunning = true
        workers[name].stoppedUntil = now
        workers[name].trainings = [:]
        // Its owner has got another key meanwhile.
        if roles[workers[name].key] == nil {
            workers[name].key = "key-\(name)-\(workers[name].process)"
            roles[workers[name].key] = .worker
            agenda.plan(.keysChanged, at: now)
        }
        let incarnation = UInt64(workers[name].process)
        let slots = Int.random(in: 1...2, using: &random)
        workers[name].machine = WorkerMachine(
            Self.hello(name, incarnation: incarnation, slots: slots), readsFiles: false,
            spilled: workers[name].spilled)
        connect(name)
        agenda.plan(.workerTick(name: name, process: workers[name].process), at: now)
    }

    private mutating func connect(_ name: Int) {
        guard machine != nil else {
            agenda.plan(.connectionHeals(name: name), at: now + random.duration(0.1...2))
            return
        }
        lastConnection += 1
        workers[name].connection = lastConnection
        owners[lastConnection] = name
        keys[lastConnection] = workers[name].key
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
        workers[name].outgoing = [:]
        workers[name].disk.crash(&random)
        agenda.plan(.workerStarts(name: name), at: now + random.duration(0.1...25))
    }

    private mutating func receive(_ frame: [UInt8], at name: Int) {
        addFrameToTrace(frame)
        guard let message = try? Codec.decode(frame, as: MessageToWorker.self) else {
            require(false, "the coordinator sent what can't be decoded")
            return
        }
        work(name, .message(message))
    }

    mutating func work(_ name: Int, _ event: WorkerMachine.Event) {
        var effects = workers[name].machine.handle(event, at: now)[...]
        while let effect = effects.popFirst() {
            switch effect {
            case .send(let message): send(message, from: name)
            case .train(let slot, let assignment):
                workers[name].trainings[assignment.attempt] = (slot, assignment, false)
                checkState(assignment, at: name)
                let done = assignment.checkpoint?.epoch ?? 0
                planEpoch(done + 1, of: assignment.attempt, at: name)
            case .stop(_, let attempt):
                workers[name].trainings[attempt]?.isStopping = true
                agenda.plan(
                    .trainerStops(name: name, process: workers[name].process, attempt),
                    at: now + random.duration(0.001...0.2))
            case .note: break
            case .sendChunk, .findFile, .openFile, .storeChunk, .finishFile, .readManifest,
                .assembleModel, .releaseFile, .removeFile:
                if let event = carryOut(effect, at: name) {
                    effects += workers[name].machine.handle(event, at: now)
                }
            case .spill(let reports): workers[name].spilled += reports
            case .clearSpill, .renameSpill: workers[name].spilled = []
            case .leave, .abandon:
                let isRevoked = roles[workers[name].key] == nil
                require(
                    workers[name].trainings.isEmpty || now < faultsEnd || isRevoked,
                    "worker-\(name) left while it trained")
                killWorker(name)
                return
            }
        }
        if plantedBug == .forgetsUnacknowledged { workers[name].machine.forgetUnacknowledged() }
    }

    mutating func send(_ message: MessageToCoordinator, from name: Int) {
        guard let connection = workers[name].connection else { return }
        let at = max(now + random.duration(0.0001...0.02), arrivals[connection]?.up ?? now)
        arrivals[connection]?.up = at
        agenda.plan(
            .toCoordinator(
                frame: Codec.encode(message), connection: connection), at: at)
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
        // It had a state of the last epoch: all that is left is to say so.
        guard epoch <= spec.epochs else {
            workers[name].trainings[attempt] = nil
            return work(name, .report(attempt, .completed(seconds: seconds)))
        }
        work(name, .progress(AttemptProgress(attempt: attempt, stepsDone: epoch * 10)))
        work(
            name,
            .report(
                attempt,
                .epoch(Self.metrics(spec, epoch: epoch), trainableParameters: 1, seconds: seconds)))
        guard workers[name].trainings[attempt] != nil else { return }
        writeState(spec, epoch: epoch, attempt, at: name)
        guard workers[name].trainings[attempt] != nil else { return }
        if epoch >= spec.epochs {
            workers[name].trainings[attempt] = nil
            work(
                name, .report(attempt, .completed(seconds: seconds)))
        } else {
            planEpoch(epoch + 1, of: attempt, at: name)
        }
    }
}
