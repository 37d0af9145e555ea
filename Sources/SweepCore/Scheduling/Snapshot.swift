/// What a store knows when a coordinator starts: everything the scheduler needs to go on.
public struct Snapshot: Sendable {
    public struct Sweep: Sendable {
        public var id: SweepID
        public var spec: SweepSpec
        /// The points it asks for; as it was planned, with the spec of that time.
        public var keys: [PointKey]
        public var condition: SweepCondition
        /// Runs from here on were made after it was submitted, and are none of it.
        public var firstLaterRun: RunID
        /// How often it has been submitted.
        public var submissions: Int

        public init(
            id: SweepID, spec: SweepSpec, keys: [PointKey],
            condition: SweepCondition = SweepCondition(), firstLaterRun: RunID = RunID(.max),
            submissions: Int = 1
        ) {
            self.id = id
            self.spec = spec
            self.keys = keys
            self.condition = condition
            self.firstLaterRun = firstLaterRun
            self.submissions = submissions
        }
    }

    public struct Run: Sendable {
        public enum State: Hashable, Sendable {
            case waiting
            /// Its newest attempt had neither ended nor been given up.
            case active(AttemptID, WorkerID)
            case completed
            case failed(String)
            case cancelled
        }

        public var id: RunID
        public var plan: PlannedRun
        public var state: State
        public var failures: [Failure]

        public init(id: RunID, plan: PlannedRun, state: State, failures: [Failure]) {
            self.id = id
            self.plan = plan
            self.state = state
            self.failures = failures
        }
    }

    /// An attempt of a run that is not over.
    public struct Attempt: Sendable {
        public var id: AttemptID
        public var run: RunID
        public var worker: WorkerID
        public var acknowledged: UInt64
        /// It has not ended: its worker may be training it.
        public var isOpen: Bool
        /// It failed or was handed back.
        public var isClosed: Bool

        public init(
            id: AttemptID, run: RunID, worker: WorkerID, acknowledged: UInt64,
            isOpen: Bool = false, isClosed: Bool = false
        ) {
            self.id = id
            self.run = run
            self.worker = worker
            self.acknowledged = acknowledged
            self.isOpen = isOpen
            self.isClosed = isClosed
        }
    }

    public var sweeps: [Sweep]
    public var runs: [Run]
    public var attempts: [Attempt]
    public var finished: Set<PointKey>
    public var lastAttempt: AttemptID
    /// Where runs that are not over go on from.
    public var states: [RunID: Artifact]
    /// Where finished runs ended, the oldest first.
    public var lastStates: [LastState]
    /// Which files of sweeps runs have left.
    public var pieces: [(run: RunID, piece: LeftBehind.Piece)]

    public init(
        sweeps: [Sweep] = [], runs: [Run] = [], attempts: [Attempt] = [],
        finished: Set<PointKey> = [], lastAttempt: AttemptID = AttemptID(0),
        states: [RunID: Artifact] = [:], lastStates: [LastState] = [],
        pieces: [(run: RunID, piece: LeftBehind.Piece)] = []
    ) {
        self.sweeps = sweeps
        self.runs = runs
        self.attempts = attempts
        self.finished = finished
        self.lastAttempt = lastAttempt
        self.states = states
        self.lastStates = lastStates
        self.pieces = pieces
    }
}

/// A failed execution of a run.
public struct Failure: Hashable, Sendable, Codable {
    public var worker: WorkerID
    public var error: String

    public init(worker: WorkerID, error: String) {
        self.worker = worker
        self.error = error
    }
}
