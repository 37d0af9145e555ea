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

        public init(
            listen: String? = nil, advertise: [String] = [], isInsecure: Bool = false
        ) {
            self.listen = listen
            self.advertise = advertise
            self.isInsecure = isInsecure
        }
    }

    /// A batch has so many messages at most; of larger ones, that carry files, so many fewer.
    private static let messagesInABatch = 2_000
    private static let bytesLikeAMessage = 5_000
    /// The least time after which a batch is committed and answered, and what is asked for waits.
    private static let longestBatch = Duration.milliseconds(200)
    private static let longestAnswers = Duration.milliseconds(50)
    /// The most bytes of results in an answer, so that few are held for a peer that does not read.
    private static let bytesInAnAnswer = 256 * 1_024

    private let home: CoordinatorHome
    private var keysStamp: CoordinatorHome.Stamp?
    /// The keys of workers, by the routes that they said hello on.
    private var greeted: [Route: String] = [:]
    let listener: Listener
    let store: SweepStore
    private var scheduler: Scheduler
    let logger: Logger
    private let clock = ContinuousClock()
    private let start: ContinuousClock.Instant
    private var shares = PeerShares()
    /// What `moderato keys` calls each key.
    private var keyNames: [String: String]
    private let files: ArtifactFiles
    /// Of artifacts that were reported or dropped since the last commit: their files are removed
    /// unless the store has them.
    private var questionable: Set<Digest> = []
    /// What arrived while the store took nothing.
    var delayed: ArraySlice<Listener.Arrival> = []

    /// Locks the home, reads the store, listens, and writes the access files.
    public init(home: CoordinatorHome, options: Options, logger: Logger) throws {
        self.logger = logger
        start = clock.now
        try home.lock()
        store = try SweepStore(path: home.storePath)
        let secret = try home.secret()
        self.home = home
        keyNames = secret.names
        let wanted = options.listen.map { "tcp://\($0)" }
        listener = try Coordinator.listen(
            wanted: wanted, last: secret.endpoint, secret, isInsecure: options.isInsecure)
        let bound = try listener.endpoint()
        let known = secret.advertise?.values ?? []
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
            sweeps: snapshot.sweeps.map(\.spec))
        scheduler = Scheduler(
            snapshot, at: Instant(nanoseconds: (clock.now - start).nanoseconds))
        let places = endpoints.joined(separator: ", then ")
        logger.info("listening on \(bound), reached at \(places)")
        if options.isInsecure {
            logger.warning("insecure: everyone on this machine may submit, work and look")
        }
        logger.info("access files in \(home.path): worker.access for new workers")
        if !snapshot.sweeps.isEmpty {
            let open = snapshot.runs.count { $0.state == .waiting || $0.isActive }
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

    private var now: Instant { Instant(nanoseconds: (clock.now - start).nanoseconds) }

    /// Works until something can be read from `stop`.
    public func run(until stop: Int32) throws {
        let sources: [Poll.Source] = [
            .socket(listener.socket), .socket(listener.authenticator.socket), .file(stop),
        ]
        let tickInterval = Duration.milliseconds(250)
        var lastTick = now
        while true {
            let timeout = shares.hasRequests || !delayed.isEmpty ? .zero : tickInterval
            let isReadable = try Poll.readable(sources, timeout: timeout)
            let begin = now
            if isReadable[2] { return logger.info("stopped; the store has everything") }
            try listener.authenticator.answerAll()
            var effects: [Effect] = []
            var taken = 0
            var received = 0
            while taken < Self.messagesInABatch, let arrival = try nextArrival() {
                received += 1
                let answers = handle(arrival)
                taken += 1 + arrival.frame.count / Self.bytesLikeAMessage
                taken += answers.count { $0.isChunk } * Chunk.mostBytes / Self.bytesLikeAMessage
                effects += answers
                if received % 64 == 0, now - begin > Self.longestBatch { break }
            }
            effects += answerRequests()
            if now - lastTick >= tickInterval {
                lastTick = now
                effects += scheduler.handle(.tick, at: now)
                effects += takeKeys()
                effects += files.handle(.tick, at: now)
                for complaint in shares.tick(at: now) {
                    logger.warning("\(complaint.peer): \(complaint.text)")
                }
            }
            guard try carryOut(effects, until: stop) else { return }
        }
    }

    /// Looks whether `moderato keys` has changed who may come in.
    private func takeKeys() -> [Effect] {
        guard let stamp = home.stamp, stamp != keysStamp else { return [] }
        keysStamp = stamp
        do {
            let secret = try home.knownSecret()
            listener.authenticator.admitted = secret.roles
            // Those that are revoked keep their names for who still comes with them.
            keyNames.merge(secret.names) { $1 }
        } catch {
            logger.error("\(error); the keys of before stay valid")
            return []
        }
        logger.info("\(listener.authenticator.admitted.count) keys may come in")
        let revoked = greeted.filter { listener.authenticator.admitted[$0.value] == nil }
        return revoked.keys.sorted().flatMap(sendAway)
    }

    /// A peer whose key was revoked: what it has goes to others.
    private func sendAway(_ route: Route) -> [Effect] {
        greeted[route] = nil
        let words = "the key of this access file was revoked; ask for another access file"
        return scheduler.handle(.message(.goodbye, from: route, role: .worker), at: now)
            + [.send(.refused(words), to: route)]
    }

    /// Connections come and go; who is no worker any more is forgotten.
    private func remember(_ arrival: Listener.Arrival) {
        guard case .known(let key, _) = arrival.sender else { return }
        greeted[arrival.route] = key
        if greeted.count > 2 * scheduler.workerCount + 1_000 {
            greeted = greeted.filter { scheduler.isWorker($0.key) }
        }
    }

    /// For people.
    private func name(of arrival: Listener.Arrival) -> String {
        let worker = scheduler.worker(at: arrival.route).map { "worker \($0)" }
        switch arrival.sender {
        case .known(let key, _), .revoked(let key):
            return (worker ?? "a peer") + " with the key '\(keyNames[key] ?? key)'"
        case .anyone: return worker ?? "a peer"
        }
    }

    private func handle(_ arrival: Listener.Arrival) -> [Effect] {
        guard shares.isHeard(arrival.route) else { return [] }
        let known: Role?
        switch arrival.sender {
        case .known(_, let role): known = role
        case .anyone: known = nil
        case .revoked:
            shares.noteSenseless("its key was revoked", from: arrival.route, name(of: arrival))
            return sendAway(arrival.route)
        }
        do {
            let message = try Codec.decode(arrival.frame)
            let role = known ?? message.sender ?? .readOnly
            guard message.isAllowed(for: role) else {
                let reason = "not allowed for the role \(role.rawValue)"
                shares.noteSenseless(reason, from: arrival.route, name(of: arrival))
                return scheduler.handle(
                    .message(message, from: arrival.route, role: role), at: now)
            }
            if case .fetch(let fetch) = message, known == .client, !isKept(fetch.digest) {
                return [.send(.missing(fetch.digest), to: arrival.route)]
            }
            if message.isAboutFiles {
                return files.handle(.message(message, from: arrival.route), at: now)
            }
            if message.isAllowed(for: .client) {
                shares.add(message, from: arrival.route, role, name(of: arrival))
                return []
            }
            if case .hello = message { remember(arrival) }
            if case .report(let report) = message, case .artifact(let artifact) = report.event {
                return take(artifact, report, from: arrival, role)
            }
            return scheduler.handle(
                .message(message, from: arrival.route, role: role), at: now)
        } catch .versionMismatch(let theirs, let ours) {
            let reason = "of protocol version \(theirs)"
            shares.noteSenseless(reason, from: arrival.route, name(of: arrival))
            let text = "\(WireError.versionMismatch(theirs: ours, ours: theirs))"
            return [.send(.refused(text), to: arrival.route)]
        } catch {
            shares.noteSenseless("\(error)", from: arrival.route, name(of: arrival))
            return known == .worker ? [] : [.send(.rejected("\(error)"), to: arrival.route)]
        }
    }

    /// What was asked for, as far as this turn of the loop allows.
    private func answerRequests() -> [Effect] {
        let begin = now
        var effects: [Effect] = []
        shares.beginTurn()
        while now - begin < Self.longestAnswers, let request = shares.next() {
            if case .askResults(let sweep, let offset) = request.message {
                effects.append(.send(results(of: sweep, from: offset), to: request.route))
            } else if case .askArtifacts(let question) = request.message {
                effects.append(.send(artifacts(question), to: request.route))
            } else if case .explain(let subject) = request.message {
                effects.append(.send(explanation(of: subject), to: request.route))
            } else {
                effects += scheduler.handle(
                    .message(request.message, from: request.route, role: request.role), at: now)
            }
        }
        return effects
    }

    /// A worker reports an artifact once its file has arrived: that is where it lies now.
    private func take(
        _ artifact: Artifact, _ report: Report, from arrival: Listener.Arrival, _ role: Role
    ) -> [Effect] {
        let digest = artifact.file.digest
        var artifact = artifact
        artifact.file.path = files.path(of: digest)
        var report = report
        report.event = .artifact(artifact)
        let effects = scheduler.handle(
            .message(.report(report), from: arrival.route, role: role), at: now)
        // A report that does not count yet comes again, and needs its file then.
        if effects.contains(where: { $0.acknowledges(report) }) { questionable.insert(digest) }
        return effects
    }

    private func results(of sweep: String, from offset: Int) -> Message {
        do {
            // As many points as fit into an answer; long curves leave room for fewer.
            var limit = 200
            while true {
                let slice = try store.results(of: sweep, offset: offset, limit: limit)
                let message = Message.results(slice)
                if limit == 1 || Codec.encode(message).count <= Self.bytesInAnAnswer {
                    return message
                }
                limit /= 2
            }
        } catch {
            return .rejected("\(error)")
        }
    }

    /// Clients may have what runs left behind, and none of the data that others submitted.
    private func isKept(_ digest: Digest) -> Bool { (try? store.kept([digest]))?.isEmpty == false }

    /// States are the coordinator's own affair.
    private func artifacts(_ question: AskArtifacts) -> Message {
        do {
            let all =
                try question.run.map { try store.artifacts(of: $0) }
                ?? store.artifacts(ofSweep: question.sweep)
            let kept = all.filter { $0.artifact.kind != .state }
            return .artifacts(
                ArtifactsSlice(
                    total: kept.count, offset: question.offset,
                    items: Array(kept.dropFirst(question.offset).prefix(100))))
        } catch {
            return .rejected("\(error)")
        }
    }

    /// What the scheduler knows now, and what the store remembers.
    private func explanation(of subject: Subject) -> Message {
        let words: String
        let history: [StoredAttempt]
        do {
            switch subject {
            case .run(let id):
                words = "\(id)"
                history = try store.attempts(of: id)
            case .worker(let id):
                words = "worker '\(id)'"
                history = try store.attempts(on: id, last: 20)
            }
        } catch {
            return .rejected("\(error)")
        }
        let state = scheduler.explanation(of: subject, at: now)
        if state == nil, history.isEmpty { return .rejected("there is no \(words)") }
        return .explanation((state ?? ["It is not connected now."]) + history.map(\.line))
    }

    /// Commits what must last, then sends. `false`: stopped before it could be committed.
    private func carryOut(_ effects: [Effect], until stop: Int32) throws -> Bool {
        var facts: [Fact] = []
        for case .persist(let fact) in effects { facts.append(fact) }
        guard try commit(facts, until: stop) else { return false }
        for case .sweepSubmitted(_, let spec, _) in facts { files.serve(spec) }
        for case .artifactDropped(_, let artifact) in facts {
            questionable.insert(artifact.file.digest)
        }
        // A store that can't be read now is asked again after the next batch.
        if !questionable.isEmpty, let kept = try? store.kept(questionable) {
            for digest in questionable.subtracting(kept).sorted() { files.remove(digest) }
            questionable.removeAll()
        }
        for effect in effects {
            switch effect {
            case .persist: break
            case .send(let message, let route):
                var frame = Codec.encode(message)
                if frame.count > Codec.maxFrameBytes {
                    let text =
                        "the answer has \(frame.count) bytes, \(Codec.maxFrameBytes) is the most"
                    frame = Codec.encode(.rejected(text))
                }
                _ = try listener.send(frame, to: route)
            case .note(let text): logger.info("\(text)")
            }
        }
        return true
    }
}

extension String {
    fileprivate func replacing(_ ending: String, atEndWith other: String) -> String {
        hasSuffix(ending) ? String(dropLast(ending.count)) + other : self
    }
}
