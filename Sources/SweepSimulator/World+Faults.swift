import SweepCore
import SweepWire

extension World {
    // MARK: Clients

    /// A sweep of a few runs; a later one may take the name of an earlier, or share its points.
    mutating func submit(_ number: Int) {
        let file = FileReference(path: "/data.tsv", digest: Digest(ofText: "data"))
        let first = UInt64.random(in: 1...6, using: &random)
        let spec = SweepSpec(
            name: "sweep-\(random.happens(0.3) ? 0 : number)",
            backbone: BackboneReference(path: "/model", digest: Digest(ofText: "model")),
            data: TaskData(train: .sentences(file), test: .sentences(file), labels: 2),
            grid: Grid(
                capacities: [Capacity(pet: .lora(LoRA()))],
                epochs: random.happens(0.5) ? [1, 2] : [3],
                learningRates: [1e-3], attacks: [.word(WordAttack())], poisonRatios: [0.05],
                seeds: (first..<first + UInt64.random(in: 2...9, using: &random)).map { $0 }),
            settings: TrainingSettings(schedule: .constant), trainingSamples: [file.digest: 320])
        ask(.submit(spec, replaces: true))
        // It waits for an answer, and asks again if there is none.
        if machine == nil || coordinatorStoppedUntil > now {
            agenda.plan(.client(number), at: now + .seconds(5))
        } else if now < faultsEnd, random.happens(0.4) {
            agenda.plan(.client(number), at: now + random.duration(1...40))
        }
    }

    private mutating func ask(_ message: MessageToCoordinator) {
        let frame = Codec.encode(message)
        agenda.plan(.toCoordinator(frame: frame, connection: Self.clientConnection), at: now)
    }

    // MARK: Faults

    mutating func makeFault() {
        guard now < faultsEnd else { return }
        agenda.plan(.fault, at: now + random.duration(0.1...8))
        let name = Int.random(in: 0..<workers.count, using: &random)
        let fault = Fault.allCases[Int.random(in: 0..<Fault.allCases.count, using: &random)]
        switch fault {
        case .killedBeforeCommit, .killedAfterCommit, .resumed: return
        case .coordinatorKilled:
            guard machine != nil else { return }
            killCoordinator()
        case .coordinatorStopped: coordinatorStoppedUntil = now + random.duration(0.5...25)
        case .diskFull:
            // It waits for room, with nothing acknowledged: as if it were stopped.
            coordinatorStoppedUntil = now + random.duration(0.5...10)
        case .workerKilled: killWorker(name)
        case .workerStopped: workers[name].stoppedUntil = now + random.duration(0.5...25)
        case .workerDrained:
            guard workers[name].isRunning else { return }
            work(name, .drain)
        case .connectionCut: disconnect(name, for: 0.1...20)
        case .halfOpen: halfOpen(name)
        case .trainerKilled: killTrainer(name)
        case .nonsense, .lie: slander(name, isNonsense: fault == .nonsense)
        case .staleFrame: replay(name)
        case .fileDamaged:
            if random.happens(0.5) {
                coordinatorDisk.damagesNext = true
            } else {
                workers[name].disk.damagesNext = true
            }
        case .flood: flood()
        case .keyRevoked: revokeKey(of: name)
        }
        count(fault)
    }

    /// What the worker sends arrives, late; what it is sent is lost.
    private mutating func halfOpen(_ name: Int) {
        guard let connection = workers[name].connection else { return }
        arrivals[connection]?.up = now + random.duration(1...10)
        work(name, .tick)
        disconnect(name, for: 0.5...12, isNoticed: false)
    }

    private mutating func killTrainer(_ name: Int) {
        guard let (attempt, training) = workers[name].trainings.min(by: { $0.key < $1.key })
        else { return }
        workers[name].trainings[attempt] = nil
        madeToFail[training.assignment.run, default: 0] += 1
        work(name, .trainerExited(training.slot, "killed"))
    }

    /// A peer that sends garbage, or well-formed lies about attempts that are not its own.
    private mutating func slander(_ name: Int, isNonsense: Bool) {
        guard let connection = workers[name].connection else { return }
        var frame: [UInt8]
        if isNonsense {
            frame = (0..<Int.random(in: 0...80, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
        } else {
            let others = ledger.attempts.filter { $0.value.worker != WorkerID("worker-\(name)") }
                .keys.sorted()
            let attempt = others.randomElement(using: &random) ?? Self.inventedAttempt
            let spec = ledger.attempts[attempt].flatMap { ledger.runs[$0.run]?.plan.spec }
            let lie = EpochMetrics(
                epoch: spec?.epochs ?? 1, trainingLoss: 9, testLoss: 9, cacc: 0, asr: 0)
            let lies: [MessageToCoordinator] = [
                .report(
                    Report(
                        attempt: attempt, sequence: 1,
                        event: .epoch(lie, trainableParameters: 1, seconds: 1))),
                .report(
                    Report(
                        attempt: attempt, sequence: 2,
                        event: .completed(seconds: 1))),
                .report(Report(attempt: attempt, sequence: 1, event: .failed("a lie"))),
                .heartbeat([AttemptProgress(attempt: attempt, stepsDone: 5)]),
                .control(.cancel(sweep: "sweep-0")), .askStatus,
            ]
            let place = Int.random(in: 0...lies.count, using: &random)
            frame =
                place < lies.count
                ? Codec.encode(lies[place]) : Codec.encode(MessageToWorker.revoke(attempt))
            if random.happens(0.3), !frame.isEmpty {
                let lie = frame
                frame[Int.random(in: 0..<frame.count, using: &random)] &+= 1
                // Of its own attempt a worker may say what it wants: nobody can know better.
                if case .report(let report)? = try? Codec.decode(
                    frame, as: MessageToCoordinator.self),
                    report.attempt != attempt
                {
                    frame = lie
                }
            }
        }
        agenda.plan(
            .toCoordinator(frame: frame, connection: connection),
            at: max(now, arrivals[connection]?.up ?? now))
    }

    /// A peer that may look alone asks and asks, or sends nonsense without end.
    private mutating func flood() {
        let isNonsense = random.happens(0.5)
        let question = Codec.encode(MessageToCoordinator.explain(.run(RunID(1))))
        for _ in 0..<Int.random(in: 20...400, using: &random) {
            agenda.plan(
                .toCoordinator(
                    frame: isNonsense ? [1, 2, 3] : question, connection: Self.strangerConnection),
                at: now + random.duration(0...0.5))
        }
    }

    /// The key of a worker no longer counts; the coordinator looks for that now and then.
    private mutating func revokeKey(of name: Int) {
        roles[workers[name].key] = nil
        agenda.plan(.keysChanged, at: now + random.duration(0.001...0.249))
    }

    /// A frame of an earlier connection that comes after the worker has connected anew.
    private mutating func replay(_ name: Int) {
        guard let old = workers[name].connection,
            let attempt = workers[name].trainings.keys.min()
        else { return }
        let heartbeat = MessageToCoordinator.heartbeat([
            AttemptProgress(attempt: attempt, stepsDone: 1)
        ])
        agenda.plan(
            .toCoordinator(frame: Codec.encode(heartbeat), connection: old),
            at: now + random.duration(1...20))
        disconnect(name, for: 0.1...1)
    }
}
