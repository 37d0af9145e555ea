import FoundationEssentials
import GRDB
import SweepCore

extension SweepStore {
    /// Stores the facts in one transaction: all of them, or none and an error.
    ///
    /// - Parameter time: seconds since 1970, for people who read the store.
    public func commit(
        _ facts: [Fact], at time: Double = Date().timeIntervalSince1970
    ) throws(StoreError) {
        guard !facts.isEmpty else { return }
        try run {
            try database.write { database in
                for fact in facts { try apply(fact, at: time, in: database) }
            }
        }
    }

    private func apply(_ fact: Fact, at time: Double, in database: Database) throws {
        func execute(_ sql: String, _ arguments: StatementArguments) throws {
            try database.cachedStatement(sql: sql).execute(arguments: arguments)
        }
        switch fact {
        case .sweepSubmitted(let id, let spec, let points):
            try store(id, spec, points, at: time, in: database)
        case .runCreated(let id, let plan):
            try execute(
                """
                INSERT INTO run (id, spec, milestones, steps, state, keep)
                VALUES (?, ?, ?, ?, 'waiting', ?)
                """,
                [
                    id.number, try Self.json(plan.spec), try Self.json(plan.milestones),
                    plan.steps, try Self.json(plan.keep),
                ])
            for milestone in plan.milestones {
                try execute(
                    "UPDATE point SET run = ? WHERE key = ?", [id.number, milestone.key.data])
            }
        case .attemptStarted(let id, let run, let worker):
            try execute(
                """
                INSERT INTO attempt (id, run, worker, acknowledged, started)
                VALUES (?, ?, ?, 0, ?)
                """,
                [id.number, run.number, worker.name, time])
        case .reportsStored(let id, let sequence):
            try execute(
                "UPDATE attempt SET acknowledged = ? WHERE id = ?", [sequence, id.number])
        case .epochMeasured(let run, let attempt, let metrics, let seconds):
            let columns = StoredMetrics.columns
            try execute(
                """
                INSERT OR REPLACE INTO measurement
                (run, attempt, seconds, \(columns.joined(separator: ", ")))
                VALUES (?, ?, ?, \(columns.map { _ in "?" }.joined(separator: ", ")))
                """,
                [run.number, attempt.number, seconds] + StoredMetrics.arguments(metrics))
        case .pointFinished(let key, let run, let metrics):
            let columns = StoredMetrics.columns.map { "\($0) = ?" }.joined(separator: ", ")
            try execute(
                "UPDATE point SET run = ?, \(columns) WHERE key = ?",
                [run.number] + StoredMetrics.arguments(metrics) + [key.data])
        case .artifactKept(let run, let artifact):
            try execute(
                "INSERT OR REPLACE INTO artifact VALUES (?, ?, ?, ?, ?, ?)",
                [
                    run.number, artifact.kind.rawValue, artifact.epoch,
                    Data(artifact.file.digest.bytes), artifact.size, artifact.file.path,
                ])
        case .attemptEnded(let id, let end):
            try execute(
                "UPDATE attempt SET ended = ?, outcome = ?, detail = ? WHERE id = ?",
                [time, end.outcome, end.detail, id.number])
        case .attemptResumed(let id):
            try execute(
                "UPDATE attempt SET ended = NULL, outcome = NULL, detail = NULL WHERE id = ?",
                [id.number])
        case .runCancelled(let id):
            try execute("UPDATE run SET state = 'cancelled' WHERE id = ?", [id.number])
        case .runCompleted(let id, _, let parameters, let seconds):
            try execute(
                """
                UPDATE run SET state = 'completed', trainable_parameters = ?, seconds = ?
                WHERE id = ?
                """, [parameters, seconds, id.number])
        case .runFailed(let id, let error):
            try execute(
                "UPDATE run SET state = 'failed', error = ? WHERE id = ?", [error, id.number])
        }
    }

    private func store(
        _ id: SweepID, _ spec: SweepSpec, _ points: [PlannedPoint], at time: Double,
        in database: Database
    ) throws {
        try database.execute(
            sql: """
                INSERT INTO sweep VALUES (?, ?, ?, ?)
                ON CONFLICT (id) DO UPDATE SET spec = excluded.spec, submitted = excluded.submitted
                """, arguments: [id.number, spec.name, try Self.json(spec), time])
        try database.execute(
            sql: "DELETE FROM sweep_point WHERE sweep = ?", arguments: [id.number])
        let insertPoint = try database.cachedStatement(
            sql: "INSERT OR IGNORE INTO point (key, spec) VALUES (?, ?)")
        let insertPlace = try database.cachedStatement(
            sql: "INSERT INTO sweep_point VALUES (?, ?, ?)")
        for (place, point) in points.enumerated() {
            try insertPoint.execute(arguments: [point.key.data, try Self.json(point.spec)])
            try insertPlace.execute(arguments: [id.number, place, point.key.data])
        }
    }
}

extension PointKey {
    var data: Data { Data(digest.bytes) }
}

extension AttemptEnd {
    var outcome: String {
        switch self {
        case .completed: "completed"
        case .failed: "failed"
        case .lost: "lost"
        case .handedBack: "handed back"
        }
    }

    var detail: String? {
        switch self {
        case .failed(let text), .lost(let text): text
        case .completed, .handedBack: nil
        }
    }
}
