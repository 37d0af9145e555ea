import FoundationEssentials
import GRDB
import SweepCore

/// Reads the results of one plan: what is known of the points of a trajectory, by the runs that
/// serve them. Lives as long as a read of the database.
final class ResultsReader {
    private static let windowSize = 512

    private let store: SweepStore
    private let database: Database
    private let plan: PlanRow
    private let points: Int
    private let isCancelled: Bool
    private let cellsOfATrajectory: Int
    private let pointQuery: Statement
    private let runQuery: Statement
    private let curveQuery: Statement
    private let curveColumns: StoredColumn.Places
    private var provenances: Provenances
    private var window: Window

    /// Some of the plan's lists, read at once.
    private struct Window {
        var first = 0
        var keys: [PointKey] = []
        var cells: [UInt32] = []
        /// Runs that serve these points, by where they begin; `nil`: not read yet.
        var runs: [(id: UInt64, run: Packed.Run)]?

        func contains(_ place: Int) -> Bool { first <= place && place < first + keys.count }
    }

    init(
        _ store: SweepStore, _ database: Database, _ plan: PlanRow, points: Int, isCancelled: Bool
    ) throws {
        self.store = store
        self.database = database
        self.plan = plan
        self.points = points
        self.isCancelled = isCancelled
        cellsOfATrajectory = plan.spec.cellsOfATrajectory
        pointQuery = try database.cachedStatement(
            sql: "SELECT run, attempt, epoch FROM point WHERE key = ?")
        runQuery = try database.cachedStatement(
            sql: "SELECT state, error, trainable_parameters FROM run WHERE id = ?")
        curveQuery = try database.cachedStatement(
            sql: "SELECT * FROM measurement WHERE run = ? ORDER BY epoch, attempt")
        curveColumns = StoredColumn.Places(curveQuery)
        provenances = try Provenances(database)
        window = Window()
    }

    // MARK: The plan

    private func open(_ place: Int) throws {
        guard !window.contains(place) else { return }
        let count = Self.windowSize
        window = Window(
            first: place, keys: try store.keys(database, of: plan, offset: place, count: count),
            cells: try store.cells(database, of: plan, offset: place, count: count))
        guard window.contains(place), window.keys.count == window.cells.count,
            window.cells.allSatisfy({ $0 < plan.spec.grid.cellCount })
        else { throw store.damaged(plan) }
    }

    private func cell(_ place: Int) throws -> Int {
        try open(place)
        return Int(window.cells[place - window.first])
    }

    private func key(_ place: Int) throws -> PointKey {
        try open(place)
        return window.keys[place - window.first]
    }

    /// The places of the trajectory, from one of them on.
    func group(at place: Int) throws -> Range<Int> {
        let trajectory = try cell(place) / cellsOfATrajectory
        var end = place + 1
        while end < points, try cell(end) / cellsOfATrajectory == trajectory { end += 1 }
        return place..<end
    }

    /// The run of the plan itself that serves a place.
    private func ownRun(_ place: Int) throws -> (id: UInt64, run: Packed.Run)? {
        try open(place)
        if window.runs == nil {
            window.runs = try ownRuns(window.first..<window.first + window.keys.count)
        }
        let runs = window.runs ?? []
        var (low, high) = (0, runs.count)
        while low < high {
            let middle = (low + high) / 2
            if Int(runs[middle].run.first) <= place { low = middle + 1 } else { high = middle }
        }
        guard low > 0 else { return nil }
        let found = runs[low - 1]
        return place < Int(found.run.first) + Int(found.run.count) ? found : nil
    }

    /// Runs stand in the order of their places: the first one that serves one of these, and later
    /// ones.
    private func ownRuns(_ places: Range<Int>) throws -> [(id: UInt64, run: Packed.Run)] {
        var (low, high) = (0, plan.runCount)
        while low < high {
            let middle = (low + high) / 2
            guard
                let run = try store.runs(database, of: plan, offset: middle, count: 1).first
            else { throw store.damaged(plan) }
            if Int(run.first) + Int(run.count) <= places.lowerBound {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return try store.runs(database, of: plan, offset: low, count: places.count).enumerated()
            .map { (plan.firstRun + UInt64(low + $0), $1) }
    }

    // MARK: What has changed

    /// Runs that have changed after this one, in the order of their changes; unless all of it has
    /// been told, with it.
    func changedRuns(
        from news: ResultsCursor.News, isRestTold: Bool, limit: Int
    ) throws -> [ResultsCursor.News] {
        let rows = try Row.fetchCursor(
            database.cachedStatement(
                sql: """
                    SELECT id, changed FROM run
                    WHERE changed >= ?1 AND (changed > ?1 OR id > ?2)
                    ORDER BY changed, id LIMIT ?3
                    """),
            arguments: [
                Int64(clamping: news.change), news.run.stored - (isRestTold ? 0 : 1), limit,
            ])
        var changed: [ResultsCursor.News] = []
        while let row = try rows.next() {
            changed.append(.init(change: row["changed"], run: RunID(row["id"])))
        }
        return changed
    }

    /// Trajectories of the plan that a run has points of.
    func groups(of run: RunID) throws -> [Range<Int>] {
        if plan.has(run.number) {
            let place = Int(run.number - plan.firstRun)
            let own = try store.runs(database, of: plan, offset: place, count: 1)
            return try own.map { try group(at: Int($0.first)) }
        }
        guard let other = try store.plan(database, ofRun: run.number) else { return [] }
        let places = try store.plans.places(of: plan) {
            PlanPlaces(plan, try store.keys(database, of: plan))
        }
        let meets = try places.meets(other) { try store.keys(database, of: other) }
        guard meets else { return [] }
        let packed = try store.runs(
            database, of: other, offset: Int(run.number - other.firstRun), count: 1)
        var groups: [Range<Int>] = []
        for run in packed {
            let keys = try store.keys(
                database, of: other, offset: Int(run.first), count: Int(run.count))
            for place in keys.compactMap({ places[$0] }).sorted() {
                if groups.last?.contains(place) != true {
                    groups.append(try group(around: place))
                }
            }
        }
        return groups
    }

    private func group(around place: Int) throws -> Range<Int> {
        let trajectory = try cell(place) / cellsOfATrajectory
        var first = place
        while first > 0, try cell(first - 1) / cellsOfATrajectory == trajectory { first -= 1 }
        return try group(at: first)
    }

    // MARK: What is known of points

    /// The points of a trajectory by the runs that serve them.
    ///
    /// - Parameter change: Of the figures of epochs only those that are newer.
    func outcomes(of group: Range<Int>, since change: UInt64 = 0) throws -> [RunOutcome] {
        var served: [Served] = []
        for place in group {
            let (run, state) = try known(place)
            let epochs = plan.spec.grid.epochs[try cell(place) % plan.spec.grid.epochs.count]
            let milestone = MilestoneOutcome(place: place, epochs: epochs, state: state)
            if let index = served.firstIndex(where: { $0.run == run }) {
                served[index].milestones.append(milestone)
            } else {
                served.append(Served(run: run, milestones: [milestone]))
            }
        }
        return try served.map { try outcome(of: $0, since: change) }
    }

    private struct Served {
        let run: UInt64?
        var milestones: [MilestoneOutcome]
    }

    /// The run that serves a place, and how far it is.
    private func known(_ place: Int) throws -> (run: UInt64?, state: MilestoneOutcome.State) {
        let row = try Row.fetchOne(pointQuery, arguments: [try key(place).data])
        let serving: UInt64? = row?["run"]
        if let serving, let attempt: UInt64 = row?["attempt"] {
            return (serving, .finished(AttemptID(attempt)))
        }
        // A run that was made after one had failed tries again.
        if let own = try ownRun(place), own.id > serving ?? 0 {
            switch try Row.fetchOne(runQuery, arguments: [own.id]).map({ $0["state"] as String }) {
            case "waiting": return (own.id, .waiting)
            case "cancelled": return (own.id, .cancelled)
            default: break
            }
            if serving != nil { return (nil, isCancelled ? .cancelled : .waiting) }
        }
        if let serving { return (serving, .failed) }
        return (nil, isCancelled ? .cancelled : .waiting)
    }

    private func outcome(of served: Served, since change: UInt64) throws -> RunOutcome {
        var milestones = served.milestones
        let longest = milestones.max { $0.epochs < $1.epochs }
        let last = try cell(longest?.place ?? 0)
        var outcome = RunOutcome(
            run: served.run.map { RunID($0) }, spec: plan.spec.spec(ofCell: last), milestones: [])
        guard let run = served.run else {
            outcome.milestones = milestones
            return outcome
        }
        if let row = try Row.fetchOne(runQuery, arguments: [run]) {
            outcome.trainableParameters = row["trainable_parameters"]
            outcome.error = row["error"]
        }
        let curve = try curve(of: run, upTo: longest?.epochs ?? 0, since: change, &milestones)
        outcome.curve = curve
        outcome.milestones = milestones
        for milestone in milestones {
            guard case .finished(let attempt) = milestone.state,
                !outcome.attempts.contains(where: { $0.attempt == attempt })
            else { continue }
            if let known = try provenances.provenance(attempt.number, of: run) {
                outcome.attempts.append(known)
            }
        }
        return outcome
    }

    /// One measurement for each epoch, of the first attempt that got so far. Milestones that
    /// another attempt finished get its figures.
    private func curve(
        of run: UInt64, upTo epochs: Int, since change: UInt64,
        _ milestones: inout [MilestoneOutcome]
    ) throws -> [EpochMetrics] {
        var curve: [EpochMetrics] = []
        var last = 0
        var due = milestones.indices.sorted { milestones[$0].epochs < milestones[$1].epochs }[...]
        let rows = try Row.fetchCursor(curveQuery, arguments: [run])
        while let row = try rows.next() {
            let cells = curveColumns.cells(of: row)
            let epoch: Int = cells.known(.epoch)
            guard epoch <= epochs else { break }
            let isFirst = epoch != last
            last = epoch
            if isFirst, cells.known(.changed) > Int64(clamping: change) {
                curve.append(try store.metrics(cells))
            }
            while let index = due.first, milestones[index].epochs < epoch { due.removeFirst() }
            guard !isFirst, let index = due.first, milestones[index].epochs == epoch,
                case .finished(let attempt) = milestones[index].state,
                attempt.number == cells.known(.attempt)
            else { continue }
            milestones[index].differing = try store.metrics(cells)
        }
        return curve
    }
}
