/// The state that a coordinator goes on with when it is started again.
extension Scheduler {
    mutating func restore(_ snapshot: Snapshot, at now: Instant) {
        finished = PointSet(snapshot.finished)
        lastAttempt = snapshot.lastAttempt
        states = snapshot.states
        leftBehind = LeftBehind(snapshot)
        for run in snapshot.runs { restore(run, at: now) }
        for attempt in snapshot.attempts { restore(attempt, at: now) }
        restoreSweeps(snapshot)
        for place in sweeps.indices { enqueueWaitingRuns(of: place) }
    }

    private mutating func restore(_ run: Snapshot.Run, at now: Instant) {
        var state = Run.State.waiting
        switch run.state {
        case .waiting: break
        case .active(let attempt, let worker):
            state = .active(Leases(restoredLease(of: attempt, worker, at: now)))
            unconfirmed[worker, default: []].insert(attempt)
        case .completed: state = .completed
        case .failed(let error): state = .failed(error)
        case .cancelled: state = .cancelled
        }
        runs[run.id] = Run(plan: run.plan, state: state, failures: run.failures)
        if runs[run.id]?.isOver == false {
            for key in run.plan.keys where !finished.contains(key) { runByPoint[key] = run.id }
            recordKeeper(run.id, run.plan)
        }
    }

    private mutating func restore(_ attempt: Snapshot.Attempt, at now: Instant) {
        attempts[attempt.id] = Attempt(
            run: attempt.run, worker: attempt.worker, acknowledged: attempt.acknowledged,
            isClosed: attempt.isClosed, began: now)
        runs[attempt.run]?.attempts.append(attempt.id)
        if attempt.isOpen, var leases = runs[attempt.run]?.leases, leases[attempt.id] == nil {
            leases.add(restoredLease(of: attempt.id, attempt.worker, at: now))
            runs[attempt.run]?.state = .active(leases)
            unconfirmed[attempt.worker, default: []].insert(attempt.id)
        }
    }

    /// The worker has one lease's time to say hello.
    private func restoredLease(
        of attempt: AttemptID, _ worker: WorkerID, at now: Instant
    ) -> Lease {
        Lease(attempt: attempt, worker: worker, expires: now + configuration.lease)
    }

    private mutating func restoreSweeps(_ snapshot: Snapshot) {
        // Mostly one each; the newest last.
        var newest = PointTable<RunID>()
        var older: [PointKey: [RunID]] = [:]
        for run in snapshot.runs {
            for milestone in run.plan.milestones {
                if let before = newest[milestone.key] {
                    older[milestone.key, default: []].append(before)
                }
                newest[milestone.key] = run.id
            }
        }
        func serving(_ key: PointKey, before limit: RunID) -> [RunID] {
            let ids = ((older[key] ?? []) + (newest[key].map { [$0] } ?? [])).filter { $0 < limit }
            return ids.filter { id in
                switch runs[id]?.state {
                case .completed: true
                // A run that failed counts only for points that are still without a result.
                case .failed: id == ids.last && !finished.contains(key)
                case .waiting, .active, .cancelled, nil: id == ids.last
                }
            }
        }
        sweeps = snapshot.sweeps.map { sweep in
            let limit = sweep.firstLaterRun
            let ids = Set(sweep.keys.flatMap { serving($0, before: limit) }).sorted()
            return Sweep(
                id: sweep.id, spec: sweep.spec, keys: sweep.keys, runs: ids,
                openRuns: sweep.condition.state == .cancelled
                    ? 0 : ids.count { runs[$0]?.isOver == false },
                submissions: sweep.submissions,
                condition: sweep.condition)
        }
    }

    /// What waits of a sweep stands in its line again.
    private mutating func enqueueWaitingRuns(of place: Int) {
        let sweep = sweeps[place]
        sweeps[place].isProven =
            sweep.runs.contains { runs[$0]?.state == .completed }
            || sweep.keys.contains { finished.contains($0) }
        guard sweep.condition.state != .cancelled else { return }
        for id in sweep.runs {
            if let run = runs[id], run.state == .waiting { enqueue(id, run.plan, of: sweep) }
        }
    }
}
