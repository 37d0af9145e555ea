/// Decides what a worker does. A pure value, as the scheduler is: the shell gives it events and
/// the time, and carries out the effects in their order.
public struct WorkerMachine: Sendable {
    /// A trainer's place, counted from 0.
    public typealias Slot = Int

    public enum Event: Hashable, Sendable {
        case message(MessageToWorker)
        /// A trainer told how far it is.
        case progress(AttemptProgress)
        /// A trainer reported; `completed`, `failed` and `handedBack` free its slot.
        case report(AttemptID, Report.Event)
        /// A trainer ended without being asked to; the text tells how, with its last words.
        case trainerExited(Slot, String)
        /// A trainer that was started anew can't train here: the worker's fault, not its run's.
        case trainerUnusable(Slot, String)
        /// A file that was to be sent can't be read.
        case fileUnreadable(Digest, String)
        case file(FileEvent)
        /// In place of beginning in the slot: what its trainer would read has changed since it was
        /// found.
        case outdated(Slot, Digest, String)
        /// Time has passed; sent at least twice a second.
        case tick
        /// Hand everything back and leave.
        case drain
    }

    public enum Effect: Hashable, Sendable {
        case send(MessageToCoordinator)
        case train(Slot, Assignment)
        /// The trainer ends the attempt with `handedBack` as soon as it can.
        case stop(Slot, AttemptID)
        /// Read these bytes of the file and send them as a chunk; if there is no connection, don't.
        indirect case sendChunk(Artifact, offset: Int, count: Int)
        /// Look for it on this host; answered by `ready`, `absent` or `busy`.
        case findFile(Want)
        /// Make it ready to be written: of a model, its manifest. Answered by `opened`, `busy` or
        /// `failed`.
        case openFile(Want)
        indirect case storeChunk(Chunk)
        /// Compare the digest and put the file in its place; answered by `ready` or `failed`.
        case finishFile(Digest)
        /// Answered by `listed` or `failed`.
        case readManifest(Digest, path: String)
        /// Make the model's folder of these files, by their names; answered by `ready` or `failed`.
        indirect case assembleModel(Digest, [String: String])
        /// No trainer needs it now: it may make room for others.
        case releaseFile(Digest)
        /// Write these reports down, behind earlier ones: the coordinator does not take them.
        case spill([Report])
        /// All that was written down has been acknowledged.
        case clearSpill
        /// From now on reports are written down under this name; what was before stays.
        case renameSpill(WorkerID)
        /// Nobody needs this file of the worker any more.
        case removeFile(path: String)
        case note(String)
        /// The worker is done; a text says why if that is an error.
        case leave(error: String?)
        /// The worker has handed everything back, since it can't train any more.
        case abandon(reason: String)
    }

    struct Outbox: Sendable {
        var lastSequence: UInt64 = 0
        var unacknowledged: [Report] = []
        var isOver = false
        /// How the attempt ended, while files of it are still on their way.
        var ending: Report.Event?
        /// The coordinator wants nothing more of it.
        var isRevoked = false
    }

    struct Training: Sendable {
        var assignment: Assignment
        var stepsDone = 0
        /// What the trainer reads; it begins when all of it is here.
        var wants: [Want]
        var hasBegun = false
    }

    enum Connection: Hashable, Sendable {
        case greeting(since: Instant)
        case welcomed(Welcome, lastHeartbeat: Instant)
    }

    var hello: Hello
    /// When it hands everything back and leaves of itself; `nil`: never.
    private let leaves: Instant?
    private var connection: Connection?
    /// What the coordinator said last.
    private var heartbeat = Scheduler.Configuration().heartbeat
    var slots: [Training?]
    /// Jobs for which no slot is free yet.
    var backlog: [Assignment] = []
    /// Whether the trainers read models and data.
    private let readsFiles: Bool
    var supplies = Supplies()
    var outboxes: [AttemptID: Outbox] = [:]
    var uploads = Uploads()
    private var resendAt: Instant?
    var spill = Spill()
    /// When it said hello without having been welcome since.
    private var silentSince: Instant?
    var leaveBy: Instant?
    var hasLeft = false
    /// Why it can't train any more.
    var unusable: String?
    let firstName: String
    var timesRenamed = 0

    /// How long reports may stay unacknowledged before they are sent again, and written down.
    var resendInterval: Duration { min(heartbeat * 3 / 2, .seconds(3)) }
    /// How long a worker that leaves waits for its trainers to stop, which write their states:
    /// a little less than what Slurm and Kubernetes give a process by default.
    static let stoppingTime = Duration.seconds(25)
    /// How long it then waits for its files to go on and its last reports to be acknowledged.
    static let leavingTime = Duration.seconds(10)
    static let greetingInterval = Duration.seconds(2)
    /// How long the coordinator may be silent before the worker says so, again and again.
    static let patience = Duration.seconds(10)

    /// - Parameters:
    ///   - readsFiles: Whether the trainers read models and data; a fake one does not.
    ///   - leaves: When it hands everything back and leaves of itself; `nil`: never.
    ///   - spilled: Reports that an earlier process of this name wrote down, and the coordinator
    ///     has perhaps not taken.
    public init(
        _ hello: Hello, readsFiles: Bool = true, leaves: Instant? = nil, spilled: [Report] = []
    ) {
        self.hello = hello
        firstName = hello.worker.name
        self.readsFiles = readsFiles
        self.leaves = leaves
        slots = Array(repeating: nil, count: hello.slots)
        resumeSpilled(spilled)
    }

    public mutating func handle(_ event: Event, at now: Instant) -> [Effect] {
        if hasLeft { return [] }
        var effects: [Effect] = []
        switch event {
        case .message(let message): handle(message, at: now, &effects)
        case .progress(let progress):
            for slot in slots.indices
            where slots[slot]?.assignment.attempt == progress.attempt {
                slots[slot]?.stepsDone = progress.stepsDone
            }
        case .report(let attempt, let reported):
            acceptReport(reported, of: attempt, at: now, &effects)
        case .trainerExited(let slot, let how):
            guard slots.indices.contains(slot), let training = slots[slot],
                training.hasBegun
            else { break }
            acceptReport(.failed(how), of: training.assignment.attempt, at: now, &effects)
        case .trainerUnusable(let slot, let how): handBack(slot, because: how, at: now, &effects)
        case .fileUnreadable(let digest, let reason):
            giveUp(digest, reason, at: now, &effects)
        case .file(let event):
            effects += supplies.handle(event, at: now)
            if case .failed(let digest, _) = event { effects.append(.releaseFile(digest)) }
            beginWhatCan(at: now, &effects)
        case .outdated(let slot, let digest, let why):
            slots[slot]?.hasBegun = false
            effects.append(.note("slot \(slot): \(why); it is looked for again"))
            effects += supplies.lookAgain(for: digest)
        case .tick: tick(at: now, &effects)
        case .drain: drain(at: now, &effects)
        }
        fillSlots(at: now, &effects)
        if case .welcomed = connection { effects += uploads.advance(at: now) }
        leaveWhenDone(at: now, &effects)
        return effects
    }

    private mutating func handle(
        _ message: MessageToWorker, at now: Instant, _ effects: inout [Effect]
    ) {
        switch message {
        case .welcome(let welcome):
            connection = .welcomed(welcome, lastHeartbeat: now)
            heartbeat = welcome.heartbeat
            silentSince = nil
            uploads.askAgain()
            effects.append(.note("the coordinator has taken this worker in"))
            resend(at: now, &effects)
        case .refused(let reason):
            hasLeft = true
            effects.append(.leave(error: "the coordinator refused this worker: \(reason)"))
        case .nameTaken(let reason): rename(because: reason, at: now, &effects)
        case .identify:
            // One hello answers all the times it was asked meanwhile.
            if case .greeting(let since) = connection, now < since + Self.greetingInterval { break }
            greet(at: now, &effects)
        case .assign(let assignment):
            guard leaveBy == nil else {
                acceptReport(.handedBack, of: assignment.attempt, at: now, &effects)
                break
            }
            let isKnown =
                outboxes[assignment.attempt] != nil
                || slots.contains { $0?.assignment.attempt == assignment.attempt }
            if !isKnown {
                outboxes[assignment.attempt] = Outbox()
                backlog.append(assignment)
            }
        case .acknowledge(let attempt, let sequence):
            outboxes[attempt]?.unacknowledged.removeAll { $0.sequence <= sequence }
            forgetIfDone(attempt)
            recordAcknowledgement(at: now, &effects)
        case .revoke(let attempt): revoke(attempt, at: now, &effects)
        case .file(.progress(let progress)): acceptProgress(progress, at: now, &effects)
        case .file(.chunk(let chunk)):
            effects += supplies.acceptChunk(chunk, at: now)
            beginWhatCan(at: now, &effects)
        case .file(.missing(let digest)):
            let why =
                "the coordinator does not have it; submit the sweep again on the machine that has "
                + "its files"
            effects += supplies.handle(.failed(digest, why), at: now)
            effects.append(.releaseFile(digest))
            beginWhatCan(at: now, &effects)
        case .rejected(let reason):
            effects.append(.note("the coordinator rejected a message: \(reason)"))
        case .leave: drain(at: now, &effects)
        // It asks for none.
        case .file(.lacking): break
        }
    }

    mutating func revoke(
        _ attempt: AttemptID, at now: Instant, _ effects: inout [Effect]
    ) {
        backlog.removeAll { $0.attempt == attempt }
        outboxes[attempt]?.isRevoked = true
        outboxes[attempt]?.ending = nil
        for item in uploads.remove(attempt, onlyStates: false) { discard(item, &effects) }
        for slot in slots.indices where slots[slot]?.assignment.attempt == attempt {
            stop(slot, at: now, &effects)
        }
        if !isTraining(attempt) {
            outboxes[attempt]?.isOver = true
            forgetIfDone(attempt)
        }
    }

    /// What a trainer said, or the worker in its place.
    mutating func acceptReport(
        _ event: Report.Event, of attempt: AttemptID, at now: Instant, _ effects: inout [Effect]
    ) {
        switch event {
        case .epoch: enqueue(event, of: attempt, at: now, &effects)
        case .artifact(let artifact): upload(artifact, of: attempt, &effects)
        case .completed, .failed, .handedBack:
            for slot in slots.indices where slots[slot]?.assignment.attempt == attempt {
                removeCheckpoint(of: slot, &effects)
                slots[slot] = nil
            }
            end(attempt, with: event, at: now, &effects)
            hurry(at: now)
        }
    }

    /// Numbers the report, and sends it until it is acknowledged.
    mutating func enqueue(
        _ event: Report.Event, of attempt: AttemptID, at now: Instant, _ effects: inout [Effect]
    ) {
        var outbox = outboxes[attempt] ?? Outbox()
        outbox.lastSequence += 1
        let report = Report(attempt: attempt, sequence: outbox.lastSequence, event: event)
        outbox.unacknowledged.append(report)
        spill.waitingSince = spill.waitingSince ?? now
        switch event {
        case .epoch, .artifact: break
        case .completed, .failed, .handedBack: outbox.isOver = true
        }
        outboxes[attempt] = outbox
        if case .welcomed = connection { effects.append(.send(.report(report))) }
        if resendAt == nil { resendAt = now + resendInterval }
    }

    private func isTraining(_ attempt: AttemptID) -> Bool {
        slots.contains { $0?.assignment.attempt == attempt }
            || backlog.contains { $0.attempt == attempt }
    }

    private mutating func forgetIfDone(_ attempt: AttemptID) {
        guard let outbox = outboxes[attempt], outbox.isOver, outbox.unacknowledged.isEmpty
        else { return }
        outboxes[attempt] = nil
    }

    private mutating func tick(at now: Instant, _ effects: inout [Effect]) {
        if let leaves, leaves <= now, leaveBy == nil {
            effects.append(.note("its time is up: handing jobs back"))
            drain(at: now, &effects)
        }
        spillWhatWaits(at: now, &effects)
        switch connection {
        case nil: greet(at: now, &effects)
        case .greeting(let since):
            if since + Self.greetingInterval <= now { greet(at: now, &effects) }
            complainOfSilence(at: now, &effects)
        case .welcomed(let welcome, let last):
            if last + welcome.heartbeat <= now {
                connection = .welcomed(welcome, lastHeartbeat: now)
                effects.append(.send(.heartbeat(progress)))
            }
            if let resendAt, resendAt <= now { resend(at: now, &effects) }
            giveUpStuckState(at: now, &effects)
            effects += supplies.remind(at: now)
        }
    }

    private mutating func complainOfSilence(at now: Instant, _ effects: inout [Effect]) {
        guard let since = silentSince, since + Self.patience <= now else { return }
        silentSince = now
        effects.append(
            .note(
                "no answer yet; is the coordinator running, can this machine reach it under that "
                    + "name and port (--advertise on the coordinator changes the name), and is the "
                    + "access file from this coordinator's home?"))
    }

    mutating func greet(at now: Instant, _ effects: inout [Effect]) {
        connection = .greeting(since: now)
        if silentSince == nil { silentSince = now }
        var hello = hello
        hello.attempts = outboxes.keys.sorted()
        hello.secondsLeft = leaves.map { max(0, ($0 - now).inSeconds) }
        effects.append(.send(.hello(hello)))
    }

    /// Everything the worker answers for: attempts in training and those with reports that are
    /// not stored yet.
    private var progress: [AttemptProgress] {
        outboxes.keys.sorted().map { attempt in
            let training = slots.first { $0?.assignment.attempt == attempt } ?? nil
            return AttemptProgress(attempt: attempt, stepsDone: training?.stepsDone ?? 0)
        }
    }

    private mutating func resend(at now: Instant, _ effects: inout [Effect]) {
        resendAt = nil
        for attempt in outboxes.keys.sorted() {
            for report in outboxes[attempt]?.unacknowledged ?? [] {
                effects.append(.send(.report(report)))
                resendAt = now + resendInterval
            }
        }
    }

    private func wants(of assignment: Assignment) -> [Want] {
        let state = assignment.checkpoint.map { [Want.state($0)] } ?? []
        guard readsFiles else { return state }
        return state + [.model(assignment.spec.backbone)] + assignment.spec.files.map { .file($0) }
    }

    private mutating func fillSlots(at now: Instant, _ effects: inout [Effect]) {
        for slot in slots.indices where slots[slot] == nil && !backlog.isEmpty {
            let assignment = backlog.removeFirst()
            let wants = wants(of: assignment)
            slots[slot] = Training(assignment: assignment, wants: wants)
            let all = slots.flatMap { $0?.wants.map(\.digest) ?? [] }
            effects += supplies.keepOnly(Set(all)) + supplies.need(wants)
            begin(slot, at: now, &effects)
        }
    }

    /// A mistake, for the simulation to show that it finds it.
    package mutating func forgetUnacknowledged() {
        for attempt in outboxes.keys { outboxes[attempt]?.unacknowledged = [] }
    }
}
