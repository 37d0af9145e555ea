/// What the coordinator tells people who ask how it goes.
public struct StatusReport: Hashable, Sendable {
    public struct Sweep: Hashable, Sendable {
        public var id: SweepID
        public var name: String
        public var points: Int
        public var finishedPoints: Int
        public var failedPoints: Int
        public var waitingRuns: Int
        public var activeRuns: Int
        public var completedRuns: Int
        public var failedRuns: Int
        /// Training steps of the runs of this sweep, and how many of them are done.
        public var steps: Int
        public var stepsDone: Int
        /// Seconds until the sweep is done, at the speed of now; `nil` while nothing tells.
        public var secondsLeft: Double?
        public var condition: SweepCondition
        public var trainer: TrainerKind

        public init(
            id: SweepID, name: String, points: Int, finishedPoints: Int, failedPoints: Int,
            waitingRuns: Int, activeRuns: Int, completedRuns: Int, failedRuns: Int, steps: Int,
            stepsDone: Int, secondsLeft: Double?, condition: SweepCondition = SweepCondition(),
            trainer: TrainerKind = .real
        ) {
            self.id = id
            self.name = name
            self.points = points
            self.finishedPoints = finishedPoints
            self.failedPoints = failedPoints
            self.waitingRuns = waitingRuns
            self.activeRuns = activeRuns
            self.completedRuns = completedRuns
            self.failedRuns = failedRuns
            self.steps = steps
            self.stepsDone = stepsDone
            self.secondsLeft = secondsLeft
            self.condition = condition
            self.trainer = trainer
        }

        /// No run is waiting or active.
        public var isOver: Bool { waitingRuns == 0 && activeRuns == 0 }
    }

    public struct Worker: Hashable, Sendable {
        public var id: WorkerID
        public var host: String
        public var device: String
        public var slots: Int
        /// The runs it trains now; after as many as it has slots, those that it trains next.
        public var runs: [RunID]
        /// Training steps per second of all its slots together; 0 while unknown.
        public var stepsPerSecond: Double
        /// It hands back what it has and gets nothing more.
        public var isLeaving: Bool
        /// Seconds until it has to leave; `nil` if it can stay.
        public var secondsLeft: Double?
        /// Seconds since this process of the worker was first heard of; `nil` if nobody knows.
        public var secondsHere: Double?
        /// Put aside: it fails runs that succeed elsewhere.
        public var isSetAside: Bool

        public init(
            id: WorkerID, host: String, device: String, slots: Int, runs: [RunID],
            stepsPerSecond: Double, isSetAside: Bool, isLeaving: Bool = false,
            secondsLeft: Double? = nil, secondsHere: Double? = nil
        ) {
            self.id = id
            self.host = host
            self.device = device
            self.slots = slots
            self.runs = runs
            self.stepsPerSecond = stepsPerSecond
            self.isSetAside = isSetAside
            self.isLeaving = isLeaving
            self.secondsLeft = secondsLeft
            self.secondsHere = secondsHere
        }
    }

    /// How long the turns of the coordinator's loop take.
    public struct Loop: Hashable, Sendable {
        /// Since the coordinator started.
        public var turns: Int
        /// Of these, those that took more than `TurnMeter.longTurn`.
        public var longTurns: Int
        /// The longest of the last one to two minutes.
        public var longestSeconds: Double

        public init(turns: Int, longTurns: Int, longestSeconds: Double) {
            self.turns = turns
            self.longTurns = longTurns
            self.longestSeconds = longestSeconds
        }
    }

    /// A sweep that has been submitted and is still being planned.
    public struct Incoming: Hashable, Sendable {
        public var name: String
        /// How far that is, 0 ... 1.
        public var share: Double

        public init(name: String, share: Double) {
            self.name = name
            self.share = share
        }
    }

    public var sweeps: [Sweep]
    public var workers: [Worker]
    /// The next one first; their submissions are answered once they are planned.
    public var incoming: [Incoming]
    /// `nil` if nobody has measured it.
    public var loop: Loop?

    public init(
        sweeps: [Sweep], workers: [Worker], incoming: [Incoming] = [], loop: Loop? = nil
    ) {
        self.sweeps = sweeps
        self.workers = workers
        self.incoming = incoming
        self.loop = loop
    }
}
