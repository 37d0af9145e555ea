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
                guard let plan = try plan(database, ofSweep: sweep) else {
                    throw StoreError.damaged(path: path, what: "sweep \(sweep)")
                }
                return ResultsSlice(
                    name: row["name"], total: try pointCount(database, of: plan), offset: offset,
                    points: try outcomes(database, of: plan, offset: offset, limit: limit))
            }
        }
    }

    private func outcomes(
        _ database: Database, of plan: PlanRow, offset: Int, limit: Int
    ) throws -> [PointOutcome] {
        let keys = try keys(database, of: plan, offset: offset, count: limit)
        let cells = try cells(database, of: plan, offset: offset, count: limit)
        guard keys.count == cells.count else { throw damaged(plan) }
        let query = try database.cachedStatement(
            sql: pointQuery("WHERE key = ?"))
        let columns = StoredColumn.Places(query)
        var curves = try Curves(database)
        var outcomes: [PointOutcome] = []
        outcomes.reserveCapacity(keys.count)
        var inTraining: [Int: UInt64]?
        for (index, pair) in zip(keys, cells).enumerated() {
            guard pair.1 < plan.spec.grid.cellCount else { throw damaged(plan) }
            // A row is only there as long as its cursor.
            let rows = try Row.fetchCursor(query, arguments: [pair.0.data])
            var known: Known = try withExtendedLifetime(rows) {
                try rows.next().map { try outcome(columns.cells(of: $0)) }
                    ?? (.waiting, nil, nil, nil)
            }
            if case .waiting = known.state {
                let runs =
                    try inTraining
                    ?? runsInTraining(database, of: plan, offset..<offset + keys.count)
                inTraining = runs
                known.run = runs[offset + index]
            }
            var point = try outcome(plan.spec.spec(ofCell: Int(pair.1)), known, &curves)
            if let last = outcomes.last { point.share(with: last) }
            outcomes.append(point)
        }
        return outcomes
    }

    /// Runs of a plan that have begun and are not over, by those of the places that they serve.
    private func runsInTraining(
        _ database: Database, of plan: PlanRow, _ places: Range<Int>
    ) throws -> [Int: UInt64] {
        // Runs stand in the order of their places: the first one that serves a place, or a later.
        var low = 0
        var high = plan.runCount
        while low < high {
            let middle = (low + high) / 2
            guard let run = try runs(database, of: plan, offset: middle, count: 1).first
            else { throw damaged(plan) }
            if Int(run.first) + Int(run.count) <= places.lowerBound {
                low = middle + 1
            } else {
                high = middle
            }
        }
        let runs = try runs(database, of: plan, offset: low, count: places.count)
        let first = plan.firstRun + UInt64(low)
        let begun = Set(
            try UInt64.fetchAll(
                database,
                sql: "SELECT id FROM run WHERE state = 'waiting' AND id >= ? AND id < ?",
                arguments: [first, first + UInt64(runs.count)]))
        var known: [Int: UInt64] = [:]
        for (index, run) in runs.enumerated() where begun.contains(first + UInt64(index)) {
            for place in Int(run.first)..<Int(run.first) + Int(run.count) {
                known[place] = first + UInt64(index)
            }
        }
        return known
    }

    private typealias Known = (
        state: PointOutcome.State, run: UInt64?, parameters: Int?, provenance: Provenance?
    )

    /// Of a row of `point` joined with its run.
    private func outcome(_ row: StoredColumn.Cells) throws -> Known {
        var state = PointOutcome.State.waiting
        if (row[.cacc] as Double?) != nil {
            state = .finished(try metrics(row))
        } else if (row[.state] as String?) == "failed" {
            state = .failed(row[.error] ?? "")
        }
        return (state, row[.run], row[.trainableParameters], provenance(row))
    }

    private func outcome(
        _ spec: TrainingSpec, _ known: Known, _ curves: inout Curves
    ) throws -> PointOutcome {
        var curve: ArraySlice<EpochMetrics> = []
        if let run = known.run {
            // Points of one run share its curve.
            let whole = try curves.ofRun[run] ?? measurements(curves, of: run, spec)
            curves.ofRun[run] = whole
            curve = whole.prefix { $0.epoch <= spec.epochs }
        }
        var state = known.state
        if case .finished(let metrics) = state {
            // What the curve has as well is kept once.
            state = .finished(curve.last == metrics ? curve.last ?? metrics : metrics)
        }
        return PointOutcome(
            spec: spec, state: state, curve: curve, trainableParameters: known.parameters,
            run: known.run.map { RunID($0) }, provenance: known.provenance)
    }

    /// The measurements of runs, read once each.
    private struct Curves {
        let statement: Statement
        let columns: StoredColumn.Places
        var ofRun: [UInt64: [EpochMetrics]] = [:]

        init(_ database: Database) throws {
            statement = try database.cachedStatement(
                sql: "SELECT * FROM measurement WHERE run = ? ORDER BY epoch, attempt")
            columns = StoredColumn.Places(statement)
        }
    }

    /// One measurement for each epoch, of the first attempt that got so far.
    private func measurements(
        _ curves: Curves, of run: UInt64, _ spec: TrainingSpec
    ) throws -> [EpochMetrics] {
        var curve: [EpochMetrics] = []
        let rows = try Row.fetchCursor(curves.statement, arguments: [run])
        while let row = try rows.next() {
            let cells = curves.columns.cells(of: row)
            if curve.last?.epoch == cells[.epoch] { continue }
            curve.append(try metrics(cells))
        }
        return curve
    }
}
