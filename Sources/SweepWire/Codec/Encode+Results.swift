import CSweepProto
import SweepCore

extension Codec {
    /// What runs take of an answer at most: figures are counted, not encoded, since there are many.
    public static func bytes(of runs: [RunOutcome]) -> Int {
        let arena = Arena()
        return runs.reduce(0) { sum, run in
            var rest = run
            rest.curve = []
            let figures = run.curve.reduce(0) { $0 + bytes(of: $1) }
            return sum + moderato__run_outcome__get_packed_size(arena.run(rest)) + figures + 8
        }
    }

    /// Each figure has a tag and eight bytes at most, each class two counts, and lists a length.
    private static func bytes(of metrics: EpochMetrics) -> Int {
        10 * EpochMetrics.fields.count + 12 * metrics.classes.count + 16
    }
}

extension Arena {
    func askResults(
        _ sweep: String, _ cursor: ResultsCursor
    ) -> UnsafeMutablePointer<Moderato__AskResults> {
        make(moderato__ask_results__init) {
            $0.sweep = string(sweep)
            $0.since = cursor == .start ? nil : self.cursor(cursor)
        }
    }

    func results(_ value: ResultsSlice) -> UnsafeMutablePointer<Moderato__Results> {
        make(moderato__results__init) {
            $0.name = string(value.name)
            $0.total = UInt64(value.total)
            $0.has_anew = value.isAnew ? 1 : 0
            $0.anew = value.isAnew ? 1 : 0
            $0.n_runs = value.runs.count
            $0.runs = pointers(value.runs.map(run))
            $0.cursor = cursor(value.cursor)
            $0.has_goes_on = value.goesOn ? 1 : 0
            $0.goes_on = value.goesOn ? 1 : 0
        }
    }

    private func cursor(_ value: ResultsCursor) -> UnsafeMutablePointer<Moderato__ResultsCursor> {
        make(moderato__results_cursor__init) {
            $0.change = value.change
            $0.has_place = value.place == nil ? 0 : 1
            $0.place = UInt64(value.place ?? 0)
            $0.has_news = value.news == nil ? 0 : 1
            $0.news = value.news?.change ?? 0
            $0.has_run = value.news == nil ? 0 : 1
            $0.run = value.news?.run.number ?? 0
            $0.has_parts = value.parts == 0 ? 0 : 1
            $0.parts = UInt64(value.parts)
        }
    }

    fileprivate func run(_ value: RunOutcome) -> UnsafeMutablePointer<Moderato__RunOutcome> {
        make(moderato__run_outcome__init) {
            $0.has_run = value.run == nil ? 0 : 1
            $0.run = value.run?.number ?? 0
            $0.spec = trainingSpec(value.spec)
            $0.has_trainable_parameters = value.trainableParameters == nil ? 0 : 1
            $0.trainable_parameters = UInt64(value.trainableParameters ?? 0)
            $0.error = value.error.map(string)
            $0.n_attempts = value.attempts.count
            $0.attempts = pointers(value.attempts.map(provenance))
            $0.n_milestones = value.milestones.count
            $0.milestones = pointers(value.milestones.map(milestone))
            $0.n_curve = value.curve.count
            $0.curve = pointers(value.curve.map(metrics))
        }
    }

    private func milestone(
        _ value: MilestoneOutcome
    ) -> UnsafeMutablePointer<Moderato__MilestoneOutcome> {
        make(moderato__milestone_outcome__init) {
            $0.place = UInt64(value.place)
            $0.epochs = UInt32(value.epochs)
            $0.differing = value.differing.map(metrics)
            switch value.state {
            case .waiting:
                $0.state_case = MODERATO__MILESTONE_OUTCOME__STATE_WAITING
                $0.waiting = empty()
            case .cancelled:
                $0.state_case = MODERATO__MILESTONE_OUTCOME__STATE_CANCELLED
                $0.cancelled = empty()
            case .finished(let attempt):
                $0.state_case = MODERATO__MILESTONE_OUTCOME__STATE_FINISHED
                $0.finished = attempt.number
            case .failed:
                $0.state_case = MODERATO__MILESTONE_OUTCOME__STATE_FAILED
                $0.failed = empty()
            }
        }
    }
}
