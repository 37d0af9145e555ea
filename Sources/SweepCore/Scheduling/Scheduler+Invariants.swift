extension Scheduler {
    /// Traps with the state in words if the bookkeeping contradicts itself. Called after every
    /// event in tests and in simulation.
    public func checkInvariants() {
        let queued = Set(waiting.entries.map(\.run))
        let attempted = Set(attempts.values.map(\.run))
        for (id, run) in runs.all {
            switch run.state {
            case .waiting:
                precondition(
                    queued.contains(id) == (run.priority != nil),
                    "\(id) waits but is not queued, or is held but queued")
            case .assigned(let lease), .running(let lease, stepsDone: _):
                precondition(
                    attempts[lease.attempt]?.run == id, "\(id): \(lease.attempt) is not its attempt"
                )
                precondition(
                    workers[lease.worker] == nil
                        || workers[lease.worker]?.attempts.contains(lease.attempt) == true
                        || lease.worker == attempts[lease.attempt]?.worker,
                    "\(lease.worker) does not know of \(lease.attempt)")
            case .completed:
                precondition(
                    run.plan.milestones.allSatisfy { finished.contains($0.key) },
                    "\(id) is completed without all its points")
            case .cancelled: break
            case .failed:
                precondition(isGivenUp(after: run.failures), "\(id) was given up early")
            }
            precondition(
                !run.isOver || !attempted.contains(id), "\(id) is over but has attempts")
        }
        for (id, worker) in workers {
            precondition(workerByRoute[worker.route] == id, "\(id) is not at its route")
            for attempt in worker.attempts {
                precondition(
                    attempts[attempt].map { holdsLease(attempt, on: $0.run) } == true,
                    "\(id) holds \(attempt), which has no lease")
            }
            precondition(
                remainingSlots(of: worker) <= 0 || free.contains(id),
                "\(id) is free but not offered")
        }
        for (id, lease) in seconds {
            precondition(
                runs[id]?.lease.map { $0.attempt != lease.attempt } == true,
                "\(id) has a second attempt without a first")
        }
        for id in states.keys {
            precondition(runs[id]?.isOver == false, "\(id) is over but has a state")
        }
        for (key, id) in keepers {
            precondition(
                runs[id]?.isOver == false && finished.contains(key),
                "\(id) is to leave files of \(key), but is over")
        }
        precondition(effects.isEmpty, "effects were left behind")
    }
}
