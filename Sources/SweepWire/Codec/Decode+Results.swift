import CSweepProto
import SweepCore

extension Codec {
    static func askResults(
        _ pointer: UnsafeMutablePointer<Moderato__AskResults>?
    ) throws(WireError) -> MessageToCoordinator {
        let value = try Decoding.part(pointer, "request for results")
        return .askResults(
            sweep: try Decoding.text(
                value.sweep, "name of the sweep", maxBytes: Decoding.maxNameBytes),
            since: value.since == nil ? .start : try cursor(value.since))
    }

    static func results(
        _ pointer: UnsafeMutablePointer<Moderato__Results>?
    ) throws(WireError) -> ResultsSlice {
        let value = try Decoding.part(pointer, "results")
        return ResultsSlice(
            name: try Decoding.name(value.name, "name"),
            total: try Decoding.integer(value.total, "total"), isAnew: value.anew != 0,
            runs: try Decoding.list(value.runs, value.n_runs, run),
            cursor: try cursor(value.cursor), goesOn: value.goes_on != 0)
    }

    private static func cursor(
        _ pointer: UnsafeMutablePointer<Moderato__ResultsCursor>?
    ) throws(WireError) -> ResultsCursor {
        let value = try Decoding.part(pointer, "cursor")
        guard value.has_news == value.has_run else {
            throw .malformed("a cursor with half of its news")
        }
        var news: ResultsCursor.News?
        if value.has_news != 0 {
            news = .init(
                change: UInt64(try Decoding.integer(value.news, "change")),
                run: RunID(UInt64(try Decoding.integer(value.run, "run"))))
        }
        return ResultsCursor(
            change: UInt64(try Decoding.integer(value.change, "change")),
            place: value.has_place == 0 ? nil : try Decoding.integer(value.place, "place"),
            news: news,
            parts: value.has_parts == 0 ? 0 : try Decoding.integer(value.parts, "parts"))
    }

    private static func run(_ value: Moderato__RunOutcome) throws(WireError) -> RunOutcome {
        RunOutcome(
            run: value.has_run == 0 ? nil : RunID(try Decoding.identifier(value.run, "run")),
            spec: try trainingSpec(try Decoding.part(value.spec, "spec")),
            trainableParameters: value.has_trainable_parameters == 0
                ? nil : try Decoding.integer(value.trainable_parameters, "trainable parameters"),
            error: value.error == nil ? nil : try Decoding.text(value.error, "error"),
            attempts: try Decoding.list(value.attempts, value.n_attempts, provenance),
            milestones: try Decoding.list(value.milestones, value.n_milestones, milestone),
            curve: try Decoding.pointers(value.curve, value.n_curve, metrics))
    }

    private static func milestone(
        _ value: Moderato__MilestoneOutcome
    ) throws(WireError) -> MilestoneOutcome {
        let state: MilestoneOutcome.State
        switch value.state_case {
        case MODERATO__MILESTONE_OUTCOME__STATE_WAITING: state = .waiting
        case MODERATO__MILESTONE_OUTCOME__STATE_CANCELLED: state = .cancelled
        case MODERATO__MILESTONE_OUTCOME__STATE_FINISHED:
            state = .finished(AttemptID(try Decoding.identifier(value.finished, "attempt")))
        case MODERATO__MILESTONE_OUTCOME__STATE_FAILED: state = .failed
        default: throw .malformed("a point in no state this version knows")
        }
        return MilestoneOutcome(
            // No grid has more cells.
            place: try Decoding.integer(value.place, "place", in: 0...(1 << 32)),
            epochs: try epochs(value.epochs), state: state,
            differing: value.differing == nil ? nil : try metrics(value.differing))
    }
}
