extension Scheduler {
    /// Traps with the state in words if the bookkeeping contradicts itself. Called after every
    /// event in tests and in simulation.
    public func checkInvariants() {
        checkRuns()
        checkWorkers()
        checkWhatIsKept()
        checkSweeps()
        precondition(effects.isEmpty, "effects were left behind")
    }

    private func checkRuns() {
        let queued = Dictionary(
            waiting.lines.map { ($0.sweep, Set($0.entries.map(\.run))) },
            uniquingKeysWith: { $0.union($1) })
        let attempted = Set(attempts.values.map(\.run))
        for (id, run) in runs.all {
            switch run.state {
            case .waiting:
                for sweep in sweeps
                where sweep.condition.state != .cancelled && sweep.contains(id) {
                    precondition(
                        sweep.trial[id] != nil || queued[sweep.id]?.contains(id) == true,
                        "\(id) waits but is not in the line of \(sweep.spec.name)")
                }
            case .active(let leases):
                for lease in leases.all { check(lease, on: id) }
                precondition(
                    leases.first.attempt != leases.second?.attempt, "\(id) has a lease twice")
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
    }

    private func check(_ lease: Lease, on id: RunID) {
        precondition(
            attempts[lease.attempt]?.run == id && attempts[lease.attempt]?.worker == lease.worker,
            "\(id): \(lease.attempt) is not its attempt on \(lease.worker)")
        precondition(
            attempts[lease.attempt]?.isClosed == false, "\(lease.attempt) has ended, with a lease")
        precondition(
            workers[lease.worker]?.attempts.contains(lease.attempt) == true
                || unconfirmed[lease.worker]?.contains(lease.attempt) == true,
            "\(lease.worker) does not know of \(lease.attempt)")
    }

    private func checkWorkers() {
        for (id, worker) in workers {
            precondition(workerByRoute[worker.route] == id, "\(id) is not at its route")
            for attempt in worker.attempts {
                precondition(
                    attempts[attempt].flatMap { lease(of: attempt, on: $0.run) } != nil,
                    "\(id) holds \(attempt), which has no lease")
            }
            precondition(
                remainingSlots(of: worker) <= 0 || free.contains(id),
                "\(id) is free but not offered")
        }
    }

    private func checkWhatIsKept() {
        for id in states.keys {
            precondition(runs[id]?.isOver == false, "\(id) is over but has a state")
        }
        for (key, id) in keepers {
            precondition(
                runs[id]?.isOver == false && finished.contains(key),
                "\(id) is to leave files of \(key), but is over")
        }
    }

    private func checkSweeps() {
        for sweep in sweeps {
            let open =
                sweep.condition.state == .cancelled
                ? 0 : sweep.runs.count { runs[$0]?.isOver == false }
            precondition(
                sweep.openRuns == open,
                "\(sweep.spec.name) has \(open) open runs, not \(sweep.openRuns)")
            precondition(
                waiting.lines.allSatisfy { $0.sweep != sweep.id || $0.priority == sweep.urgency },
                "\(sweep.spec.name) has a line that is not as urgent")
        }
        precondition(
            waiting.count
                == waiting.lines.reduce(0) { $0 + ($1.priority == nil ? 0 : $1.entries.count) },
            "the waiting runs are counted wrong")
    }
}
