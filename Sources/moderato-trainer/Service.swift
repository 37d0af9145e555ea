import Foundation
import SweepCore
import SweepTraining
import SweepWire

/// Trains what comes in on standard input, one job after the other, and stays warm in between.
struct Service {
    let threads: Int
    let device: Device
    private let output: Int32
    private let inbox: Inbox
    private let cache = TrainingCache()

    /// How often progress is told.
    private static let progressInterval = Duration.milliseconds(500)

    init(threads: Int, device: Device) {
        self.threads = threads
        self.device = device
        // Messages go out on what was standard output; anything a library prints goes to standard
        // error, where it does no harm.
        output = dup(1)
        dup2(2, 1)
        signal(SIGPIPE, SIG_IGN)
        inbox = Inbox(reading: 0)
    }

    func serve() -> Never {
        while true {
            let assignment = inbox.next()
            let attempt = assignment.attempt
            report(attempt, outcome(of: assignment))
            inbox.forget(attempt)
        }
    }

    private func outcome(of assignment: Assignment) -> Report.Event {
        let attempt = assignment.attempt
        let start = ContinuousClock.now
        var lastProgress = start
        do {
            let run = try TrainingRun(
                spec: assignment.spec, threads: threads, device: device, cache: cache)
            let isComplete = try run.run(
                onProgress: { done, _ in
                    if ContinuousClock.now - lastProgress >= Self.progressInterval {
                        lastProgress = ContinuousClock.now
                        send(.progress(AttemptProgress(attempt: attempt, stepsDone: done)))
                    }
                    return !inbox.isRevoked(attempt)
                },
                onEpoch: {
                    report(
                        attempt, .epoch($0, seconds: (ContinuousClock.now - start).inSeconds))
                })
            guard isComplete else { return .handedBack }
            return .completed(
                trainableParameters: run.trainableParameters,
                seconds: (ContinuousClock.now - start).inSeconds)
        } catch {
            return .failed("\(error)")
        }
    }

    /// The worker numbers the reports.
    private func report(_ attempt: AttemptID, _ event: Report.Event) {
        send(.report(Report(attempt: attempt, sequence: 0, event: event)))
    }

    private func send(_ message: Message) {
        if !FrameStream.write(message, to: output) { _exit(0) }
    }
}
