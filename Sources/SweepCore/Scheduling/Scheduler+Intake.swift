/// What is done of a sweep that is on its way in, a slice at a time.
extension Scheduler {
    func intake(
        of spec: SweepSpec, replaces: Bool, isRetry: Bool, _ route: Route
    ) -> Intake {
        Intake(
            id: sweeps.first { $0.spec.name == spec.name }?.id
                ?? SweepID(UInt64(sweeps.count + 1)),
            spec: spec, replaces: replaces, isRetry: isRetry, route: route,
            cells: GridPlanner(spec), firstRun: RunID(runs.last.number + 1))
    }

    /// - Returns: whether more is to be done.
    mutating func goOn(_ intake: inout Intake, _ budget: inout Int) -> Bool {
        if !intake.cells.isDone {
            let before = intake.cells.cellsDone
            intake.cells.advance(budget)
            budget -= intake.cells.cellsDone - before
            guard intake.cells.isDone else { return true }
        }
        if intake.runs == nil {
            guard compare(&intake, &budget) else { return true }
            if let words = whatWouldBeLost(by: intake) {
                reject(words, intake.route)
                return false
            }
            intake.runs = RunPlanner(intake.cells.grid, of: intake.spec)
        }
        if intake.runs?.isDone == false { create(&intake, &budget) }
        guard intake.runs?.isDone == true, carry(&intake, &budget) else { return true }
        finish(intake)
        return false
    }

    /// Looks for points that the sweep of the same name has and the grid has not.
    ///
    /// - Returns: whether all have been looked at.
    private func compare(_ intake: inout Intake, _ budget: inout Int) -> Bool {
        guard !intake.replaces, let sweep = sweeps.first(where: { $0.id == intake.id }),
            sweep.keys != intake.cells.keys
        else { return true }
        let end = min(sweep.keys.count, intake.compared + budget)
        for place in intake.compared..<end where !intake.cells.points.contains(sweep.keys[place]) {
            intake.lost += 1
            if finished.contains(sweep.keys[place]) { intake.lostFinished += 1 }
        }
        budget -= end - intake.compared
        intake.compared = end
        return end == sweep.keys.count
    }

    /// What submitting another file under the name of a sweep would hide and cancel; `nil`:
    /// nothing, since the grid has only grown.
    private func whatWouldBeLost(by intake: Intake) -> String? {
        guard intake.lost > 0 else { return nil }
        let name = intake.spec.name
        guard let sweep = place(of: intake.id).map({ sweeps[$0] }) else { return nil }
        let kind =
            sweep.spec.trainer == intake.spec.trainer ? "" : ", for \(sweep.spec.trainer) trainers"
        return
            "there is a sweep '\(name)' already\(kind)"
            + ", with \(counted(intake.lost, "point")) that this "
            + "file does not have: \(intake.lostFinished) finished, which its results would no "
            + "longer show, and \(intake.lost - intake.lostFinished) without a result, which "
            + "would be cancelled. Give this sweep another name, or submit it with --replace; the "
            + "earlier one can then still be seen with: moderato results --sweep "
            + "\(name)@\(sweep.submissions)"
    }

    /// Makes the runs of the next points.
    private mutating func create(_ intake: inout Intake, _ budget: inout Int) {
        guard var planner = intake.runs else { return }
        intake.runs = nil
        let begin = planner.place
        let measuredBefore = planner.trajectories.measured.count
        let next = next(&planner, before: begin + budget, &intake)
        let measured = planner.trajectories.measured[measuredBefore...]
        effects.append(.persist(.pointsPlanned(planner.grid, begin..<planner.place)))
        let first = RunID(intake.firstRun.number + UInt64(intake.created))
        if !next.isEmpty { effects.append(.persist(.runsCreated(first, next.map(\.run)))) }
        intake.finished += measured.count
        finishMeasured(measured)
        for (place, item) in next.enumerated() {
            let id = RunID(first.number + UInt64(place))
            runs[id] = Run(plan: item.run, state: .waiting)
            for key in item.run.keys
            where !finished.contains(key) && servingRun(key, for: intake.spec) == nil {
                runByPoint[key] = id
            }
            goOn(id, from: item.start)
            recordKeeper(id, item.run)
            intake.wait(for: id, item.run)
        }
        intake.created += next.count
        budget -= planner.place - begin
        intake.runs = planner
    }

    /// The runs of the next points. Nothing is changed meanwhile: what they build on refers to the
    /// scheduler's tables, which would have to be copied.
    private func next(
        _ planner: inout RunPlanner, before limit: Int, _ intake: inout Intake
    ) -> [RunPlanner.Next] {
        let groundwork = groundwork(for: intake.spec)
        var all: [RunPlanner.Next] = []
        while let next = planner.next(
            before: limit, on: groundwork, isFinished: { needsNoRun($0, &intake) })
        {
            all.append(next)
        }
        return all
    }

    /// Whether a point has a result, or an earlier run will finish it.
    private func needsNoRun(_ key: PointKey, _ intake: inout Intake) -> Bool {
        if finished.contains(key) {
            intake.finished += 1
            if intake.spec.keep != .none, let id = keeper(key) { share(id, &intake) }
            return true
        }
        guard let id = servingRun(key, for: intake.spec) else { return false }
        share(id, &intake)
        return true
    }

    private func share(_ id: RunID, _ intake: inout Intake) {
        guard intake.shared.last != id else { return }
        intake.shared.append(id)
        if let plan = runs[id]?.plan { intake.wait(for: id, plan) }
    }

    /// The run that will finish a point, if any worker that the sweep may have can train it.
    private func servingRun(_ key: PointKey, for spec: SweepSpec) -> RunID? {
        servingRun(key).flatMap { id in
            let needs = runs[id]?.plan.grid.affinity.needs ?? []
            return needs.isSubset(of: spec.needs) ? id : nil
        }
    }

    /// The run that will finish a point, if a sweep wants it.
    func servingRun(_ key: PointKey) -> RunID? {
        runByPoint[key].flatMap { isWanted($0) ? $0 : nil }
    }

    /// Looks for completed runs of the sweep of the same name that have finished a point.
    ///
    /// - Returns: whether all have been looked at.
    private func carry(_ intake: inout Intake, _ budget: inout Int) -> Bool {
        guard let sweep = sweeps.first(where: { $0.id == intake.id }) else { return true }
        let end = min(sweep.runs.count, intake.looked + max(0, budget))
        for id in sweep.runs[intake.looked..<end] {
            guard let run = runs[id], run.state == .completed else { continue }
            if run.plan.keys.contains(where: { intake.cells.points.contains($0) }) {
                intake.carried.append(id)
            }
        }
        budget -= end - intake.looked
        intake.looked = end
        return end == sweep.runs.count
    }

    private mutating func finish(_ intake: Intake) {
        let keys = intake.cells.keys
        let shared = ascending(intake.shared)
        let new = (0..<UInt64(intake.created)).map { RunID(intake.firstRun.number + $0) }
        let all = ascending(shared + intake.carried) + new
        let open = new.count + shared.count - shared.count { intake.ended.contains($0) }
        effects.append(
            .persist(
                .sweepSubmitted(
                    intake.id, intake.spec,
                    Submitted(
                        points: keys.count, firstRun: intake.firstRun, runs: intake.created))))
        if let place = place(of: intake.id) {
            sweeps[place].spec = intake.spec
            sweeps[place].keys = keys
            sweeps[place].runs = all
            sweeps[place].openRuns = open
            sweeps[place].submissions += 1
            if intake.finished > 0 { sweeps[place].isProven = true }
            sweeps[place].trial = [:]
            setCondition(at: place) { condition in
                if intake.isRetry || condition.state == .cancelled || condition.reason != nil {
                    condition.state = .active
                }
                condition.reason = nil
            }
            waiting.replace(intake.id, with: intake.lines, sweeps[place].urgency)
            cancelLeftOvers()
            tellIfOver(place)
        } else {
            let sweep = Sweep(
                id: intake.id, spec: intake.spec, keys: keys, runs: all, openRuns: open,
                isProven: intake.finished > 0)
            sweeps.append(sweep)
            waiting.replace(intake.id, with: intake.lines, sweep.urgency)
        }
        answer(intake)
    }

    private mutating func answer(_ intake: Intake) {
        let name = intake.spec.name
        if intake.isRetry {
            let words =
                intake.created == 0
                ? "\(name) has nothing to try again"
                : "\(name): \(intake.created) \(intake.created == 1 ? "run is" : "runs are") "
                    + "tried again"
            effects.append(.note(words))
            return effects.append(.answer(.done(words), to: intake.route))
        }
        let points = intake.cells.keys.count
        effects.append(
            .answer(
                .submitted(
                    Submission(
                        sweep: intake.id, points: points, finished: intake.finished,
                        runs: intake.created, steps: intake.runs?.steps ?? 0,
                        continuation: intake.runs?.continuation,
                        retrained: intake.runs?.trajectories.retrained ?? 0,
                        unkept: intake.runs?.trajectories.unkept ?? 0)),
                to: intake.route))
        effects.append(.note("sweep \(name): \(points) points, \(intake.created) new runs"))
    }

    /// Each once.
    private func ascending(_ ids: [RunID]) -> [RunID] {
        var all: [RunID] = []
        all.reserveCapacity(ids.count)
        for id in ids.sorted() where all.last != id { all.append(id) }
        return all
    }
}
