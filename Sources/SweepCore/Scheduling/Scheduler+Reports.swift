extension Scheduler {
    /// Takes reports in their order, each once. `(attempt, sequence)` decides: the next one counts,
    /// earlier ones are acknowledged again, later ones wait until the gap before them is filled.
    mutating func accept(_ report: Report, from route: Route, at now: Instant) {
        guard let worker = workerByRoute[route] else {
            effects.append(.send(.identify, to: route))
            return
        }
        workers[worker]?.lastSeen = now
        guard report.sequence > 0 else {
            droppedMessages += 1
            return reject("reports are numbered from 1, and this one has the sequence 0", route)
        }
        guard let attempt = attempts[report.attempt] else {
            droppedMessages += 1
            guard report.attempt <= lastAttempt else {
                return reject("there was no \(report.attempt)", route)
            }
            // The run is over; the worker need not keep the report.
            acknowledge(report.attempt, upTo: report.sequence, to: route)
            return
        }
        guard attempt.worker == worker else {
            droppedMessages += 1
            return reject("\(report.attempt) was not given to \(worker)", route)
        }
        if report.sequence == attempt.acknowledged + 1 {
            attempts[report.attempt]?.acknowledged = report.sequence
            effects.append(.persist(.reportsStored(report.attempt, upTo: report.sequence)))
            apply(report.event, of: report.attempt, attempt, at: now)
            acknowledge(report.attempt, upTo: report.sequence, to: route)
        } else {
            droppedMessages += 1
            acknowledge(report.attempt, upTo: attempt.acknowledged, to: route)
        }
    }

    private mutating func acknowledge(_ id: AttemptID, upTo sequence: UInt64, to route: Route) {
        effects.append(.send(.acknowledge(id, upTo: sequence), to: route))
    }

    private mutating func apply(
        _ event: Report.Event, of id: AttemptID, _ attempt: Attempt, at now: Instant
    ) {
        guard let run = runs[attempt.run], !run.isOver else { return }
        if let lie = contradiction(in: event, of: run) {
            return expose(lie, of: id, attempt, run)
        }
        switch event {
        case .epoch(let metrics, let parameters, let seconds):
            workers[attempt.worker]?.speed.recordEvaluation(of: id, at: now)
            recordEpoch(
                metrics, parameters: parameters, seconds: seconds, of: attempt.run, run, in: id)
            let steps = run.plan.steps / max(1, run.plan.epochs) * metrics.epoch
            if lease(of: id, on: attempt.run) != nil {
                renewLease(id, of: attempt.worker, stepsDone: steps, at: now)
            }
        case .artifact(let artifact):
            keep(artifact, of: attempt.run)
        case .completed(let seconds):
            complete(attempt.run, run, by: id, seconds: seconds)
        case .failed(let error):
            guard lease(of: id, on: attempt.run) != nil else { return }
            fail(attempt.run, run, in: id, on: attempt.worker, error: error)
        case .handedBack:
            guard lease(of: id, on: attempt.run) != nil else { return }
            let isOrphaned = withdraw(id, attempt)
            attempts[id]?.isClosed = true
            // What an earlier process of the name was given is only cleared up.
            if let joined = workers[attempt.worker]?.joined, attempt.began >= joined {
                workers[attempt.worker]?.isLeaving = true
            }
            effects.append(.persist(.attemptEnded(id, .handedBack)))
            if isOrphaned { putBack(attempt.run, run) }
        }
    }

    /// What can't have come out of this run, in words.
    private func contradiction(in event: Report.Event, of run: Run) -> String? {
        let check = ReportCheck(spec: run.plan.spec)
        switch event {
        case .epoch(let metrics, let parameters, let seconds):
            return check.contradiction(
                in: metrics, trainableParameters: parameters, seconds: seconds)
        case .completed(let seconds): return check.contradiction(inSeconds: seconds)
        case .artifact(let artifact):
            let epochs = run.plan.epochs
            return artifact.epoch <= epochs
                ? nil : "a file of epoch \(artifact.epoch) of a run of \(counted(epochs, "epoch"))"
        case .failed, .handedBack: return nil
        }
    }

    /// A worker that reports what can't be is blamed at once, and its attempt has failed.
    private mutating func expose(_ lie: String, of id: AttemptID, _ attempt: Attempt, _ run: Run) {
        droppedMessages += 1
        guard lease(of: id, on: attempt.run) != nil else { return }
        if let route = workers[attempt.worker]?.route {
            effects.append(.send(.revoke(id), to: route))
        }
        let error = "the worker reported what can't be: \(lie)"
        fail(attempt.run, run, in: id, on: attempt.worker, error: error)
        blame(attempt.worker)
    }

    private mutating func keep(_ artifact: Artifact, of run: RunID) {
        guard artifact.size > 0 else {
            return effects.append(.note("\(run): the file of a \(artifact.kind) is gone"))
        }
        switch artifact.kind {
        case .checkpoint, .hiddenStates:
            effects.append(.persist(.artifactKept(run, artifact)))
            recordPiece(artifact, of: run)
        case .state:
            let known = states[run]
            if known?.file.digest == artifact.file.digest { return }
            if let known, known.steps >= artifact.steps {
                return effects.append(.persist(.artifactDropped(run, artifact)))
            }
            effects.append(.persist(.artifactKept(run, artifact)))
            if let known { effects.append(.persist(.artifactDropped(run, known))) }
            states[run] = artifact
        }
    }

    private mutating func recordEpoch(
        _ metrics: EpochMetrics, parameters: Int, seconds: Double, of id: RunID, _ run: Run,
        in attempt: AttemptID
    ) {
        effects.append(.persist(.epochMeasured(id, attempt, metrics, seconds: seconds)))
        for milestone in run.plan.milestones where milestone.epoch == metrics.epoch {
            if finished.insert(milestone.key) {
                effects.append(
                    .persist(
                        .pointFinished(
                            milestone.key, id, attempt, metrics, trainableParameters: parameters))
                )
            }
        }
    }

    private mutating func complete(
        _ id: RunID, _ run: Run, by attempt: AttemptID, seconds: Double
    ) {
        if let missing = run.plan.milestones.first(where: { !finished.contains($0.key) }) {
            let error = "the trainer said it was done without a result of epoch \(missing.epoch)"
            if lease(of: attempt, on: id) != nil, let worker = attempts[attempt]?.worker {
                fail(id, run, in: attempt, on: worker, error: error)
            }
            return
        }
        let worker = attempts[attempt]?.worker
        let steps = run.plan.steps - (attempts[attempt]?.stepsBefore ?? 0)
        if let worker {
            let before = workers[worker]?.secondsOfARun ?? seconds
            workers[worker]?.secondsOfARun = 0.8 * before + 0.2 * seconds
            // Where nothing was left to train it tells nothing.
            if steps > 0 {
                let pace = Double(steps) / max(seconds, 1e-6)
                let paceBefore = workers[worker]?.pace ?? pace
                workers[worker]?.pace = 0.8 * paceBefore + 0.2 * pace
            }
        }
        for lease in runs[id]?.leases?.all ?? [] {
            release(lease.attempt, of: lease.worker)
            if lease.attempt != attempt { revoke(lease, why: "\(attempt) was done first") }
        }
        runs[id]?.state = .completed
        effects.append(.persist(.attemptEnded(attempt, .completed)))
        effects.append(
            .persist(
                .runCompleted(id, attempt, steps: steps, seconds: seconds)))
        prove(id)
        if let worker {
            workers[worker]?.blamedFailures = 0
            for failure in run.failures where failure.worker != worker { blame(failure.worker) }
        }
        keepLastState(of: id, run)
        forget(id, run)
    }

    private mutating func fail(
        _ id: RunID, _ run: Run, in attempt: AttemptID, on worker: WorkerID, error: String
    ) {
        let isOrphaned = attempts[attempt].map { withdraw(attempt, $0) } ?? true
        attempts[attempt]?.isClosed = true
        effects.append(.persist(.attemptEnded(attempt, .failed(error))))
        effects.append(.note("\(id), \(attempt) on \(worker): failed: \(error)"))
        runs[id]?.failures.append(Failure(worker: worker, error: error))
        guard isOrphaned, let failures = runs[id]?.failures else { return }
        if holdBack(id, after: Failure(worker: worker, error: error)) { return }
        if isGivenUp(after: failures) {
            let error = Self.words(for: failures)
            runs[id]?.state = .failed(error)
            let unfinished = run.plan.keys.filter { runByPoint[$0] == id }
            effects.append(.persist(.runFailed(id, error: error, points: unfinished)))
            forget(id, run)
        } else if let run = runs[id] {
            putBack(id, run)
        }
    }

    /// What fails on two workers is not the workers' fault.
    func isGivenUp(after failures: [Failure]) -> Bool {
        failures.count > configuration.maxRetries || Set(failures.map(\.worker)).count > 1
    }

    /// The last error of each worker that the run failed on.
    private static func words(for failures: [Failure]) -> String {
        var last: [WorkerID: String] = [:]
        for failure in failures { last[failure.worker] = failure.error }
        guard last.count > 1 else { return failures.last?.error ?? "" }
        return last.sorted { $0.key < $1.key }.map { "on \($0.key): \($0.value)" }
            .joined(separator: "\n")
    }

    /// The circuit breaker: a worker on which runs fail that succeed elsewhere gets no more work.
    private mutating func blame(_ id: WorkerID) {
        guard var worker = workers[id] else { return }
        worker.blamedFailures += 1
        if worker.blamedFailures >= configuration.failuresUntilSetAside, !worker.isSetAside {
            worker.isSetAside = true
            effects.append(
                .note(
                    "worker \(id) is put aside: \(worker.blamedFailures) runs failed there that "
                        + "succeeded elsewhere, or came back with figures that can't be; look "
                        + "at its log and start it anew"))
        }
        workers[id] = worker
    }

    /// A run whose attempt is over waits again, or is cancelled if meanwhile nobody wants it.
    mutating func putBack(_ id: RunID, _ run: Run) {
        if isWanted(id) {
            runs[id]?.state = .waiting
            enqueue(id, run.plan)
        } else {
            runs[id]?.state = .cancelled
            effects.append(.persist(.runsCancelled([id])))
            forget(id, run)
        }
    }

    /// Whether a sweep that is not cancelled has the run among its own.
    func isWanted(_ id: RunID) -> Bool {
        sweeps.contains { $0.condition.state != .cancelled && $0.contains(id) }
    }

    /// Whether the run serves, or served, a point of the sweep.
    public func serves(_ id: RunID, _ sweep: SweepID) -> Bool {
        place(of: sweep).map { sweeps[$0].contains(id) } ?? false
    }

    /// A run that is over needs no bookkeeping but its state.
    mutating func forget(_ id: RunID, _ run: Run) {
        for key in run.plan.keys where runByPoint[key] == id { runByPoint[key] = nil }
        if keepers[run.plan.lastKey] == id { keepers[run.plan.lastKey] = nil }
        for attempt in run.attempts { attempts[attempt] = nil }
        // The run's earlier copy has no second attempt.
        for attempt in runs[id]?.attempts ?? [] { attempts[attempt] = nil }
        runEnded(id)
        if let state = states.removeValue(forKey: id) {
            effects.append(.persist(.artifactDropped(id, state)))
        }
    }
}
