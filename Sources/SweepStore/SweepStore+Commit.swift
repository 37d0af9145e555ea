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
                // Of what an attempt's reports came to, only the last counts.
                var acknowledged: [AttemptID: UInt64] = [:]
                for fact in facts {
                    if case .reportsStored(let attempt, let sequence) = fact {
                        acknowledged[attempt] = sequence
                    } else {
                        try apply(fact, at: time, in: database)
                    }
                }
                for (attempt, sequence) in acknowledged.sorted(by: { $0.key < $1.key }) {
                    try apply(
                        .reportsStored(attempt, upTo: sequence), at: time, in: database)
                }
            }
        }
    }

    private func apply(_ fact: Fact, at time: Double, in database: Database) throws {
        func execute(_ sql: String, _ arguments: StatementArguments) throws {
            try database.cachedStatement(sql: sql).execute(arguments: arguments)
        }
        switch fact {
        case .sweepSubmitted(let id, let spec, let grid):
            try store(id, spec, grid, at: time, in: database)
        case .runsCreated(let first, let runs): try store(runs, from: first, in: database)
        case .attemptStarted(let id, let run, let worker, _):
            try execute(
                """
                INSERT INTO run (id, spec, milestones, steps, state)
                VALUES (?, '', '', 0, 'waiting')
                ON CONFLICT (id) DO NOTHING
                """, [run.stored])
            try execute(
                """
                INSERT INTO attempt (id, run, worker, acknowledged, started, process)
                VALUES (?, ?, ?, 0, ?, (SELECT MAX(id) FROM worker WHERE name = ?))
                """,
                [id.stored, run.stored, worker.name, time, worker.name])
        case .workerJoined(let hello): try store(hello, at: time, in: database)
        case .reportsStored(let id, let sequence):
            try execute(
                "UPDATE attempt SET acknowledged = ? WHERE id = ?",
                [Int64(clamping: sequence), id.stored])
        case .epochMeasured(let run, let attempt, let metrics, let seconds):
            try execute(
                StoredMetrics.insertMeasurement,
                [run.stored, attempt.stored, seconds] + StoredMetrics.arguments(metrics))
        case .pointFinished(let key, let run, let attempt, let metrics, let parameters):
            try execute(
                StoredMetrics.setPoint,
                [key.data, run.stored, attempt.stored, parameters]
                    + StoredMetrics.arguments(metrics))
        case .pointTaken(let point, let like): try take(point, like: like, in: database)
        case .artifactKept(let run, let artifact): try keep(artifact, of: run, in: database)
        case .artifactDropped(let run, let artifact):
            try execute(
                "DELETE FROM artifact WHERE run = ? AND kind = ? AND epoch = ? AND digest = ?",
                [
                    run.stored, artifact.kind.rawValue, artifact.epoch,
                    Data(artifact.file.digest.bytes),
                ])
        case .lastStateKept(let state): try keep(state, at: time, in: database)
        case .runContinued(let run, let state): try goOn(run, from: state, in: database)
        case .attemptEnded(let id, let end):
            try execute(
                "UPDATE attempt SET ended = ?, outcome = ?, detail = ? WHERE id = ?",
                [time, end.outcome, end.detail, id.stored])
        case .attemptResumed(let id):
            try execute(
                "UPDATE attempt SET ended = NULL, outcome = NULL, detail = NULL WHERE id = ?",
                [id.stored])
        case .sweepConditioned(let id, let condition):
            try execute(
                "UPDATE sweep SET condition = ?, priority = ?, reason = ? WHERE id = ?",
                [condition.state.rawValue, condition.priority, condition.reason, id.stored])
        case .runsCancelled(let runs):
            for id in runs {
                try execute(
                    """
                    INSERT INTO run (id, spec, milestones, steps, state)
                    VALUES (?, '', '', 0, 'cancelled')
                    ON CONFLICT (id) DO UPDATE SET state = 'cancelled'
                    """, [id.stored])
            }
        case .runCompleted(let id, _, let steps, let seconds):
            try execute(
                "UPDATE run SET state = 'completed', steps = ?, seconds = ? WHERE id = ?",
                [steps, seconds, id.stored])
        case .runFailed(let id, let error, let points):
            try fail(id, error, points, in: database)
        }
    }

    func keep(_ artifact: Artifact, of run: RunID, in database: Database) throws {
        try database.cachedStatement(
            sql: """
                INSERT OR REPLACE INTO artifact (run, kind, epoch, digest, size, path, steps)
                VALUES (?, ?, ?, ?, ?, ?, ?)
                """
        ).execute(
            arguments: [
                run.stored, artifact.kind.rawValue, artifact.epoch,
                Data(artifact.file.digest.bytes), artifact.size, artifact.file.path,
                artifact.steps,
            ])
    }

    private func fail(
        _ id: RunID, _ error: String, _ points: [PointKey], in database: Database
    ) throws {
        try database.execute(
            sql: "UPDATE run SET state = 'failed', error = ? WHERE id = ?",
            arguments: [error, id.stored])
        for key in points {
            try database.execute(
                sql: """
                    INSERT INTO point (key, spec, run) VALUES (?, '', ?)
                    ON CONFLICT (key) DO UPDATE SET run = excluded.run
                    """, arguments: [key.data, id.stored])
        }
    }

    private func store(
        _ id: SweepID, _ spec: SweepSpec, _ grid: PlannedGrid, at time: Double,
        in database: Database
    ) throws {
        let json = try Self.json(spec)
        try database.execute(
            sql: "INSERT INTO plan (sweep, spec, backbone, keys, cells) VALUES (?, ?, ?, ?, ?)",
            arguments: [
                id.stored, json, spec.backbone.digest.hex, Packed.data(grid.keys),
                Packed.data(grid.cells),
            ])
        let plan = database.lastInsertedRowID
        try database.execute(
            sql: """
                INSERT INTO sweep (id, name, spec, submitted, plan) VALUES (?, ?, ?, ?, ?)
                ON CONFLICT (id) DO UPDATE SET spec = excluded.spec,
                    submitted = excluded.submitted, plan = excluded.plan
                """, arguments: [id.stored, spec.name, json, time, plan])
        try database.execute(
            sql: "DELETE FROM sweep_point WHERE sweep = ?", arguments: [id.stored])
    }

    /// The runs of the plan that was stored last.
    private func store(
        _ runs: [PlannedRun], from first: RunID, in database: Database
    ) throws {
        try database.execute(
            sql: """
                UPDATE plan SET first_run = ?, run_count = ?, runs = ?
                WHERE id = (SELECT MAX(id) FROM plan) AND first_run IS NULL
                """, arguments: [first.stored, runs.count, Packed.data(runs)])
        guard database.changesCount == 1 else {
            throw StoreError.damaged(path: path, what: "the plan of \(first)")
        }
    }
}

// SQLite's numbers are signed. What people and peers ask about may be any number; those of a store
// are small, so a large one is that of nothing.
extension RunID {
    var stored: Int64 { Int64(clamping: number) }
}

extension AttemptID {
    var stored: Int64 { Int64(clamping: number) }
}

extension SweepID {
    var stored: Int64 { Int64(clamping: number) }
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
