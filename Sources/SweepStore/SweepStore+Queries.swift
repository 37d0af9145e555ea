import FoundationEssentials
import GRDB
import SweepCore

/// One execution of a run, as the store remembers it.
public struct StoredAttempt: Hashable, Sendable {
    public let id: AttemptID
    public let run: RunID
    public let worker: WorkerID
    /// Seconds since 1970.
    public let started: Double
    public let ended: Double?
    /// `nil` while it has not ended.
    public let outcome: String?
    public let detail: String?

    /// For people: `attempt 3 of run 1 on a: began …, lost after 9 s: …`.
    public var line: String {
        let start = Date(timeIntervalSince1970: started).formatted(.iso8601)
        var line = "\(id) of \(run) on \(worker): began \(start)"
        guard let outcome else { return line + ", not ended" }
        line += ", \(outcome)"
        if let ended { line += " after \(Int((ended - started).rounded())) s" }
        if let detail { line += ": \(detail)" }
        return line
    }
}

extension SweepStore {
    public func sweepNames() throws(StoreError) -> [String] {
        try run { try database.read { try names($0) } }
    }

    /// All executions of a run, the first one first.
    public func attempts(of run: RunID) throws(StoreError) -> [StoredAttempt] {
        try attempts("run = ? ORDER BY id", [run.stored])
    }

    /// The newest executions on a worker, the first of these first.
    public func attempts(
        on worker: WorkerID, last count: Int
    ) throws(StoreError) -> [StoredAttempt] {
        try attempts("worker = ? ORDER BY id DESC LIMIT ?", [worker.name, count]).reversed()
    }

    private func attempts(
        _ condition: String, _ arguments: StatementArguments
    ) throws(StoreError) -> [StoredAttempt] {
        try run {
            try database.read { database in
                try Row.fetchAll(
                    database, sql: "SELECT * FROM attempt WHERE \(condition)", arguments: arguments
                ).map { row in
                    StoredAttempt(
                        id: AttemptID(row["id"]), run: RunID(row["run"]),
                        worker: WorkerID(row["worker"]), started: row["started"],
                        ended: row["ended"], outcome: row["outcome"], detail: row["detail"])
                }
            }
        }
    }

    /// Training steps per second of finished runs on the backbone, the mean of the newest 20;
    /// `nil` if there are none.
    public func stepsPerSecond(backbone: Digest) throws(StoreError) -> Double? {
        try run {
            try database.read { database in
                let ofPlan =
                    try hasPlans(database)
                    ? """
                    OR run.spec = '' AND EXISTS (
                        SELECT 1 FROM plan WHERE plan.backbone = ?1 AND plan.first_run <= run.id
                            AND run.id < plan.first_run + plan.run_count)
                    """ : ""
                // How fast figures are made up tells nothing of training.
                let isTrained =
                    try database.tableExists("worker")
                    ? """
                    AND NOT EXISTS (
                        SELECT 1 FROM attempt JOIN worker ON worker.id = attempt.process
                        WHERE attempt.run = run.id AND worker.trainer = 'fake')
                    """ : ""
                return try Double.fetchOne(
                    database,
                    sql: """
                        SELECT SUM(steps) / SUM(seconds) FROM (
                            SELECT steps, seconds FROM run WHERE state = 'completed' AND seconds > 0
                                AND steps > 0
                                AND (run.spec <> ''
                                    AND json_extract(run.spec, '$.backbone.digest') = ?1
                                    \(ofPlan))
                                \(isTrained)
                            ORDER BY id DESC LIMIT 20)
                        """, arguments: [backbone.hex])
            }
        }
    }

    /// What the runs of a sweep left behind, by run, kind and epoch.
    ///
    /// - Parameter name: the sweep's name; empty for the sweep submitted last.
    public func artifacts(ofSweep name: String) throws(StoreError) -> [KeptArtifact] {
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
                let wanted = Set(try keys(database, ofSweep: sweep))
                let plans = try planRows(database)
                return try artifacts(database, "TRUE", []).filter { item in
                    try serves(database, item, wanted, plans)
                }
            }
        }
    }

    /// Whether one of the run's points is among `wanted`.
    private func serves(
        _ database: Database, _ item: KeptArtifact, _ wanted: Set<PointKey>, _ plans: [PlanRow]
    ) throws -> Bool {
        let number = item.run.number
        if let plan = plans.first(where: { $0.has(number) }) {
            let run = try runs(
                database, of: plan, offset: Int(number - plan.firstRun), count: 1)
            guard let run = run.first else { throw damaged(plan) }
            return try keys(database, of: plan, offset: Int(run.first), count: Int(run.count))
                .contains { wanted.contains($0) }
        }
        return try keys(database, "SELECT key FROM point WHERE run = ?", [number])
            .contains { wanted.contains($0) }
    }

    /// The points that a sweep asks for, in grid order.
    private func keys(_ database: Database, ofSweep sweep: UInt64) throws -> [PointKey] {
        if let plan = try plan(database, ofSweep: sweep) { return try keys(database, of: plan) }
        return try keys(
            database, "SELECT point FROM sweep_point WHERE sweep = ? ORDER BY place", [sweep])
    }

    /// What one run left behind, by kind and epoch; nothing for an unknown run.
    public func artifacts(of id: RunID) throws(StoreError) -> [KeptArtifact] {
        try run { try database.read { try artifacts($0, "run.id = ?", [id.stored]) } }
    }

    private func artifacts(
        _ database: Database, _ condition: String, _ arguments: StatementArguments
    ) throws -> [KeptArtifact] {
        // An earlier version's store has no such table.
        guard try database.tableExists("artifact") else { return [] }
        let plans = try planRows(database)
        return try Row.fetchAll(
            database,
            sql: """
                SELECT artifact.*, run.spec FROM artifact JOIN run ON run.id = artifact.run
                WHERE \(condition) ORDER BY artifact.run, kind, artifact.epoch
                """, arguments: arguments
        ).map { row in
            let id: UInt64 = row["run"]
            return KeptArtifact(
                run: RunID(id),
                spec: try spec(database, ofRun: id, stored: row["spec"], plans),
                artifact: try artifact(row))
        }
    }

    /// Of a row of `artifact`.
    func artifact(_ row: Row) throws -> Artifact {
        let run: UInt64 = row["run"]
        guard let digest = Digest(bytes: Array(row["digest"] as Data)),
            let kind = Artifact.Kind(rawValue: row["kind"])
        else { throw StoreError.damaged(path: path, what: "an artifact of run \(run)") }
        return Artifact(
            kind: kind, epoch: row["epoch"],
            file: FileReference(path: row["path"], digest: digest), size: row["size"],
            steps: row["steps"] ?? 0)
    }

    /// The digests of all artifacts.
    public func keptDigests() throws(StoreError) -> Set<Digest> {
        try run {
            try database.read { database in
                Set(
                    try Data.fetchAll(database, sql: "SELECT DISTINCT digest FROM artifact")
                        .compactMap { Digest(bytes: Array($0)) })
            }
        }
    }

    /// Those of the digests that an artifact has.
    public func kept(_ digests: Set<Digest>) throws(StoreError) -> Set<Digest> {
        try run {
            try database.read { database in
                let statement = try database.cachedStatement(
                    sql: "SELECT EXISTS (SELECT 1 FROM artifact WHERE digest = ?)")
                return try digests.filter {
                    try Bool.fetchOne(statement, arguments: [Data($0.bytes)]) == true
                }
            }
        }
    }

    func names(_ database: Database) throws -> [String] {
        try String.fetchAll(database, sql: "SELECT name FROM sweep ORDER BY submitted, id")
    }

    func keys(
        _ database: Database, _ sql: String, _ arguments: StatementArguments
    ) throws -> [PointKey] {
        try Data.fetchAll(database, sql: sql, arguments: arguments).map { data in
            guard let digest = Digest(bytes: Array(data)) else {
                throw StoreError.damaged(path: path, what: "the key of a point")
            }
            return PointKey(digest)
        }
    }
}
