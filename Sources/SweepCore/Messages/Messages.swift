/// The version of the wire protocol, with that of the training core in the upper bits: a worker
/// whose results would differ must not come in. Peers of another version are refused in words.
public let protocolVersion = UInt32(trainingCoreVersion) << 8 | 8

/// What a peer's key allows it to do.
public enum Role: String, Hashable, Sendable, Codable, CaseIterable {
    /// Take jobs and report on them.
    case worker
    /// Submit and look.
    case client
    /// Look only.
    case readOnly = "read-only"
}

/// What a worker says of itself when it connects.
public struct Hello: Hashable, Sendable {
    public var worker: WorkerID
    /// Larger for a later process that goes by the same name.
    public var incarnation: UInt64
    public var host: String
    /// Runs it trains at the same time, 1 ... 1,024.
    public var slots: Int
    /// For people: "cpu, 1 thread".
    public var device: String
    /// Memory of the node in bytes; 0 if unknown.
    public var memory: UInt64
    public var labels: [String]
    /// Seconds until the worker has to leave; `nil` if it can stay.
    public var secondsLeft: Double?
    /// Whether it hands over the states of runs that it does not finish.
    public var keepsStates: Bool
    public var trainer: TrainerKind
    /// The version of its program, and of libtorch under its trainers; empty if it does not say.
    public var program: String
    public var libtorch: String
    /// The attempts it trains, or whose reports have not all been acknowledged.
    public var attempts: [AttemptID]

    public init(
        worker: WorkerID, incarnation: UInt64, host: String, slots: Int, device: String,
        memory: UInt64, labels: [String] = [], secondsLeft: Double? = nil,
        keepsStates: Bool = true, trainer: TrainerKind = .real, program: String = "",
        libtorch: String = "", attempts: [AttemptID] = []
    ) {
        self.worker = worker
        self.incarnation = incarnation
        self.host = host
        self.slots = slots
        self.device = device
        self.memory = memory
        self.labels = labels
        self.secondsLeft = secondsLeft
        self.keepsStates = keepsStates
        self.trainer = trainer
        self.program = program
        self.libtorch = libtorch
        self.attempts = attempts
    }
}

/// The coordinator's answer to a `Hello` it accepts.
public struct Welcome: Hashable, Sendable {
    public var heartbeat: Duration
    public var lease: Duration

    public init(heartbeat: Duration, lease: Duration) {
        self.heartbeat = heartbeat
        self.lease = lease
    }
}

/// A job: one run, to be executed as one attempt.
public struct Assignment: Hashable, Sendable {
    public var attempt: AttemptID
    public var run: RunID
    public var spec: TrainingSpec
    public var keep: Keepsakes
    /// The state to go on from; `nil`: from the start. Its path is where the reader of this finds
    /// it: on the coordinator's host for a worker, on its own for a trainer.
    public var checkpoint: Artifact?
    /// Whether what is kept of the state's own epoch is not there yet: it is written first.
    public var keepsAtStart: Bool

    public init(
        attempt: AttemptID, run: RunID, spec: TrainingSpec, keep: Keepsakes = .none,
        checkpoint: Artifact? = nil, keepsAtStart: Bool = false
    ) {
        self.attempt = attempt
        self.run = run
        self.spec = spec
        self.keep = keep
        self.checkpoint = checkpoint
        self.keepsAtStart = keepsAtStart
    }
}

/// How far an attempt is.
public struct AttemptProgress: Hashable, Sendable {
    public var attempt: AttemptID
    public var stepsDone: Int

    public init(attempt: AttemptID, stepsDone: Int) {
        self.attempt = attempt
        self.stepsDone = stepsDone
    }
}

/// A file that a run left behind, named by its content.
public struct Artifact: Hashable, Sendable, Codable {
    public enum Kind: String, Hashable, Sendable, Codable, CaseIterable {
        /// What `moderato export` reads: the state of a training.
        case checkpoint
        /// What `moderato project` reads.
        case hiddenStates = "hidden-states"
        /// Where a run goes on from; kept until there is a newer one or the run is over. That of
        /// the last epoch stays while there is room, for a longer run.
        case state
    }

    public var kind: Kind
    /// Epochs that were done when it was written.
    public var epoch: Int
    /// Where it lies, and its SHA-256: on the host that wrote it, and once it is kept, on the
    /// coordinator's.
    public var file: FileReference
    /// In bytes.
    public var size: Int
    /// Training steps that were done when it was written; told of a `state`.
    public var steps: Int

    public init(kind: Kind, epoch: Int, file: FileReference, size: Int, steps: Int = 0) {
        self.kind = kind
        self.epoch = epoch
        self.file = file
        self.size = size
        self.steps = steps
    }
}

/// What happened in an attempt. Reports are numbered from 1 within their attempt.
public struct Report: Hashable, Sendable {
    public enum Event: Hashable, Sendable {
        /// An epoch was measured, `seconds` after the attempt started.
        indirect case epoch(EpochMetrics, trainableParameters: Int, seconds: Double)
        /// The trainer wrote a file that the run was asked to leave behind.
        indirect case artifact(Artifact)
        /// Training is done; all epochs were reported before.
        case completed(seconds: Double)
        /// The training itself ended in an error.
        case failed(String)
        /// The worker gives the job back without fault, because it leaves.
        case handedBack
    }

    public var attempt: AttemptID
    public var sequence: UInt64
    public var event: Event

    public init(attempt: AttemptID, sequence: UInt64, event: Event) {
        self.attempt = attempt
        self.sequence = sequence
        self.event = event
    }
}

/// The answer to a submitted sweep.
public struct Submission: Hashable, Sendable {
    public var sweep: SweepID
    public var points: Int
    public var finished: Int
    /// Runs made for this submission.
    public var runs: Int
    /// That they have left to train.
    public var steps: Int
    /// `nil`: all of these runs train from the start.
    public var continuation: Continuation?
    /// Points with results that are trained again for what the sweep keeps.
    public var retrained: Int
    /// Earlier runs that wait or are in training and leave less than the sweep keeps.
    public var unkept: Int

    public init(
        sweep: SweepID, points: Int, finished: Int, runs: Int, steps: Int,
        continuation: Continuation? = nil, retrained: Int = 0, unkept: Int = 0
    ) {
        self.sweep = sweep
        self.points = points
        self.finished = finished
        self.runs = runs
        self.steps = steps
        self.continuation = continuation
        self.retrained = retrained
        self.unkept = unkept
    }
}
