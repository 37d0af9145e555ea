import GRDB
import SweepCore

/// What a transaction changes of results: it has a number, and each run that it touches gets it,
/// once. The numbers grow, also over restarts, so "what is new since" is a range of an index.
struct Change {
    let number: Int64
    /// Whether anything has changed.
    var isMade = false
    /// Runs that have the number already.
    private var stamped: Set<Int64> = []
    /// Those that get it at the end.
    private var touched: Set<Int64> = []
    private var trainableParameters: [Int64: Int] = [:]
    private var hasRenewed = false

    init(_ database: Database) throws {
        number = try Self.last(database) + 1
    }

    /// The number of the last one that was made.
    static func last(_ database: Database) throws -> Int64 {
        let sql = "SELECT last FROM change"
        return try Int64.fetchOne(database.cachedStatement(sql: sql)) ?? 0
    }

    mutating func mark(_ run: RunID, trainableParameters: Int? = nil) {
        touched.insert(run.stored)
        if let trainableParameters { self.trainableParameters[run.stored] = trainableParameters }
    }

    /// The run has a row from now on.
    mutating func begin(_ run: RunID, in database: Database) throws {
        try database.cachedStatement(
            sql: """
                INSERT INTO run (id, state, changed) VALUES (?1, 'waiting', ?2)
                ON CONFLICT (id) DO UPDATE SET changed = ?2
                """
        ).execute(arguments: [run.stored, number])
        stamped.insert(run.stored)
    }

    mutating func cancel(_ run: RunID, in database: Database) throws {
        try database.cachedStatement(
            sql: """
                INSERT INTO run (id, state, changed) VALUES (?1, 'cancelled', ?2)
                ON CONFLICT (id) DO UPDATE SET state = 'cancelled', changed = ?2
                """
        ).execute(arguments: [run.stored, number])
        stamped.insert(run.stored)
    }

    mutating func complete(
        _ run: RunID, steps: Int, seconds: Double, in database: Database
    ) throws {
        try database.cachedStatement(
            sql: """
                UPDATE run SET state = 'completed', steps = ?, seconds = ?, changed = ?,
                    trainable_parameters = COALESCE(?, trainable_parameters) WHERE id = ?
                """
        ).execute(
            arguments: [
                steps, seconds, number, trainableParameters.removeValue(forKey: run.stored),
                run.stored,
            ])
        stamped.insert(run.stored)
    }

    /// Whoever has read the results of cancelled sweeps begins anew.
    mutating func renewCancelled(in database: Database) throws {
        if hasRenewed { return }
        hasRenewed = true
        isMade = true
        try database.execute(
            sql: """
                UPDATE plan SET began = ?
                WHERE id IN (SELECT plan FROM sweep WHERE condition = 'cancelled')
                """, arguments: [number])
    }

    /// The end of the transaction.
    func store(in database: Database) throws {
        let rest = touched.subtracting(stamped).union(trainableParameters.keys)
        guard isMade || !rest.isEmpty || !stamped.isEmpty else { return }
        for run in rest.sorted() {
            try database.cachedStatement(
                sql: """
                    UPDATE run SET changed = ?,
                        trainable_parameters = COALESCE(?, trainable_parameters) WHERE id = ?
                    """
            ).execute(arguments: [number, trainableParameters[run], run])
        }
        try database.cachedStatement(sql: "UPDATE change SET last = ?")
            .execute(arguments: [number])
    }
}
