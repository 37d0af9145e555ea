extension Scheduler {
    /// Takes a sweep. Points whose results are known, or that a run will finish anyway, make no
    /// new run; so submitting the same sweep again resumes it, and a larger grid extends it.
    mutating func submit(_ spec: SweepSpec, from route: Route) {
        let limit = 2_000_000
        guard spec.grid.cellCount <= limit else {
            let text = "the grid has \(spec.grid.cellCount) cells; \(limit) is the most"
            effects.append(.send(.rejected(text), to: route))
            return
        }
        let samples = spec.grid.attacks.map { spec.sampleCount(for: $0) }.max() ?? 0
        let stepsOfRun =
            (Double(samples) / Double(max(1, spec.settings.batchSize)) + 1)
            * Double(spec.grid.epochs.max() ?? 1)
        guard stepsOfRun * Double(spec.grid.cellCount) < 1e12 else {
            let text = "the grid comes to more than 10^12 training steps; make it smaller"
            effects.append(.send(.rejected(text), to: route))
            return
        }
        let plan = take(spec)
        let keys = plan.grid.keys
        let id = sweeps.first { $0.spec.name == spec.name }?.id ?? SweepID(0)
        let known = keys.count { finished.contains($0) }
        effects.append(
            .send(
                .submitted(
                    Submission(
                        sweep: id, points: keys.count, finished: known, runs: plan.runs.count,
                        steps: plan.steps)), to: route))
        effects.append(
            .note("sweep \(spec.name): \(keys.count) points, \(plan.runs.count) new runs"))
    }

    /// Plans a sweep and makes the runs that it lacks; one of the same name is replaced.
    mutating func take(_ spec: SweepSpec) -> Plan {
        let place = sweeps.firstIndex { $0.spec.name == spec.name }
        let id = place.map { sweeps[$0].id } ?? SweepID(UInt64(sweeps.count + 1))
        let plan = Plan(spec) { finished.contains($0) || runByPoint[$0] != nil }
        let keys = plan.grid.keys
        effects.append(.persist(.sweepSubmitted(id, spec, plan.grid)))
        let shared = Set(keys.compactMap { runByPoint[$0] })
        var serving = shared.union(create(plan.runs))
        if let place {
            let wanted = Set(keys)
            serving.formUnion(
                sweeps[place].runs.filter { id in
                    guard let run = runs[id], run.state == .completed else { return false }
                    return run.plan.keys.contains { wanted.contains($0) }
                })
            sweeps[place].spec = spec
            sweeps[place].keys = keys
            sweeps[place].runs = serving.sorted()
            setCondition(at: place) { condition in
                if condition.state == .cancelled { condition.state = .active }
            }
            cancelUnwantedRuns()
            countAgain(sweeps[place])
        } else {
            sweeps.append(Sweep(id: id, spec: spec, keys: keys, runs: serving.sorted()))
        }
        // Runs of this sweep that others hold back, or that its own condition makes urgent.
        let isPlain = (place.map { sweeps[$0].condition } ?? SweepCondition()) == SweepCondition()
        if !isPlain || shared.contains(where: { runs[$0]?.state == .waiting }) { rebuildQueue() }
        return plan
    }

    private mutating func create(_ planned: [PlannedRun]) -> [RunID] {
        guard !planned.isEmpty else { return [] }
        let first = runs.last.number + 1
        effects.append(.persist(.runsCreated(RunID(first), planned)))
        return planned.enumerated().map { place, plan in
            let id = RunID(first + UInt64(place))
            runs[id] = Run(plan: plan, state: .waiting)
            for key in plan.keys where !finished.contains(key) && runByPoint[key] == nil {
                runByPoint[key] = id
            }
            enqueue(id, plan)
            return id
        }
    }

    /// Runs that wait for a sweep that has been submitted anew without them.
    private mutating func cancelUnwantedRuns() {
        let unwanted = runs.all.filter { id, run in run.state == .waiting && !isWanted(id) }
        guard !unwanted.isEmpty else { return }
        for (id, run) in unwanted {
            runs[id]?.state = .cancelled
            forget(id, run)
        }
        effects.append(.persist(.runsCancelled(unwanted.map(\.0))))
        rebuildQueue()
    }

    /// How everything stands.
    ///
    /// - Parameter now: Tells how long workers can stay; `nil` leaves that out.
    public func statusReport(at now: Instant? = nil) -> StatusReport {
        let speeds = workers.values.compactMap(\.speed.stepsPerSecond)
        let slotSpeed = speeds.isEmpty ? nil : speeds.sorted().reduce(0, +) / Double(speeds.count)
        let slots = workers.values.reduce(0) { $0 + ($1.isSetAside ? 0 : $1.hello.slots) }
        var statuses = sweeps.map { status(of: $0) }
        // Earlier sweeps' runs are in the way of later ones'.
        var stepsAhead = 0
        for place in statuses.indices {
            stepsAhead += statuses[place].steps - statuses[place].stepsDone
            if statuses[place].isOver {
                statuses[place].secondsLeft = 0
            } else if let slotSpeed, slots > 0 {
                let together = Double(stepsAhead) / (slotSpeed * Double(slots))
                let alone = Double(longestRemainder(of: sweeps[place])) / slotSpeed
                statuses[place].secondsLeft = withEvaluation(max(together, alone), at: now)
            }
        }
        return StatusReport(
            sweeps: statuses,
            workers: workers.values
                .map { worker in
                    StatusReport.Worker(
                        id: worker.hello.worker, host: worker.hello.host,
                        device: worker.hello.device, slots: worker.hello.slots,
                        runs: worker.attempts.sorted().compactMap { attempts[$0]?.run },
                        stepsPerSecond: (worker.speed.stepsPerSecond ?? 0)
                            * Double(worker.attempts.count),
                        isSetAside: worker.isSetAside, isLeaving: worker.isLeaving,
                        secondsLeft: now.flatMap { now in
                            worker.leaves.map { max(0, ($0 - now).inSeconds) }
                        },
                        secondsHere: now.map { max(0, ($0 - worker.joined).inSeconds) })
                }
                .sorted { $0.id < $1.id })
    }

    /// After its last step a run still has to be evaluated. Without steps left, `nil` until it is
    /// known how long that takes.
    private func withEvaluation(_ seconds: Double, at now: Instant?) -> Double? {
        let known = workers.values.compactMap(\.speed.evaluationSeconds)
        guard let longest = known.max() else { return seconds > 0 ? seconds : nil }
        let begun = now.flatMap { now in workers.values.map { $0.speed.evaluating(at: now) }.max() }
        return seconds > 0 ? seconds + longest : max(1, longest - (begun ?? 0))
    }

    /// Steps that the longest unfinished run of the sweep still needs.
    private func longestRemainder(of sweep: Sweep) -> Int {
        sweep.runs.compactMap { id in
            switch runs[id]?.state {
            case .waiting, .assigned: runs[id].map { $0.plan.steps - stepsKept(id, $0.plan) }
            case .running(_, let done): runs[id].map { $0.plan.steps - done }
            case .completed, .failed, .cancelled, nil: nil
            }
        }.max() ?? 0
    }

    private func status(of sweep: Sweep) -> StatusReport.Sweep {
        var status = StatusReport.Sweep(
            id: sweep.id, name: sweep.spec.name, points: sweep.keys.count,
            finishedPoints: sweep.keys.count { finished.contains($0) }, failedPoints: 0,
            waitingRuns: 0, activeRuns: 0, completedRuns: 0, failedRuns: 0, steps: 0,
            stepsDone: 0, secondsLeft: nil, condition: sweep.condition,
            trainer: sweep.spec.trainer)
        for id in sweep.runs {
            guard let run = runs[id] else { continue }
            var done = 0
            if run.state == .cancelled { continue }
            status.steps += run.plan.steps
            switch run.state {
            case .cancelled: break
            case .waiting:
                status.waitingRuns += 1
                done = stepsKept(id, run.plan)
            case .assigned:
                status.activeRuns += 1
                done = stepsKept(id, run.plan)
            case .running(_, let steps):
                status.activeRuns += 1
                done = steps
            case .completed:
                status.completedRuns += 1
                done = run.plan.steps
            case .failed:
                status.failedRuns += 1
                done = run.plan.steps
                status.failedPoints += run.plan.milestones.count { !finished.contains($0.key) }
            }
            status.stepsDone += done
        }
        return status
    }
}
