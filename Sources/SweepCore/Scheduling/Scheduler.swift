/// Decides who trains what. A pure value: the shell gives it events and the time, and carries out
/// the effects it returns, in their order.
///
/// A run's states: `waiting → assigned → running → completed | failed | cancelled`. An attempt
/// that is lost puts its run back to `waiting` and does not use up a retry; one that failed does.
public struct Scheduler: Sendable {
    public struct Configuration: Hashable, Sendable {
        /// How long an attempt keeps its job without a heartbeat that lists it.
        public var lease: Duration = .seconds(8)
        /// What a lease may be: one shorter than a few turns of the loops would be lost by chance.
        public static let leaseSeconds = 2...3_600
        /// How often a worker says which attempts it still executes: three heartbeats may be
        /// lost, and progress is seen while a long lease lasts.
        public var heartbeat: Duration { min(lease / 4, .seconds(10)) }
        /// Failed attempts of a run beyond the first, before it is given up.
        public var maxRetries = 2
        /// Failures in a row, of runs that then succeed elsewhere, after which a worker gets no
        /// more work.
        public var failuresUntilSetAside = 3
        /// Runs that fail alike before any other of their sweep has succeeded, after which their
        /// worker is put aside, or the sweep paused.
        public var failuresUntilPaused = 3
        /// How much work of short runs a worker is given ahead, so that it need not wait for the
        /// next one.
        public var workAhead: Duration = .milliseconds(50)
        /// Runs that take longer are given one at a time: between them the wait is nothing.
        public var longestRunAhead: Duration = .seconds(1)
        /// Runs that one slot is given ahead, at most.
        public var mostRunsAhead = 64
        /// When nothing waits any more, a run is begun a second time on a worker that would have it
        /// done by this much sooner, beside being twice as fast; `nil`: never.
        public var leastGain: Duration? = .seconds(10)
        /// A worker that has to leave sooner gets only runs that it can finish: what it could hand
        /// over is not worth the trouble of loading.
        public var leastStay: Duration = .seconds(60)
        /// Of what takes long, so much is done at once: cells planned, points counted. The rest is
        /// done in spare time.
        public var itemsInASlice = 4_096
        /// Bytes that the last states of finished runs may have together; the oldest go first.
        public var lastStateBytes = 1_000_000_000

        public init() {}
    }

    struct Run: Sendable {
        enum State: Hashable, Sendable {
            case waiting
            /// Assigned, or in training. Few runs are, and those that wait are to stay small.
            indirect case active(Leases)
            case completed
            case failed(String)
            /// It had begun, and no sweep wants it any more. One that no sweep wants and that has
            /// not begun just waits, in no line.
            case cancelled
        }

        let plan: PlannedRun
        var state: State
        var failures: [Failure] = []
        /// Every execution begun so far.
        var attempts: [AttemptID] = []

        /// `nil`: nobody trains it.
        var leases: Leases? {
            if case .active(let leases) = state { leases } else { nil }
        }

        var isOver: Bool {
            switch state {
            case .completed, .failed, .cancelled: true
            case .waiting, .active: false
            }
        }
    }

    /// An execution of a run that is not over; kept after a lost lease, since its reports may
    /// still arrive.
    struct Attempt: Sendable {
        let run: RunID
        let worker: WorkerID
        /// The highest sequence up to which all reports are accounted for.
        var acknowledged: UInt64 = 0
        /// Ended, or told to stop: no heartbeat brings it back. A late result still counts.
        var isClosed = false
        /// Steps that earlier attempts had done for it.
        var stepsBefore = 0
        /// When it was handed out; after a restart, when the coordinator started.
        var began: Instant
    }

    struct Worker: Sendable {
        var hello: Hello
        var route: Route
        /// When this process of it was first heard of.
        let joined: Instant
        var lastSeen: Instant
        var leaves: Instant?
        /// The attempts it has a lease on.
        var attempts: Set<AttemptID> = []
        var affinity: WaitingQueue.Affinity?
        var speed = SpeedMeter()
        /// Seconds that its latest runs took, smoothed; `nil` before the first.
        var secondsOfARun: Double?
        /// Training steps per second of them, everything included; `nil` before the first.
        var pace: Double?
        /// Runs that failed here and then succeeded elsewhere, since its own last success.
        var blamedFailures = 0
        var isSetAside = false
        /// Why, where it is not for runs that succeeded elsewhere.
        var reasonAside: String?
        var isLeaving = false
        /// Whether its connection has not ended, as far as is known.
        var isConnected = true
    }

    struct Sweep: Sendable {
        let id: SweepID
        var spec: SweepSpec
        var keys: [PointKey]
        /// Runs that serve, or served, one of its points, in ascending order.
        var runs: [RunID]
        /// Of these, how many are not over; of a cancelled sweep, none.
        var openRuns = 0
        /// How often it has been submitted: the number that its plan has among those of its name.
        var submissions = 1
        var condition = SweepCondition()
        /// Whether a run of it has succeeded, or people have said that it shall go on.
        var isProven = false
        /// The first failures of a sweep of which nothing has succeeded; these runs wait until
        /// others have been tried.
        var trial: [RunID: Failure] = [:]

        /// Larger is earlier; `nil`: nothing of it is begun.
        var urgency: Int8? {
            condition.state == .active ? Int8(clamping: condition.priority) : nil
        }

        /// Whether the run is one of its runs.
        func contains(_ id: RunID) -> Bool {
            var low = 0
            var high = runs.count
            while low < high {
                let middle = (low + high) / 2
                if runs[middle] < id { low = middle + 1 } else { high = middle }
            }
            return low < runs.count && runs[low] == id
        }
    }

    let configuration: Configuration
    var runs = RunTable()
    var attempts: [AttemptID: Attempt] = [:]
    var workers: [WorkerID: Worker] = [:]
    var workerByRoute: [Route: WorkerID] = [:]
    /// After a restart, until their worker says hello: the attempts that the store says it has.
    var unconfirmed: [WorkerID: Set<AttemptID>] = [:]
    var sweeps: [Sweep] = []
    var finished = PointSet()
    /// The run that will finish a point, for points of runs that are not over.
    var runByPoint = PointTable<RunID>()
    /// The newest state of each run that is not over and has one.
    var states: [RunID: Artifact] = [:]
    /// What finished runs have left for later ones.
    var leftBehind = LeftBehind()
    /// The run that will leave files of a trajectory whose results are known, by its last point.
    var keepers: [PointKey: RunID] = [:]
    var watches: [SweepID: Watch] = [:]
    var statusPass: StatusPass?
    var intake: Intake?
    var queued: [Queued] = []
    var waiting = WaitingQueue()
    var free = FreeWorkers()
    var lastAttempt = AttemptID(0)
    var lastTick: Instant?
    /// Messages that made no sense: stale, from a stranger, or not theirs to send.
    public internal(set) var droppedMessages = 0
    var effects: [Effect] = []

    public init(
        _ snapshot: Snapshot, configuration: Configuration = Configuration(), at now: Instant
    ) {
        self.configuration = configuration
        restore(snapshot, at: now)
    }

    public var workerCount: Int { workers.count }

    /// Whether a worker is connected there.
    public func isWorker(_ route: Route) -> Bool { workerByRoute[route] != nil }

    /// Who is connected there.
    public func worker(at route: Route) -> WorkerID? { workerByRoute[route] }

    /// The only door.
    public mutating func handle(_ event: Event, at now: Instant) -> [Effect] {
        switch event {
        case .message(let message, let route, let role):
            if let words = message.refusal(for: role) {
                droppedMessages += 1
                effects.append(
                    role == .worker
                        ? .send(.rejected(words), to: route) : .answer(.rejected(words), to: route))
                break
            }
            handle(message, from: route, at: now)
        case .disconnected(let route):
            if let id = workerByRoute[route] { workers[id]?.isConnected = false }
        case .revoked(let routes):
            for route in routes { dismiss(route, why: nil, at: now) }
            forgetWhatTheyAsked(Set(routes))
        case .spareTime:
            count(at: now)
            // People who ask how it goes wait for less than a new sweep.
            goOnWithIntake(statusPass == nil ? 1 : 0.25)
        case .tick:
            // What a store has of before is given up once it can be written.
            if lastTick == nil { cancelLeftOvers() }
            forgiveAbsence(at: now)
            boundLastStates()
            expireLeases(at: now)
        }
        assignWork(at: now)
        if event == .tick { speculate(at: now) }
        defer { effects.removeAll(keepingCapacity: true) }
        return effects
    }

    private mutating func handle(
        _ message: MessageToCoordinator, from route: Route, at now: Instant
    ) {
        switch message {
        case .hello(let hello): greet(hello, from: route, at: now)
        case .heartbeat(let progress): renew(progress, from: route, at: now)
        case .report(let report): accept(report, from: route, at: now)
        case .goodbye(let reason): dismiss(route, why: reason, at: now)
        case .submit(let spec, let replaces): submit(spec, replaces: replaces, from: route)
        case .askStatus: answerStatus(to: route, at: now)
        case .watch(let sweep): queueOrDo(Queued(request: .watch(sweep: sweep), route: route))
        case .control(let control): queueOrDo(Queued(request: .control(control), route: route))
        // `CoordinatorMachine` knows who answers these.
        case .file, .askResults, .askArtifacts, .explain: droppedMessages += 1
        }
    }

    /// Steps of a run that need not be trained again.
    func stepsKept(_ id: RunID, _ plan: PlannedRun) -> Int {
        min(states[id]?.steps ?? 0, plan.steps)
    }

    func place(of sweep: SweepID) -> Int? {
        let place = Int(clamping: sweep.number) - 1
        if sweeps.indices.contains(place), sweeps[place].id == sweep { return place }
        return sweeps.firstIndex { $0.id == sweep }
    }

    /// The run waits, in the line of each sweep that wants it.
    mutating func enqueue(_ id: RunID, _ plan: PlannedRun) {
        for sweep in sweeps
        where sweep.condition.state != .cancelled && sweep.trial[id] == nil && sweep.contains(id) {
            enqueue(id, plan, of: sweep)
        }
    }

    mutating func enqueue(_ id: RunID, _ plan: PlannedRun, of sweep: Sweep) {
        waiting.insert(
            WaitingQueue.Entry(run: id, steps: plan.steps), of: sweep.id, plan.grid.affinity,
            sweep.urgency)
    }

    /// How urgent a run is for the sweeps that want it; `nil`: it is held.
    func urgency(of id: RunID) -> Int8? {
        sweeps.compactMap { sweep in
            sweep.trial[id] == nil && sweep.contains(id) ? sweep.urgency : nil
        }.max()
    }

    /// Whether something waits for spare time.
    public var isBusy: Bool { statusPass != nil || intake != nil || !queued.isEmpty }
}
