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
                var change = try Change(database)
                // Of what an attempt's reports came to, only the last counts.
                var acknowledged: [AttemptID: UInt64] = [:]
                for fact in facts {
                    if case .reportsStored(let attempt, let sequence) = fact {
                        acknowledged[attempt] = sequence
                    } else {
                        try apply(fact, &change, at: time, in: database)
                    }
                }
                for (attempt, sequence) in acknowledged.sorted(by: { $0.key < $1.key }) {
                    try apply(
                        .reportsStored(attempt, upTo: sequence), &change, at: time, in: database)
                }
                try change.store(in: database)
            }
        }
        checkpoints?.countCommit()
    }

    private func apply(
        _ fact: Fact, _ change: inout Change, at time: Double, in database: Database
    ) throws {
        func execute(_ sql: String, _ arguments: StatementArguments) throws {
            try database.cachedStatement(sql: sql).execute(arguments: arguments)
        }
        switch fact {
        case .pointsPlanned(let grid, let places): try store(grid, places, in: database)
        case .sweepSubmitted(let id, let spec, let submitted):
            try store(id, spec, submitted, &change, at: time, in: database)
        case .runsCreated(let first, let runs): try store(runs, from: first, in: database)
        case .workerJoined(let hello): try store(hello, at: time, in: database)
        case .attemptStarted(let id, let run, let worker, _):
            try change.begin(run, in: database)
            try execute(
                """
                INSERT INTO attempt (id, run, worker, acknowledged, started, process)
                VALUES (?, ?, ?, 0, ?, (SELECT MAX(id) FROM worker WHERE name = ?))
                """,
                [id.stored, run.stored, worker.name, time, worker.name])
        case .reportsStored(let id, let sequence):
            try execute(
                "UPDATE attempt SET acknowledged = ? WHERE id = ?",
                [Int64(clamping: sequence), id.stored])
        case .epochMeasured(let run, let attempt, let metrics, let seconds):
            change.mark(run)
            try execute(
                StoredMetrics.insertMeasurement,
                StoredMetrics.arguments(
                    [run.stored, attempt.stored, seconds, change.number], metrics))
        case .pointFinished(let key, let run, let attempt, let metrics, let parameters):
            change.mark(run, trainableParameters: parameters)
            try execute(Self.finishPoint, [key.data, run.stored, attempt.stored, metrics.epoch])
        case .pointTaken(let point): try finishPoint(point, &change, in: database)
        case .artifactKept(let run, let artifact): try keep(artifact, of: run, in: database)
        case .artifactDropped(let run, let artifact):
            try execute(
                "DELETE FROM artifact WHERE run = ? AND kind = ? AND epoch = ? AND digest = ?",
                [
                    run.stored, artifact.kind.rawValue, artifact.epoch,
                    Data(artifact.file.digest.bytes),
                ])
        case .lastStateKept(let state): try keep(state, at: time, in: database)
        case .runContinued(let run, let state): try goOn(run, from: state, &change, in: database)
        case .attemptEnded(let id, let end):
            try set(id, (ended: time, outcome: end.outcome, end.detail), &change, in: database)
        case .attemptResumed(let id): try set(id, (nil, nil, nil), &change, in: database)
        case .sweepConditioned(let id, let condition):
            try set(id, condition, &change, in: database)
        case .runsCancelled(let runs):
            for run in runs { try change.cancel(run, in: database) }
        case .runCompleted(let id, _, let steps, let seconds):
            try change.complete(id, steps: steps, seconds: seconds, in: database)
        case .runFailed(let id, let error, let points):
            change.mark(id)
            try execute(
                "UPDATE run SET state = 'failed', error = ? WHERE id = ?", [error, id.stored])
            for key in points { try execute(Self.failPoint, [key.data, id.stored]) }
        }
    }

    private static let finishPoint = """
        INSERT INTO point (key, run, attempt, epoch) VALUES (?, ?, ?, ?)
        ON CONFLICT (key) DO UPDATE SET run = excluded.run, attempt = excluded.attempt,
            epoch = excluded.epoch
        """
    private static let failPoint = """
        INSERT INTO point (key, run) VALUES (?, ?)
        ON CONFLICT (key) DO UPDATE SET run = excluded.run WHERE epoch IS NULL
        """

    private typealias Ending = (ended: Double?, outcome: String?, detail: String?)

    private func set(
        _ id: AttemptID, _ ending: Ending, _ change: inout Change, in database: Database
    ) throws {
        let run = try Int64.fetchOne(
            database.cachedStatement(
                sql: """
                    UPDATE attempt SET ended = ?, outcome = ?, detail = ? WHERE id = ?
                    RETURNING run
                    """), arguments: [ending.ended, ending.outcome, ending.detail, id.stored])
        if let run { change.mark(RunID(UInt64(run))) }
    }

    /// Points without a result are told as cancelled from then on, or no longer.
    private func set(
        _ id: SweepID, _ condition: SweepCondition, _ change: inout Change, in database: Database
    ) throws {
        let before = try String.fetchOne(
            database, sql: "SELECT condition FROM sweep WHERE id = ?", arguments: [id.stored])
        let cancelled = SweepCondition.State.cancelled
        if (before == cancelled.rawValue) != (condition.state == cancelled) {
            try database.execute(
                sql: "UPDATE plan SET began = ? WHERE id = (SELECT plan FROM sweep WHERE id = ?)",
                arguments: [change.number, id.stored])
            change.isMade = true
        }
        try database.execute(
            sql: "UPDATE sweep SET condition = ?, priority = ?, reason = ? WHERE id = ?",
            arguments: [
                condition.state.rawValue, condition.priority, condition.reason, id.stored,
            ])
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

    /// A coordinator that was killed while a sweep was on its way leaves parts of a plan, and runs
    /// of it that go on from the states of others.
    func forgetUnfinishedPlan(_ database: Database) throws {
        let plan = try nextPlan(database)
        let hasParts = try Bool.fetchOne(
            database, sql: "SELECT EXISTS (SELECT 1 FROM plan_part WHERE plan >= ?)",
            arguments: [plan])
        guard hasParts == true else { return }
        try database.execute(sql: "DELETE FROM plan_part WHERE plan >= ?", arguments: [plan])
        let first =
            try Int64.fetchOne(database, sql: "SELECT MAX(first_run + run_count) FROM plan") ?? 1
        for (table, column) in [("run", "id"), ("artifact", "run"), ("measurement", "run")] {
            try database.execute(
                sql: "DELETE FROM \(table) WHERE \(column) >= ?", arguments: [first])
        }
    }

    /// The number that the plan gets whose sweep is submitted next.
    private func nextPlan(_ database: Database) throws -> Int64 {
        try Int64.fetchOne(database, sql: "SELECT MAX(id) FROM plan").map { $0 + 1 } ?? 1
    }

    /// A part of the next plan.
    private func store(
        _ grid: PlannedGrid, _ places: Range<Int>, in database: Database
    ) throws {
        let plan = try nextPlan(database)
        if places.lowerBound == 0 { try forgetUnfinishedPlan(database) }
        func add(_ list: PlanList, _ items: Data) throws {
            try database.execute(
                sql: PlanList.insert,
                arguments: [plan, list.rawValue, places.lowerBound, items])
        }
        try add(.keys, Packed.data(grid.keys[places]))
        try add(.cells, Packed.data(grid.cells[places]))
    }

    /// Runs of the next plan.
    private func store(
        _ runs: [PlannedRun], from first: RunID, in database: Database
    ) throws {
        let plan = try nextPlan(database)
        let before = try Int.fetchOne(
            database,
            sql: """
                SELECT COALESCE(SUM(length(items)), 0) / ? FROM plan_part
                WHERE plan = ? AND list = ?
                """,
            arguments: [PlanList.runs.itemBytes, plan, PlanList.runs.rawValue])
        try database.execute(
            sql: PlanList.insert,
            arguments: [plan, PlanList.runs.rawValue, before ?? 0, Packed.data(runs)])
    }

    private func store(
        _ id: SweepID, _ spec: SweepSpec, _ submitted: Submitted, _ change: inout Change,
        at time: Double, in database: Database
    ) throws {
        change.isMade = true
        let json = try Self.json(spec)
        let plan = try nextPlan(database)
        try database.execute(
            sql: """
                INSERT INTO plan (id, sweep, spec, backbone, points, first_run, run_count, began)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                plan, id.stored, json, spec.backbone.digest.hex, submitted.points,
                submitted.firstRun.stored, submitted.runs, change.number,
            ])
        try database.execute(
            sql: """
                INSERT INTO sweep (id, name, spec, submitted, plan) VALUES (?, ?, ?, ?, ?)
                ON CONFLICT (id) DO UPDATE SET spec = excluded.spec,
                    submitted = excluded.submitted, plan = excluded.plan
                """, arguments: [id.stored, spec.name, json, time, plan])
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
