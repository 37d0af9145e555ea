import FoundationEssentials
import GRDB
import SweepCore
import Synchronization

/// A row of `plan` without what it packs.
struct PlanRow {
    let id: Int64
    let spec: SweepSpec
    /// The number of its first run, and how many runs it has.
    let firstRun: UInt64
    let runCount: Int

    func has(_ run: UInt64) -> Bool {
        runCount > 0 && firstRun <= run && run < firstRun + UInt64(runCount)
    }
}

/// The plans read last: a plan never changes, and the spec of a large grid takes long to decode.
final class KnownPlans: Sendable {
    private static let most = 8

    private let plans = Mutex<[PlanRow]>([])
    /// The places of points in plans whose results runs of other sweeps change.
    private let places = Mutex<[PlanPlaces]>([])

    func known(_ id: Int64) -> PlanRow? { plans.withLock { $0.first { $0.id == id } } }

    func remember(_ plan: PlanRow) {
        plans.withLock { plans in
            plans.append(plan)
            if plans.count > Self.most { plans.removeFirst() }
        }
    }

    /// Those of the plan, made if they are not known.
    func places(of plan: PlanRow, _ make: () throws -> PlanPlaces) rethrows -> PlanPlaces {
        if let known = places.withLock({ $0.first { $0.plan == plan.id } }) { return known }
        let made = try make()
        places.withLock { places in
            places.append(made)
            if places.count > Self.most { places.removeFirst() }
        }
        return made
    }
}

/// Where the points of a plan stand in its grid.
final class PlanPlaces: Sendable {
    let plan: Int64
    /// By the first bytes of a key; nobody meets two that begin alike.
    private let places: [UInt64: UInt32]
    /// Whether other plans have points in common with it.
    private let meets = Mutex<[Int64: Bool]>([:])

    init(_ plan: PlanRow, _ keys: [PointKey]) {
        self.plan = plan.id
        places = Dictionary(
            keys.enumerated().map { ($1.digest.firstWord, UInt32($0)) },
            uniquingKeysWith: { first, _ in first })
    }

    subscript(key: PointKey) -> Int? { places[key.digest.firstWord].map { Int($0) } }

    func meets(_ other: PlanRow, _ keys: () throws -> [PointKey]) rethrows -> Bool {
        if let known = meets.withLock({ $0[other.id] }) { return known }
        let found = try keys().contains { places[$0.digest.firstWord] != nil }
        meets.withLock { $0[other.id] = found }
        return found
    }
}

extension SweepStore {
    private static let planColumns = "plan.id, plan.first_run, plan.run_count"

    private func planRow(_ database: Database, _ row: Row) throws -> PlanRow {
        let id: Int64 = row["id"]
        if let known = plans.known(id) { return known }
        let spec = try String.fetchOne(
            database, sql: "SELECT spec FROM plan WHERE id = ?", arguments: [id])
        let plan = PlanRow(
            id: id, spec: try decode(SweepSpec.self, spec ?? "", "plan \(id)"),
            firstRun: row["first_run"] ?? 0, runCount: row["run_count"])
        plans.remember(plan)
        return plan
    }

    /// The number of the first run that was made after the plan.
    func firstLaterRun(_ database: Database, of plan: Int64) throws -> RunID {
        let number = try UInt64.fetchOne(
            database, sql: "SELECT first_run + run_count FROM plan WHERE id = ?",
            arguments: [plan])
        return RunID(number ?? .max)
    }

    func planRows(_ database: Database) throws -> [PlanRow] {
        return try Row.fetchAll(
            database, sql: "SELECT \(Self.planColumns) FROM plan ORDER BY id"
        ).map { try planRow(database, $0) }
    }

    func plan(_ database: Database, numbered id: Int64) throws -> PlanRow? {
        if let known = plans.known(id) { return known }
        return try Row.fetchOne(
            database, sql: "SELECT \(Self.planColumns) FROM plan WHERE id = ?", arguments: [id]
        ).map { try planRow(database, $0) }
    }

    /// The plan that made a run; `nil`: there is no such run.
    func plan(_ database: Database, ofRun run: UInt64) throws -> PlanRow? {
        return try Row.fetchOne(
            database,
            sql: """
                SELECT \(Self.planColumns) FROM plan
                WHERE first_run <= ?1 AND ?1 < first_run + run_count
                ORDER BY first_run DESC LIMIT 1
                """, arguments: [run]
        ).map { try planRow(database, $0) }
    }

    /// The plan of an earlier submission, by `name@number`; `nil` if there is none of the kind.
    func submission(_ database: Database, named name: String) throws -> PlanRow? {
        guard let mark = name.lastIndex(of: "@"),
            let number = Int(name[name.index(after: mark)...]),
            (1...1_000_000).contains(number)
        else { return nil }
        return try Row.fetchOne(
            database,
            sql: """
                SELECT \(Self.planColumns) FROM plan JOIN sweep ON sweep.id = plan.sweep
                WHERE sweep.name = ? ORDER BY plan.id LIMIT 1 OFFSET ?
                """, arguments: [String(name[..<mark]), number - 1]
        ).map { try planRow(database, $0) }
    }

    /// `count` items of a list of the plan, from `offset` on.
    private func packed(
        _ database: Database, _ plan: PlanRow, _ list: PlanList, offset: Int, count: Int
    ) throws -> Data {
        let bytes = list.itemBytes
        let count = min(count, Int(Int32.max) / bytes)
        var data = Data()
        let parts = try Row.fetchCursor(
            try database.cachedStatement(
                sql: """
                    SELECT first, items FROM plan_part
                    WHERE plan = ?1 AND list = ?2 AND first < ?4 AND first >= COALESCE((
                        SELECT MAX(first) FROM plan_part
                        WHERE plan = ?1 AND list = ?2 AND first <= ?3), 0)
                    ORDER BY first
                    """), arguments: [plan.id, list.rawValue, offset, offset + count])
        while let part = try parts.next() {
            let first: Int = part["first"]
            try part.withUnsafeData(named: "items") { items in
                guard let items else { return }
                let begin = max(0, (offset - first) * bytes)
                let end = min(items.count, (offset + count - first) * bytes)
                if begin < end {
                    data += items.dropFirst(begin).prefix(end - begin)
                }
            }
        }
        return data
    }

    func keys(
        _ database: Database, of plan: PlanRow, offset: Int = 0, count: Int = Int.max
    ) throws -> [PointKey] {
        let data = try packed(database, plan, .keys, offset: offset, count: count)
        guard let keys = Packed.keys(data) else { throw damaged(plan) }
        return keys
    }

    func cells(
        _ database: Database, of plan: PlanRow, offset: Int = 0, count: Int = Int.max
    ) throws -> [UInt32] {
        let data = try packed(database, plan, .cells, offset: offset, count: count)
        guard let cells = Packed.cells(data) else { throw damaged(plan) }
        return cells
    }

    func runs(
        _ database: Database, of plan: PlanRow, offset: Int = 0, count: Int = Int.max
    ) throws -> [Packed.Run] {
        let data = try packed(database, plan, .runs, offset: offset, count: count)
        guard let runs = Packed.runs(data) else { throw damaged(plan) }
        return runs
    }

    func grid(_ database: Database, of plan: PlanRow) throws -> PlannedGrid {
        let keys = try keys(database, of: plan)
        let cells = try cells(database, of: plan)
        let cellCount = plan.spec.grid.cellCount
        guard keys.count == cells.count, cells.allSatisfy({ $0 < cellCount }) else {
            throw damaged(plan)
        }
        return PlannedGrid(plan.spec, keys: keys, cells: cells)
    }

    /// The training of a run.
    ///
    /// - Parameter plans: Those read so far.
    func spec(
        _ database: Database, ofRun run: UInt64, _ plans: inout [PlanRow]
    ) throws -> TrainingSpec {
        let known = plans.first { $0.has(run) }
        guard let plan = try known ?? self.plan(database, ofRun: run) else {
            throw StoreError.damaged(path: path, what: "run \(run)")
        }
        if known == nil { plans.append(plan) }
        let packed = try runs(database, of: plan, offset: Int(run - plan.firstRun), count: 1)
        guard let last = packed.first?.last,
            let cell = try cells(database, of: plan, offset: Int(last), count: 1).first,
            cell < plan.spec.grid.cellCount
        else { throw damaged(plan) }
        return plan.spec.spec(ofCell: Int(cell))
    }

    func damaged(_ plan: PlanRow) -> StoreError {
        .damaged(path: path, what: "plan \(plan.id)")
    }
}
