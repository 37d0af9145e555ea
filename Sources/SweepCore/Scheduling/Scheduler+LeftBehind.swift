/// What finished runs have left, and the runs that build on it.
extension Scheduler {
    /// `nil`: a plan has nothing to look up.
    func groundwork(for spec: SweepSpec) -> Groundwork? {
        guard leftBehind.hasStates || spec.keep != .none else { return nil }
        return Groundwork(
            leftBehind, hasResult: { finished.contains($0) },
            coming: { key in
                (servingRun(key) ?? keeper(key)).flatMap { runs[$0]?.plan.keep }
            })
    }

    /// The run under way that will leave files of a result that is known, if a sweep wants it.
    func keeper(_ key: PointKey) -> RunID? {
        keepers[key].flatMap { isWanted($0) ? $0 : nil }
    }

    /// Points whose epochs were measured before, though nobody asked for them.
    mutating func finishMeasured(_ points: ArraySlice<MeasuredPoint>) {
        for point in points {
            guard runs[point.run] != nil, finished.insert(point.key) else { continue }
            effects.append(.persist(.pointTaken(point)))
        }
    }

    /// Gives a new run the state that it was planned on.
    mutating func goOn(_ id: RunID, from state: LastState?) {
        // It may have gone since the plan was made: then the run trains from the start.
        guard let state, leftBehind.contains(state) else { return }
        states[id] = state.artifact
        effects.append(.persist(.runContinued(id, from: state)))
    }

    /// - Parameter plan: of a run that is not over.
    mutating func recordKeeper(_ id: RunID, _ plan: PlannedRun) {
        if plan.keep != .none, finished.contains(plan.lastKey) { keepers[plan.lastKey] = id }
    }

    /// A file that the sweep keeps is there.
    mutating func recordPiece(_ artifact: Artifact, of id: RunID) {
        guard let plan = runs[id]?.plan else { return }
        leftBehind.add(
            .init(kind: artifact.kind, epoch: artifact.epoch),
            of: PointKey(of: plan.spec.trajectory))
    }

    /// Whether files that are kept of the epoch that the run goes on from are not there.
    func owesFiles(_ id: RunID, _ run: Run) -> Bool {
        guard run.plan.keep != .none, let epoch = states[id]?.epoch else { return false }
        let due = run.plan.keep.pieces(epochs: run.plan.epochs).filter { $0.epoch == epoch }
        guard !due.isEmpty else { return false }
        let trajectory = PointKey(of: run.plan.spec.trajectory)
        return due.contains { !leftBehind.has($0, of: trajectory) }
    }

    /// The state of the last epoch stays when a run is completed.
    mutating func keepLastState(of id: RunID, _ run: Run) {
        guard let artifact = states[id], artifact.epoch == run.plan.epochs,
            artifact.size <= LastState.mostBytes, configuration.lastStateBytes > 0
        else { return }
        states[id] = nil
        let state = LastState(
            trajectory: PointKey(of: run.plan.spec.trajectory), run: id, artifact: artifact)
        effects.append(.persist(.lastStateKept(state)))
        if let replaced = leftBehind.add(state) { drop(replaced) }
        boundLastStates()
    }

    /// The oldest go until the others fit.
    mutating func boundLastStates() {
        for state in leftBehind.removeOldest(over: configuration.lastStateBytes) { drop(state) }
    }

    private mutating func drop(_ state: LastState) {
        effects.append(.persist(.artifactDropped(state.run, state.artifact)))
    }
}
