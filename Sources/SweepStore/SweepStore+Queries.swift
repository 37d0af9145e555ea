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

    /// The newest executions on a worker, the first of these first, of the newest 200,000 of all:
    /// an index would make every assignment dearer.
    public func attempts(
        on worker: WorkerID, last count: Int
    ) throws(StoreError) -> [StoredAttempt] {
        try attempts(
            """
            worker = ? AND id > (SELECT MAX(id) FROM attempt) - 200000
            ORDER BY id DESC LIMIT ?
            """, [worker.name, count]
        ).reversed()
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
                // How fast figures are made up tells nothing of training.
                try Double.fetchOne(
                    database,
                    sql: """
                        SELECT SUM(steps) / SUM(seconds) FROM (
                            SELECT steps, seconds FROM run WHERE state = 'completed' AND seconds > 0
                                AND steps > 0
                                AND EXISTS (
                                    SELECT 1 FROM plan WHERE plan.backbone = ?1
                                        AND plan.first_run <= run.id
                                        AND run.id < plan.first_run + plan.run_count)
                                AND NOT EXISTS (
                                    SELECT 1 FROM attempt
                                    JOIN worker ON worker.id = attempt.process
                                    WHERE attempt.run = run.id AND worker.trainer = 'fake')
                            ORDER BY id DESC LIMIT 20)
                        """, arguments: [backbone.hex])
            }
        }
    }

    /// - Parameter name: the sweep's name; empty for the sweep submitted last.
    public func sweep(named name: String) throws(StoreError) -> SweepID {
        try run {
            try database.read { database in
                let id = try UInt64.fetchOne(
                    database,
                    sql: """
                        SELECT id FROM sweep WHERE name = ? OR ? = ''
                        ORDER BY submitted DESC, id DESC LIMIT 1
                        """, arguments: [name, name])
                guard let id else {
                    throw StoreError.unknownSweep(name: name, known: try names(database))
                }
                return SweepID(id)
            }
        }
    }

    /// What runs left behind, but for the states that unfinished runs go on from.
    ///
    /// - Parameters:
    ///   - run: Only later runs are looked at.
    ///   - limit: No further run is looked at once there are as many artifacts; of runs that are
    ///     not wanted, ten times as many.
    ///   - isWanted: Whether a run is.
    public func artifacts(
        after run: RunID, limit: Int, where isWanted: (RunID) -> Bool
    ) throws(StoreError) -> ArtifactsSlice {
        try self.run {
            try database.read { database in
                let most = limit > Int.max / 10 ? Int.max : 10 * limit
                let ids = try UInt64.fetchAll(
                    database,
                    sql: "SELECT DISTINCT run FROM artifact WHERE run > ? ORDER BY run LIMIT ?",
                    arguments: [run.stored, most])
                var slice = ArtifactsSlice(items: [], lastRun: run, goesOn: false)
                var plans: [PlanRow] = []
                for id in ids where slice.items.count < limit {
                    slice.lastRun = RunID(id)
                    if isWanted(RunID(id)) {
                        slice.items += try artifacts(database, of: id, &plans)
                    }
                }
                let isAtEnd = ids.isEmpty || slice.lastRun.number == ids.last
                slice.goesOn = !isAtEnd || ids.count == most
                return slice
            }
        }
    }

    /// What one run left behind, by kind and epoch, but for states; nothing for an unknown run.
    public func artifacts(of id: RunID) throws(StoreError) -> [KeptArtifact] {
        try run {
            try database.read { database in
                var plans: [PlanRow] = []
                return try artifacts(database, of: UInt64(id.stored), &plans)
            }
        }
    }

    private func artifacts(
        _ database: Database, of run: UInt64, _ plans: inout [PlanRow]
    ) throws -> [KeptArtifact] {
        let rows = try Row.fetchAll(
            database,
            sql: """
                SELECT * FROM artifact WHERE run = ? AND kind <> ? ORDER BY kind, epoch
                """, arguments: [run, Artifact.Kind.state.rawValue])
        if rows.isEmpty { return [] }
        let spec = try spec(database, ofRun: run, &plans)
        return try rows.map {
            KeptArtifact(run: RunID(run), spec: spec, artifact: try artifact($0))
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
            steps: row["steps"])
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
