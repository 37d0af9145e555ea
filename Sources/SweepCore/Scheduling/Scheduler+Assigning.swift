extension Scheduler {
    /// Gives waiting runs to free slots, a slot to each free worker in turn.
    mutating func assignWork(at now: Instant) {
        var passedOver: [WorkerID] = []
        while waiting.count > 0, let id = free.popFirst() {
            guard let worker = workers[id], room(of: worker) > 0 else { continue }
            guard let run = popRun(for: worker, at: now) else {
                passedOver.append(id)
                continue
            }
            assign(run, to: id, at: now)
            offer(id)
        }
        // They come first next time: what is free stays free in the order it became so.
        free.prepend(passedOver)
    }

    /// The best waiting run that this worker may have.
    private mutating func popRun(for worker: Worker, at now: Instant) -> RunID? {
        var skipped: [WaitingQueue.Taken] = []
        defer { for taken in skipped { waiting.insert(taken) } }
        while let taken = waiting.popFirst(preferring: worker.affinity, for: worker.hello) {
            let id = taken.entry.run
            // Those taken from the line of another sweep wait no more, or are held back.
            guard let run = runs[id], run.state == .waiting,
                let sweep = place(of: taken.sweep), sweeps[sweep].trial[id] == nil
            else { continue }
            if canFinish(id, run, on: worker, at: now),
                !shouldGoElsewhere(id, run, than: worker, at: now)
            {
                return id
            }
            skipped.append(taken)
        }
        return nil
    }

    func canFinish(
        _ id: RunID, _ run: Run, on worker: Worker, at now: Instant
    ) -> Bool {
        guard let leaves = worker.leaves else { return true }
        guard leaves > now else { return false }
        let isLong = leaves - now >= configuration.leastStay
        // What it does not finish it hands over with its state.
        if isLong, worker.hello.keepsStates { return true }
        guard let seconds = secondsNeeded(for: id, run, on: worker) else { return isLong }
        return seconds <= (leaves - now).inSeconds
    }

    /// A run that failed here is better tried on a worker where it has not, if one may have it.
    private func shouldGoElsewhere(
        _ id: RunID, _ run: Run, than worker: Worker, at now: Instant
    ) -> Bool {
        let failedOn = Set(run.failures.map(\.worker))
        guard failedOn.contains(worker.hello.worker) else { return false }
        let affinity = run.plan.grid.affinity
        return workers.values.contains { other in
            !failedOn.contains(other.hello.worker) && !other.isSetAside && !other.isLeaving
                && affinity.suits(other.hello)
                && canFinish(id, run, on: other, at: now)
        }
    }

    /// Begins an attempt. Where the run is in training already, that goes on.
    mutating func assign(_ id: RunID, to worker: WorkerID, at now: Instant) {
        guard let run = runs[id], let route = workers[worker]?.route else { return }
        let attempt = AttemptID(lastAttempt.number + 1)
        lastAttempt = attempt
        attempts[attempt] = Attempt(
            run: id, worker: worker, stepsBefore: stepsKept(id, run.plan), began: now)
        runs[id]?.attempts.append(attempt)
        let lease = Lease(attempt: attempt, worker: worker, expires: now + configuration.lease)
        var leases = run.leases
        leases?.add(lease)
        runs[id]?.state = .active(leases ?? Leases(lease))
        workers[worker]?.attempts.insert(attempt)
        workers[worker]?.affinity = run.plan.grid.affinity
        effects.append(.persist(.attemptStarted(attempt, id, worker, isSecond: leases != nil)))
        effects.append(
            .send(
                .assign(
                    Assignment(
                        attempt: attempt, run: id, spec: run.plan.spec, keep: run.plan.keep,
                        checkpoint: states[id], keepsAtStart: owesFiles(id, run))),
                to: route))
    }
}
