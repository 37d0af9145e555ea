/// The version of these programs.
public let programVersion = "0.1.0"

/// Who trains: a result is only ever one of the two, and neither stands for the other.
public enum TrainerKind: String, Hashable, Sendable, Codable, CaseIterable {
    case real
    /// Makes figures up, for trying out a cluster.
    case fake
}

/// A process of a worker, as it described itself when it joined.
public struct WorkerProcess: Hashable, Sendable {
    public var host: String
    public var device: String
    public var trainer: TrainerKind
    /// Of `moderato`; empty if it did not say.
    public var program: String
    /// The version of the training core's numerics.
    public var trainingCore: Int
    /// Empty if it did not say, and of a fake trainer.
    public var libtorch: String

    public init(
        host: String, device: String, trainer: TrainerKind, program: String, trainingCore: Int,
        libtorch: String
    ) {
        self.host = host
        self.device = device
        self.trainer = trainer
        self.program = program
        self.trainingCore = trainingCore
        self.libtorch = libtorch
    }
}

/// Where a result comes from, beside its spec, which names trainer, model and data.
public struct Provenance: Hashable, Sendable {
    public var run: RunID
    public var attempt: AttemptID
    public var worker: WorkerID
    /// `nil` in results of versions that did not write it down.
    public var process: WorkerProcess?
    /// When the attempt began and ended, in seconds since 1970; `ended` is `nil` while it goes on.
    public var started: Double
    public var ended: Double?

    public init(
        run: RunID, attempt: AttemptID, worker: WorkerID, process: WorkerProcess?,
        started: Double, ended: Double?
    ) {
        self.run = run
        self.attempt = attempt
        self.worker = worker
        self.process = process
        self.started = started
        self.ended = ended
    }
}
