/// What happens to the scheduler. Time comes beside it, as an argument.
public enum Event: Hashable, Sendable {
    /// A peer with a key of `role` sent a well-formed message.
    case message(MessageToCoordinator, from: Route, role: Role)
    /// The connection has ended.
    case disconnected(Route)
    /// The keys of these peers were revoked: what they have goes to others, and to none of them.
    case revoked([Route])
    /// Nothing else is to be done now; sent while `Scheduler.isBusy`.
    case spareTime
    /// Time has passed; sent at least twice a second.
    case tick
}

/// What the shell has to do. The order is part of the contract: all `persist` records of a batch
/// are committed in one transaction before anything of that batch is sent.
public enum Effect: Hashable, Sendable {
    case persist(Fact)
    /// To a worker.
    case send(MessageToWorker, to: Route)
    /// To a client.
    case answer(MessageToClient, to: Route)
    /// To either.
    case answerFile(FileAnswer, to: Route)
    /// Something with a file; carried out at once, before what follows, and what comes of it is
    /// told by `CoordinatorMachine.Event.file`.
    indirect case file(Transfers.Effect)
    /// How large is the file of the artifact that is reported? Carried out at once; answered by
    /// `weighed`.
    indirect case weigh(Report, from: Route)
    /// Read it in the store and answer; carried out at once.
    case read(StoredQuestion, for: Route)
    /// From now on peers can have the sweep's files.
    indirect case serve(SweepSpec)
    /// Remove the files of these digests that the store does not know; answered by `sifted` once
    /// it could be read.
    case sift([Digest])
    /// A line for the log.
    case note(String)
    case warn(String)
}

/// What the store answers.
public enum StoredQuestion: Hashable, Sendable {
    case results(sweep: String, since: ResultsCursor)
    case artifacts(AskArtifacts)
    /// What happened before `state`, in words, which is `nil` for what the scheduler does not know.
    case history(Subject, state: [String]?)
}

/// A fact that must survive the coordinator.
public enum Fact: Hashable, Sendable {
    /// Points of a grid at these places, in ascending order. The first ones begin a plan, which is
    /// worth nothing before its sweep is submitted.
    case pointsPlanned(PlannedGrid, Range<Int>)
    /// Runs of the plan that was begun last, numbered from the first on.
    indirect case runsCreated(RunID, [PlannedRun])
    /// The plan that was begun last is whole: it is the sweep's from now on.
    indirect case sweepSubmitted(SweepID, SweepSpec, Submitted)
    case sweepConditioned(SweepID, SweepCondition)
    /// A process of a worker, with what it says of itself; told once, before its attempts.
    indirect case workerJoined(Hello)
    /// A second one goes on beside the run's other attempt.
    case attemptStarted(AttemptID, RunID, WorkerID, isSecond: Bool)
    /// The attempt's reports up to the sequence are accounted for.
    case reportsStored(AttemptID, upTo: UInt64)
    indirect case epochMeasured(RunID, AttemptID, EpochMetrics, seconds: Double)
    /// A milestone of the run, whose epoch was measured just before.
    indirect case pointFinished(
        PointKey, RunID, AttemptID, EpochMetrics, trainableParameters: Int)
    /// The point has its result from what the run measured on its way.
    indirect case pointTaken(MeasuredPoint)
    /// A later artifact of the same kind and epoch takes the place of an earlier one.
    indirect case artifactKept(RunID, Artifact)
    /// Nobody needs the artifact any more.
    indirect case artifactDropped(RunID, Artifact)
    /// The state of a run that is completed stays, for longer runs of its trajectory.
    indirect case lastStateKept(LastState)
    /// A new run goes on from the state of another, and has its measurements up to there.
    indirect case runContinued(RunID, from: LastState)
    case attemptEnded(AttemptID, AttemptEnd)
    /// A lost attempt came back before anybody took over.
    case attemptResumed(AttemptID)
    case runCompleted(RunID, AttemptID, steps: Int, seconds: Double)
    /// With the points that stay without a result.
    indirect case runFailed(RunID, error: String, points: [PointKey])
    case runsCancelled([RunID])
}

/// What a plan came to when its sweep was submitted.
public struct Submitted: Hashable, Sendable {
    public var points: Int
    /// Its new runs are numbered from here on.
    public var firstRun: RunID
    public var runs: Int

    public init(points: Int, firstRun: RunID, runs: Int) {
        self.points = points
        self.firstRun = firstRun
        self.runs = runs
    }
}

/// How an attempt ended. "Lost" is never "failed".
public enum AttemptEnd: Hashable, Sendable, Codable {
    case completed
    case failed(String)
    case lost(String)
    case handedBack
}
