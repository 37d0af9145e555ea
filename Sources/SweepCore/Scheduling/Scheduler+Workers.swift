extension Scheduler {
    /// A worker says who it is: for the first time, after it connected anew, or because it was
    /// asked.
    mutating func greet(_ hello: Hello, from route: Route, at now: Instant) {
        guard hello.slots > 0 else {
            let text = "a worker with 0 slots can't train; it needs 1 to 1,024"
            effects.append(.send(.refused(text), to: route))
            return
        }
        if let known = workers[hello.worker] {
            guard isNewer(hello, than: known, at: route, at: now) else { return }
            workerByRoute[known.route] = nil
            if hello.incarnation > known.hello.incarnation {
                loseAllAttempts(of: hello.worker, why: "the worker was started anew")
                workers[hello.worker] = nil
            }
        }
        if let other = workerByRoute[route], other != hello.worker {
            loseAllAttempts(of: other, why: "its connection speaks for another worker")
            remove(other)
        }
        if workers[hello.worker] == nil { effects.append(.persist(.workerJoined(hello))) }
        var worker =
            workers[hello.worker]
            ?? Worker(hello: hello, route: route, joined: now, lastSeen: now, leaves: nil)
        worker.hello = hello
        worker.route = route
        worker.isConnected = true
        worker.lastSeen = now
        worker.leaves = hello.secondsLeft.map { now + .milliseconds(Int64($0 * 1_000)) }
        // An assignment may have been stored and never sent, because the coordinator was killed.
        let unlisted = worker.attempts.union(unconfirmed.removeValue(forKey: hello.worker) ?? [])
            .subtracting(hello.attempts).sorted()
        workers[hello.worker] = worker
        workerByRoute[route] = hello.worker
        effects.append(
            .send(
                .welcome(
                    Welcome(heartbeat: configuration.heartbeat, lease: configuration.lease)),
                to: route))
        for attempt in unlisted { lose(attempt, why: "the worker no longer knows of it") }
        for attempt in hello.attempts {
            renewLease(attempt, of: hello.worker, stepsDone: 0, at: now)
        }
        offer(hello.worker)
    }

    /// Whether the hello is of the worker that has the name, or of one that may take its place. A
    /// worker that is there and answers keeps its name.
    private mutating func isNewer(
        _ hello: Hello, than known: Worker, at route: Route, at now: Instant
    ) -> Bool {
        let answered = known.lastSeen + configuration.heartbeat * 2
        let isThere = known.route != route && known.isConnected && answered > now
        switch (hello.incarnation, known.hello.incarnation) {
        case (let new, let old) where new < old || new > old && isThere:
            let text =
                "another process goes by the name \(hello.worker); "
                + "start this worker with another --name"
            effects.append(.send(.nameTaken(text), to: route))
            return false
        case (let new, let old) where new == old && isThere:
            // Its own new connection, or somebody else's: what it had last is asked once more.
            effects.append(.send(.identify, to: known.route))
            return false
        default: return true
        }
    }

    mutating func renew(_ progress: [AttemptProgress], from route: Route, at now: Instant) {
        guard let id = workerByRoute[route] else {
            effects.append(.send(.identify, to: route))
            return
        }
        workers[id]?.lastSeen = now
        for item in progress {
            let isHeld = renewLease(
                item.attempt, of: id, stepsDone: item.stepsDone, at: now)
            guard isHeld else { continue }
            // More steps than the run has would make everybody's ETA wrong.
            var item = item
            let steps = attempts[item.attempt].flatMap { runs[$0.run]?.plan.steps }
            item.stepsDone = min(item.stepsDone, steps ?? item.stepsDone)
            workers[id]?.speed.recordProgress(item, at: now)
        }
    }

    /// Gives the attempt a lease from now on if it has one, or if nobody else has one on its run;
    /// otherwise tells the worker to stop it.
    @discardableResult
    mutating func renewLease(
        _ id: AttemptID, of worker: WorkerID, stepsDone: Int, at now: Instant
    ) -> Bool {
        guard let attempt = attempts[id], attempt.worker == worker, !attempt.isClosed,
            let run = runs[attempt.run], !run.isOver
        else { return refuseLease(id, of: worker) }
        let before = run.leases?[id]?.stepsDone
        let done = max(min(max(0, stepsDone), run.plan.steps), before ?? 0)
        let lease = Lease(
            attempt: id, worker: worker, expires: now + configuration.lease, stepsDone: done)
        switch run.state {
        case .waiting:
            // Its lease had expired, but nobody has begun again: it goes on.
            effects.append(.persist(.attemptResumed(id)))
            runs[attempt.run]?.state = .active(Leases(lease))
        case .active(var leases):
            guard leases[id] != nil else { return refuseLease(id, of: worker) }
            leases[id] = lease
            runs[attempt.run]?.state = .active(leases)
        case .completed, .failed, .cancelled:
            return refuseLease(id, of: worker)
        }
        workers[worker]?.attempts.insert(id)
        if before == nil { workers[worker]?.affinity = run.plan.grid.affinity }
        return true
    }

    private mutating func refuseLease(_ id: AttemptID, of worker: WorkerID) -> Bool {
        droppedMessages += 1
        if attempts[id]?.worker == worker { attempts[id]?.isClosed = true }
        if let route = workers[worker]?.route { effects.append(.send(.revoke(id), to: route)) }
        return false
    }

    /// The worker leaves. What it still had is lost, unless it was handed back before.
    mutating func dismiss(_ route: Route, why reason: String?, at now: Instant) {
        guard let id = workerByRoute[route] else { return }
        let words = reason.map { "left, as it can't train any more: \($0)" } ?? "left"
        loseAllAttempts(of: id, why: "the worker \(words)")
        remove(id)
        effects.append(.note("worker \(id) \(words)"))
    }

    /// Between two ticks so far apart the coordinator itself was stopped, or busy: nobody could
    /// renew a lease, and what workers sent is still to be read.
    mutating func forgiveAbsence(at now: Instant) {
        defer { lastTick = now }
        guard let lastTick, now - lastTick >= configuration.heartbeat else { return }
        let absence = now - lastTick
        workers = workers.mapValues { worker in
            var worker = worker
            worker.lastSeen = worker.lastSeen + absence
            return worker
        }
        for id in Set(attempts.values.map(\.run)) {
            guard var leases = runs[id]?.leases else { continue }
            leases.prolong(by: absence)
            runs[id]?.state = .active(leases)
        }
    }

    /// Leases that were not renewed in time, and workers that have said nothing for that long.
    mutating func expireLeases(at now: Instant) {
        let silent = workers.values.filter { $0.lastSeen + configuration.lease <= now }
        for id in silent.map(\.hello.worker).sorted() {
            loseAllAttempts(of: id, why: "the worker was not heard of for \(configuration.lease)")
            remove(id)
            effects.append(.note("worker \(id) is gone: no heartbeat"))
        }
        let expired = attempts.filter { id, attempt in
            lease(of: id, on: attempt.run).map { $0.expires <= now } ?? false
        }
        for id in expired.keys.sorted() {
            lose(id, why: "its lease was not renewed for \(configuration.lease)")
        }
    }

    mutating func loseAllAttempts(of worker: WorkerID, why: String) {
        for attempt in (workers[worker]?.attempts ?? []).sorted() { lose(attempt, why: why) }
    }

    /// Takes the lease away; the run waits again. The attempt is remembered: a late report of it
    /// still counts if the run is not over by then.
    mutating func lose(_ id: AttemptID, why: String) {
        guard let attempt = attempts[id], let run = runs[attempt.run],
            lease(of: id, on: attempt.run) != nil
        else { return }
        let isOrphaned = withdraw(id, attempt)
        effects.append(.persist(.attemptEnded(id, .lost(why))))
        if isOrphaned { putBack(attempt.run, run) }
        effects.append(.note("\(attempt.run), \(id) on \(attempt.worker): lost, \(why)"))
    }

    /// The slot that the attempt had is free.
    mutating func release(_ attempt: AttemptID, of worker: WorkerID) {
        guard workers[worker]?.attempts.remove(attempt) != nil else { return }
        workers[worker]?.speed.forget(attempt)
        offer(worker)
    }

    func remainingSlots(of worker: Worker) -> Int {
        worker.isSetAside || worker.isLeaving ? 0 : worker.hello.slots - worker.attempts.count
    }

    /// Runs that the worker may be given now: one for each free slot, and where runs are short and
    /// many are waiting, some ahead.
    func room(of worker: Worker) -> Int {
        let slots = remainingSlots(of: worker)
        guard !worker.isSetAside, !worker.isLeaving, let seconds = worker.secondsOfARun,
            seconds <= configuration.longestRunAhead.inSeconds
        else { return slots }
        // Near the end of the work nobody is given what another could begin at once.
        let share = waiting.count / max(1, 2 * workers.count)
        let wanted = Int(
            min(
                Double(configuration.mostRunsAhead),
                configuration.workAhead.inSeconds / max(seconds, 1e-6) + 1))
        return slots + min(wanted * worker.hello.slots, share)
    }

    mutating func offer(_ id: WorkerID) {
        guard let worker = workers[id], room(of: worker) > 0 else { return }
        free.append(id)
    }

    private mutating func remove(_ id: WorkerID) {
        guard let worker = workers.removeValue(forKey: id) else { return }
        if workerByRoute[worker.route] == id { workerByRoute[worker.route] = nil }
        free.remove(id)
    }
}
