extension Scheduler {
    mutating func carryOut(_ control: Control, from route: Route) {
        switch control {
        case .cancel(let name): change(name, route) { $0.cancel(at: $1) }
        case .pause(let name):
            change(name, route) { scheduler, place in
                scheduler.setCondition(at: place) {
                    $0.state = .paused
                    $0.reason = nil
                }
                return "\(name) is paused; what is in training goes on"
            }
        case .resume(let name):
            change(name, route) { scheduler, place in
                guard scheduler.sweeps[place].condition.state != .cancelled else {
                    return "\(name) was cancelled; take it up again with: moderato retry \(name)"
                }
                scheduler.endTrial(place)
                scheduler.setCondition(at: place) {
                    $0.state = .active
                    $0.reason = nil
                }
                return "\(name) goes on"
            }
        case .retry:
            queued.append(Queued(request: .control(control), route: route))
            if intake == nil { goOnWithIntake() }
        case .prioritize(let name, let priority):
            change(name, route) { scheduler, place in
                scheduler.setCondition(at: place) { $0.priority = priority }
                return "\(name) has the priority \(priority)"
            }
        case .drain(let id):
            guard let worker = workers[id] else { return reject(unknown(id), route) }
            workers[id]?.isLeaving = true
            free.remove(id)
            effects.append(.send(.leave, to: worker.route))
            done("\(id) hands its runs back and leaves", route)
        case .readmit(let id):
            guard workers[id] != nil else { return reject(unknown(id), route) }
            workers[id]?.isSetAside = false
            workers[id]?.reasonAside = nil
            workers[id]?.blamedFailures = 0
            offer(id)
            done("\(id) gets work again", route)
        }
    }

    private mutating func change(
        _ name: String, _ route: Route, _ body: (inout Scheduler, Int) -> String
    ) {
        guard let place = sweeps.firstIndex(where: { $0.spec.name == name }) else {
            return reject(unknownSweep(name), route)
        }
        let words = body(&self, place)
        effects.append(.note(words))
        done(words, route)
    }

    func unknownSweep(_ name: String) -> String {
        let known = sweeps.map(\.spec.name).joined(separator: ", ")
        return "there is no sweep '\(name)'" + (known.isEmpty ? "" : "; there are: \(known)")
    }

    private func unknown(_ worker: WorkerID) -> String {
        let known = workers.keys.sorted().prefix(20).map(\.name).joined(separator: ", ")
        return "there is no worker '\(worker)'" + (known.isEmpty ? "" : "; there are: \(known)")
    }

    private mutating func done(_ words: String, _ route: Route) {
        effects.append(.answer(.done(words), to: route))
    }

    mutating func reject(_ words: String, _ route: Route) {
        effects.append(.answer(.rejected(words), to: route))
    }

    mutating func setCondition(at place: Int, _ change: (inout SweepCondition) -> Void) {
        var condition = sweeps[place].condition
        change(&condition)
        guard condition != sweeps[place].condition else { return }
        sweeps[place].condition = condition
        effects.append(.persist(.sweepConditioned(sweeps[place].id, condition)))
        waiting.setPriority(of: sweeps[place].id, sweeps[place].urgency)
    }

    /// Cancels what nobody else wants.
    private mutating func cancel(at place: Int) -> String {
        let open = sweeps[place].openRuns
        let id = sweeps[place].id
        sweeps[place].trial = [:]
        setCondition(at: place) {
            $0.state = .cancelled
            $0.reason = nil
        }
        waiting.remove(id)
        var cancelled: [RunID] = []
        for id in begunRuns where sweeps[place].contains(id) && !isWanted(id) {
            guard let run = runs[id], !run.isOver else { continue }
            for lease in run.leases?.all ?? [] {
                release(lease.attempt, of: lease.worker)
                revoke(lease, why: "it was cancelled")
            }
            runs[id]?.state = .cancelled
            cancelled.append(id)
            forget(id, run)
        }
        if !cancelled.isEmpty { effects.append(.persist(.runsCancelled(cancelled))) }
        sweeps[place].openRuns = 0
        tellIfOver(place)
        return "\(sweeps[place].spec.name) is cancelled: \(open) of "
            + "\(counted(sweeps[place].runs.count, "run")) had not ended"
    }

    // MARK: Why

    /// The state of a run or worker in sentences, the beginning of the answer to `explain`;
    /// `nil` if there is none of that name.
    public func explanation(of subject: Subject, at now: Instant) -> [String]? {
        switch subject {
        case .run(let id): runs[id].map { explain(id, $0, at: now) }
        case .worker(let id): workers[id].map { explain(id, $0, at: now) }
        }
    }

    private func explain(_ id: RunID, _ run: Run, at now: Instant) -> [String] {
        let spec = run.plan.spec
        let names = sweeps.filter { $0.contains(id) }.map(\.spec.name)
        var lines = [
            "\(id): \(spec.capacity.label), lr \(spec.learningRate), \(spec.attack.label), "
                + "seed \(spec.seed), \(counted(spec.epochs, "epoch")), "
                + counted(run.plan.steps, "step")
                + (names.isEmpty ? "" : "; for \(names.joined(separator: ", "))")
        ]
        switch run.state {
        case .waiting where !isWanted(id):
            let isCancelled = sweeps.contains { $0.contains(id) }
            lines.append(
                "It was cancelled before it began"
                    + (isCancelled
                        ? "; moderato retry takes it up again."
                        : ". Its sweep has been submitted, or tried again, without it: another run "
                            + "has its points, or nobody asks for them any more."))
        case .waiting: lines.append("It waits: \(reasonToWait(id, run)).")
        case .active(let leases):
            lines += leases.all.map { explain($0, run.plan, at: now) }
            if leases.second != nil { lines.append("The first result counts.") }
        case .completed: lines.append("It is completed.")
        case .failed: lines.append("It has failed; moderato retry tries it again.")
        case .cancelled: lines.append("It was cancelled; moderato retry takes it up again.")
        }
        if let state = states[id] {
            lines.append(
                "Its newest state is of step \(state.steps) (\(state.size / 1_000) kB): a new "
                    + "attempt goes on from there.")
        }
        lines += run.failures.map { "It failed on \($0.worker): \($0.error)" }
        return lines
    }

    private func explain(_ lease: Lease, _ plan: PlannedRun, at now: Instant) -> String {
        guard let steps = lease.stepsDone else {
            return "It was given to \(lease.worker) as \(lease.attempt), not yet begun."
        }
        let left = max(0, (lease.expires - now).inSeconds)
        return "It is in training on \(lease.worker) as \(lease.attempt), step \(steps) of "
            + "\(plan.steps); its lease is good for \(Int(left)) s without a heartbeat."
    }

    private func reasonToWait(_ id: RunID, _ run: Run) -> String {
        guard let urgency = urgency(of: id) else {
            if let reason = sweeps.first(where: { $0.contains(id) && $0.condition.reason != nil })?
                .condition.reason
            {
                return "its sweep is paused: \(reason)"
            }
            return isHeldBack(id)
                ? "it has failed, and other runs of its sweep are tried first"
                : "its sweep is paused"
        }
        if workers.isEmpty { return "no worker is connected" }
        let affinity = run.plan.grid.affinity
        let needs = affinity.needs
        guard workers.values.contains(where: { $0.hello.trainer == affinity.trainer }) else {
            return switch affinity.trainer {
            case .real:
                "all workers have fake trainers, which get only what was submitted with --fake; "
                    + "start one with a real trainer: moderato worker"
            case .fake:
                "it was submitted with --fake, and no worker has a fake trainer; start one: "
                    + "moderato worker --fake-trainer seconds=1"
            }
        }
        let able = workers.values.filter { affinity.suits($0.hello) }
        if able.isEmpty {
            return "it needs \(needs.sorted().joined(separator: ", ")), and no worker has that"
        }
        if able.allSatisfy({ $0.isSetAside || $0.isLeaving }) {
            return "every worker that could train it is put aside or leaving"
        }
        let entry = WaitingQueue.Entry(run: id, steps: run.plan.steps)
        let ahead = waiting.count(before: entry, urgency)
        return ahead == 0
            ? "it is the next, and all workers are busy, or have too little time left for it"
            : "all workers are busy, and \(ahead) \(ahead == 1 ? "run comes" : "runs come") first"
    }

    private func explain(_ id: WorkerID, _ worker: Worker, at now: Instant) -> [String] {
        let hello = worker.hello
        var lines = [
            "\(id) on \(hello.host): \(hello.device), \(counted(hello.slots, "slot"))"
                + (hello.trainer == .fake ? ", a fake trainer: for sweeps with --fake" : "")
                + (hello.labels.isEmpty ? "" : ", \(hello.labels.joined(separator: ", "))"),
            "It was heard of \(Int((now - worker.lastSeen).inSeconds)) s ago.",
        ]
        let held = worker.attempts.compactMap { attempts[$0]?.run }.sorted()
        lines.append(
            held.isEmpty
                ? "It has no run."
                : "It has \(held.map { "\($0)" }.joined(separator: ", ")).")
        if let leaves = worker.leaves {
            lines.append("It has to leave in \(Int(max(0, (leaves - now).inSeconds))) s.")
        }
        if worker.isLeaving { lines.append("It is leaving and gets no more work.") }
        if worker.isSetAside {
            let why =
                worker.reasonAside
                ?? "\(worker.blamedFailures) runs failed there that succeeded elsewhere, or had "
                + "figures that can't be"
            lines.append(
                "It is put aside: \(why). Once it is mended: moderato readmit \(id)")
        }
        return lines
    }
}
