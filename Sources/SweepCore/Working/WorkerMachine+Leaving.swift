/// A worker that leaves, because it was asked to, its time is up or it can't train any more.
extension WorkerMachine {
    /// One trainer can't train, and those of the other slots are of the same kind on the same
    /// machine: the worker goes, and its runs use up no retry.
    mutating func handBack(
        _ slot: Slot, because how: String, at now: Instant, _ effects: inout [Effect]
    ) {
        unusable = unusable ?? how
        if slots.indices.contains(slot), let training = slots[slot], training.hasBegun {
            acceptReport(.handedBack, of: training.assignment.attempt, at: now, &effects)
        }
        drain(at: now, &effects)
    }

    mutating func drain(at now: Instant, _ effects: inout [Effect]) {
        guard leaveBy == nil else { return }
        leaveBy = now + Self.stoppingTime
        for assignment in backlog {
            acceptReport(.handedBack, of: assignment.attempt, at: now, &effects)
        }
        backlog.removeAll()
        for slot in slots.indices { stop(slot, at: now, &effects) }
        hurry(at: now)
    }

    /// Once nothing is in training, a worker that leaves waits for the coordinator alone.
    mutating func hurry(at now: Instant) {
        if leaveBy != nil, slots.allSatisfy({ $0 == nil }) { leaveBy = now + Self.leavingTime }
    }

    mutating func stop(_ slot: Slot, at now: Instant, _ effects: inout [Effect]) {
        guard let training = slots[slot] else { return }
        if training.hasBegun {
            effects.append(.stop(slot, training.assignment.attempt))
        } else {
            acceptReport(.handedBack, of: training.assignment.attempt, at: now, &effects)
        }
    }

    mutating func leaveWhenDone(at now: Instant, _ effects: inout [Effect]) {
        guard let leaveBy, !hasLeft else { return }
        let isDone = slots.allSatisfy { $0 == nil } && outboxes.isEmpty
        guard isDone || leaveBy <= now else { return }
        hasLeft = true
        effects.append(.send(.goodbye(reason: unusable)))
        effects.append(unusable.map { .abandon(reason: $0) } ?? .leave(error: nil))
    }
}
