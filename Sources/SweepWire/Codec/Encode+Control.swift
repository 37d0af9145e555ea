import CSweepProto
import SweepCore

extension Arena {
    func control(_ value: Control) -> UnsafeMutablePointer<Moderato__Control> {
        make(moderato__control__init) {
            switch value {
            case .cancel(let sweep):
                $0.action_case = MODERATO__CONTROL__ACTION_CANCEL
                $0.cancel = string(sweep)
            case .pause(let sweep):
                $0.action_case = MODERATO__CONTROL__ACTION_PAUSE
                $0.pause = string(sweep)
            case .resume(let sweep):
                $0.action_case = MODERATO__CONTROL__ACTION_RESUME
                $0.resume = string(sweep)
            case .retry(let sweep):
                $0.action_case = MODERATO__CONTROL__ACTION_RETRY
                $0.retry = string(sweep)
            case .prioritize(let sweep, let priority):
                $0.action_case = MODERATO__CONTROL__ACTION_PRIORITIZE
                $0.prioritize = make(moderato__priority__init) {
                    $0.sweep = string(sweep)
                    $0.priority = Int32(priority)
                }
            case .drain(let worker):
                $0.action_case = MODERATO__CONTROL__ACTION_DRAIN
                $0.drain = string(worker.name)
            case .readmit(let worker):
                $0.action_case = MODERATO__CONTROL__ACTION_READMIT
                $0.readmit = string(worker.name)
            }
        }
    }

    func submission(_ value: Submission) -> UnsafeMutablePointer<Moderato__Submission> {
        make(moderato__submission__init) {
            $0.sweep = value.sweep.number
            $0.points = UInt64(value.points)
            $0.finished = UInt64(value.finished)
            $0.runs = UInt64(value.runs)
            $0.steps = UInt64(value.steps)
            $0.continuation = value.continuation.map { continuation in
                make(moderato__continuation__init) {
                    $0.runs = UInt64(continuation.runs)
                    $0.fewest_epochs = UInt32(clamping: continuation.fewestEpochs)
                    $0.most_epochs = UInt32(clamping: continuation.mostEpochs)
                    $0.steps = UInt64(continuation.steps)
                }
            }
            $0.has_retrained = 1
            $0.retrained = UInt64(value.retrained)
            $0.has_unkept = 1
            $0.unkept = UInt64(value.unkept)
        }
    }

    func subject(_ value: Subject) -> UnsafeMutablePointer<Moderato__Subject> {
        make(moderato__subject__init) {
            switch value {
            case .run(let run):
                $0.subject_case = MODERATO__SUBJECT__SUBJECT_RUN
                $0.run = run.number
            case .worker(let worker):
                $0.subject_case = MODERATO__SUBJECT__SUBJECT_WORKER
                $0.worker = string(worker.name)
            }
        }
    }

    func explanation(_ lines: [String]) -> UnsafeMutablePointer<Moderato__Explanation> {
        make(moderato__explanation__init) {
            $0.n_lines = lines.count
            $0.lines = pointers(lines.map(string))
        }
    }
}
