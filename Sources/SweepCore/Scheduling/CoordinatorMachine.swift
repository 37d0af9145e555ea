/// Decides everything that a coordinator decides: whose messages are read, who answers them and
/// when, what is stored, who trains what, which files are taken and given. A pure value, the
/// counterpart of `WorkerMachine`: the shell moves bytes, commits, and sends.
public struct CoordinatorMachine: Sendable {
    /// Who sent something.
    public struct Peer: Hashable, Sendable {
        public let route: Route
        /// Its public key; `nil`: nobody is asked for one, and everyone may do everything.
        public let key: String?

        public init(route: Route, key: String?) {
            self.route = route
            self.key = key
        }
    }

    public enum Event: Hashable, Sendable {
        case message(MessageToCoordinator, from: Peer)
        /// What came is no message; the peer is told what is wrong with it.
        case nonsense(String, from: Peer)
        /// It comes from a program of another version, which is told so.
        case foreign(version: UInt32, words: String, from: Peer)
        /// Something came from a peer that is not heard for a while, and was not read.
        case unread(Route)
        /// The connection has ended.
        case disconnected(Route)
        /// Who may come in from now on, by their keys, and what people call the keys.
        case admitted([String: Role], names: [String: String])
        /// What came of a file.
        case file(Transfers.Outcome)
        /// Of `weigh`; `nil`: the file is not there.
        case weighed(Report, from: Route, size: Int?)
        /// A turn of the shell's loop begins: each connection may have one answer more.
        case turn
        /// There is time for the answer to a request.
        case answerNext
        /// These facts are in the store.
        case committed([Fact])
        /// Of `sift`: files that the store does not know are gone.
        case sifted([Digest])
        /// Nothing else is to be done now; sent while `isBusy`.
        case spareTime
        /// Time has passed; sent at least twice a second.
        case tick
    }

    public private(set) var scheduler: Scheduler
    private var transfers = Transfers()
    private var shares = PeerShares()
    /// The roles of the keys that may come in.
    private var roles: [String: Role]
    /// What people call keys, those that were revoked too.
    private var names: [String: String]
    /// The keys of peers, by the routes of their connections.
    private var greeted: [Route: String] = [:]
    /// Of artifacts that were reported or dropped since the last commit: their files are removed
    /// unless the store knows them.
    private var questionable: Set<Digest> = []
    /// Files that a worker was told are stored, until it has reported them: they stay, also where
    /// another run with the same content needs them no longer.
    private var pledges: [Digest: [WorkerID: Instant]] = [:]
    /// More than there may be connections: ends of some may never be told.
    private static let mostGreeted = 16_384
    /// After which a worker is not expected to report any more.
    private static let patienceForReports = Duration.seconds(3_600)
    /// The folder of artifacts, where a file has its digest as its name.
    private let folder: String

    public init(
        _ scheduler: Scheduler, folder: String, roles: [String: Role] = [:],
        names: [String: String] = [:]
    ) {
        self.scheduler = scheduler
        self.folder = folder
        self.roles = roles
        self.names = names
    }

    /// Whether requests wait for an answer.
    public var hasRequests: Bool { shares.hasRequests }
    /// Whether requests wait that may be answered in this turn.
    public var mayAnswer: Bool { shares.mayAnswer }
    /// Whether something waits for spare time.
    public var isBusy: Bool { scheduler.isBusy }
    /// Whether what comes from there is worth reading.
    public func hears(_ route: Route) -> Bool { shares.hears(route) }

    /// For people: who is connected there.
    public func name(of route: Route, key: String? = nil) -> String? {
        let key = (key ?? greeted[route]).map { "the key '\(names[$0] ?? $0)'" }
        guard let worker = scheduler.worker(at: route) else {
            return key.map { "a peer with \($0)" }
        }
        return "worker \(worker)" + (key.map { " with \($0)" } ?? "")
    }

    /// The only door.
    public mutating func handle(_ event: Event, at now: Instant) -> [Effect] {
        switch event {
        case .message(let message, let peer): return hear(message, from: peer, at: now)
        case .nonsense(let reason, let peer):
            guard isAdmitted(peer) else { return refuseRevoked(peer, at: now) }
            blame(peer, reason)
            return reject("malformed message: \(reason)", peer.route, roles[peer.key ?? ""])
        case .foreign(let version, let words, let peer):
            guard isAdmitted(peer) else { return refuseRevoked(peer, at: now) }
            blame(peer, "of protocol version \(version)")
            return [.send(.refused(words), to: peer.route)]
        case .unread(let route):
            shares.countUnread(route)
            return []
        case .disconnected(let route):
            greeted[route] = nil
            shares.forget(route)
            return files(.gone(route), at: now) + scheduler.handle(.disconnected(route), at: now)
        case .admitted(let roles, let names): return admit(roles, names, at: now)
        case .file(let outcome):
            let effects = files(.outcome(outcome), at: now)
            for effect in effects { pledge(effect, at: now) }
            return effects
        case .weighed(let report, let route, let size):
            return keep(report, from: route, size: size, at: now)
        case .turn:
            shares.beginTurn()
            return []
        case .answerNext: return answerNext(at: now)
        case .committed(let facts): return follow(facts)
        case .sifted(let digests):
            questionable.subtract(digests)
            return []
        case .spareTime: return scheduler.handle(.spareTime, at: now)
        case .tick:
            let complaints = shares.tick(at: now).map {
                Effect.warn("\($0.peer.shown): \($0.text.shown)")
            }
            for digest in pledges.keys.sorted() {
                let young = pledges[digest]?.filter { now - $0.value < Self.patienceForReports }
                pledges[digest] = young?.isEmpty == false ? young : nil
            }
            return complaints + scheduler.handle(.tick, at: now) + files(.tick, at: now)
        }
    }

    /// What came of an effect that is carried out at once.
    public struct Done {
        public var answers: [Effect]
        public var next: Event?

        public init(_ answers: [Effect] = [], next: Event? = nil) {
            self.answers = answers
            self.next = next
        }
    }

    /// Handles the event, has done what has to be done at once, and returns what comes after the
    /// commit.
    ///
    /// - Parameter perform: Carries out `file`, `weigh` and `read`.
    public mutating func decide(
        _ event: Event, at now: Instant, doing perform: (Effect, CoordinatorMachine) -> Done
    ) -> [Effect] {
        let effects = handle(event, at: now)
        guard effects.contains(where: \.isAtOnce) else { return effects }
        var later: [Effect] = []
        var hasFailed = false
        for effect in effects {
            // What follows what failed is about the same file: nothing of it is there.
            if hasFailed, effect.isAboutFiles { continue }
            guard effect.isAtOnce else {
                later.append(effect)
                continue
            }
            let done = perform(effect, self)
            later += done.answers
            if case .file(.failed) = done.next { hasFailed = true }
            if let next = done.next { later += decide(next, at: now, doing: perform) }
        }
        return later
    }

    // MARK: Who is heard

    private func isAdmitted(_ peer: Peer) -> Bool { peer.key.map { roles[$0] != nil } ?? true }

    /// Whether somebody who may come in wants to know something.
    public func isQuestion(_ message: MessageToCoordinator, from peer: Peer) -> Bool {
        isAdmitted(peer) && message.isQuestion
    }

    private mutating func blame(_ peer: Peer, _ reason: String) {
        shares.countSenseless(
            reason, from: peer.route, name(of: peer.route, key: peer.key) ?? "a peer")
    }

    private func reject(_ words: String, _ route: Route, _ role: Role?) -> [Effect] {
        [
            role == .worker
                ? .send(.rejected(words), to: route) : .answer(.rejected(words), to: route)
        ]
    }

    private mutating func refuseRevoked(_ peer: Peer, at now: Instant) -> [Effect] {
        blame(peer, "its key was revoked")
        return sendAway([peer.route], at: now)
    }

    private mutating func sendAway(_ routes: [Route], at now: Instant) -> [Effect] {
        for route in routes {
            greeted[route] = nil
            shares.forget(route)
        }
        let words = "the key of this access file was revoked; ask for another access file"
        return scheduler.handle(.revoked(routes), at: now)
            + routes.map { .send(.refused(words), to: $0) }
    }

    private mutating func admit(
        _ roles: [String: Role], _ names: [String: String], at now: Instant
    ) -> [Effect] {
        self.roles = roles
        self.names.merge(names) { $1 }
        let revoked = greeted.filter { roles[$0.value] == nil }.keys.sorted()
        return [.note("\(roles.count) keys may come in")] + sendAway(revoked, at: now)
    }

    // MARK: Who answers

    private mutating func hear(
        _ message: MessageToCoordinator, from peer: Peer, at now: Instant
    ) -> [Effect] {
        let route = peer.route
        guard let role = peer.key == nil ? message.sender : roles[peer.key ?? ""] else {
            return refuseRevoked(peer, at: now)
        }
        remember(peer)
        if let words = message.refusal(for: role) {
            blame(peer, "not allowed for the role \(role.rawValue)")
            return reject(words, route, role)
        }
        switch message {
        case .report(let report):
            // Its file has arrived before it: how large that is counts, and not what is said.
            if case .artifact = report.event { return [.weigh(report, from: route)] }
            return scheduler.handle(.message(message, from: route, role: role), at: now)
        case .hello, .heartbeat, .goodbye:
            return scheduler.handle(.message(message, from: route, role: role), at: now)
        case .file(.fetch(let fetch)):
            // Without keys a worker is who has said hello.
            let isWorker = peer.key == nil ? scheduler.isWorker(route) : role == .worker
            let reader: Transfers.Reader =
                isWorker ? .worker : peer.key == nil ? .anyone : .client
            return files(.fetch(fetch, by: reader, from: route), at: now)
        case .file(.upload(let upload)):
            return files(.upload(upload, from: route), at: now)
        case .file(.chunk(let chunk)): return files(.chunk(chunk, from: route), at: now)
        // A look at thousands of files takes as long as an answer does.
        case .submit, .askStatus, .askResults, .askArtifacts, .watch, .control, .explain,
            .file(.look):
            shares.add(
                message, from: route, role, name(of: route, key: peer.key) ?? "a peer")
            return []
        }
    }

    /// Remembers the key of a connection until it ends.
    private mutating func remember(_ peer: Peer) {
        guard let key = peer.key, greeted[peer.route] == nil else { return }
        if greeted.count >= Self.mostGreeted {
            greeted = greeted.filter { scheduler.isWorker($0.key) }
        }
        greeted[peer.route] = key
    }

    private mutating func answerNext(at now: Instant) -> [Effect] {
        guard let request = shares.next() else { return [] }
        switch request.message {
        case .askResults(let sweep, let cursor):
            return [.read(.results(sweep: sweep, since: cursor), for: request.route)]
        case .askArtifacts(let question): return [.read(.artifacts(question), for: request.route)]
        case .explain(let subject):
            let state = scheduler.explanation(of: subject, at: now)
            return [.read(.history(subject, state: state), for: request.route)]
        case .file(.look(let digests)): return [.file(.look(digests, for: request.route))]
        case .hello, .heartbeat, .report, .goodbye, .file, .submit, .askStatus, .watch, .control:
            return scheduler.handle(
                .message(request.message, from: request.route, role: request.role), at: now)
        }
    }

    // MARK: Files

    private mutating func files(_ event: Transfers.Event, at now: Instant) -> [Effect] {
        transfers.handle(event, at: now)
    }

    private mutating func pledge(_ effect: Effect, at now: Instant) {
        guard case .answerFile(.progress(let progress), let route) = effect,
            progress.state == .stored, let worker = scheduler.worker(at: route)
        else { return }
        pledges[progress.digest, default: [:]][worker] = now
    }

    /// A worker reports an artifact once its file has arrived: that is where it lies now.
    private mutating func keep(
        _ report: Report, from route: Route, size: Int?, at now: Instant
    ) -> [Effect] {
        guard case .artifact(var artifact) = report.event else { return [] }
        let digest = artifact.file.digest
        artifact.file.path = "\(folder)/\(digest.hex)"
        // Where it is gone nothing is kept.
        artifact.size = size ?? 0
        var report = report
        report.event = .artifact(artifact)
        let effects = scheduler.handle(
            .message(.report(report), from: route, role: .worker), at: now)
        // A report that does not count yet comes again, and needs its file then.
        guard effects.contains(where: { $0.acknowledges(report) }) else { return effects }
        questionable.insert(digest)
        if let worker = scheduler.worker(at: route) { pledges[digest]?[worker] = nil }
        if pledges[digest]?.isEmpty == true { pledges[digest] = nil }
        return effects
    }

    private mutating func follow(_ facts: [Fact]) -> [Effect] {
        var effects: [Effect] = []
        for fact in facts {
            switch fact {
            case .sweepSubmitted(_, let spec, _): effects.append(.serve(spec))
            case .artifactDropped(_, let artifact): questionable.insert(artifact.file.digest)
            default: break
            }
        }
        let free = questionable.filter { pledges[$0] == nil }.sorted()
        if !free.isEmpty { effects.append(.sift(free)) }
        return effects
    }

    /// Contradictions in its own bookkeeping end the process: they are mistakes of this program.
    package func checkInvariants() {
        scheduler.checkInvariants()
        transfers.checkInvariants()
        precondition(
            greeted.count <= max(Self.mostGreeted, scheduler.workerCount + 1),
            "\(greeted.count) connections are remembered")
    }
}

extension Effect {
    /// Whether something has to be done before what comes next.
    var isAtOnce: Bool {
        switch self {
        case .file, .weigh, .read: true
        case .persist, .send, .answer, .answerFile, .serve, .sift, .note, .warn: false
        }
    }

    fileprivate var isAboutFiles: Bool {
        switch self {
        case .file, .answerFile: true
        case .persist, .send, .answer, .weigh, .read, .serve, .sift, .note, .warn: false
        }
    }

    fileprivate func acknowledges(_ report: Report) -> Bool {
        if case .send(.acknowledge(report.attempt, let sequence), _) = self {
            sequence >= report.sequence
        } else {
            false
        }
    }
}
