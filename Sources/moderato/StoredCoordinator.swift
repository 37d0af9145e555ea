import Foundation
import SweepCoordinator
import SweepCore
import SweepStore
import SweepWire

/// Answers from the store while no coordinator works with it, as the coordinator would answer.
struct StoredCoordinator {
    private let home: CoordinatorHome

    /// `nil`: ask the coordinator, for there is one, or nobody knows.
    init?(_ access: AccessOption) {
        home = access.home.folder
        guard access.access == nil, FileManager.default.fileExists(atPath: home.storePath),
            !home.isInUse
        else { return nil }
        // The lock is not seen from every machine that sees the folder.
        let file = try? AccessFile(reading: access.path(for: .client))
        if let file, !file.endpoints.allSatisfy(Endpoint.isLoopback),
            let dialer = try? access.dial(),
            (try? dialer.request(.askStatus, timeout: .seconds(3))) != nil
        {
            return nil
        }
    }

    func ask(_ message: MessageToCoordinator) throws -> MessageToClient {
        do {
            switch message {
            case .explain(let subject): return try explanation(of: subject)
            case .control(.drain), .control(.readmit):
                throw failure(
                    "no coordinator works in \(home.path), so it has no workers", Exit.unavailable)
            case .control(let control): return try change(control)
            default: return .status(try Scheduler(snapshot(), at: Self.now).statusReport())
            }
        } catch let error as StoreError {
            throw failure("\(error)", Exit.unavailable)
        } catch let error as CoordinatorError {
            throw failure("\(error)", Exit.unavailable)
        }
    }

    private static let now = Instant(nanoseconds: 0)

    private func snapshot() throws -> Snapshot {
        let snapshot = try SweepStore.reading(path: home.storePath).snapshot()
        complain("moderato: no coordinator works in \(home.path); this is what its store says")
        return snapshot
    }

    private func explanation(of subject: Subject) throws -> MessageToClient {
        let store = try SweepStore.reading(path: home.storePath)
        let scheduler = Scheduler(try snapshot(), at: Self.now)
        let history: [StoredAttempt] =
            switch subject {
            case .run(let id): try store.attempts(of: id)
            case .worker(let id): try store.attempts(on: id, last: 20)
            }
        let state = scheduler.explanation(of: subject, at: Self.now)
        guard state != nil || !history.isEmpty else {
            let words =
                switch subject {
                case .run(let id): "\(id)"
                case .worker(let id): "worker '\(id)'"
                }
            throw failure("there is no \(words)", Exit.refused)
        }
        return .explanation((state ?? ["It is not connected now."]) + history.map(\.line))
    }

    /// Whoever takes the lock is the coordinator for a moment.
    private func change(_ control: Control) throws -> MessageToClient {
        try home.lock()
        let store = try SweepStore(path: home.storePath)
        var scheduler = Scheduler(try store.snapshot(), at: Self.now)
        var effects = scheduler.handle(
            .message(.control(control), from: Route([0]), role: .client), at: Self.now)
        while scheduler.isBusy { effects += scheduler.handle(.spareTime, at: Self.now) }
        var facts: [Fact] = []
        for case .persist(let fact) in effects { facts.append(fact) }
        try store.commit(facts)
        for case .answer(let answer, _) in effects {
            switch answer {
            case .rejected(let reason): throw failure(reason, Exit.refused)
            case .done(let words):
                return .done(
                    "\(words); no coordinator works in \(home.path) now: 'moderato run' or "
                        + "'moderato coordinator' goes on with it")
            default: continue
            }
        }
        throw failure("the store gave an answer that does not fit", Exit.unavailable)
    }
}

extension AccessOption {
    /// The coordinator's answer, or what its store says while there is none.
    func ask(_ message: MessageToCoordinator) throws -> MessageToClient {
        if let stored = StoredCoordinator(self) { return try stored.ask(message) }
        return try dial().ask(message)
    }
}
