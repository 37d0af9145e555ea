import SweepCore
import SweepWire

extension World {
    mutating func startCoordinator() {
        guard machine == nil else { return }
        var snapshot = ledger.snapshot
        switch plantedBug {
        case .reusesAttempts: snapshot.lastAttempt = AttemptID(snapshot.lastAttempt.number / 2)
        case .forgetsActiveRuns:
            snapshot.runs.removeAll { if case .active = $0.state { true } else { false } }
            let known = Set(snapshot.runs.map(\.id))
            snapshot.states = snapshot.states.filter { known.contains($0.key) }
        default: break
        }
        tell("the coordinator starts")
        // Runs are short here: second attempts are worth it sooner.
        var configuration = Scheduler.Configuration()
        configuration.leastGain = .seconds(1)
        configuration.itemsInASlice = sliceSize
        configuration.lastStateBytes = lastStateBytes
        machine = CoordinatorMachine(
            Scheduler(snapshot, configuration: configuration, at: now), folder: "/artifacts",
            roles: roles)
        knownRoles = roles
        isSpareTimePlanned = false
        areAnswersPlanned = false
        nonsense = [:]
        agenda.plan(.coordinatorTick, at: now)
    }

    mutating func killCoordinator() {
        machine = nil
        coordinatorDisk.crash(&random)
        // Everybody's connection is gone with it, and what was in flight.
        for name in workers.indices { disconnect(name, for: 0.2...2) }
        agenda.plan(.coordinatorStarts, at: now + random.duration(0.1...15))
    }

    mutating func receive(_ frame: [UInt8], _ connection: Int) {
        addFrameToTrace(frame)
        let route = Self.route(connection)
        guard plantedBug == .readsNonsense || machine?.hears(route) == true else {
            handle(.unread(route))
            return
        }
        let peer = CoordinatorMachine.Peer(route: route, key: keys[connection])
        guard let message = try? Codec.decode(frame, as: MessageToCoordinator.self) else {
            countNonsense(connection)
            handle(.nonsense("simulated", from: peer))
            return
        }
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
        handle(.message(heard, from: peer))
        planAnswers()
    }

    /// Who sends nonsense again and again is read as much as it may be, and no more.
    private mutating func countNonsense(_ connection: Int) {
        var conduct = nonsense[connection] ?? (0, now)
        conduct.count += 1
        nonsense[connection] = conduct
        let seconds = (now - conduct.since).inSeconds
        require(
            Double(conduct.count)
                <= 2 * PeerShares.mostPatience + (seconds + 1) * PeerShares.patiencePerSecond,
            "\(conduct.count) messages without sense were read from one connection")
    }

    private mutating func planAnswers() {
        guard machine?.hasRequests == true, !areAnswersPlanned else { return }
        areAnswersPlanned = true
        agenda.plan(.answers, at: now + random.duration(0.0001...0.02))
    }

    /// A turn of the coordinator's loop, as far as answers go.
    mutating func answerRequests() {
        areAnswersPlanned = false
        answersInTurn = [:]
        handle(.turn)
        while machine?.mayAnswer == true {
            handle(.answerNext)
            if plantedBug == .answersFloods { handle(.turn) }
        }
        planAnswers()
    }

    static func route(_ connection: Int) -> Route {
        Route(withUnsafeBytes(of: connection.bigEndian) { Array($0) })
    }

    /// Of what needs no commit.
    mutating func handleLater(_ event: CoordinatorMachine.Event) {
        _ = machine?.handle(event, at: now)
    }

    mutating func handle(_ event: CoordinatorMachine.Event) {
        guard let effects = decide(event) else { return }
        if machine?.isBusy == true, !isSpareTimePlanned {
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
        checkFiles(of: facts)
        if isFaulty, random.happens(0.004) {
            count(.killedAfterCommit)
            let some = effects.prefix(Int.random(in: 0...effects.count, using: &random))
            if plantedBug != .sendsBeforeCommit { send(Array(some)) }
            killCoordinator()
            return
        }
        if plantedBug != .sendsBeforeCommit { send(effects) }
        for case .sift(let digests) in machine?.handle(.committed(facts), at: now) ?? [] {
            sift(digests)
        }
    }

    private mutating func decide(_ event: CoordinatorMachine.Event) -> [Effect]? {
        guard var machine else { return nil }
        // The only copy, or every change copies all there is.
        self.machine = nil
        var disk = coordinatorDisk
        coordinatorDisk = Disk()
        let effects = machine.decide(event, at: now) { effect, _ in carryOut(effect, &disk) }
        self.machine = machine
        coordinatorDisk = disk
        return effects
    }

    private mutating func send(_ effects: [Effect]) {
        for effect in effects {
            switch effect {
            case .send(let message, let route): send(message, Self.connection(route))
            case .answerFile(let answer, let route): send(.file(answer), Self.connection(route))
            case .answer(let message, let route): countAnswer(message, Self.connection(route))
            case .persist, .file, .weigh, .read, .serve, .sift, .note, .warn: break
            }
        }
    }

    private static func connection(_ route: Route) -> Int {
        Int(truncatingIfNeeded: route.bytes.reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
    }

    /// A status takes many turns; what is answered at once is counted.
    private mutating func countAnswer(_ message: MessageToClient, _ connection: Int) {
        guard case .explanation = message else { return }
        answersInTurn[connection, default: 0] += 1
        require(
            answersInTurn[connection] == 1,
            "one connection has two answers before others have one")
    }

    mutating func send(_ message: MessageToWorker, _ connection: Int) {
        guard let name = owners[connection], workers[name].connection == connection else { return }
        tell("to \(connection), worker-\(name): \(message)")
        switch message {
        case .acknowledge(let attempt, let sequence):
            require(
                sequence == 0 || ledger.remembers(attempt, upTo: sequence),
                "\(attempt): report \(sequence) is acknowledged and not stored")
        case .assign:
            require(
                keys[connection].map { knownRoles[$0] != nil } ?? false,
                "a worker gets work whose key was revoked")
        default: break
        }
        let at = max(now + random.duration(0.0001...0.02), arrivals[connection]?.down ?? now)
        arrivals[connection]?.down = at
        agenda.plan(
            .toWorker(name: name, frame: Codec.encode(message), connection: connection), at: at)
    }
}
