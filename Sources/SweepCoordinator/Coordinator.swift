import FoundationEssentials
import Logging
import SweepCore
import SweepStore
import SweepWire

/// The coordinator's shell: one loop that receives, lets the scheduler decide, commits, and only
/// then sends.
public final class Coordinator {
    public struct Options: Sendable {
        /// Address and port to listen on; `nil`: where it listened last, or a free port of
        /// loopback.
        public var listen: String?
        /// Names or addresses that others dial, which may have a port of their own; none: those
        /// of before, or else the address it listens on, or the name of the host if it listens on
        /// all.
        public var advertise: [String]
        /// Plain sockets, and nobody is asked for a key; on loopback alone.
        public var isInsecure: Bool
        /// Bytes that the last states of finished runs may have together.
        public var lastStateBytes: Int
        /// How long a worker may be silent before its runs go to others.
        public var lease: Duration

        public init(
            listen: String? = nil, advertise: [String] = [], isInsecure: Bool = false,
            lastStateBytes: Int = Scheduler.Configuration().lastStateBytes,
            lease: Duration = Scheduler.Configuration().lease
        ) {
            self.listen = listen
            self.advertise = advertise
            self.isInsecure = isInsecure
            self.lastStateBytes = lastStateBytes
            self.lease = lease
        }
    }

    /// A batch has so many messages at most; of larger ones, that carry files, so many fewer.
    private static let messagesInABatch = 2_000
    private static let bytesLikeAMessage = 5_000
    /// What a batch may store, so that its commit takes about 5 ms.
    private static let factsInABatch = 1_000
    /// The least time after which a batch is committed and answered, and what is asked for waits.
    private static let longestBatch = Duration.milliseconds(10)
    private static let longestPieces = Duration.milliseconds(5)
    private static let tickInterval = Duration.milliseconds(250)

    private let home: CoordinatorHome
    private var keysStamp: CoordinatorHome.Stamp?
    let listener: Listener
    let store: SweepStore
    private(set) var machine: CoordinatorMachine
    let logger: Logger
    private let clock = ContinuousClock()
    private let start: ContinuousClock.Instant
    let files: ArtifactFiles
    /// How long the turns of the loop take, and what the last one was about.
    var meter = TurnMeter()
    private var turnWords = ""
    private var lastTick: Instant
    /// Whether since the last tick nothing was left to be received at some time.
    private var wasDrained = true
    private var cutCount = 0
    private var lastCut = ""
    private var lastCutNote: Instant?
    /// What arrived while the store took nothing, and what came of connections that ended then.
    var delayed: ArraySlice<Listener.Arrival> = []
    var delayedBytes = 0
    var awaited: [Effect] = []

    /// Locks the home, reads the store, listens, and writes the access files.
    public init(home: CoordinatorHome, options: Options, logger: Logger) throws {
        self.logger = logger
        start = clock.now
        lastTick = Instant(nanoseconds: 0)
        for place in try home.lock() {
            logger.warning("\(place): others could read it; from now on its owner alone can")
        }
        store = try SweepStore(path: home.storePath)
        let secret = try home.secret()
        self.home = home
        let wanted = options.listen.map { "tcp://\($0)" }
        listener = try Coordinator.listen(
            wanted: wanted, last: secret.endpoint, secret, isInsecure: options.isInsecure)
        let bound = try listener.endpoint()
        let known = secret.advertise ?? []
        let names = options.advertise.isEmpty ? known : options.advertise
        let endpoints = Endpoint.advertised(
            options.isInsecure ? options.advertise : names, bound: bound,
            host: ProcessInfo.processInfo.hostName)
        for endpoint in endpoints where options.isInsecure && !Endpoint.isLoopback(endpoint) {
            throw WireError.insecure(endpoint: endpoint)
        }
        try home.publish(
            secret, bound: bound, names: options.isInsecure ? known : names, endpoints,
            isInsecure: options.isInsecure)
        keysStamp = home.stamp
        let snapshot = try store.snapshot()
        files = ArtifactFiles(
            folder: home.artifactsPath, kept: try store.keptDigests(),
            sweeps: snapshot.sweeps.map(\.spec)
        ) { [store] in (try? store.kept([$0]))?.isEmpty == false }
        var configuration = Scheduler.Configuration()
        configuration.lastStateBytes = options.lastStateBytes
        configuration.lease = options.lease
        let scheduler = Scheduler(
            snapshot, configuration: configuration,
            at: Instant(nanoseconds: (clock.now - start).nanoseconds))
        machine = CoordinatorMachine(
            scheduler, folder: home.artifactsPath, roles: secret.roles, names: secret.names)
        let places = endpoints.joined(separator: ", then ")
        logger.info("listening on \(bound), reached at \(places)")
        if options.isInsecure {
            logger.warning("insecure: everyone on this machine may submit, work and look")
        }
        logger.info("access files in \(home.path): worker.access for new workers")
        if !snapshot.sweeps.isEmpty {
            let open = machine.scheduler.statusReport().sweeps.reduce(0) {
                $0 + ($1.condition.state == .cancelled ? 0 : $1.waitingRuns + $1.activeRuns)
            }
            logger.info("\(snapshot.sweeps.count) sweeps in the store, \(open) runs to do")
        }
    }

    private static func listen(
        wanted: String?, last: String?, _ secret: CoordinatorHome.Secret, isInsecure: Bool
    ) throws(WireError) -> Listener {
        func listener(_ endpoint: String) throws(WireError) -> Listener {
            try Listener(
                endpoint: endpoint, keys: secret.keys, admitted: secret.roles,
                isInsecure: isInsecure)
        }
        if wanted == nil, let last {
            do {
                return try listener(last)
            } catch {
                // Nobody outside knows a port of loopback; any other address is known to workers.
                guard Endpoint.isLoopback(last) else {
                    guard case .listen(_, let problem) = error else { throw error }
                    throw .listen(
                        endpoint: last, problem: "it did so the last time, but \(problem)")
                }
            }
        }
        let endpoint = (wanted ?? "tcp://127.0.0.1:*").replacing(":0", atEndWith: ":*")
        return try listener(endpoint)
    }

    var now: Instant { Instant(nanoseconds: (clock.now - start).nanoseconds) }

    /// Works until something can be read from `stop`.
    public func run(until stop: Int32) throws {
        let sources: [Poll.Source] = [
            .socket(listener.socket), .socket(listener.authenticator.socket), .file(stop),
        ]
        while true {
            let isReadable = try Poll.readable(
                sources, timeout: hasMoreToDo ? .zero : Self.tickInterval)
            if isReadable[2] { return logger.info("stopped; the store has everything") }
            let begin = now
            guard try takeTurn(until: stop) else { return }
            if let line = meter.record(now - begin, turnWords, at: now) {
                logger.warning("\(line)")
            }
        }
    }

    private var hasMoreToDo: Bool {
        machine.hasRequests || !delayed.isEmpty || files.isBusy || machine.isBusy
            || listener.hasMoreNews
    }

    /// `false`: stopped.
    private func takeTurn(until stop: Int32) throws -> Bool {
        try listener.authenticator.answerAll()
        var effects = awaited
        awaited = []
        effects += try observeConnections()
        let begin = now
        var taken = 0
        var received = 0
        var facts = 0
        wasDrained = wasDrained || delayed.isEmpty
        while taken < Self.messagesInABatch, let arrival = try nextArrival() {
            received += 1
            let answers = hear(arrival)
            taken += 1 + arrival.frame.count / Self.bytesLikeAMessage
            taken += answers.count { $0.isChunk } * Chunk.mostBytes / Self.bytesLikeAMessage
            facts += answers.count { if case .persist = $0 { true } else { false } }
            effects += answers
            let isLarge = arrival.frame.count > Self.bytesLikeAMessage
            let isLate =
                (isLarge || received % 16 == 0) && now - begin > Self.longestBatch
            if isLate || facts >= Self.factsInABatch {
                wasDrained = false
                break
            }
        }
        turnWords = "\(received) messages"
        effects += answerRequests()
        effects += goOn()
        if now - lastTick >= Self.tickInterval { effects += tick() }
        facts = effects.count { if case .persist = $0 { true } else { false } }
        if facts > 0 { turnWords += ", \(facts) facts stored" }
        return try carryOut(effects, until: stop)
    }

    func decide(
        _ event: CoordinatorMachine.Event,
        doing perform: (Effect, CoordinatorMachine) -> CoordinatorMachine.Done
    ) -> [Effect] {
        machine.decide(event, at: now, doing: perform)
    }

    /// What takes long is done in pieces, a few in each turn.
    private func goOn() -> [Effect] {
        var effects: [Effect] = []
        let begin = now
        while files.isBusy, now - begin < Self.longestPieces { effects += readFilesOn() }
        if machine.isBusy { effects += decide(.spareTime) }
        return effects
    }

    private func tick() -> [Effect] {
        lastTick = now
        logCuts(listener.measure(wasDrained: wasDrained, at: now))
        wasDrained = false
        return decide(.tick) + readKeys()
    }

    /// Who has gone: nothing waits for it any more.
    func observeConnections() throws -> [Effect] {
        let news = try listener.observe(at: now)
        logCuts(news.cuts)
        return news.gone.flatMap { decide(.disconnected($0)) }
    }

    /// One line in ten seconds, so that nobody fills the log.
    private func logCuts(_ cuts: [Connections.Cut]) {
        for cut in cuts {
            cutCount += 1
            let who = cut.route.flatMap { machine.name(of: $0) }.map { "\($0) at " } ?? ""
            lastCut = "\(who)\(cut.address): \(cut.why)"
        }
        guard cutCount > 0, lastCutNote.map({ $0 + .seconds(10) <= now }) ?? true else { return }
        lastCutNote = now
        logger.warning("\(cutCount) connections cut off, the last of \(lastCut.shown)")
        cutCount = 0
    }

    /// Looks whether `moderato keys` has changed who may come in.
    private func readKeys() -> [Effect] {
        guard let stamp = home.stamp, stamp != keysStamp else { return [] }
        keysStamp = stamp
        do {
            let secret = try home.knownSecret()
            listener.authenticator.admitted = secret.roles
            return decide(.admitted(secret.roles, names: secret.names))
        } catch {
            logger.error("\(error); the earlier keys stay valid")
            return []
        }
    }

    /// Commits what must last, then sends. `false`: stopped before it could be committed.
    private func carryOut(_ effects: [Effect], until stop: Int32) throws -> Bool {
        var facts: [Fact] = []
        for case .persist(let fact) in effects { facts.append(fact) }
        guard try commit(facts, until: stop) else { return false }
        try send(effects)
        try send(machine.handle(.committed(facts), at: now))
        return true
    }

    private func send(_ effects: [Effect]) throws {
        for effect in effects {
            switch effect {
            case .persist, .file, .weigh, .read: break
            case .send(let message, let route): try send(Codec.encode(message), to: route)
            case .answer(.status(var report), let route):
                report.loop = meter.report
                try answer(.status(report), to: route)
            case .answer(let message, let route): try answer(message, to: route)
            case .answerFile(let message, let route):
                try send(Codec.encode(MessageToWorker.file(message)), to: route)
            case .serve(let spec): files.serve(spec)
            case .sift(let digests): sift(digests)
            case .note(let text): logger.info("\(text.shown)")
            case .warn(let text): logger.warning("\(text.shown)")
            }
        }
    }

    private func answer(_ message: MessageToClient, to route: Route) throws {
        var frame = Codec.encode(message)
        if frame.count > Codec.maxFrameBytes {
            let text = "the answer has \(frame.count) bytes, \(Codec.maxFrameBytes) is the most"
            frame = Codec.encode(MessageToClient.rejected(text))
        }
        try send(frame, to: route)
    }

    /// Who is gone gets nothing; what matters is sent again on its return.
    private func send(_ frame: [UInt8], to route: Route) throws {
        _ = try listener.send(frame, to: route)
    }

    /// A store that can't be read now is asked again after the next batch.
    private func sift(_ digests: [Digest]) {
        guard let kept = try? store.kept(Set(digests)) else { return }
        for digest in digests where !kept.contains(digest) { files.remove(digest) }
        _ = machine.handle(.sifted(digests), at: now)
    }
}

extension String {
    fileprivate func replacing(_ ending: String, atEndWith other: String) -> String {
        hasSuffix(ending) ? String(dropLast(ending.count)) + other : self
    }
}
