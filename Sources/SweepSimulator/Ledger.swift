import SweepCore

/// What a store would remember of the facts committed so far: the model that the scheduler's
/// promises are checked against, and what a restarted coordinator reads.
struct Ledger {
    struct Run {
        let plan: PlannedRun
        var state = Snapshot.Run.State.waiting
        var failures: [Failure] = []
    }

    struct Attempt {
        let run: RunID
        let worker: WorkerID
        var acknowledged: UInt64 = 0
        var end: AttemptEnd?
    }

    /// A plan whose sweep has not been submitted: worth nothing yet.
    private struct Planned {
        var keys: [PointKey] = []
        var runs: [RunID: Run] = [:]
    }

    private var planned = Planned()
    private(set) var sweeps: [SweepID: Snapshot.Sweep] = [:]
    private(set) var runs: [RunID: Run] = [:]
    private(set) var attempts: [AttemptID: Attempt] = [:]
    private(set) var finished: [PointKey: EpochMetrics] = [:]
    private(set) var lastAttempt = AttemptID(0)
    private var measured: [RunID: [Int: EpochMetrics]] = [:]
    private var kept: [RunID: [Artifact]] = [:]
    private var lastStates: [LastState] = []
    /// What went wrong while facts were taken in.
    private(set) var violations: [String] = []

    mutating func commit(_ facts: [Fact]) { for fact in facts { apply(fact) } }

    private mutating func require(_ holds: Bool, _ words: String) {
        if !holds { violations.append(words) }
    }

    private mutating func apply(_ fact: Fact) {
        switch fact {
        case .pointsPlanned(let grid, let places):
            if places.lowerBound == 0 { beginPlan() }
            require(planned.keys.count == places.lowerBound, "a part of a plan is missing")
            planned.keys += grid.keys[places]
        case .sweepSubmitted(let id, let spec, let submitted):
            require(
                submitted.points == planned.keys.count && submitted.runs == planned.runs.count,
                "\(id) is submitted before its plan is whole")
            let condition = sweeps[id]?.condition ?? SweepCondition()
            sweeps[id] = Snapshot.Sweep(
                id: id, spec: spec, keys: planned.keys, condition: condition,
                firstLaterRun: RunID(submitted.firstRun.number + UInt64(submitted.runs)))
            runs.merge(planned.runs) { old, _ in old }
            planned = Planned()
        case .sweepConditioned(let id, let condition): sweeps[id]?.condition = condition
        case .runsCreated(let first, let plans):
            for (place, plan) in plans.enumerated() {
                let id = RunID(first.number + UInt64(place))
                require(
                    runs[id] == nil && planned.runs[id] == nil, "\(id) is created twice")
                planned.runs[id] = Run(plan: plan)
            }
        case .attemptStarted(let id, let run, let worker, let isSecond):
            require(runs[run] != nil, "\(id) is of a run that no sweep has yet")
            require(id > lastAttempt, "\(id) is used again")
            lastAttempt = max(lastAttempt, id)
            let alive = attempts.filter { $0.value.run == run && $0.value.end == nil }
            require(
                alive.count == (isSecond ? 1 : 0),
                "\(run) has too many attempts with a lease: \(alive.keys.sorted()), \(id)")
            attempts[id] = Attempt(run: run, worker: worker)
        case .reportsStored(let id, let sequence):
            require(
                sequence == (attempts[id]?.acknowledged ?? 0) + 1,
                "\(id): report \(sequence) is stored after \(attempts[id]?.acknowledged ?? 0)")
            attempts[id]?.acknowledged = sequence
        case .workerJoined: break
        case .epochMeasured, .artifactKept, .artifactDropped, .lastStateKept, .runContinued,
            .pointTaken:
            commitWhatIsLeft(fact)
        case .pointFinished(let key, _, _, let metrics, _):
            require(finished[key] == nil, "point \(key) is finished twice")
            finished[key] = metrics
        case .attemptEnded(let id, let end):
            attempts[id]?.end = end
            if case .failed(let error) = end, let attempt = attempts[id] {
                runs[attempt.run]?.failures.append(
                    Failure(worker: attempt.worker, error: error))
            }
        case .attemptResumed(let id): attempts[id]?.end = nil
        case .runCompleted(let id, _, _, _):
            require(runs[id]?.state != .completed, "\(id) is completed twice")
            runs[id]?.state = .completed
        case .runFailed(let id, let error, _): runs[id]?.state = .failed(error)
        case .runsCancelled(let ids): for id in ids { runs[id]?.state = .cancelled }
        }
    }

    /// Of one that was begun before, and whose sweep never came, nothing is left.
    private mutating func beginPlan() {
        for run in planned.runs.keys where runs[run] == nil {
            kept[run] = nil
            measured[run] = nil
        }
        planned = Planned()
    }

    /// What runs measure, and the files that they leave.
    private mutating func commitWhatIsLeft(_ fact: Fact) {
        switch fact {
        case .epochMeasured(let run, _, let metrics, _):
            measured[run, default: [:]][metrics.epoch] = metrics
        case .artifactKept(let run, let artifact):
            kept[run]?.removeAll { $0.kind == artifact.kind && $0.epoch == artifact.epoch }
            kept[run, default: []].append(artifact)
        case .artifactDropped(let run, let artifact):
            kept[run]?.removeAll { $0 == artifact }
            lastStates.removeAll { $0.run == run && $0.artifact == artifact }
        case .lastStateKept(let state): lastStates.append(state)
        case .runContinued(let run, let state):
            kept[run, default: []].append(state.artifact)
            measured[run] = measured[state.run]?.filter { $0.key <= state.artifact.epoch }
        case .pointTaken(let point):
            let metrics = measured[point.run]?[point.epoch]
            require(metrics != nil, "point \(point.key) is taken from what was not measured")
            finished[point.key] = metrics
        default: preconditionFailure("\(fact) is about something else")
        }
    }

    /// Whether everything up to this report is remembered, or need not be any more.
    func remembers(_ id: AttemptID, upTo sequence: UInt64) -> Bool {
        // Of an attempt that nobody began only liars speak.
        guard let attempt = attempts[id] else { return true }
        if attempt.acknowledged >= sequence { return true }
        switch runs[attempt.run]?.state {
        case .completed, .failed, .cancelled: return true
        case .waiting, .active, nil: return false
        }
    }

    /// All files that the store knows.
    var artifacts: Set<Digest> { Set(kept.values.joined().map(\.file.digest)) }

    private var states: [RunID: Artifact] {
        var states: [RunID: Artifact] = [:]
        for (run, artifacts) in kept {
            if let newest = artifacts.filter({ $0.kind == .state }).max(by: { $0.epoch < $1.epoch })
            {
                states[run] = newest
            }
        }
        return states.filter { run, _ in runs[run].map { $0.state == .waiting } ?? false }
    }

    /// What a coordinator that starts now reads.
    var snapshot: Snapshot {
        var active: [RunID: (AttemptID, WorkerID)] = [:]
        for (id, attempt) in attempts.sorted(by: { $0.key < $1.key }) where attempt.end == nil {
            if active[attempt.run] == nil { active[attempt.run] = (id, attempt.worker) }
        }
        return Snapshot(
            sweeps: sweeps.values.sorted { $0.id < $1.id },
            runs: runs.sorted { $0.key < $1.key }.map { id, run in
                var state = run.state
                if state == .waiting, let (attempt, worker) = active[id] {
                    state = .active(attempt, worker)
                }
                return Snapshot.Run(
                    id: id, plan: run.plan, state: state, failures: run.failures)
            },
            attempts: attempts.sorted { $0.key < $1.key }.compactMap { id, attempt in
                guard runs[attempt.run]?.state == .waiting else { return nil }
                var isClosed = false
                switch attempt.end {
                case .failed, .handedBack: isClosed = true
                case .completed, .lost, nil: break
                }
                return Snapshot.Attempt(
                    id: id, run: attempt.run, worker: attempt.worker,
                    acknowledged: attempt.acknowledged, isOpen: attempt.end == nil,
                    isClosed: isClosed)
            },
            finished: Set(finished.keys), lastAttempt: lastAttempt, states: states,
            lastStates: lastStates)
    }
}
