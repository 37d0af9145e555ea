/// A sweep of which nothing has succeeded yet: its first failures tell whether it is worth going
/// on, before retries are used up on all its runs.
extension Scheduler {
    /// Keeps a run that has failed until other runs of its sweep have been tried. `false`: it is
    /// treated like any other, since one of its sweeps is known to work.
    mutating func holdBack(_ id: RunID, after failure: Failure) -> Bool {
        let places = sweeps.indices.filter { isOnTrial(sweeps[$0]) && sweeps[$0].contains(id) }
        let isProven = sweeps.contains {
            $0.isProven && $0.condition.state == .active && $0.contains(id)
        }
        guard !places.isEmpty, !isProven else { return false }
        runs[id]?.state = .waiting
        for place in places { sweeps[place].trial[id] = failure }
        // A sweep that is paused now may go on before that.
        if let run = runs[id] { enqueue(id, run.plan) }
        for place in places { judge(place) }
        return true
    }

    private func isOnTrial(_ sweep: Sweep) -> Bool {
        // One run alone has nothing to be compared with.
        !sweep.isProven && sweep.condition.state == .active && sweep.runs.count > 1
    }

    /// Whether a run waits until others of its sweep have been tried.
    func isHeldBack(_ id: RunID) -> Bool {
        sweeps.contains { $0.trial[id] != nil }
    }

    private mutating func judge(_ place: Int) {
        let sweep = sweeps[place]
        let needed = min(configuration.failuresUntilPaused, sweep.openRuns)
        guard sweep.trial.count >= needed else { return }
        let errors = Set(sweep.trial.values.map { Self.essence(of: $0.error) })
        guard errors.count == 1, let failure = sweep.trial.min(by: { $0.key < $1.key })?.value
        else { return endTrial(place) }
        let tried = Set(sweep.trial.values.map(\.worker))
        let needs = Set(sweep.spec.needs)
        let others = workers.values.contains { other in
            !tried.contains(other.hello.worker) && !other.isSetAside && !other.isLeaving
                && needs.isSubset(of: other.hello.labels)
                && other.hello.trainer == sweep.spec.trainer
        }
        let count = sweep.trial.count
        if others {
            let why =
                "the first \(count) runs it was given of \(sweep.spec.name) failed alike: "
                + failure.error
            for worker in tried.sorted() { setAside(worker, why: why) }
            return endTrial(place, isProven: false)
        }
        let reason =
            "nothing of it has succeeded, and its first \(count) runs failed alike, on "
            + "\(tried.sorted().map(\.name).joined(separator: ", ")): \(failure.error)"
        endTrial(place, isProven: false)
        setCondition(at: place) { condition in
            condition.state = .paused
            condition.reason = reason
        }
        effects.append(.note("sweep \(sweep.spec.name) is paused: \(reason)"))
        tellWatchers(of: sweeps[place])
    }

    /// From now on failures count as usual, and what was held back is tried again.
    mutating func endTrial(_ place: Int, isProven: Bool = true) {
        sweeps[place].isProven = isProven
        let held = sweeps[place].trial.keys.sorted()
        sweeps[place].trial = [:]
        for id in held {
            if let run = runs[id], run.state == .waiting { enqueue(id, run.plan) }
        }
    }

    /// A run has succeeded: so its sweeps can.
    mutating func prove(_ id: RunID) {
        for place in sweeps.indices where !sweeps[place].isProven && sweeps[place].contains(id) {
            endTrial(place)
            guard sweeps[place].condition.reason != nil else { continue }
            setCondition(at: place) { condition in
                if condition.state == .paused { condition.state = .active }
                condition.reason = nil
            }
        }
    }

    mutating func setAside(_ id: WorkerID, why: String) {
        guard workers[id]?.isSetAside == false else { return }
        workers[id]?.isSetAside = true
        workers[id]?.reasonAside = why
        free.remove(id)
        effects.append(.note("worker \(id) is put aside: \(why)"))
    }

    /// Errors that differ in numbers alone are alike.
    private static func essence(of error: String) -> String {
        String(error.prefix { !$0.isNewline }.filter { !$0.isNumber })
    }
}
