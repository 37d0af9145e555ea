import GRDB
import SweepCore

extension SweepStore {
    /// A worker's process, once however often it says hello.
    func store(_ hello: Hello, at time: Double, in database: Database) throws {
        try database.execute(
            sql: """
                INSERT OR IGNORE INTO worker
                (name, incarnation, host, device, trainer, program, training_core, libtorch, joined)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                hello.worker.name, Int64(bitPattern: hello.incarnation), hello.host, hello.device,
                hello.trainer.rawValue, hello.program, trainingCoreVersion, hello.libtorch, time,
            ])
    }

    /// Rows of points with the columns that `outcome` reads.
    ///
    /// - Parameter condition: which points: the end of the statement, from `WHERE` on.
    func pointQuery(
        from source: String = "point", _ condition: String
    ) -> String {
        let columns = """
            attempt.id AS attempt_id, attempt.worker, attempt.started, attempt.ended, \
            worker.id AS process, worker.host, worker.device, worker.trainer, worker.program, \
            worker.training_core, worker.libtorch
            """
        let joins = """
            LEFT JOIN attempt ON attempt.id = point.attempt
            LEFT JOIN worker ON worker.id = attempt.process
            """
        return """
            SELECT point.*, run.state, run.error, \(columns)
            FROM \(source) LEFT JOIN run ON run.id = point.run
            \(joins)
            \(condition)
            """
    }

    /// Of a row of `pointQuery`; `nil`: it has no result.
    func provenance(_ row: StoredColumn.Cells) -> Provenance? {
        guard let attempt: UInt64 = row[.attemptId], let run: UInt64 = row[.run] else {
            return nil
        }
        var process: WorkerProcess?
        if (row[.process] as Int64?) != nil {
            process = WorkerProcess(
                host: row.known(.host), device: row.known(.device),
                trainer: TrainerKind(rawValue: row.known(.trainer)) ?? .real,
                program: row.known(.program), trainingCore: row.known(.trainingCore),
                libtorch: row.known(.libtorch))
        }
        return Provenance(
            run: RunID(run), attempt: AttemptID(attempt), worker: WorkerID(row.known(.worker)),
            process: process, started: row.known(.started), ended: row[.ended])
    }
}
