import FoundationEssentials
import GRDB
import SweepCore

extension SweepStore {
    /// Everything a scheduler needs to go on.
    public func snapshot() throws(StoreError) -> Snapshot {
        try run {
            try database.read { database in
                var grids: [Int64: PlannedGrid] = [:]
                for plan in try planRows(database) { grids[plan.id] = try grid(database, of: plan) }
                let runs = try runs(database, grids)
                let last = runs.last?.id ?? RunID(0)
                return Snapshot(
                    sweeps: try sweeps(database, grids), runs: runs,
                    attempts: try attempts(database),
                    finished: Set(
                        try keys(database, "SELECT key FROM point WHERE epoch IS NOT NULL", [])),
                    lastAttempt: AttemptID(
                        try UInt64.fetchOne(database, sql: "SELECT MAX(id) FROM attempt") ?? 0),
                    // Those of a plan that is not whole are worth nothing.
                    states: try states(database).filter { $0.key <= last },
                    lastStates: try lastStates(database),
                    pieces: try pieces(database))
            }
        }
    }

    private func sweeps(
        _ database: Database, _ grids: [Int64: PlannedGrid]
    ) throws -> [Snapshot.Sweep] {
        try Row.fetchAll(database, sql: "SELECT * FROM sweep ORDER BY id").map { row in
            let id: UInt64 = row["id"]
            let plan: Int64 = row["plan"]
            guard let grid = grids[plan] else {
                throw StoreError.damaged(path: path, what: "sweep \(id)")
            }
            let state = SweepCondition.State(rawValue: row["condition"] ?? "active")
            return Snapshot.Sweep(
                id: SweepID(id), spec: try decode(SweepSpec.self, row["spec"], "sweep \(id)"),
                keys: grid.keys,
                condition: SweepCondition(
                    state: state ?? .active, priority: row["priority"] ?? 0,
                    reason: row["reason"]),
                firstLaterRun: try firstLaterRun(database, of: plan),
                submissions: try Int.fetchOne(
                    database, sql: "SELECT COUNT(*) FROM plan WHERE sweep = ?",
                    arguments: [id]) ?? 1)
        }
    }

    /// What has happened to runs, by their numbers.
    private struct Happenings {
        var failures: [UInt64: [Failure]] = [:]
        /// The oldest attempt that has not ended; there may be a second.
        var active: [UInt64: (AttemptID, WorkerID)] = [:]

        func state(_ run: UInt64, _ word: String, error: String?) -> Snapshot.Run.State {
            switch word {
            case "completed": .completed
            case "failed": .failed(error ?? "")
            case "cancelled": .cancelled
            default: active[run].map { .active($0.0, $0.1) } ?? .waiting
            }
        }
    }

    private func happenings(_ database: Database) throws -> Happenings {
        var happenings = Happenings()
        let failed = try Row.fetchCursor(
            database,
            sql: "SELECT run, worker, detail FROM attempt WHERE outcome = 'failed' ORDER BY id")
        while let row = try failed.next() {
            happenings.failures[row["run"], default: []].append(
                Failure(worker: WorkerID(row["worker"]), error: row["detail"] ?? ""))
        }
        let active = try Row.fetchCursor(
            database, sql: "SELECT id, run, worker FROM attempt WHERE outcome IS NULL ORDER BY id")
        while let row = try active.next() {
            let run: UInt64 = row["run"]
            if happenings.active[run] == nil {
                happenings.active[run] = (AttemptID(row["id"]), WorkerID(row["worker"]))
            }
        }
        return happenings
    }

    private func runs(
        _ database: Database, _ grids: [Int64: PlannedGrid]
    ) throws -> [Snapshot.Run] {
        let happenings = try happenings(database)
        var runs: [Snapshot.Run] = []
        var places: [UInt64: Int] = [:]
        for plan in try planRows(database) {
            guard let grid = grids[plan.id] else { continue }
            for (place, packed) in try self.runs(database, of: plan).enumerated() {
                let run = UInt64(place) + plan.firstRun
                guard packed.count > 0, packed.first <= packed.last,
                    packed.last < packed.first + packed.count,
                    Int(packed.first) + Int(packed.count) <= grid.keys.count
                else { throw damaged(plan) }
                places[run] = runs.count
                runs.append(
                    Snapshot.Run(
                        id: RunID(run),
                        plan: PlannedRun(
                            grid: grid, first: packed.first, count: packed.count,
                            last: packed.last, steps: packed.steps),
                        state: .waiting, failures: happenings.failures[run] ?? []))
            }
        }
        let rows = try Row.fetchCursor(database, sql: "SELECT * FROM run ORDER BY id")
        while let row = try rows.next() {
            let id: UInt64 = row["id"]
            let state = happenings.state(id, row["state"], error: row["error"])
            if let place = places[id] { runs[place].state = state }
        }
        return runs
    }

    /// The newest state of each run that is not over.
    private func states(_ database: Database) throws -> [RunID: Artifact] {
        let rows = try Row.fetchAll(
            database,
            sql: """
                SELECT artifact.* FROM artifact JOIN run ON run.id = artifact.run
                WHERE run.state = 'waiting' AND kind = ? ORDER BY artifact.steps
                """, arguments: [Artifact.Kind.state.rawValue])
        var states: [RunID: Artifact] = [:]
        for row in rows { states[RunID(row["run"])] = try artifact(row) }
        return states
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
                isOpen: (row["outcome"] as String?) == nil,
                isClosed: ["failed", "handed back"].contains(row["outcome"] ?? ""))
        }
    }
}
