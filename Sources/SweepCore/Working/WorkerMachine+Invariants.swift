extension WorkerMachine {
    /// Traps with the state in words if the bookkeeping contradicts itself. Called after every
    /// event in tests and in simulation.
    public func checkInvariants() {
        checkTrainings()
        checkOutboxes()
        supplies.checkInvariants()
        uploads.checkInvariants()
    }

    private func checkTrainings() {
        let trainings = slots.compactMap { $0 }
        let attempts = trainings.map(\.assignment.attempt) + backlog.map(\.attempt)
        precondition(
            Set(attempts).count == attempts.count, "an attempt has two places: \(attempts)")
        for attempt in attempts {
            precondition(
                outboxes[attempt]?.isOver == false,
                "\(attempt) is in training, but is over or unknown")
        }
        precondition(
            backlog.isEmpty || slots.allSatisfy { $0 != nil } || hasLeft,
            "a slot is free while jobs wait")
        precondition(leaveBy == nil || backlog.isEmpty, "a worker that leaves has jobs that wait")
        for training in trainings where !training.hasBegun {
            precondition(
                training.wants.contains { supplies.place(of: $0) == nil },
                "\(training.assignment.attempt) has all it reads, and has not begun")
        }
    }

    private func checkOutboxes() {
        for (id, outbox) in outboxes {
            let sequences = outbox.unacknowledged.map(\.sequence)
            precondition(
                zip(sequences, sequences.dropFirst()).allSatisfy { $0 + 1 == $1 }
                    && sequences.last ?? outbox.lastSequence == outbox.lastSequence,
                "\(id) has reports \(sequences), the last is \(outbox.lastSequence)")
            precondition(
                !outbox.isOver || !outbox.unacknowledged.isEmpty, "\(id) is over and remembered")
            precondition(
                outbox.ending == nil || uploads.contains(id) && !outbox.isOver,
                "\(id) waits for files that are not on their way")
            precondition(
                !outbox.isRevoked || !uploads.contains(id), "files of \(id) are not wanted")
        }
        for item in uploads.items {
            precondition(
                outboxes[item.attempt] != nil, "\(item.attempt) has files, and is forgotten")
        }
    }
}
