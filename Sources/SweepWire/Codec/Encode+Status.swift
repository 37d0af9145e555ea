import CSweepProto
import SweepCore

extension Arena {
    func status(_ value: StatusReport) -> UnsafeMutablePointer<Moderato__Status> {
        make(moderato__status__init) {
            $0.n_sweeps = value.sweeps.count
            $0.sweeps = pointers(value.sweeps.map(sweepStatus))
            $0.n_workers = value.workers.count
            $0.workers = pointers(value.workers.map(workerStatus))
            $0.n_incoming = value.incoming.count
            $0.incoming = pointers(value.incoming.map(incoming))
            $0.loop = value.loop.map(loop)
        }
    }

    private func incoming(
        _ value: StatusReport.Incoming
    ) -> UnsafeMutablePointer<Moderato__IncomingStatus> {
        make(moderato__incoming_status__init) {
            $0.name = string(value.name)
            $0.share = value.share
        }
    }

    private func loop(
        _ value: StatusReport.Loop
    ) -> UnsafeMutablePointer<Moderato__LoopStatus> {
        make(moderato__loop_status__init) {
            $0.turns = UInt64(value.turns)
            $0.long_turns = UInt64(value.longTurns)
            $0.longest_seconds = value.longestSeconds
        }
    }

    private func sweepStatus(
        _ value: StatusReport.Sweep
    ) -> UnsafeMutablePointer<Moderato__SweepStatus> {
        make(moderato__sweep_status__init) {
            $0.id = value.id.number
            $0.name = string(value.name)
            $0.points = UInt64(value.points)
            $0.finished_points = UInt64(value.finishedPoints)
            $0.failed_points = UInt64(value.failedPoints)
            $0.waiting_runs = UInt64(value.waitingRuns)
            $0.active_runs = UInt64(value.activeRuns)
            $0.completed_runs = UInt64(value.completedRuns)
            $0.failed_runs = UInt64(value.failedRuns)
            $0.steps = UInt64(value.steps)
            $0.steps_done = UInt64(value.stepsDone)
            $0.has_seconds_left = value.secondsLeft == nil ? 0 : 1
            $0.seconds_left = value.secondsLeft ?? 0
            $0.state = string(value.condition.state.rawValue)
            $0.priority = Int32(value.condition.priority)
            $0.reason = value.condition.reason.map(string)
            $0.trainer = trainerKind(value.trainer)
        }
    }

    private func workerStatus(
        _ value: StatusReport.Worker
    ) -> UnsafeMutablePointer<Moderato__WorkerStatus> {
        make(moderato__worker_status__init) {
            $0.id = string(value.id.name)
            $0.host = string(value.host)
            $0.device = string(value.device)
            $0.slots = UInt32(value.slots)
            $0.n_runs = value.runs.count
            $0.runs = array(value.runs.map(\.number))
            $0.steps_per_second = value.stepsPerSecond
            $0.set_aside = value.isSetAside ? 1 : 0
            $0.leaving = value.isLeaving ? 1 : 0
            $0.has_seconds_left = value.secondsLeft == nil ? 0 : 1
            $0.seconds_left = value.secondsLeft ?? 0
            $0.has_seconds_here = value.secondsHere == nil ? 0 : 1
            $0.seconds_here = value.secondsHere ?? 0
        }
    }
}
