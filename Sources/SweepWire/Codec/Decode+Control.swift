import CSweepProto
import SweepCore

extension Codec {
    static func control(
        _ pointer: UnsafeMutablePointer<Moderato__Control>?
    ) throws(WireError) -> Control {
        let value = try Decoding.part(pointer, "control")
        switch value.action_case {
        case MODERATO__CONTROL__ACTION_CANCEL: return .cancel(sweep: try sweep(value.cancel))
        case MODERATO__CONTROL__ACTION_PAUSE: return .pause(sweep: try sweep(value.pause))
        case MODERATO__CONTROL__ACTION_RESUME: return .resume(sweep: try sweep(value.resume))
        case MODERATO__CONTROL__ACTION_RETRY: return .retry(sweep: try sweep(value.retry))
        case MODERATO__CONTROL__ACTION_PRIORITIZE:
            let item = try Decoding.part(value.prioritize, "priority")
            return .prioritize(sweep: try sweep(item.sweep), try priority(item.priority))
        case MODERATO__CONTROL__ACTION_DRAIN: return .drain(try worker(value.drain))
        case MODERATO__CONTROL__ACTION_READMIT: return .readmit(try worker(value.readmit))
        default: throw .malformed("a control of a kind this version does not know")
        }
    }

    static func subject(
        _ pointer: UnsafeMutablePointer<Moderato__Subject>?
    ) throws(WireError) -> Subject {
        let value = try Decoding.part(pointer, "subject")
        switch value.subject_case {
        case MODERATO__SUBJECT__SUBJECT_RUN:
            return .run(RunID(try Decoding.identifier(value.run, "run")))
        case MODERATO__SUBJECT__SUBJECT_WORKER: return .worker(try worker(value.worker))
        default: throw .malformed("a subject of a kind this version does not know")
        }
    }

    static func explanation(
        _ pointer: UnsafeMutablePointer<Moderato__Explanation>?
    ) throws(WireError) -> [String] {
        let value = try Decoding.part(pointer, "explanation")
        var lines: [String] = []
        for line in Decoding.values(value.lines, value.n_lines) {
            lines.append(try Decoding.text(line, "line"))
        }
        return lines
    }

    static func priority(_ value: Int32) throws(WireError) -> Int {
        try Decoding.integer(value, "priority", in: Control.priorities)
    }

    private static func sweep(
        _ name: UnsafeMutablePointer<CChar>?
    ) throws(WireError) -> String {
        try Decoding.name(name, "sweep")
    }

    private static func worker(
        _ name: UnsafeMutablePointer<CChar>?
    ) throws(WireError) -> WorkerID {
        WorkerID(try Decoding.name(name, "worker"))
    }

    static func submission(
        _ pointer: UnsafeMutablePointer<Moderato__Submission>?
    ) throws(WireError) -> Submission {
        let value = try Decoding.part(pointer, "submission")
        return Submission(
            sweep: SweepID(try Decoding.identifier(value.sweep, "sweep")),
            points: try Decoding.integer(value.points, "points"),
            finished: try Decoding.integer(value.finished, "finished points"),
            runs: try Decoding.integer(value.runs, "runs"),
            steps: try Decoding.integer(value.steps, "steps"),
            continuation: value.continuation == nil ? nil : try continuation(value.continuation),
            retrained: try Decoding.integer(value.retrained, "points trained again"),
            unkept: try Decoding.integer(value.unkept, "runs that leave less"))
    }

    private static func continuation(
        _ pointer: UnsafeMutablePointer<Moderato__Continuation>?
    ) throws(WireError) -> Continuation {
        let value = try Decoding.part(pointer, "runs that go on")
        return Continuation(
            runs: try Decoding.integer(value.runs, "runs"),
            fewestEpochs: try epochs(value.fewest_epochs),
            mostEpochs: try epochs(value.most_epochs),
            steps: try Decoding.integer(value.steps, "steps"))
    }
}
