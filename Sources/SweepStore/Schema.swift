import FoundationEssentials
import GRDB

enum Schema {
    /// Steps are only ever added: a store made by any earlier version opens in this one. The
    /// columns of figures come from their table (`StoredMetrics.addColumns`).
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("version 1") { try $0.execute(sql: first) }
        return migrator
    }

    private static let first = """
        -- condition: active, paused, cancelled.
        CREATE TABLE sweep (
            id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, spec TEXT NOT NULL,
            submitted REAL NOT NULL, plan INTEGER NOT NULL,
            condition TEXT NOT NULL DEFAULT 'active', priority INTEGER NOT NULL DEFAULT 0,
            reason TEXT);
        -- Counts the transactions that changed anything of results. Whoever has read them asks for
        -- what has changed since, by this number.
        CREATE TABLE change (id INTEGER PRIMARY KEY CHECK (id = 1), last INTEGER NOT NULL);
        INSERT INTO change (id, last) VALUES (1, 0);
        -- What a sweep's grid came to when it was submitted. Its runs have a row in `run` only once
        -- something has happened to them, and its points one in `point` once they have a result or
        -- none is to come. began: the change from which on its results hold; whoever has read them
        -- before that begins anew.
        CREATE TABLE plan (
            id INTEGER PRIMARY KEY, sweep INTEGER NOT NULL, spec TEXT NOT NULL,
            backbone TEXT NOT NULL, points INTEGER NOT NULL, first_run INTEGER,
            run_count INTEGER NOT NULL, began INTEGER NOT NULL);
        CREATE INDEX plan_of_run ON plan (first_run);
        -- The lists of a plan, a part of a few thousand items in a row: they are written, and read,
        -- in parts. Those of a plan that has no row yet are of a sweep on its way in.
        CREATE TABLE plan_part (
            id INTEGER PRIMARY KEY, plan INTEGER NOT NULL, list TEXT NOT NULL,
            first INTEGER NOT NULL, items BLOB NOT NULL, UNIQUE (plan, list, first));
        -- A point is a milestone of a run: finished with what the attempt measured after the epoch,
        -- or failed, with neither.
        CREATE TABLE point (
            key BLOB PRIMARY KEY, run INTEGER NOT NULL, attempt INTEGER, epoch INTEGER)
            WITHOUT ROWID;
        -- state: waiting (also while an attempt lives), completed, failed, cancelled. changed: the
        -- last change of anything that results show of it.
        CREATE TABLE run (
            id INTEGER PRIMARY KEY, state TEXT NOT NULL, steps INTEGER NOT NULL DEFAULT 0,
            error TEXT, seconds REAL, trainable_parameters INTEGER, changed INTEGER NOT NULL);
        CREATE INDEX change_of_run ON run (changed);
        -- outcome: NULL (lives), completed, failed, lost, handed back.
        CREATE TABLE attempt (
            id INTEGER PRIMARY KEY, run INTEGER NOT NULL, worker TEXT NOT NULL, process INTEGER,
            acknowledged INTEGER NOT NULL, started REAL NOT NULL, ended REAL, outcome TEXT,
            detail TEXT);
        CREATE INDEX attempt_of_run ON attempt (run);
        -- classes: [[correct, total], …] as JSON. changed: as of the run.
        CREATE TABLE measurement (
            run INTEGER NOT NULL, epoch INTEGER NOT NULL, attempt INTEGER NOT NULL,
            seconds REAL NOT NULL, changed INTEGER NOT NULL, classes TEXT,
            PRIMARY KEY (run, epoch, attempt)) WITHOUT ROWID;
        -- Of a state that stays though its run is completed: trajectory is what longer runs know it
        -- by, and kept since when it is there.
        CREATE TABLE artifact (
            run INTEGER NOT NULL, kind TEXT NOT NULL, epoch INTEGER NOT NULL,
            digest BLOB NOT NULL, size INTEGER NOT NULL, path TEXT NOT NULL,
            steps INTEGER NOT NULL DEFAULT 0, trajectory BLOB, kept REAL,
            PRIMARY KEY (run, kind, epoch)) WITHOUT ROWID;
        CREATE INDEX artifact_of_digest ON artifact (digest);
        CREATE INDEX last_state ON artifact (kept) WHERE trajectory IS NOT NULL;
        -- A process of a worker, as it described itself; an attempt has the newest one of its
        -- worker.
        CREATE TABLE worker (
            id INTEGER PRIMARY KEY, name TEXT NOT NULL, incarnation INTEGER NOT NULL,
            host TEXT NOT NULL, device TEXT NOT NULL, trainer TEXT NOT NULL,
            program TEXT NOT NULL, training_core INTEGER NOT NULL, libtorch TEXT NOT NULL,
            joined REAL NOT NULL, UNIQUE (name, incarnation));
        """
}
