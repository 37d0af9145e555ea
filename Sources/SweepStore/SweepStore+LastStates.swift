import FoundationEssentials
import GRDB
import SweepCore

/// The states of completed runs that stay, as rows of `artifact` with a trajectory.
extension SweepStore {
    func keep(_ state: LastState, at time: Double, in database: Database) throws {
        try database.execute(
            sql: """
                UPDATE artifact SET trajectory = ?, kept = ?
                WHERE run = ? AND kind = ? AND epoch = ? AND digest = ?
                """,
            arguments: [
                state.trajectory.data, time, state.run.stored, state.artifact.kind.rawValue,
                state.artifact.epoch, Data(state.artifact.file.digest.bytes),
            ])
    }

    /// The run has a state of its own from now on, so what happens to the other is nothing to it,
    /// and the measurements of the epochs behind it, with the attempts that made them.
    func goOn(
        _ run: RunID, from state: LastState, _ change: inout Change, in database: Database
    ) throws {
        try change.begin(run, in: database)
        try keep(state.artifact, of: run, in: database)
        let columns = StoredMetrics.columns.joined(separator: ", ")
        try database.cachedStatement(
            sql: """
                INSERT OR IGNORE INTO measurement (run, attempt, seconds, changed, \(columns))
                SELECT ?, attempt, seconds, ?, \(columns) FROM measurement
                WHERE run = ? AND epoch <= ?
                """
        ).execute(
            arguments: [run.stored, change.number, state.run.stored, state.artifact.epoch])
    }

    /// A point is a milestone of a run that went further.
    func finishPoint(_ point: MeasuredPoint, _ change: inout Change, in database: Database) throws {
        try database.cachedStatement(
            sql: """
                INSERT OR REPLACE INTO point (key, run, attempt, epoch)
                SELECT ?, run, attempt, epoch
                FROM measurement WHERE run = ? AND epoch = ? ORDER BY attempt LIMIT 1
                """
        ).execute(arguments: [point.key.data, point.run.stored, point.epoch])
        guard database.changesCount == 0 else {
            // A cancelled sweep may have the point too, which its runs do not tell.
            return try change.renewCancelled(in: database)
        }
        // A trainer kept the epoch to itself: after the next start the point is trained.
        try database.execute(
            sql: "DELETE FROM artifact WHERE run = ? AND trajectory IS NOT NULL",
            arguments: [point.run.stored])
    }

    /// The oldest first.
    func lastStates(_ database: Database) throws -> [LastState] {
        try Row.fetchAll(
            database,
            sql: "SELECT * FROM artifact WHERE trajectory IS NOT NULL ORDER BY kept, run, epoch"
        ).map { row in
            let run: UInt64 = row["run"]
            guard let digest = Digest(bytes: Array(row["trajectory"] as Data)) else {
                throw StoreError.damaged(path: path, what: "the last state of run \(run)")
            }
            return LastState(
                trajectory: PointKey(digest), run: RunID(run), artifact: try artifact(row))
        }
    }

    /// Which files of sweeps are there.
    func pieces(_ database: Database) throws -> [(run: RunID, piece: LeftBehind.Piece)] {
        let rows = try Row.fetchCursor(
            database, sql: "SELECT run, kind, epoch FROM artifact WHERE kind <> ?",
            arguments: [Artifact.Kind.state.rawValue])
        var pieces: [(run: RunID, piece: LeftBehind.Piece)] = []
        while let row = try rows.next() {
            let run: UInt64 = row["run"]
            guard let kind = Artifact.Kind(rawValue: row["kind"]) else { continue }
            pieces.append((RunID(run), .init(kind: kind, epoch: row["epoch"])))
        }
        return pieces
    }
}
