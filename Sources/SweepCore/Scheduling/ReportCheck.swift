/// Holds what a worker reports to what its run was asked for. A report that fits can still be made
/// up; one that does not can't be the result of this training.
struct ReportCheck {
    let spec: TrainingSpec

    /// The most numbers that a model can have trained, and the longest that a run can have taken.
    private static let mostParameters = 1_000_000_000_000
    private static let mostSeconds = 1e8
    /// The largest finite number of the precision that losses are computed in.
    private static let mostLoss = Double(Float.greatestFiniteMagnitude)
    /// Shares are quotients of counts, rounded once.
    private static let tolerance = 1e-6

    /// What can't be in the figures of an epoch, in words; `nil`: nothing.
    func contradiction(
        in metrics: EpochMetrics, trainableParameters: Int, seconds: Double
    ) -> String? {
        if !(1...spec.epochs).contains(metrics.epoch) {
            return "figures of epoch \(metrics.epoch) of a run of \(counted(spec.epochs, "epoch"))"
        }
        if let problem = metrics.problem { return problem }
        for field in EpochMetrics.fields where field.kind == .number(.loss) {
            if case .number(let loss)? = field.get(metrics), loss > Self.mostLoss {
                return "a loss of \(loss)"
            }
        }
        if !(0...Self.mostParameters).contains(trainableParameters) {
            return "\(trainableParameters) trainable parameters"
        }
        return contradiction(inClassesOf: metrics) ?? contradiction(inSetsOf: metrics)
            ?? contradiction(inSeconds: seconds)
    }

    func contradiction(inSeconds seconds: Double) -> String? {
        (0...Self.mostSeconds).contains(seconds) ? nil : "a training of \(seconds) s"
    }

    private func contradiction(inClassesOf metrics: EpochMetrics) -> String? {
        let classes = metrics.classes
        // A trainer that does not count them says nothing of them.
        if classes.isEmpty { return nil }
        if classes.count != spec.data.labels {
            return "figures of \(classes.count) classes for a task of \(spec.data.labels)"
        }
        var correct = 0
        var total = 0
        for result in classes {
            let sums = [
                correct.addingReportingOverflow(result.correct),
                total.addingReportingOverflow(result.total),
            ]
            guard sums.allSatisfy({ !$0.overflow }), (0...result.total).contains(result.correct)
            else { return "\(result.correct) of \(result.total) samples of a class correct" }
            correct = sums[0].partialValue
            total = sums[1].partialValue
        }
        let accuracy = total == 0 ? 0 : Double(correct) / Double(total)
        return abs(accuracy - metrics.cacc) <= Self.tolerance
            ? nil : "a CACC of \(metrics.cacc) with \(correct) of \(total) samples correct"
    }

    private func contradiction(inSetsOf metrics: EpochMetrics) -> String? {
        switch (spec.attack == .none, metrics.asr == nil) {
        case (true, false): return "an ASR without an attack"
        case (false, true): return "no ASR, though there is an attack"
        case (true, true), (false, false): break
        }
        if spec.attack == .none {
            if metrics.poisonedFit != nil, !spec.data.train.saysTouched {
                return "a fit of poisoned samples without an attack"
            }
            if metrics.plainErrorRate != nil || metrics.triggeredSamples != nil {
                return "figures of triggered samples without an attack"
            }
        }
        if let asr = metrics.asr, let samples = metrics.triggeredSamples {
            let hits = asr * Double(samples)
            if !(1...EpochMetrics.mostSamples).contains(samples) {
                return "\(samples) triggered samples"
            }
            if abs(hits - hits.rounded()) > Self.tolerance * Double(samples) {
                return "an ASR of \(asr) on \(samples) samples"
            }
        }
        if metrics.validation != nil, spec.data.validation == nil {
            return "figures of a validation set that there is not"
        }
        return nil
    }
}
