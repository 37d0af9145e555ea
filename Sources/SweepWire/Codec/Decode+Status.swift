import CSweepProto
import SweepCore

extension Codec {
    static func status(
        _ pointer: UnsafeMutablePointer<Moderato__Status>?
    ) throws(WireError) -> StatusReport {
        let value = try Decoding.part(pointer, "status")
        return StatusReport(
            sweeps: try Decoding.list(value.sweeps, value.n_sweeps, sweepStatus),
            workers: try Decoding.list(value.workers, value.n_workers, workerStatus),
            incoming: try Decoding.list(value.incoming, value.n_incoming, incoming),
            loop: try loop(value.loop))
    }

    private static func incoming(
        _ value: Moderato__IncomingStatus
    ) throws(WireError) -> StatusReport.Incoming {
        StatusReport.Incoming(
            name: try Decoding.name(value.name, "name"),
            share: try Decoding.share(value.share, "share"))
    }

    private static func loop(
        _ pointer: UnsafeMutablePointer<Moderato__LoopStatus>?
    ) throws(WireError) -> StatusReport.Loop? {
        guard let value = pointer?.pointee else { return nil }
        return StatusReport.Loop(
            turns: try Decoding.integer(value.turns, "turns"),
            longTurns: try Decoding.integer(value.long_turns, "long turns"),
            longestSeconds: try Decoding.seconds(value.longest_seconds, "longest turn"))
    }

    private static func sweepStatus(
        _ value: Moderato__SweepStatus
    ) throws(WireError) -> StatusReport.Sweep {
        let word = try Decoding.text(value.state, "state")
        guard let state = SweepCondition.State(rawValue: word) else {
            throw .malformed("a sweep in a state this version does not know")
        }
        return StatusReport.Sweep(
            id: SweepID(try Decoding.identifier(value.id, "sweep")),
            name: try Decoding.name(value.name, "name"),
            points: try Decoding.integer(value.points, "points"),
            finishedPoints: try Decoding.integer(value.finished_points, "finished points"),
            failedPoints: try Decoding.integer(value.failed_points, "failed points"),
            waitingRuns: try Decoding.integer(value.waiting_runs, "waiting runs"),
            activeRuns: try Decoding.integer(value.active_runs, "active runs"),
            completedRuns: try Decoding.integer(value.completed_runs, "completed runs"),
            failedRuns: try Decoding.integer(value.failed_runs, "failed runs"),
            steps: try Decoding.integer(value.steps, "steps"),
            stepsDone: try Decoding.integer(value.steps_done, "steps done"),
            secondsLeft: value.has_seconds_left == 0
                ? nil : try Decoding.seconds(value.seconds_left, "seconds left"),
            condition: SweepCondition(
                state: state, priority: try priority(value.priority),
                reason: value.reason == nil ? nil : try Decoding.text(value.reason, "reason")),
            trainer: try trainerKind(value.trainer))
    }

    private static func workerStatus(
        _ value: Moderato__WorkerStatus
    ) throws(WireError) -> StatusReport.Worker {
        StatusReport.Worker(
            id: WorkerID(try Decoding.name(value.id, "worker")),
            host: try Decoding.text(value.host, "host"),
            device: try Decoding.text(value.device, "device"),
            slots: try Decoding.integer(value.slots, "slots"),
            runs: try Decoding.identifiers(value.runs, value.n_runs, "run").map(RunID.init),
            stepsPerSecond: try Decoding.number(value.steps_per_second, "steps per second"),
            isSetAside: value.set_aside != 0, isLeaving: value.leaving != 0,
            secondsLeft: value.has_seconds_left == 0
                ? nil : try Decoding.seconds(value.seconds_left, "seconds left"),
            secondsHere: value.has_seconds_here == 0
                ? nil : try Decoding.seconds(value.seconds_here, "seconds here"))
    }
}
