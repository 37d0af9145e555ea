/// At the end of the work a run on a slow worker keeps everybody waiting. It is then begun a second
/// time on a worker that has nothing to do; the first result wins, the other attempt is stopped.
extension Scheduler {
    /// `nil`: the attempt has no lease on the run.
    func lease(of id: AttemptID, on run: RunID) -> Lease? { runs[run]?.leases?[id] }

    /// Takes the lease of an attempt away. `true`: nobody trains the run any more.
    mutating func withdraw(_ id: AttemptID, _ attempt: Attempt) -> Bool {
        release(id, of: attempt.worker)
        guard let rest = runs[attempt.run]?.leases?.without(id) else { return true }
        runs[attempt.run]?.state = .active(rest)
        return false
    }

    /// The attempt is not needed any more: its worker stops it.
    mutating func revoke(_ lease: Lease, why: String) {
        effects.append(.persist(.attemptEnded(lease.attempt, .lost(why))))
        if let route = workers[lease.worker]?.route {
            effects.append(.send(.revoke(lease.attempt), to: route))
        }
    }

    /// Expected seconds of a run that begins there now; `nil` before any worker has been timed.
    func secondsNeeded(for id: RunID, _ run: Run, on worker: Worker) -> Double? {
        let known = worker.pace ?? worker.speed.stepsPerSecond
        guard let pace = known ?? typicalPace(of: worker.hello.trainer), pace > 0
        else { return nil }
        return Double(run.plan.steps - stepsKept(id, run.plan)) / pace
    }

    /// Steps per second of the median worker with such trainers.
    private func typicalPace(of kind: TrainerKind) -> Double? {
        let paces = workers.values.filter { $0.hello.trainer == kind }
            .compactMap { $0.pace ?? $0.speed.stepsPerSecond }.sorted()
        return paces.isEmpty ? nil : paces[paces.count / 2]
    }

    mutating func speculate(at now: Instant) {
        guard let leastGain = configuration.leastGain, waiting.count == 0, free.count > 0
        else { return }
        var stragglers = stragglers(at: now, leastGain)
        guard !stragglers.isEmpty else { return }
        var idle: [WorkerID] = []
        while let id = free.popFirst() {
            idle.append(id)
            guard let worker = workers[id], remainingSlots(of: worker) > 0 else { continue }
            let place = stragglers.firstIndex { straggler in
                guard let run = runs[straggler.run], run.leases?.first.worker != id,
                    !run.failures.contains(where: { $0.worker == id }),
                    run.plan.grid.affinity.suits(worker.hello),
                    canFinish(straggler.run, run, on: worker, at: now),
                    let seconds = secondsNeeded(for: straggler.run, run, on: worker)
                else { return false }
                return straggler.secondsLeft > 2 * seconds + leastGain.inSeconds
            }
            guard let place else { continue }
            let run = stragglers.remove(at: place).run
            assign(run, to: id, at: now)
            effects.append(.note("\(run) is slow; \(id) begins it a second time"))
        }
        for id in idle { offer(id) }
    }

    private typealias Straggler = (run: RunID, secondsLeft: Double)

    /// Runs with one attempt in training, the one that will take longest first. An attempt that
    /// does not get on will take for ever.
    private func stragglers(at now: Instant, _ leastGain: Duration) -> [Straggler] {
        var found: [Straggler] = []
        for worker in workers.values {
            for id in worker.attempts {
                guard let attempt = attempts[id], let run = runs[attempt.run],
                    let leases = run.leases, leases.second == nil, urgency(of: attempt.run) != nil
                else { continue }
                let done = max(attempt.stepsBefore, leases.stepsDone ?? 0)
                let elapsed = max(1e-3, (now - attempt.began).inSeconds)
                let rate = Double(done - attempt.stepsBefore) / elapsed
                let left = Double(run.plan.steps - done)
                // Some tell of epochs only: nothing yet is not slow until it should be done.
                let expected = secondsNeeded(for: attempt.run, run, on: worker)
                let isStuck = expected.map { elapsed > 2 * $0 + leastGain.inSeconds } ?? false
                let secondsLeft = rate > 0 ? left / rate : isStuck ? Double.infinity : 0
                found.append((attempt.run, secondsLeft))
            }
        }
        return found.sorted { ($1.secondsLeft, $0.run) < ($0.secondsLeft, $1.run) }
    }
}
