/// How everything stands. Of large sweeps that takes a while, so it is counted in slices, between
/// other things.
extension Scheduler {
    /// Who waits for the answer that is being counted; beyond these nobody is told.
    private static let mostWaiting = 1_024

    /// An answer on its way.
    struct StatusPass: Sendable {
        var routes: [Route]
        var rest: [Tally]
        var done: [Tally] = []

        init(_ sweeps: [Sweep], for route: Route) {
            routes = [route]
            rest = sweeps.reversed().map(Tally.init)
        }
    }

    /// One sweep, counted so far.
    struct Tally: Sendable {
        let sweep: Sweep
        var status: StatusReport.Sweep
        /// Steps that the longest unfinished run still needs.
        var longest = 0
        /// Points that a run has failed on and that have no result; several runs may have tried.
        var failed: Set<PointKey> = []
        var nextKey = 0
        var nextRun = 0

        init(_ sweep: Sweep) {
            self.sweep = sweep
            status = StatusReport.Sweep(
                id: sweep.id, name: sweep.spec.name, points: sweep.keys.count, finishedPoints: 0,
                failedPoints: 0, waitingRuns: 0, activeRuns: 0, completedRuns: 0, failedRuns: 0,
                steps: 0, stepsDone: 0, secondsLeft: nil, condition: sweep.condition,
                trainer: sweep.spec.trainer)
        }
    }

    mutating func answerStatus(to route: Route, at now: Instant) {
        guard statusPass == nil else {
            if statusPass?.routes.contains(route) == false,
                statusPass?.routes.count ?? 0 < Self.mostWaiting
            {
                statusPass?.routes.append(route)
            }
            return
        }
        statusPass = StatusPass(sweeps, for: route)
        count(at: now)
    }

    /// Counts a slice; the answer, once everything is counted.
    mutating func count(at now: Instant) {
        guard var pass = statusPass else { return }
        // It is worked on alone, without a copy of it.
        statusPass = nil
        // To count is a quarter of the work that to plan is.
        var budget = 4 * configuration.itemsInASlice
        while budget > 0, var tally = pass.rest.popLast() {
            if count(&tally, &budget) {
                pass.done.append(tally)
            } else {
                pass.rest.append(tally)
            }
        }
        guard pass.rest.isEmpty else {
            statusPass = pass
            return
        }
        let report = report(on: pass.done, at: now)
        for route in pass.routes { effects.append(.answer(.status(report), to: route)) }
    }

    /// How everything stands, counted at once.
    ///
    /// - Parameter now: Tells how long workers can stay; `nil` leaves that out.
    public func statusReport(at now: Instant? = nil) -> StatusReport {
        let tallies = sweeps.map { sweep in
            var tally = Tally(sweep)
            var budget = Int.max
            _ = count(&tally, &budget)
            return tally
        }
        return report(on: tallies, at: now)
    }

    /// - Returns: whether all of the sweep is counted.
    private func count(_ tally: inout Tally, _ budget: inout Int) -> Bool {
        budget -= 1
        let keys = tally.sweep.keys
        while tally.nextKey < keys.count, budget > 0 {
            if finished.contains(keys[tally.nextKey]) { tally.status.finishedPoints += 1 }
            tally.nextKey += 1
            budget -= 1
        }
        let ids = tally.sweep.runs
        while tally.nextRun < ids.count, budget > 0 {
            if let run = runs[ids[tally.nextRun]] { add(ids[tally.nextRun], run, to: &tally) }
            tally.nextRun += 1
            budget -= 1
        }
        return tally.nextKey == keys.count && tally.nextRun == ids.count
    }

    private func add(_ id: RunID, _ run: Run, to tally: inout Tally) {
        let done: Int
        switch run.state {
        case .cancelled: return
        case .waiting where tally.sweep.condition.state == .cancelled: return
        case .waiting:
            tally.status.waitingRuns += 1
            done = stepsKept(id, run.plan)
            tally.longest = max(tally.longest, run.plan.steps - done)
        case .active(let leases):
            tally.status.activeRuns += 1
            done = leases.stepsDone ?? stepsKept(id, run.plan)
            tally.longest = max(tally.longest, run.plan.steps - done)
        case .completed:
            tally.status.completedRuns += 1
            done = run.plan.steps
        case .failed:
            tally.status.failedRuns += 1
            done = run.plan.steps
            for milestone in run.plan.milestones where !finished.contains(milestone.key) {
                tally.failed.insert(milestone.key)
            }
            // Those of other sweeps are not among its points.
            tally.status.failedPoints = min(
                tally.failed.count, tally.status.points - tally.status.finishedPoints)
        }
        tally.status.steps += run.plan.steps
        tally.status.stepsDone += done
    }

    private func report(on tallies: [Tally], at now: Instant?) -> StatusReport {
        var statuses = tallies.map(\.status)
        for kind in TrainerKind.allCases { predict(tallies, of: kind, &statuses) }
        return StatusReport(
            sweeps: statuses,
            workers: workers.values.map { status(of: $0, at: now) }.sorted { $0.id < $1.id },
            incoming: incoming)
    }

    /// When the sweeps for trainers of a kind will be over. Workers of the other kind do nothing
    /// for them, and their pace says nothing about them.
    private func predict(
        _ tallies: [Tally], of kind: TrainerKind, _ statuses: inout [StatusReport.Sweep]
    ) {
        let able = workers.values.filter { $0.hello.trainer == kind }
        let speeds = able.compactMap(\.speed.stepsPerSecond).sorted()
        let slotSpeed = speeds.isEmpty ? nil : speeds.reduce(0, +) / Double(speeds.count)
        let slots = able.reduce(0) { $0 + ($1.isSetAside ? 0 : $1.hello.slots) }
        // Earlier sweeps' runs are in the way of later ones'.
        var stepsAhead = 0
        for place in statuses.indices where statuses[place].trainer == kind {
            stepsAhead += statuses[place].steps - statuses[place].stepsDone
            if statuses[place].isOver {
                statuses[place].secondsLeft = 0
            } else if let slotSpeed, slotSpeed > 0, slots > 0 {
                let together = Double(stepsAhead) / (slotSpeed * Double(slots))
                let alone = Double(tallies[place].longest) / slotSpeed
                statuses[place].secondsLeft = min(
                    max(together, alone), MessageToCoordinator.mostSeconds)
            }
        }
    }

    private func status(of worker: Worker, at now: Instant?) -> StatusReport.Worker {
        StatusReport.Worker(
            id: worker.hello.worker, host: worker.hello.host, device: worker.hello.device,
            slots: worker.hello.slots,
            runs: worker.attempts.compactMap { attempts[$0]?.run }.sorted(),
            stepsPerSecond: (worker.speed.stepsPerSecond ?? 0) * Double(worker.attempts.count),
            isSetAside: worker.isSetAside, isLeaving: worker.isLeaving,
            secondsLeft: now.flatMap { now in
                worker.leaves.map { max(0, ($0 - now).inSeconds) }
            },
            secondsHere: now.map { max(0, ($0 - worker.joined).inSeconds) })
    }
}
