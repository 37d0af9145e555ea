/// Training steps per second of a worker, from the progress its heartbeats tell.
struct SpeedMeter: Sendable {
    private var steps: [AttemptID: (steps: Int, at: Instant)] = [:]
    /// Exponentially smoothed, for each slot; `nil` until two heartbeats told of progress.
    private(set) var stepsPerSecond: Double?
    /// Attempts that take no steps now, and since when: they evaluate.
    private var standing: [AttemptID: Instant] = [:]
    /// How long an evaluation takes, exponentially smoothed; `nil` until one has been seen.
    private(set) var evaluationSeconds: Double?

    mutating func recordProgress(_ progress: AttemptProgress, at now: Instant) {
        // Loading is no training, but evaluation between steps is.
        guard let last = steps[progress.attempt], last.steps > 0,
            progress.stepsDone >= last.steps
        else {
            steps[progress.attempt] = (progress.stepsDone, now)
            return
        }
        guard progress.stepsDone > last.steps, now > last.at else {
            if progress.stepsDone == last.steps, standing[progress.attempt] == nil {
                standing[progress.attempt] = last.at
            }
            return
        }
        recordEvaluation(of: progress.attempt, at: now)
        steps[progress.attempt] = (progress.stepsDone, now)
        let rate = Double(progress.stepsDone - last.steps) / (now - last.at).inSeconds
        stepsPerSecond = stepsPerSecond.map { 0.7 * $0 + 0.3 * rate } ?? rate
    }

    /// The attempt has told the figures of an epoch, or goes on after them.
    mutating func recordEvaluation(of attempt: AttemptID, at now: Instant) {
        guard let since = standing.removeValue(forKey: attempt) else { return }
        let seconds = max(0, (now - since).inSeconds)
        evaluationSeconds = evaluationSeconds.map { 0.7 * $0 + 0.3 * seconds } ?? seconds
    }

    /// How long the attempt that has evaluated for longest has done so.
    func evaluating(at now: Instant) -> Double {
        standing.values.map { (now - $0).inSeconds }.max() ?? 0
    }

    mutating func forget(_ attempt: AttemptID) {
        steps[attempt] = nil
        standing[attempt] = nil
    }
}
