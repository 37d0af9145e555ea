import Foundation
import SweepCore
import SweepTraining
import SweepWire

/// Trains what comes in on standard input, one job after the other, and stays warm in between.
struct Service {
    let threads: Int
    let device: Device
    /// Where what a run leaves behind is written.
    let artifacts: String
    /// When a run leaves behind what another attempt goes on from.
    let states: StatePolicy
    private let output: Int32
    private let inbox: Inbox
    private let cache = TrainingCache()

    /// How often progress is told.
    private static let progressInterval = Duration.milliseconds(500)

    init(threads: Int, device: Device, artifacts: String, states: StatePolicy) {
        self.threads = threads
        self.device = device
        self.artifacts = artifacts
        self.states = states
        // Messages go out on what was standard output; anything a library prints goes to standard
        // error, where it does no harm.
        output = dup(1)
        dup2(2, 1)
        signal(SIGPIPE, SIG_IGN)
        inbox = Inbox(reading: 0)
    }

    func serve() -> Never {
        prove()
        while true {
            let assignment = inbox.next()
            let attempt = assignment.attempt
            report(attempt, outcome(of: assignment))
            inbox.forget(attempt)
        }
    }

    /// Shows the worker that runs can be trained here, before it takes any in.
    private func prove() {
        do {
            try Torch.prove(threads: threads, device: device)
        } catch {
            fail("\(error)", status: 69)
        }
        send(.ready(libtorch: String(Torch.version.prefix(100))))
    }

    private func outcome(of assignment: Assignment) -> Report.Event {
        let attempt = assignment.attempt
        let start = ContinuousClock.now
        var lastProgress = start
        do {
            let run = try TrainingRun(
                spec: assignment.spec, threads: threads, device: device, cache: cache)
            var stateKeeper = StateKeeper(states)
            let isComplete = try run.run(
                from: checkpoint(of: assignment),
                onStart: { position throws(TrainingError) in
                    if assignment.keepsAtStart { try keep(position, of: assignment) }
                },
                onProgress: { done, _ in
                    if ContinuousClock.now - lastProgress >= Self.progressInterval {
                        lastProgress = ContinuousClock.now
                        send(.progress(AttemptProgress(attempt: attempt, stepsDone: done)))
                    }
                    return !inbox.isRevoked(attempt)
                },
                onEpoch: { metrics, position throws(TrainingError) in
                    // First what it leaves behind: a point with a result lacks nothing.
                    try keep(position, of: assignment)
                    report(
                        attempt,
                        .epoch(
                            metrics, trainableParameters: run.trainableParameters,
                            seconds: (ContinuousClock.now - start).inSeconds))
                    if position.epochs == assignment.spec.epochs {
                        leaveState(position, of: assignment, parameters: run.trainableParameters)
                    } else if stateKeeper.isDue {
                        try keepState(position, of: attempt, &stateKeeper)
                    }
                },
                onStop: { position throws(TrainingError) in
                    try keepState(position, of: attempt, &stateKeeper)
                })
            guard isComplete else { return .handedBack }
            return .completed(
                seconds: (ContinuousClock.now - start).inSeconds)
        } catch {
            return .failed("\(error)")
        }
    }

    /// Writes what the run was asked to leave behind after this epoch.
    private func keep(
        _ position: TrainingRun.Position, of assignment: Assignment
    ) throws(TrainingError) {
        let folder = ArtifactFolder(path: artifacts)
        func keep(_ content: [UInt8], as kind: Artifact.Kind) throws(TrainingError) {
            let artifact = try folder.write(content, kind: kind, epoch: position.epochs)
            report(assignment.attempt, .artifact(artifact))
        }
        if assignment.keep.hiddenStates.contains(position.epochs) {
            try keep(position.hiddenStates(run: "\(assignment.run)"), as: .hiddenStates)
        }
        if assignment.keep.model, position.epochs == assignment.spec.epochs {
            try keep(position.checkpoint().content(), as: .checkpoint)
        }
    }

    /// What the attempt goes on from. A state that is of no use is no reason to fail.
    private func checkpoint(of assignment: Assignment) -> Checkpoint? {
        guard let state = assignment.checkpoint else { return nil }
        do throws(TrainingError) {
            let checkpoint = try Checkpoint(reading: state.file.path)
            if checkpoint.fits(assignment.spec) { return checkpoint }
            say("\(assignment.run) begins from the start: \(state.file.path) is another run's")
        } catch {
            say("\(assignment.run) begins from the start: \(error)")
        }
        return nil
    }

    private func keepState(
        _ position: TrainingRun.Position, of attempt: AttemptID, _ keeper: inout StateKeeper
    ) throws(TrainingError) {
        guard !keeper.isTooLarge else { return }
        let checkpoint = try position.checkpoint()
        let content = checkpoint.content()
        guard keeper.keeps(content.count) else {
            return say(
                "the state of \(attempt) has \(content.count / 1_000_000) MB and is not kept; "
                    + "--checkpoint-limit sets how much it may have")
        }
        report(
            attempt,
            .artifact(
                try ArtifactFolder(path: artifacts).write(
                    content, kind: .state, epoch: checkpoint.epochs, steps: checkpoint.steps)))
    }

    /// The state that a longer run of the trajectory goes on from. The results are there, so
    /// nothing about it is a reason to fail.
    private func leaveState(
        _ position: TrainingRun.Position, of assignment: Assignment, parameters: Int
    ) {
        let mostBytes = min(states.mostBytes, LastState.mostBytes)
        guard Checkpoint.leastBytes(of: assignment.spec, parameters: parameters) <= mostBytes
        else { return }
        do throws(TrainingError) {
            let checkpoint = try position.checkpoint()
            let content = checkpoint.content()
            guard content.count <= mostBytes else { return }
            let artifact = try ArtifactFolder(path: artifacts).write(
                content, kind: .state, epoch: checkpoint.epochs, steps: checkpoint.steps)
            report(assignment.attempt, .artifact(artifact))
        } catch {
            say("the last state of \(assignment.run) is not kept: \(error)")
        }
    }

    private func say(_ text: String) {
        FileHandle.standardError.write(Data("\(text)\n".utf8))
    }

    /// The worker numbers the reports.
    private func report(_ attempt: AttemptID, _ event: Report.Event) {
        send(.report(Report(attempt: attempt, sequence: 0, event: event)))
    }

    private func send(_ message: MessageFromTrainer) {
        if !FrameStream.write(message, to: output) { _exit(0) }
    }
}
