import FoundationEssentials
import GRDB
import SweepCore

/// What one answer about results has room for.
public struct ResultsRoom {
    /// The most that its runs may come to, by `size`. One point or figure is told in any case.
    public var most: Int
    public var size: ([RunOutcome]) -> Int
    /// Whether the answer has taken long enough.
    public var isLate: () -> Bool

    public init(
        most: Int, size: @escaping ([RunOutcome]) -> Int, isLate: @escaping () -> Bool = { false }
    ) {
        self.most = most
        self.size = size
        self.isLate = isLate
    }
}

extension SweepStore {
    /// All results of a sweep.
    ///
    /// - Parameter name: the sweep's name; empty for the sweep submitted last. `name@2` is the
    ///   sweep as it was submitted the second time.
    public func results(of name: String) throws(StoreError) -> GatheredResults {
        try run {
            try database.read { database in
                var all = GatheredResults(of: name)
                let room = ResultsRoom(most: 1_000, size: { $0.count })
                while all.goesOn {
                    all.add(try slice(database, of: name, since: all.cursor, room))
                }
                return all
            }
        }
    }

    /// What is new of a sweep's results, as much as there is room for.
    public func results(
        of name: String, since cursor: ResultsCursor, _ room: ResultsRoom
    ) throws(StoreError) -> ResultsSlice {
        try run {
            try database.read { try slice($0, of: name, since: cursor, room) }
        }
    }

    /// A sweep whose results are asked for.
    private struct Asked {
        let name: String
        let plan: Int64
        let points: Int
        /// The change from which on its results hold.
        let began: UInt64
        let isCancelled: Bool
    }

    private func asked(_ database: Database, _ name: String) throws -> Asked {
        let columns = "plan.id AS plan, plan.points, plan.began, sweep.condition"
        let row = try Row.fetchOne(
            database.cachedStatement(
                sql: """
                    SELECT sweep.name, \(columns)
                    FROM sweep JOIN plan ON plan.id = sweep.plan WHERE name = ?1 OR ?1 = ''
                    ORDER BY sweep.submitted DESC, sweep.id DESC LIMIT 1
                    """), arguments: [name])
        let earlier =
            try row == nil
            ? submission(database, named: name).flatMap { plan in
                try Row.fetchOne(
                    database,
                    sql: """
                        SELECT ? AS name, \(columns) FROM plan JOIN sweep ON sweep.id = plan.sweep
                        WHERE plan.id = ?
                        """, arguments: [name, plan.id])
            } : nil
        guard let row = row ?? earlier else {
            throw StoreError.unknownSweep(name: name, known: try names(database))
        }
        return Asked(
            name: row["name"], plan: row["plan"], points: row["points"], began: row["began"],
            isCancelled: row["condition"] == SweepCondition.State.cancelled.rawValue)
    }

    private func slice(
        _ database: Database, of name: String, since cursor: ResultsCursor, _ room: ResultsRoom
    ) throws -> ResultsSlice {
        let asked = try asked(database, name)
        let last = UInt64(try Change.last(database))
        let isAnew = cursor.change < asked.began || cursor.change > last
        var slice = ResultsSlice(
            name: asked.name, total: asked.points, isAnew: isAnew, runs: [],
            cursor: isAnew ? ResultsCursor(change: last, place: 0) : cursor, goesOn: false)
        if slice.cursor.place == nil, slice.cursor.change == last { return slice }
        guard let plan = try plan(database, numbered: asked.plan) else {
            throw StoreError.damaged(path: path, what: "the plan of \(name)")
        }
        let reader = try ResultsReader(
            self, database, plan, points: asked.points, isCancelled: asked.isCancelled)
        if let place = slice.cursor.place {
            try list(reader, from: place, room, &slice)
        } else {
            try tellNews(reader, upTo: last, room, &slice)
        }
        return slice
    }

    /// All points, from a place on.
    private func list(
        _ reader: ResultsReader, from first: Int, _ room: ResultsRoom, _ slice: inout ResultsSlice
    ) throws {
        var packer = Packer(room, toldBefore: slice.cursor.parts)
        var place = first
        while place < slice.total {
            let group = try reader.group(at: place)
            guard packer.add(try reader.outcomes(of: group)) else { break }
            place = group.upperBound
        }
        slice.runs = packer.runs
        slice.goesOn = place < slice.total
        slice.cursor.place = slice.goesOn ? place : nil
        slice.cursor.parts = packer.partsTold
    }

    /// Runs that are looked at for an answer, of this sweep or another.
    private static let mostNews = 4_000

    /// The points of runs that have changed, with all others of their trajectories.
    private func tellNews(
        _ reader: ResultsReader, upTo last: UInt64, _ room: ResultsRoom,
        _ slice: inout ResultsSlice
    ) throws {
        let since = slice.cursor.change
        let changed = try reader.changedRuns(
            from: slice.cursor.news ?? .init(change: since, run: RunID(.max)),
            isRestTold: slice.cursor.parts == 0, limit: Self.mostNews)
        let isContinued = changed.first.map { $0 == slice.cursor.news } ?? false
        var packer = Packer(room, toldBefore: isContinued ? slice.cursor.parts : 0)
        var told: Set<Int> = []
        var reached = slice.cursor.news
        var isWhole = changed.count < Self.mostNews
        for news in changed {
            // Runs of other sweeps take time too, and nothing of the answer.
            if room.isLate(), reached != slice.cursor.news {
                isWhole = false
                break
            }
            let groups = try reader.groups(of: news.run).filter { !told.contains($0.lowerBound) }
            let outcomes = try groups.flatMap { try reader.outcomes(of: $0, since: since) }
            guard packer.add(outcomes) else {
                if packer.partsTold > 0 { reached = news }
                isWhole = false
                break
            }
            told.formUnion(groups.map(\.lowerBound))
            reached = news
        }
        slice.runs = packer.runs
        slice.goesOn = !isWhole
        slice.cursor =
            isWhole
            ? ResultsCursor(change: last)
            : ResultsCursor(change: since, news: reached, parts: packer.partsTold)
    }
}

/// Fills an answer as far as there is room.
private struct Packer {
    private let room: ResultsRoom
    private(set) var runs: [RunOutcome] = []
    private var size = 0
    /// Of what comes first, so many parts were told before.
    private var toldBefore: Int
    /// Of what did not fit as a whole, so many parts have been told.
    private(set) var partsTold = 0

    init(_ room: ResultsRoom, toldBefore: Int) {
        self.room = room
        self.toldBefore = toldBefore
    }

    /// - Returns: whether all of it is told; otherwise the answer is full.
    mutating func add(_ outcomes: [RunOutcome]) -> Bool {
        if room.isLate(), !runs.isEmpty { return false }
        let begin = min(toldBefore, outcomes.parts)
        let rest = begin == 0 ? outcomes : outcomes.parts(begin..<outcomes.parts)
        toldBefore = 0
        let more = room.size(rest)
        if size + more <= room.most {
            runs += rest
            size += more
            return true
        }
        if !runs.isEmpty { return false }
        runs = rest
        var count = rest.parts
        size = more
        while size > room.most, count > 1 {
            count = max(1, min(count / 2, count * room.most / size))
            runs = outcomes.parts(begin..<begin + count)
            size = room.size(runs)
        }
        if begin + count == outcomes.parts { return true }
        partsTold = begin + count
        return false
    }
}
