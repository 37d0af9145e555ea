import FoundationEssentials
import GRDB

enum Schema {
    /// Steps are only ever added: a store made by any earlier version opens in this one.
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1: sweeps, points, runs, attempts, measurements") { database in
            try database.execute(
                sql: """
                    CREATE TABLE sweep (
                        id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, spec TEXT NOT NULL,
                        submitted REAL NOT NULL);
                    -- A point is finished when it has a CACC.
                    CREATE TABLE point (
                        key BLOB PRIMARY KEY, spec TEXT NOT NULL, run INTEGER, epoch INTEGER,
                        training_loss REAL, test_loss REAL, cacc REAL, asr REAL) WITHOUT ROWID;
                    CREATE TABLE sweep_point (
                        sweep INTEGER NOT NULL, place INTEGER NOT NULL, point BLOB NOT NULL,
                        PRIMARY KEY (sweep, place)) WITHOUT ROWID;
                    -- state: waiting (also while an attempt lives), completed, failed, cancelled.
                    CREATE TABLE run (
                        id INTEGER PRIMARY KEY, spec TEXT NOT NULL, milestones TEXT NOT NULL,
                        steps INTEGER NOT NULL, state TEXT NOT NULL, error TEXT,
                        trainable_parameters INTEGER, seconds REAL);
                    -- outcome: NULL (lives), completed, failed, lost, handed back.
                    CREATE TABLE attempt (
                        id INTEGER PRIMARY KEY, run INTEGER NOT NULL, worker TEXT NOT NULL,
                        acknowledged INTEGER NOT NULL, started REAL NOT NULL, ended REAL,
                        outcome TEXT, detail TEXT);
                    CREATE INDEX attempt_of_run ON attempt (run);
                    CREATE TABLE measurement (
                        run INTEGER NOT NULL, epoch INTEGER NOT NULL, attempt INTEGER NOT NULL,
                        training_loss REAL NOT NULL, test_loss REAL NOT NULL, cacc REAL NOT NULL,
                        asr REAL, seconds REAL NOT NULL,
                        PRIMARY KEY (run, epoch, attempt)) WITHOUT ROWID;
                    """)
        }
        migrator.registerMigration("2: fits and classes of each epoch") { database in
            for table in ["point", "measurement"] {
                // classes: [[correct, total], …] as JSON.
                try database.execute(
                    sql: """
                        ALTER TABLE \(table) ADD COLUMN classes TEXT;
                        ALTER TABLE \(table) ADD COLUMN clean_fit_loss REAL;
                        ALTER TABLE \(table) ADD COLUMN clean_fit_accuracy REAL;
                        ALTER TABLE \(table) ADD COLUMN poisoned_fit_loss REAL;
                        ALTER TABLE \(table) ADD COLUMN poisoned_fit_accuracy REAL;
                        ALTER TABLE \(table) ADD COLUMN validation_loss REAL;
                        ALTER TABLE \(table) ADD COLUMN validation_accuracy REAL;
                        """)
            }
        }
        migrator.registerMigration("3: artifacts") { database in
            try database.execute(
                sql: """
                    ALTER TABLE run ADD COLUMN keep TEXT;
                    CREATE TABLE artifact (
                        run INTEGER NOT NULL, kind TEXT NOT NULL, epoch INTEGER NOT NULL,
                        digest BLOB NOT NULL, size INTEGER NOT NULL, path TEXT NOT NULL,
                        PRIMARY KEY (run, kind, epoch)) WITHOUT ROWID;
                    """)
        }
        migrator.registerMigration("4: plans") { database in
            // A plan has what a sweep's grid came to when it was submitted; its runs have a row in
            // `run`, with an empty spec, only once something has happened to them, and its points
            // one in `point` once they have a result or none is to come.
            try database.execute(
                sql: """
                    CREATE TABLE plan (
                        id INTEGER PRIMARY KEY, sweep INTEGER NOT NULL, spec TEXT NOT NULL,
                        backbone TEXT NOT NULL, keys BLOB NOT NULL, cells BLOB NOT NULL,
                        first_run INTEGER, run_count INTEGER NOT NULL DEFAULT 0, runs BLOB);
                    CREATE INDEX plan_of_run ON plan (first_run);
                    ALTER TABLE sweep ADD COLUMN plan INTEGER;
                    -- condition: active, paused, cancelled.
                    ALTER TABLE sweep ADD COLUMN condition TEXT NOT NULL DEFAULT 'active';
                    ALTER TABLE sweep ADD COLUMN priority INTEGER NOT NULL DEFAULT 0;
                    """)
        }
        migrator.registerMigration("5: steps of a state") { database in
            try database.execute(
                sql: """
                    ALTER TABLE artifact ADD COLUMN steps INTEGER NOT NULL DEFAULT 0;
                    CREATE INDEX artifact_of_digest ON artifact (digest);
                    """)
        }
        migrator.registerMigration("6: trainable parameters of points") { database in
            // In `run` those of runs that earlier versions completed.
            try database.execute(sql: "ALTER TABLE point ADD COLUMN trainable_parameters INTEGER")
        }
        migrator.registerMigration("7: plain error rates") { database in
            for table in ["point", "measurement"] {
                try database.execute(
                    sql: """
                        ALTER TABLE \(table) ADD COLUMN triggered_samples INTEGER;
                        ALTER TABLE \(table) ADD COLUMN plain_error_rate REAL;
                        """)
            }
        }
        migrator.registerMigration("8: provenance") { database in
            // A process of a worker, as it described itself; an attempt has the newest one of its
            // worker, and a point the attempt that measured it.
            try database.execute(
                sql: """
                    CREATE TABLE worker (
                        id INTEGER PRIMARY KEY, name TEXT NOT NULL, incarnation INTEGER NOT NULL,
                        host TEXT NOT NULL, device TEXT NOT NULL, trainer TEXT NOT NULL,
                        program TEXT NOT NULL, training_core INTEGER NOT NULL,
                        libtorch TEXT NOT NULL, joined REAL NOT NULL,
                        UNIQUE (name, incarnation));
                    ALTER TABLE attempt ADD COLUMN process INTEGER;
                    ALTER TABLE point ADD COLUMN attempt INTEGER;
                    """)
            try forgetMadeUpResults(database)
        }
        migrator.registerMigration("9: why a sweep is paused") { database in
            try database.execute(sql: "ALTER TABLE sweep ADD COLUMN reason TEXT")
        }
        registerPlanParts(&migrator)
        migrator.registerMigration("11: last states") { database in
            // Of a state that stays though its run is completed: what longer runs know it by, and
            // since when it is there.
            try database.execute(
                sql: """
                    ALTER TABLE artifact ADD COLUMN trajectory BLOB;
                    ALTER TABLE artifact ADD COLUMN kept REAL;
                    CREATE INDEX last_state ON artifact (kept) WHERE trajectory IS NOT NULL;
                    """)
        }
        return migrator
    }

    private static func registerPlanParts(_ migrator: inout DatabaseMigrator) {
        migrator.registerMigration("10: plans in parts") { database in
            // The lists of a plan, a part of a few thousand items in a row: they are written, and
            // read, in parts. Those of a plan that has no row yet are of a sweep on its way in.
            try database.execute(
                sql: """
                    CREATE TABLE plan_part (
                        id INTEGER PRIMARY KEY, plan INTEGER NOT NULL, list TEXT NOT NULL,
                        first INTEGER NOT NULL, items BLOB NOT NULL,
                        UNIQUE (plan, list, first));
                    ALTER TABLE plan RENAME TO whole_plan;
                    CREATE TABLE plan (
                        id INTEGER PRIMARY KEY, sweep INTEGER NOT NULL, spec TEXT NOT NULL,
                        backbone TEXT NOT NULL, points INTEGER NOT NULL, first_run INTEGER,
                        run_count INTEGER NOT NULL);
                    DROP INDEX plan_of_run;
                    CREATE INDEX plan_of_run ON plan (first_run);
                    INSERT INTO plan
                        SELECT id, sweep, spec, backbone, length(cells) / 4, first_run, run_count
                        FROM whole_plan;
                    -- Where a plan had no new run: that of the next one that had.
                    UPDATE plan SET first_run = (
                        SELECT MIN(first_run) FROM plan AS later WHERE later.id > plan.id)
                        WHERE first_run IS NULL;
                    """)
            for list in PlanList.allCases {
                let rows = try Row.fetchCursor(
                    database, sql: "SELECT id, \(list.rawValue) AS items FROM whole_plan")
                while let row = try rows.next() {
                    guard let items = row["items"] as Data? else { continue }
                    let bytes = 8_192 * list.itemBytes
                    for begin in stride(from: 0, to: items.count, by: bytes) {
                        let part = items.dropFirst(begin).prefix(bytes)
                        try database.execute(
                            sql: PlanList.insert,
                            arguments: [
                                row["id"] as Int64, list.rawValue, begin / list.itemBytes,
                                Data(part),
                            ])
                    }
                }
            }
            try database.execute(sql: "DROP TABLE whole_plan")
        }
    }

    /// Earlier versions stored what fake trainers made up under the keys of real results. It is
    /// known by its number of trained parameters: no training has none.
    private static func forgetMadeUpResults(_ database: Database) throws {
        try database.execute(
            sql: """
                CREATE TEMPORARY TABLE made_up AS
                    SELECT point.key, run.id AS run FROM point JOIN run ON run.id = point.run
                    WHERE cacc IS NOT NULL
                        AND COALESCE(point.trainable_parameters, run.trainable_parameters) = 0;
                UPDATE point SET run = NULL, cacc = NULL, asr = NULL
                    WHERE key IN (SELECT key FROM made_up);
                UPDATE run SET state = 'cancelled'
                    WHERE state = 'completed' AND id IN (SELECT run FROM made_up);
                DELETE FROM measurement WHERE run IN (SELECT run FROM made_up);
                DROP TABLE made_up;
                """)
    }
}
