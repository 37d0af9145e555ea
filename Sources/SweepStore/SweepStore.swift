import FoundationEssentials
import GRDB
import SweepCore

/// The results, and everything a coordinator must know after a restart, in one SQLite file.
public struct SweepStore: Sendable {
    let database: any DatabaseWriter
    let path: String
    let plans = KnownPlans()
    /// `nil`: it lives in memory, or is only read.
    let checkpoints: Checkpoints?

    /// Opens the store for the coordinator; makes it if it is not there.
    ///
    /// `synchronous = FULL`: what a commit returns from is on the disk, also after a power cut.
    public init(path: String) throws(StoreError) {
        var configuration = Self.patient
        configuration.prepareDatabase { database in
            // What `checkpoints` leaves to a commit: nothing, unless it can't keep up.
            try database.execute(
                sql: "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 100000")
        }
        do {
            let pool = try DatabasePool(path: path, configuration: configuration)
            guard try !pool.read(Schema.migrator.hasBeenSuperseded) else {
                throw StoreError.foreign(path: path)
            }
            try Schema.migrator.migrate(pool)
            self.init(
                pool, path: path,
                checkpoints: Checkpoints(
                    try DatabaseQueue(path: path, configuration: configuration)))
            try pool.write { database in
                try StoredMetrics.addColumns(database)
                try forgetUnfinishedPlan(database)
            }
        } catch let error as StoreError {
            throw error
        } catch {
            throw StoreError.cannotOpen(path: path, reason: "\(error)")
        }
    }

    /// Opens a store to look at it, while a coordinator uses it or not. One that an earlier version
    /// made is left as it is.
    public static func reading(path: String) throws(StoreError) -> SweepStore {
        guard FileManager.default.fileExists(atPath: path) else {
            throw .cannotOpen(path: path, reason: "there is no such file")
        }
        var configuration = Self.patient
        configuration.readonly = true
        do {
            let queue = try DatabaseQueue(path: path, configuration: configuration)
            let isReadable = try queue.read { database in
                let hasTables = try !Schema.migrator.appliedIdentifiers(database).isEmpty
                return try hasTables && !Schema.migrator.hasBeenSuperseded(database)
            }
            guard isReadable else {
                throw StoreError.foreign(path: path)
            }
            return SweepStore(queue, path: path)
        } catch let error as StoreError {
            throw error
        } catch {
            throw .cannotOpen(path: path, reason: "\(error)")
        }
    }

    /// A store that lives in memory, for tests.
    public static func inMemory() throws(StoreError) -> SweepStore {
        do {
            let store = SweepStore(try DatabaseQueue(), path: "memory")
            try Schema.migrator.migrate(store.database)
            try store.database.write { try StoredMetrics.addColumns($0) }
            return store
        } catch {
            throw .cannotOpen(path: "memory", reason: "\(error)")
        }
    }

    /// The first to open a store whose coordinator was killed brings it in order; whoever comes
    /// meanwhile waits.
    private static var patient: Configuration {
        var configuration = Configuration()
        configuration.busyMode = .timeout(10)
        return configuration
    }

    init(
        _ database: any DatabaseWriter, path: String, checkpoints: Checkpoints? = nil
    ) {
        self.database = database
        self.path = path
        self.checkpoints = checkpoints
    }

    /// Runs a query or transaction, with SQLite's errors put into words.
    func run<T>(_ work: () throws -> T) throws(StoreError) -> T {
        do {
            return try work()
        } catch let error as StoreError {
            throw error
        } catch let error as DatabaseError where error.resultCode == .SQLITE_FULL {
            throw .full(path: path)
        } catch {
            throw .failed(path: path, reason: "\(error)")
        }
    }

    static func json(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    func decode<T: Decodable>(_ type: T.Type, _ text: String, _ what: String) throws -> T {
        do {
            return try JSONDecoder().decode(type, from: Data(text.utf8))
        } catch {
            throw StoreError.damaged(path: path, what: what)
        }
    }
}
