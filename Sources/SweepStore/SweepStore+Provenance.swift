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
}

/// The attempts that measured points, with the processes of workers that they ran on.
struct Provenances {
    private let statement: Statement
    private let columns: StoredColumn.Places
    /// Many attempts ran on one process.
    private var last: (id: Int64, process: WorkerProcess)?

    init(_ database: Database) throws {
        statement = try database.cachedStatement(
            sql: """
                SELECT attempt.worker, attempt.started, attempt.ended, worker.id AS process,
                    worker.host, worker.device, worker.trainer, worker.program,
                    worker.training_core, worker.libtorch
                FROM attempt LEFT JOIN worker ON worker.id = attempt.process
                WHERE attempt.id = ?
                """)
        columns = StoredColumn.Places(statement)
    }

    /// `nil`: there is no such attempt.
    mutating func provenance(_ attempt: UInt64, of run: UInt64) throws -> Provenance? {
        let rows = try Row.fetchCursor(statement, arguments: [attempt])
        // A row is only there as long as its cursor.
        return try withExtendedLifetime(rows) {
            guard let row = try rows.next().map({ columns.cells(of: $0) }) else { return nil }
            return Provenance(
                run: RunID(run), attempt: AttemptID(attempt),
                worker: WorkerID(row.known(.worker)), process: process(row),
                started: row.known(.started), ended: row[.ended])
        }
    }

    private mutating func process(_ row: StoredColumn.Cells) -> WorkerProcess? {
        guard let id: Int64 = row[.process] else { return nil }
        if let last, last.id == id { return last.process }
        let process = WorkerProcess(
            host: row.known(.host), device: row.known(.device),
            trainer: TrainerKind(rawValue: row.known(.trainer)) ?? .real,
            program: row.known(.program), trainingCore: row.known(.trainingCore),
            libtorch: row.known(.libtorch))
        last = (id, process)
        return process
    }
}
