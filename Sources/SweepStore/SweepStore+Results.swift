import FoundationEssentials
import GRDB
import SweepCore

extension SweepStore {
    /// A part of a sweep's points in grid order, from `offset` on.
    ///
    /// - Parameter name: the sweep's name; empty for the sweep submitted last. `name@2` is the
    ///   sweep as it was submitted the second time.
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
                if row == nil, let earlier = try submission(database, named: name) {
                    return ResultsSlice(
                        name: name, total: try pointCount(database, of: earlier),
                        offset: offset,
                        points: try outcomes(database, of: earlier, offset: offset, limit: limit))
                }
                guard let row else {
                    throw StoreError.unknownSweep(name: name, known: try names(database))
                }
                let sweep: UInt64 = row["id"]
                if let plan = try plan(database, ofSweep: sweep) {
                    return ResultsSlice(
                        name: row["name"], total: try pointCount(database, of: plan),
                        offset: offset,
                        points: try outcomes(database, of: plan, offset: offset, limit: limit))
                }
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

    private func outcomes(
        _ database: Database, of plan: PlanRow, offset: Int, limit: Int
    ) throws -> [PointOutcome] {
        let keys = try keys(database, of: plan, offset: offset, count: limit)
        let cells = try cells(database, of: plan, offset: offset, count: limit)
        guard keys.count == cells.count else { throw damaged(plan) }
        let point = try database.cachedStatement(
            sql: try pointQuery(database, "WHERE key = ?"))
        var curves: [UInt64: [EpochMetrics]] = [:]
        var inTraining: [Int: UInt64]?
        return try zip(keys, cells).enumerated().map { index, pair in
            guard pair.1 < plan.spec.grid.cellCount else { throw damaged(plan) }
            let row = try Row.fetchOne(point, arguments: [pair.0.data])
            var known: Known = try row.map { try outcome($0) } ?? (.waiting, nil, nil, nil)
            if case .waiting = known.state {
                let runs = try inTraining ?? runsInTraining(database, of: plan)
                inTraining = runs
                known.run = runs[offset + index]
            }
            return try outcome(
                database, plan.spec.spec(ofCell: Int(pair.1)), known, &curves)
        }
    }

    /// Runs of a plan that have begun and are not over, by the places of their points.
    private func runsInTraining(_ database: Database, of plan: PlanRow) throws -> [Int: UInt64] {
        var places: [Int: UInt64] = [:]
        let begun = try UInt64.fetchAll(
            database,
            sql: "SELECT id FROM run WHERE state = 'waiting' AND id >= ? AND id < ?",
            arguments: [plan.firstRun, plan.firstRun + UInt64(plan.runCount)])
        for run in begun {
            let packed = try runs(database, of: plan, offset: Int(run - plan.firstRun), count: 1)
            for item in packed {
                for place in Int(item.first)..<Int(item.first) + Int(item.count) {
                    places[place] = run
                }
            }
        }
        return places
    }

    private typealias Known = (
        state: PointOutcome.State, run: UInt64?, parameters: Int?, provenance: Provenance?
    )

    /// Of a row of `point` joined with its run.
    private func outcome(_ row: Row) throws -> Known {
        var state = PointOutcome.State.waiting
        if (row["cacc"] as Double?) != nil {
            state = .finished(try metrics(row))
        } else if (row["state"] as String?) == "failed" {
            state = .failed(row["error"] ?? "")
        }
        return (
            state, row["run"], row["trainable_parameters"] ?? row["of_run"], provenance(row)
        )
    }

    private func outcome(
        _ database: Database, _ spec: TrainingSpec, _ known: Known,
        _ curves: inout [UInt64: [EpochMetrics]]
    ) throws -> PointOutcome {
        var curve: [EpochMetrics] = []
        if let run = known.run {
            curve = try curves[run] ?? measurements(database, of: run).map { plausible($0, spec) }
            curves[run] = curve
        }
        var state = known.state
        if case .finished(let metrics) = state { state = .finished(plausible(metrics, spec)) }
        return PointOutcome(
            spec: spec, state: state,
            // Points of one run share its curve as far as they can.
            curve: curve.last.map { $0.epoch <= spec.epochs } ?? true
                ? curve : curve.filter { $0.epoch <= spec.epochs },
            trainableParameters: known.parameters, run: known.run.map { RunID($0) },
            provenance: known.provenance)
    }

    /// Without what was stored before reports were held to their specs.
    private func plausible(_ metrics: EpochMetrics, _ spec: TrainingSpec) -> EpochMetrics {
        guard metrics.classes.count != spec.data.labels else { return metrics }
        var metrics = metrics
        metrics.classes = []
        return metrics
    }

    /// Of a sweep that an earlier version stored.
    private func outcomes(
        _ database: Database, _ sweep: UInt64, offset: Int, limit: Int
    ) throws -> [PointOutcome] {
        var curves: [UInt64: [EpochMetrics]] = [:]
        return try Row.fetchAll(
            database,
            sql: try pointQuery(
                database, from: "sweep_point JOIN point ON point.key = sweep_point.point",
                "WHERE sweep = ? ORDER BY place LIMIT ? OFFSET ?"),
            arguments: [sweep, limit, offset]
        ).map { row in
            let spec = try decode(TrainingSpec.self, row["spec"], "a point")
            return try outcome(database, spec, outcome(row), &curves)
        }
    }

    /// One measurement for each epoch, of the first attempt that got so far.
    private func measurements(_ database: Database, of run: UInt64) throws -> [EpochMetrics] {
        var curve: [EpochMetrics] = []
        let statement = try database.cachedStatement(
            sql: "SELECT * FROM measurement WHERE run = ? ORDER BY epoch, attempt")
        let rows = try Row.fetchCursor(statement, arguments: [run])
        while let row = try rows.next() {
            if curve.last?.epoch != row["epoch"] { curve.append(try metrics(row)) }
        }
        return curve
    }
}
