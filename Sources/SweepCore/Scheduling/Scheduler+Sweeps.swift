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
        let place = sweeps.firstIndex { $0.spec.name == spec.name }
        let id = place.map { sweeps[$0].id } ?? SweepID(UInt64(sweeps.count + 1))
        let plan = Plan(spec) { finished.contains($0) || runByPoint[$0] != nil }
        effects.append(.persist(.sweepSubmitted(id, spec, plan.points)))
        var serving = Set(plan.points.compactMap { runByPoint[$0.key] })
        for planned in plan.runs {
            let run = RunID(lastRun.number + 1)
            lastRun = run
            runs[run] = Run(plan: planned, state: .waiting)
            serving.insert(run)
            for milestone in planned.milestones { runByPoint[milestone.key] = run }
            enqueue(run, planned)
            effects.append(.persist(.runCreated(run, planned)))
        }
        let keys = plan.points.map(\.key)
        if let place {
            serving.formUnion(sweeps[place].runs.filter { runs[$0]?.state == .completed })
            sweeps[place].spec = spec
            sweeps[place].keys = keys
            sweeps[place].runs = serving.sorted()
        } else {
            sweeps.append(Sweep(id: id, spec: spec, keys: keys, runs: serving.sorted()))
        }
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

    /// How everything stands.
    public func statusReport() -> StatusReport {
        let speeds = workers.values.compactMap(\.speed.stepsPerSecond)
        let slotSpeed = speeds.isEmpty ? nil : speeds.sorted().reduce(0, +) / Double(speeds.count)
        let slots = workers.values.reduce(0) { $0 + ($1.isSetAside ? 0 : $1.hello.slots) }
        return StatusReport(
            sweeps: sweeps.map { status(of: $0, slotSpeed: slotSpeed, slots: slots) },
            workers: workers.values
                .map { worker in
                    StatusReport.Worker(
                        id: worker.hello.worker, host: worker.hello.host,
                        device: worker.hello.device, slots: worker.hello.slots,
                        runs: worker.attempts.compactMap { attempts[$0]?.run }.sorted(),
                        stepsPerSecond: (worker.speed.stepsPerSecond ?? 0)
                            * Double(worker.attempts.count),
                        isSetAside: worker.isSetAside)
                }
                .sorted { $0.id < $1.id })
    }

    private func status(of sweep: Sweep, slotSpeed: Double?, slots: Int) -> StatusReport.Sweep {
        var status = StatusReport.Sweep(
            id: sweep.id, name: sweep.spec.name, points: sweep.keys.count,
            finishedPoints: sweep.keys.count { finished.contains($0) }, failedPoints: 0,
            waitingRuns: 0, activeRuns: 0, completedRuns: 0, failedRuns: 0, steps: 0,
            stepsDone: 0, secondsLeft: nil)
        var longest = 0
        for id in sweep.runs {
            guard let run = runs[id] else { continue }
            var done = 0
            status.steps += run.plan.steps
            switch run.state {
            case .waiting: status.waitingRuns += 1
            case .assigned: status.activeRuns += 1
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
            longest = max(longest, run.plan.steps - done)
        }
        if status.isOver {
            status.secondsLeft = 0
        } else if let slotSpeed, slots > 0 {
            let together = Double(status.steps - status.stepsDone) / (slotSpeed * Double(slots))
            status.secondsLeft = max(together, Double(longest) / slotSpeed)
        }
        return status
    }
}
