import DequeModule
import Logging
import SweepCore
import SweepWire

/// The worker's shell: one loop that waits for the coordinator and the trainers, lets the machine
/// decide, and carries out its effects.
public final class Worker {
    private var machine: WorkerMachine
    private let dialer: Dialer
    private let trainers: [any Trainer]
    private let files: WorkerFiles
    private let artifacts: String
    private var spill: SpillFile
    private let logger: Logger
    private let clock = ContinuousClock()
    private let start: ContinuousClock.Instant
    /// A greeting for which there was no connection yet, and since when.
    private var unsentHello: (MessageToCoordinator, since: Instant)?

    /// Where a worker keeps files.
    public struct Folders: Sendable {
        /// Files on their way to the coordinator, and states from it.
        public var artifacts: String
        /// Models and data from the coordinator.
        public var cache: String
        /// Bytes in the cache, at most.
        public var cacheLimit: Int

        public init(artifacts: String, cache: String, cacheLimit: Int) {
            self.artifacts = artifacts
            self.cache = cache
            self.cacheLimit = cacheLimit
        }
    }

    /// - Parameters:
    ///   - reread: reads the access file once more; asked while there is no connection.
    ///   - trainers: one for each slot of `hello`.
    ///   - readsFiles: whether they read models and data.
    ///   - secondsLeft: after which it hands everything back and leaves; `nil`: never.
    public init(
        _ hello: Hello, access: AccessFile, reread: @escaping () -> AccessFile? = { nil },
        trainers: [any Trainer], readsFiles: Bool,
        secondsLeft: Double? = nil, folders: Folders, logger: Logger
    ) throws {
        precondition(trainers.count == hello.slots, "a trainer for each slot")
        artifacts = folders.artifacts
        spill = SpillFile(path: folders.artifacts, worker: hello.worker)
        let spilled = spill.read(logger)
        machine = WorkerMachine(
            hello, readsFiles: readsFiles,
            leaves: secondsLeft.map { Instant(nanoseconds: Int64($0 * 1e9)) }, spilled: spilled)
        if !spilled.isEmpty {
            logger.info("\(spilled.count) earlier reports wait for the coordinator")
        }
        dialer = try Dialer(access, reread: reread)
        self.trainers = trainers
        files = WorkerFiles(
            folder: folders.artifacts,
            cache: FileCache(folder: folders.cache, limit: folders.cacheLimit))
        self.logger = logger
        start = clock.now
    }

    private var now: Instant { Instant(nanoseconds: (clock.now - start).nanoseconds) }

    /// Works until something can be read from `stop`, then hands back its jobs and leaves.
    ///
    /// - Throws: `WorkerError.refused` if the coordinator does not want this worker,
    ///   `WorkerError.unusable` if a trainer that was started anew can't train.
    public func run(until stop: Int32) throws {
        defer {
            for trainer in trainers { trainer.shutDown() }
            files.close()
        }
        logger.info("dialling \(dialer.endpoint)")
        if let problem = dialer.problem { logger.warning("\(problem); dialled again until it can") }
        let tickInterval = Duration.milliseconds(250)
        var nextTick = now
        var isDraining = false
        while true {
            if now >= nextTick {
                nextTick = now + tickInterval
                if let endpoint = try dialer.look() {
                    logger.info("no connection; dialling \(endpoint)")
                }
                if try carryOut(machine.handle(.tick, at: now)) { return }
            }
            var sources: [Poll.Source] = [.socket(dialer.socket)]
            if !isDraining { sources.append(.file(stop)) }
            // Trainers wait, at their next report, while the coordinator takes nothing.
            if !machine.isFull { sources += trainers.flatMap(\.descriptors).map { .file($0) } }
            let isReadable = try Poll.readable(sources, timeout: timeout(atMost: tickInterval))
            if !isDraining, isReadable[1] {
                isDraining = true
                logger.info("leaving: handing jobs back")
                if try carryOut(machine.handle(.drain, at: now)) { return }
            }
            if let (hello, _) = unsentHello, try dialer.send(hello) { unsentHello = nil }
            if try receive() { return }
            if try pollTrainers() { return }
            if try lookForFiles() { return }
        }
    }

    private func timeout(atMost limit: Duration) -> Duration {
        var timeout = limit
        // A coordinator that is there answers at once; one that is not is not worth the effort.
        if let unsentHello, now - unsentHello.since < .seconds(5) { timeout = .milliseconds(10) }
        if files.isBusy { return .zero }
        guard !machine.isFull, let next = trainers.compactMap(\.wakeUp).min() else {
            return timeout
        }
        return max(.zero, min(timeout, next - now))
    }

    private func receive() throws -> Bool {
        while true {
            do {
                guard let message = try dialer.receive(as: MessageToWorker.self) else {
                    return false
                }
                if try carryOut(machine.handle(.message(message), at: now)) { return true }
            } catch let error as WireError {
                switch error {
                case .malformed: logger.warning("dropped: \("\(error)".shown)")
                case .versionMismatch: throw WorkerError.refused("\(error)")
                case .socket, .listen, .name, .accessFile, .insecure, .noAnswer, .rejected,
                    .tooLarge, .file:
                    throw error
                }
            }
        }
    }

    private func lookForFiles() throws -> Bool {
        guard files.isBusy else { return false }
        for event in files.goOn() {
            if try carryOut(machine.handle(.file(event), at: now)) { return true }
        }
        return false
    }

    private func pollTrainers() throws -> Bool {
        if machine.isFull { return false }
        for (slot, trainer) in trainers.enumerated() {
            for event in trainer.poll(at: now) {
                let effects =
                    switch event {
                    case .progress(let progress): machine.handle(.progress(progress), at: now)
                    case .report(let attempt, let report):
                        machine.handle(.report(attempt, report), at: now)
                    case .exited(let how): exited(slot, how)
                    case .unusable(let why): machine.handle(.trainerUnusable(slot, why), at: now)
                    }
                if try carryOut(effects) { return true }
            }
        }
        return false
    }

    private func exited(_ slot: Int, _ how: String) -> [WorkerMachine.Effect] {
        logger.error("slot \(slot): \(how.shown)")
        return machine.handle(.trainerExited(slot, how), at: now)
    }

    /// `true` when the worker has left.
    private func carryOut(_ effects: [WorkerMachine.Effect]) throws -> Bool {
        var effects = Deque(effects)
        while let effect = effects.popFirst() {
            switch effect {
            case .send(let message):
                let isSent = try dialer.send(message)
                if case .hello = message {
                    unsentHello = isSent ? nil : (message, since: unsentHello?.since ?? now)
                }
            case .train(let slot, let assignment): effects += train(slot, assignment)
            case .stop(let slot, let attempt): trainers[slot].stop(attempt)
            case .sendChunk, .findFile, .openFile, .storeChunk, .finishFile, .readManifest,
                .assembleModel, .releaseFile, .removeFile:
                if let event = try carryOutWithFiles(effect) {
                    effects += machine.handle(event, at: now)
                }
            case .spill(let reports): spill.append(reports, logger)
            case .clearSpill: spill.clear()
            case .renameSpill(let name): spill = SpillFile(path: artifacts, worker: name)
            case .note(let text): logger.info("\(text.shown)")
            case .abandon(let reason): throw WorkerError.unusable(reason)
            case .leave(let error):
                if let error { throw WorkerError.refused(error) }
                logger.info("left")
                return true
            }
        }
        return false
    }

    /// What is to be done first, if the model is not the one that was compared with its digest.
    private func train(_ slot: Int, _ assignment: Assignment) -> [WorkerMachine.Effect] {
        let model = assignment.spec.backbone
        if let file = files.changedFile(of: model) {
            let why = "\(file) has changed since this worker read it"
            return machine.handle(.outdated(slot, model.digest, why), at: now)
        }
        let from = assignment.checkpoint.map { ", from step \($0.steps)" } ?? ""
        logger.info("slot \(slot): \(assignment.run), \(assignment.attempt)\(from)")
        trainers[slot].train(assignment, at: now)
        return []
    }

    /// What came of it, if the machine has to know.
    private func carryOutWithFiles(
        _ effect: WorkerMachine.Effect
    ) throws -> WorkerMachine.Event? {
        switch effect {
        case .sendChunk(let artifact, let offset, let count):
            let chunk: Chunk
            do {
                chunk = try files.chunk(of: artifact, offset: offset, count: count)
            } catch {
                return .fileUnreadable(artifact.file.digest, "\(error)")
            }
            _ = try dialer.send(.file(.chunk(chunk)))
        case .findFile(let want): files.find(want)
        case .openFile(let want): return .file(files.open(want))
        case .storeChunk(let chunk): return files.store(chunk).map { .file($0) }
        case .finishFile(let digest): return .file(files.finish(digest))
        case .readManifest(let digest, let path): return .file(files.readManifest(digest, path))
        case .assembleModel(let digest, let parts): return .file(files.assemble(digest, parts))
        case .releaseFile(let digest): files.release(digest)
        case .removeFile(let path): files.remove(path)
        case .send, .train, .stop, .spill, .clearSpill, .renameSpill, .note, .leave, .abandon:
            preconditionFailure("\(effect) is not about files")
        }
        return nil
    }
}
