import SweepCore
import SweepWorker
import Testing

/// One trainer without coordinator or worker, to compare with.
struct DirectRun {
    private let trainer = ProcessTrainer(
        executable: Stage.programs.appendingPathComponent("moderato-trainer").path,
        arguments: ["--threads", "1", "--checkpoint-limit", "0"])

    /// Trains the point alone, from the start to the end.
    func curve(of spec: TrainingSpec) async throws -> [EpochMetrics] {
        var curve: [EpochMetrics] = []
        let now = Instant(nanoseconds: 0)
        trainer.train(Assignment(attempt: AttemptID(1), run: RunID(1), spec: spec), at: now)
        while true {
            for event in trainer.poll(at: now) {
                switch event {
                case .progress: break
                case .report(_, .epoch(let metrics, _, _)): curve.append(metrics)
                case .report(_, .completed): return curve
                case .report(_, .failed(let error)), .exited(let error), .unusable(let error):
                    Issue.record("\(error)")
                    throw CancellationError()
                case .report(_, .artifact): break
                case .report(_, .handedBack): throw CancellationError()
                }
            }
            try await Task.sleep(for: .milliseconds(5))
        }
    }
}
