extension Scheduler {
    /// Takes a sweep. Points whose results are known, or that a run will finish anyway, make no
    /// new run; so submitting the same sweep again resumes it, and a larger grid extends it.
    ///
    /// - Parameter replaces: Whether a sweep of the same name may lose points by it.
    mutating func submit(_ spec: SweepSpec, replaces: Bool, from route: Route) {
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
        let plan = plan(spec)
        if !replaces, let words = whatWouldBeLost(by: plan, of: spec.name) {
            effects.append(.send(.rejected(words), to: route))
            return
        }
        take(spec, plan)
        let keys = plan.grid.keys
        let id = sweeps.first { $0.spec.name == spec.name }?.id ?? SweepID(0)
        let known = keys.count { finished.contains($0) }
        effects.append(
            .send(
                .submitted(
                    Submission(
                        sweep: id, points: keys.count, finished: known, runs: plan.runs.count,
                        steps: plan.steps, continuation: plan.continuation,
                        retrained: plan.retrained, unkept: plan.unkept)), to: route))
        effects.append(
            .note("sweep \(spec.name): \(keys.count) points, \(plan.runs.count) new runs"))
    }

    /// What submitting another file under the name of a sweep would hide and cancel; `nil`:
    /// nothing, since the grid has only grown.
    private func whatWouldBeLost(by plan: Plan, of name: String) -> String? {
        guard let sweep = sweeps.first(where: { $0.spec.name == name }),
            sweep.keys != plan.grid.keys
        else { return nil }
        let kept = Set(plan.grid.keys)
        let lost = sweep.keys.filter { !kept.contains($0) }
        guard !lost.isEmpty else { return nil }
        let done = lost.count { finished.contains($0) }
        return
            "there is a sweep '\(name)' already, with \(counted(lost.count, "point")) that this "
            + "file does not have: \(done) finished, which its results would no longer show, and "
            + "\(lost.count - done) without a result, which would be cancelled. Give this sweep "
            + "another name, or submit it with --replace; the earlier one can then still be seen "
            + "with: moderato results --sweep \(name)@1"
    }

    /// What the sweep comes to, beside what is finished or will be anyway.
    func plan(_ spec: SweepSpec) -> Plan {
        Plan(spec, on: groundwork(for: spec)) { finished.contains($0) || runByPoint[$0] != nil }
    }

    /// Makes the runs that a sweep lacks; one of the same name is replaced.
    mutating func take(_ spec: SweepSpec, _ plan: Plan) {
        let place = sweeps.firstIndex { $0.spec.name == spec.name }
        let id = place.map { sweeps[$0].id } ?? SweepID(UInt64(sweeps.count + 1))
        let keys = plan.grid.keys
        effects.append(.persist(.sweepSubmitted(id, spec, plan.grid)))
        let shared = Set(keys.compactMap { runByPoint[$0] }).union(keepers(for: spec, keys))
        takeMeasured(plan)
        let created = create(plan.runs)
        goOn(created, plan)
        var serving = shared.union(created)
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
            sweeps[place].trial = [:]
            setCondition(at: place) { condition in
                if condition.state == .cancelled || condition.reason != nil {
                    condition.state = .active
                }
                condition.reason = nil
            }
            cancelUnwantedRuns()
            countAgain(sweeps[place])
        } else {
            sweeps.append(Sweep(id: id, spec: spec, keys: keys, runs: serving.sorted()))
        }
        // Runs of this sweep that others hold back, or that its own condition makes urgent.
        let isPlain = (place.map { sweeps[$0].condition } ?? SweepCondition()) == SweepCondition()
        if !isPlain || shared.contains(where: { runs[$0]?.state == .waiting }) { rebuildQueue() }
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
}
