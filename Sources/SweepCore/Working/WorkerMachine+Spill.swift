/// Reports that the coordinator does not take for a while are written down, so that they outlive
/// the worker; beyond a number of them no more are taken from trainers, which then wait.
extension WorkerMachine {
    struct Spill: Sendable {
        /// Since when something is unacknowledged and nothing was acknowledged.
        var waitingSince: Instant?
        /// The highest sequence of each attempt that is written down.
        var written: [AttemptID: UInt64] = [:]
    }

    /// Unacknowledged reports, at most; then trainers have to wait.
    static let mostUnacknowledged = 10_000

    /// Whether nothing more may be taken from trainers until the coordinator has acknowledged some.
    public var isFull: Bool {
        outboxes.values.reduce(0) { $0 + $1.unacknowledged.count } >= Self.mostUnacknowledged
    }

    mutating func recordAcknowledgement(at now: Instant, _ effects: inout [Effect]) {
        let isEmpty = outboxes.values.allSatisfy(\.unacknowledged.isEmpty)
        spill.waitingSince = isEmpty ? nil : now
        guard isEmpty, !spill.written.isEmpty else { return }
        spill.written = [:]
        effects.append(.clearSpill)
    }

    mutating func spillWhatWaits(at now: Instant, _ effects: inout [Effect]) {
        guard let since = spill.waitingSince, since + resendInterval <= now else { return }
        var reports: [Report] = []
        for (attempt, outbox) in outboxes.sorted(by: { $0.key < $1.key }) {
            let written = spill.written[attempt] ?? 0
            reports += outbox.unacknowledged.filter { $0.sequence > written }
            spill.written[attempt] = max(written, outbox.lastSequence)
        }
        if !reports.isEmpty { effects.append(.spill(reports)) }
    }

    /// An attempt that had not ended is handed back: nobody trains it any more.
    mutating func resumeSpilled(_ spilled: [Report]) {
        for report in spilled {
            var outbox = outboxes[report.attempt] ?? Outbox()
            guard report.sequence > outbox.lastSequence, !outbox.isOver else { continue }
            outbox.lastSequence = report.sequence
            outbox.unacknowledged.append(report)
            switch report.event {
            case .epoch, .artifact: break
            case .completed, .failed, .handedBack: outbox.isOver = true
            }
            outboxes[report.attempt] = outbox
        }
        for (attempt, outbox) in outboxes {
            let sequence = outbox.lastSequence
            spill.written[attempt] = sequence
            guard !outbox.isOver else { continue }
            outboxes[attempt]?.lastSequence = sequence + 1
            outboxes[attempt]?.unacknowledged.append(
                Report(attempt: attempt, sequence: sequence + 1, event: .handedBack))
            outboxes[attempt]?.isOver = true
        }
    }
}
