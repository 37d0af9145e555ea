extension WorkerMachine {
    // MARK: Files for the coordinator

    /// The artifact is reported once the coordinator has its file.
    mutating func upload(
        _ artifact: Artifact, of attempt: AttemptID, _ effects: inout [Effect]
    ) {
        guard let outbox = outboxes[attempt], !outbox.isRevoked, artifact.size > 0 else {
            effects.append(.removeFile(path: artifact.file.path))
            return
        }
        let isLast =
            artifact.kind == .state
            && slots.contains {
                $0?.assignment.attempt == attempt && $0?.assignment.spec.epochs == artifact.epoch
            }
        for item in uploads.add(artifact, of: attempt, isLast: isLast) { discard(item, &effects) }
    }

    /// The end of an attempt is told after all its files have arrived; of one that is completed
    /// nobody needs the states but the last.
    mutating func end(
        _ attempt: AttemptID, with event: Report.Event, at now: Instant,
        _ effects: inout [Effect]
    ) {
        if case .completed = event {
            for item in uploads.remove(attempt, onlyStates: true) { discard(item, &effects) }
        }
        if uploads.contains(attempt) {
            outboxes[attempt]?.ending = event
        } else {
            enqueue(event, of: attempt, at: now, &effects)
        }
    }

    /// Removes the file of an upload that is over, unless another one has the same.
    func discard(_ item: Uploads.Item, _ effects: inout [Effect]) {
        let path = item.artifact.file.path
        if !uploads.items.contains(where: { $0.artifact.file.path == path }) {
            effects.append(.removeFile(path: path))
        }
    }

    /// A run does not wait for its last state as if it were its result.
    mutating func giveUpStuckState(at now: Instant, _ effects: inout [Effect]) {
        guard let item = uploads.stuckLast(at: now) else { return }
        giveUp(
            item.artifact.file.digest, "the coordinator did not take a last state in", at: now,
            &effects)
        discard(item, &effects)
    }

    private mutating func tellEnd(
        of attempt: AttemptID, at now: Instant, _ effects: inout [Effect]
    ) {
        guard !uploads.contains(attempt), let ending = outboxes[attempt]?.ending else { return }
        outboxes[attempt]?.ending = nil
        enqueue(ending, of: attempt, at: now, &effects)
    }

    mutating func acceptProgress(
        _ progress: UploadProgress, at now: Instant, _ effects: inout [Effect]
    ) {
        // A worker that leaves stays as long as its files move.
        if let leaveBy { self.leaveBy = max(leaveBy, now + Self.leavingTime) }
        switch uploads.acceptProgress(progress, at: now) {
        case .goesOn: break
        case .stored(let item):
            enqueue(.artifact(item.artifact), of: item.attempt, at: now, &effects)
            discard(item, &effects)
            tellEnd(of: item.attempt, at: now, &effects)
        case .givenUp(let item):
            effects.append(
                .note("\(item.artifact.file.path) never arrived as it is; it is not kept"))
            discard(item, &effects)
            tellEnd(of: item.attempt, at: now, &effects)
        }
    }

    /// A file that was to be sent can't be read.
    mutating func giveUp(
        _ digest: Digest, _ reason: String, at now: Instant, _ effects: inout [Effect]
    ) {
        effects.append(.note("a file is not kept: \(reason)"))
        for item in uploads.remove(digest) { tellEnd(of: item.attempt, at: now, &effects) }
    }

    // MARK: What trainers read

    mutating func beginWhatCan(at now: Instant, _ effects: inout [Effect]) {
        for slot in slots.indices { begin(slot, at: now, &effects) }
    }

    /// Lets the trainer begin once all it reads is here. A state that can't be had is no reason to
    /// stop: the run is trained from the start. Without a model or data it can't be trained here.
    mutating func begin(_ slot: Slot, at now: Instant, _ effects: inout [Effect]) {
        guard let training = slots[slot], !training.hasBegun else { return }
        var assignment = training.assignment
        var places: [Digest: String] = [:]
        var isComplete = true
        for want in training.wants {
            switch (supplies.place(of: want), want) {
            case (nil, _): isComplete = false
            case (.here(let path), .state): assignment.checkpoint?.file.path = path
            case (.here(let path), _): places[want.digest] = path
            case (.nowhere(let why), .state):
                effects.append(
                    .note("slot \(slot) trains from the start: its state can't be had: \(why)"))
                assignment.checkpoint = nil
                slots[slot]?.wants.removeAll { $0 == want }
            case (.nowhere(let why), .model(let model)):
                fail(assignment.attempt, "\(model.path): \(why)", at: now, &effects)
                return
            case (.nowhere(let why), .file(let file)):
                fail(assignment.attempt, "\(file.path): \(why)", at: now, &effects)
                return
            }
        }
        slots[slot]?.assignment.checkpoint = assignment.checkpoint
        guard isComplete else { return }
        assignment.spec = assignment.spec.placed(at: places)
        slots[slot]?.assignment = assignment
        slots[slot]?.hasBegun = true
        effects.append(.train(slot, assignment))
    }

    private mutating func fail(
        _ attempt: AttemptID, _ why: String, at now: Instant, _ effects: inout [Effect]
    ) {
        acceptReport(
            .failed("it can't be read on this worker: \(why)"), of: attempt, at: now, &effects)
    }

    /// The trainer has read it.
    func removeCheckpoint(of slot: Slot, _ effects: inout [Effect]) {
        guard let training = slots[slot], training.hasBegun,
            let state = training.assignment.checkpoint
        else { return }
        let path = state.file.path
        if !uploads.items.contains(where: { $0.artifact.file.path == path }) {
            effects.append(.removeFile(path: path))
        }
    }
}
