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
        for item in uploads.add(artifact, of: attempt) { discard(item, &effects) }
    }

    /// The end of an attempt is told after all its files have arrived; nobody needs the states of
    /// one that is completed.
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

    private mutating func tellEnd(
        of attempt: AttemptID, at now: Instant, _ effects: inout [Effect]
    ) {
        guard !uploads.contains(attempt), let ending = outboxes[attempt]?.ending else { return }
        outboxes[attempt]?.ending = nil
        enqueue(ending, of: attempt, at: now, &effects)
    }

    mutating func take(
        _ progress: UploadProgress, at now: Instant, _ effects: inout [Effect]
    ) {
        // A worker that leaves stays as long as its files move.
        if let leaveBy { self.leaveBy = max(leaveBy, now + Self.leavingTime) }
        switch uploads.take(progress, at: now) {
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

    // MARK: Files from the coordinator

    mutating func take(_ chunk: Chunk, at now: Instant, _ effects: inout [Effect]) {
        for slot in slots.indices where isFetching(slot, chunk.digest) {
            if slots[slot]?.download?.contradicts(chunk) == true {
                startOver(chunk.digest, "the coordinator's file has another size", &effects)
                return
            }
            effects += slots[slot]?.download?.take(chunk, at: now) ?? []
        }
    }

    mutating func handleFile(_ event: Event, at now: Instant, _ effects: inout [Effect]) {
        switch event {
        case .fileUnreadable(let digest, let reason):
            effects.append(.note("a file is not kept: \(reason)"))
            for item in uploads.remove(digest) { tellEnd(of: item.attempt, at: now, &effects) }
        case .fileOpened(let digest, let received):
            for slot in slots.indices where isFetching(slot, digest) {
                effects += slots[slot]?.download?.open(with: received, at: now) ?? []
            }
        case .fileReady(let digest, let path):
            for slot in slots.indices where isFetching(slot, digest) {
                slots[slot]?.assignment.checkpoint?.file.path = path
                train(slot, &effects)
            }
        case .fileFailed(let digest, let reason): startOver(digest, reason, &effects)
        case .message, .progress, .report, .trainerExited, .tick, .drain: break
        }
    }

    mutating func remindOfDownloads(at now: Instant, _ effects: inout [Effect]) {
        for slot in slots.indices { effects += slots[slot]?.download?.remind(at: now) ?? [] }
    }

    /// A state that can't be had is no reason to stop: the run is trained from the start.
    mutating func startOver(
        _ digest: Digest, _ reason: String, _ effects: inout [Effect]
    ) {
        for slot in slots.indices where isFetching(slot, digest) {
            effects.append(
                .note("slot \(slot) trains from the start: its state can't be had: \(reason)"))
            slots[slot]?.assignment.checkpoint = nil
            train(slot, &effects)
        }
    }

    private mutating func train(_ slot: Slot, _ effects: inout [Effect]) {
        slots[slot]?.download = nil
        if let assignment = slots[slot]?.assignment { effects.append(.train(slot, assignment)) }
    }

    private func isFetching(_ slot: Slot, _ digest: Digest) -> Bool {
        slots[slot]?.download?.artifact.file.digest == digest
    }

    /// The trainer has read it.
    func removeCheckpoint(of slot: Slot, _ effects: inout [Effect]) {
        guard let training = slots[slot], training.download == nil,
            let state = training.assignment.checkpoint
        else { return }
        let path = state.file.path
        if !uploads.items.contains(where: { $0.artifact.file.path == path }) {
            effects.append(.removeFile(path: path))
        }
    }
}
