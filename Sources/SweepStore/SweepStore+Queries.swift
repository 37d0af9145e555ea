import FoundationEssentials
import GRDB
import SweepCore

/// A file that a run left behind.
public struct StoredArtifact: Hashable, Sendable {
    public let run: RunID
    public let spec: TrainingSpec
    public let artifact: Artifact
}

extension SweepStore {
    /// Everything a scheduler needs to go on.
    public func snapshot() throws(StoreError) -> Snapshot {
        try run {
            try database.read { database in
                Snapshot(
                    sweeps: try sweeps(database), runs: try runs(database),
                    attempts: try attempts(database),
                    finished: Set(
                        try keys(database, "SELECT key FROM point WHERE cacc IS NOT NULL", [])),
                    lastAttempt: AttemptID(
                        try UInt64.fetchOne(database, sql: "SELECT MAX(id) FROM attempt") ?? 0))
            }
        }
    }

    public func sweepNames() throws(StoreError) -> [String] {
        try run { try database.read { try names($0) } }
    }

    /// A part of a sweep's points in grid order, from `offset` on.
    ///
    /// - Parameter name: the sweep's name; empty for the sweep submitted last.
    public func results(
        of name: String, offset: Int = 0, limit: Int = Int.max
    ) throws(StoreError) -> ResultsSlice {
        try run {
            try database.read { database in
                let row = try Row.fetchOne(
                    database,
                    sql: """
                        SELECT id, name FROM sweep WHERE name = ? OR ? = ''
                        ORDER BY submitted DESC, id DESC LIMIT 1
                        """, arguments: [name, name])
                guard let row else {
                    throw StoreError.unknownSweep(name: name, known: try names(database))
                }
                let sweep: UInt64 = row["id"]
                return ResultsSlice(
                    name: row["name"],
                    total: try Int.fetchOne(
                        database, sql: "SELECT COUNT(*) FROM sweep_point WHERE sweep = ?",
                        arguments: [sweep]) ?? 0,
                    offset: offset,
                    points: try outcomes(database, sweep, offset: offset, limit: limit))
            }
        }
    }

    /// Training steps per second of finished runs on the backbone, the mean of the newest 20;
    /// `nil` if there are none.
    public func stepsPerSecond(backbone: Digest) throws(StoreError) -> Double? {
        try run {
            try database.read { database in
                try Double.fetchOne(
                    database,
                    sql: """
                        SELECT SUM(steps) / SUM(seconds) FROM (
                            SELECT steps, seconds FROM run WHERE state = 'completed' AND seconds > 0
                                AND json_extract(spec, '$.backbone.digest') = ?
                            ORDER BY id DESC LIMIT 20)
                        """, arguments: [backbone.hex])
            }
        }
    }

    /// What the runs of a sweep left behind, by run, kind and epoch.
    ///
    /// - Parameter name: the sweep's name; empty for the sweep submitted last.
    public func artifacts(ofSweep name: String) throws(StoreError) -> [StoredArtifact] {
        try run {
            try database.read { database in
                let sweep = try UInt64.fetchOne(
                    database,
                    sql: """
                        SELECT id FROM sweep WHERE name = ? OR ? = ''
                        ORDER BY submitted DESC, id DESC LIMIT 1
                        """, arguments: [name, name])
                guard let sweep else {
                    throw StoreError.unknownSweep(name: name, known: try names(database))
                }
                return try artifacts(
                    database,
                    """
                    run.id IN (SELECT DISTINCT point.run FROM sweep_point
                    JOIN point ON point.key = sweep_point.point WHERE sweep = ?)
                    """, [sweep])
            }
        }
    }

    /// What one run left behind, by kind and epoch; nothing for an unknown run.
    public func artifacts(of id: RunID) throws(StoreError) -> [StoredArtifact] {
        try run { try database.read { try artifacts($0, "run.id = ?", [id.number]) } }
    }

    private func artifacts(
        _ database: Database, _ condition: String, _ arguments: StatementArguments
    ) throws -> [StoredArtifact] {
        // An earlier version's store has no such table.
        guard try database.tableExists("artifact") else { return [] }
        return try Row.fetchAll(
            database,
            sql: """
                SELECT artifact.*, run.spec FROM artifact JOIN run ON run.id = artifact.run
                WHERE \(condition) ORDER BY artifact.run, kind, artifact.epoch
                """, arguments: arguments
        ).map { row in
            let id: UInt64 = row["run"]
            guard let digest = Digest(bytes: Array(row["digest"] as Data)),
                let kind = Artifact.Kind(rawValue: row["kind"])
            else { throw StoreError.damaged(path: path, what: "an artifact of run \(id)") }
            return StoredArtifact(
                run: RunID(id), spec: try decode(TrainingSpec.self, row["spec"], "run \(id)"),
                artifact: Artifact(
                    kind: kind, epoch: row["epoch"],
                    file: FileReference(path: row["path"], digest: digest), size: row["size"]))
        }
    }

    private func names(_ database: Database) throws -> [String] {
        try String.fetchAll(database, sql: "SELECT name FROM sweep ORDER BY submitted, id")
    }

    private func keys(
        _ database: Database, _ sql: String, _ arguments: StatementArguments
    ) throws -> [PointKey] {
        try Data.fetchAll(database, sql: sql, arguments: arguments).map { data in
            guard let digest = Digest(bytes: Array(data)) else {
                throw StoreError.damaged(path: path, what: "the key of a point")
            }
            return PointKey(digest)
        }
    }

    private func sweeps(_ database: Database) throws -> [Snapshot.Sweep] {
        try Row.fetchAll(database, sql: "SELECT id, spec FROM sweep ORDER BY id").map { row in
            let id: UInt64 = row["id"]
            return Snapshot.Sweep(
                id: SweepID(id), spec: try decode(SweepSpec.self, row["spec"], "sweep \(id)"),
                keys: try keys(
                    database, "SELECT point FROM sweep_point WHERE sweep = ? ORDER BY place", [id]))
        }
    }

    private func runs(_ database: Database) throws -> [Snapshot.Run] {
        let failures = Dictionary(
            grouping: try Row.fetchAll(
                database,
                sql: """
                    SELECT run, worker, detail FROM attempt WHERE outcome = 'failed' ORDER BY id
                    """),
            by: { $0["run"] as UInt64 })
        let active = Dictionary(
            try Row.fetchAll(
                database,
                sql: "SELECT id, run, worker FROM attempt WHERE outcome IS NULL ORDER BY id"
            ).map { ($0["run"] as UInt64, $0) }, uniquingKeysWith: { $1 })
        return try Row.fetchAll(database, sql: "SELECT * FROM run ORDER BY id").map { row in
            let id: UInt64 = row["id"]
            let state: Snapshot.Run.State =
                switch row["state"] as String {
                case "completed": .completed
                case "failed": .failed(row["error"] ?? "")
                case "cancelled": .cancelled
                default:
                    active[id].map { .active(AttemptID($0["id"]), WorkerID($0["worker"])) }
                        ?? .waiting
                }
            return Snapshot.Run(
                id: RunID(id),
                plan: PlannedRun(
                    spec: try decode(TrainingSpec.self, row["spec"], "run \(id)"),
                    milestones: try decode([Milestone].self, row["milestones"], "run \(id)"),
                    steps: row["steps"],
                    keep: try (row["keep"] as String?).map {
                        try decode(Keepsakes.self, $0, "run \(id)")
                    } ?? .none),
                state: state,
                failures: (failures[id] ?? []).map {
                    Failure(worker: WorkerID($0["worker"]), error: $0["detail"] ?? "")
                })
        }
    }

    private func attempts(_ database: Database) throws -> [Snapshot.Attempt] {
        try Row.fetchAll(
            database,
            sql: """
                SELECT attempt.id, run, worker, acknowledged, outcome FROM attempt
                JOIN run ON run.id = attempt.run WHERE run.state = 'waiting' ORDER BY attempt.id
                """
        ).map { row in
            Snapshot.Attempt(
                id: AttemptID(row["id"]), run: RunID(row["run"]), worker: WorkerID(row["worker"]),
                acknowledged: row["acknowledged"],
                isClosed: ["failed", "handed back"].contains(row["outcome"] ?? ""))
        }
    }

    private func outcomes(
        _ database: Database, _ sweep: UInt64, offset: Int, limit: Int
    ) throws -> [PointOutcome] {
        var curves: [UInt64: [EpochMetrics]] = [:]
        return try Row.fetchAll(
            database,
            sql: """
                SELECT point.*, run.state, run.error, run.trainable_parameters FROM sweep_point
                JOIN point ON point.key = sweep_point.point LEFT JOIN run ON run.id = point.run
                WHERE sweep = ? ORDER BY place LIMIT ? OFFSET ?
                """, arguments: [sweep, limit, offset]
        ).map { row in
            let spec = try decode(TrainingSpec.self, row["spec"], "a point")
            var state = PointOutcome.State.waiting
            if (row["cacc"] as Double?) != nil {
                state = .finished(try metrics(row))
            } else if (row["state"] as String?) == "failed" {
                state = .failed(row["error"] ?? "")
            }
            var curve: [EpochMetrics] = []
            if let run: UInt64 = row["run"] {
                curve = try curves[run] ?? measurements(database, of: run)
                curves[run] = curve
            }
            return PointOutcome(
                spec: spec, state: state, curve: curve.filter { $0.epoch <= spec.epochs },
                trainableParameters: row["trainable_parameters"])
        }
    }

    /// One measurement for each epoch, of the first attempt that got so far.
    private func measurements(_ database: Database, of run: UInt64) throws -> [EpochMetrics] {
        var curve: [EpochMetrics] = []
        let rows = try Row.fetchAll(
            database, sql: "SELECT * FROM measurement WHERE run = ? ORDER BY epoch, attempt",
            arguments: [run])
        for row in rows where curve.last?.epoch != row["epoch"] { curve.append(try metrics(row)) }
        return curve
    }
}
