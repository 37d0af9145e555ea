import CSweepProto
import SweepCore

extension Arena {
    func fill(_ envelope: inout Moderato__Envelope, with message: MessageToCoordinator) {
        switch message {
        case .hello(let value):
            envelope.message_case = MODERATO__ENVELOPE__MESSAGE_HELLO
            envelope.hello = hello(value)
        case .heartbeat(let value):
            envelope.message_case = MODERATO__ENVELOPE__MESSAGE_HEARTBEAT
            envelope.heartbeat = make(moderato__heartbeat__init) {
                $0.n_attempts = value.count
                $0.attempts = pointers(value.map(progress))
            }
        case .report(let value): fillReport(&envelope, value)
        case .goodbye(let reason):
            envelope.message_case = MODERATO__ENVELOPE__MESSAGE_GOODBYE
            envelope.goodbye = make(moderato__goodbye__init) {
                $0.reason = reason.map(string)
            }
        case .file(let request): fill(&envelope, with: request)
        case .submit(let value, let replaces):
            envelope.message_case = MODERATO__ENVELOPE__MESSAGE_SUBMIT
            envelope.submit = sweepSpec(value)
            if replaces {
                envelope.submit.pointee.has_replaces = 1
                envelope.submit.pointee.replaces = 1
            }
        case .askStatus:
            envelope.message_case = MODERATO__ENVELOPE__MESSAGE_ASK_STATUS
            envelope.ask_status = empty()
        case .askResults(let sweep, let cursor):
            envelope.message_case = MODERATO__ENVELOPE__MESSAGE_ASK_RESULTS
            envelope.ask_results = askResults(sweep, cursor)
        case .askArtifacts(let value):
            envelope.message_case = MODERATO__ENVELOPE__MESSAGE_ASK_ARTIFACTS
            envelope.ask_artifacts = make(moderato__ask_artifacts__init) {
                $0.sweep = string(value.sweep)
                $0.has_after = value.after.number == 0 ? 0 : 1
                $0.after = value.after.number
                $0.has_run = value.run == nil ? 0 : 1
                $0.run = value.run?.number ?? 0
            }
        case .watch(let sweep):
            envelope.message_case = MODERATO__ENVELOPE__MESSAGE_WATCH
            envelope.watch = text(sweep)
        case .control(let value):
            envelope.message_case = MODERATO__ENVELOPE__MESSAGE_CONTROL
            envelope.control = control(value)
        case .explain(let value):
            envelope.message_case = MODERATO__ENVELOPE__MESSAGE_EXPLAIN
            envelope.explain = subject(value)
        }
    }

    func fill(_ envelope: inout Moderato__Envelope, with message: MessageToWorker) {
        switch message {
        case .welcome(let value):
            envelope.message_case = MODERATO__ENVELOPE__MESSAGE_WELCOME
            envelope.welcome = make(moderato__welcome__init) {
                $0.heartbeat_milliseconds = UInt64(value.heartbeat.nanoseconds / 1_000_000)
                $0.lease_milliseconds = UInt64(value.lease.nanoseconds / 1_000_000)
            }
        case .refused(let reason):
            envelope.message_case = MODERATO__ENVELOPE__MESSAGE_REFUSED
            envelope.refused = text(reason)
        case .nameTaken(let reason):
            envelope.message_case = MODERATO__ENVELOPE__MESSAGE_NAME_TAKEN
            envelope.name_taken = text(reason)
        case .identify:
            envelope.message_case = MODERATO__ENVELOPE__MESSAGE_IDENTIFY
            envelope.identify = empty()
        case .assign(let value): fillAssignment(&envelope, value)
        case .acknowledge(let attempt, let sequence):
            envelope.message_case = MODERATO__ENVELOPE__MESSAGE_ACKNOWLEDGE
            envelope.acknowledge = make(moderato__acknowledgement__init) {
                $0.attempt = attempt.number
                $0.up_to = sequence
            }
        case .revoke(let attempt): fillRevocation(&envelope, attempt)
        case .leave:
            envelope.message_case = MODERATO__ENVELOPE__MESSAGE_LEAVE
            envelope.leave = empty()
        case .rejected(let reason):
            envelope.message_case = MODERATO__ENVELOPE__MESSAGE_REJECTED
            envelope.rejected = text(reason)
        case .file(let answer): fill(&envelope, with: answer)
        }
    }

    func fill(_ envelope: inout Moderato__Envelope, with message: MessageToClient) {
        switch message {
        case .submitted(let value):
            envelope.message_case = MODERATO__ENVELOPE__MESSAGE_SUBMITTED
            envelope.submitted = submission(value)
        case .rejected(let reason):
            envelope.message_case = MODERATO__ENVELOPE__MESSAGE_REJECTED
            envelope.rejected = text(reason)
        case .refused(let reason):
            envelope.message_case = MODERATO__ENVELOPE__MESSAGE_REFUSED
            envelope.refused = text(reason)
        case .status(let value):
            envelope.message_case = MODERATO__ENVELOPE__MESSAGE_STATUS
            envelope.status = status(value)
        case .results(let value):
            envelope.message_case = MODERATO__ENVELOPE__MESSAGE_RESULTS
            envelope.results = results(value)
        case .done(let value):
            envelope.message_case = MODERATO__ENVELOPE__MESSAGE_DONE
            envelope.done = text(value)
        case .explanation(let value):
            envelope.message_case = MODERATO__ENVELOPE__MESSAGE_EXPLANATION
            envelope.explanation = explanation(value)
        case .artifacts(let value):
            envelope.message_case = MODERATO__ENVELOPE__MESSAGE_ARTIFACTS
            envelope.artifacts = artifacts(value)
        case .ended(let sweep):
            envelope.message_case = MODERATO__ENVELOPE__MESSAGE_ENDED
            envelope.ended = text(sweep)
        case .identify:
            envelope.message_case = MODERATO__ENVELOPE__MESSAGE_IDENTIFY
            envelope.identify = empty()
        case .file(let answer): fill(&envelope, with: answer)
        }
    }

    func fill(_ envelope: inout Moderato__Envelope, with message: MessageToTrainer) {
        switch message {
        case .assign(let value): fillAssignment(&envelope, value)
        case .revoke(let attempt): fillRevocation(&envelope, attempt)
        }
    }

    func fill(_ envelope: inout Moderato__Envelope, with message: MessageFromTrainer) {
        switch message {
        case .ready(let libtorch):
            envelope.message_case = MODERATO__ENVELOPE__MESSAGE_READY
            envelope.ready = text(libtorch)
        case .progress(let value):
            envelope.message_case = MODERATO__ENVELOPE__MESSAGE_PROGRESS
            envelope.progress = progress(value)
        case .report(let value): fillReport(&envelope, value)
        }
    }

    private func fillReport(_ envelope: inout Moderato__Envelope, _ value: Report) {
        envelope.message_case = MODERATO__ENVELOPE__MESSAGE_REPORT
        envelope.report = report(value)
    }

    private func fillAssignment(_ envelope: inout Moderato__Envelope, _ value: Assignment) {
        envelope.message_case = MODERATO__ENVELOPE__MESSAGE_ASSIGN
        envelope.assign = make(moderato__assignment__init) {
            $0.attempt = value.attempt.number
            $0.run = value.run.number
            $0.spec = trainingSpec(value.spec)
            $0.keep = keepsakes(value.keep)
            $0.checkpoint = value.checkpoint.map(artifact)
            $0.has_keeps_at_start = value.keepsAtStart ? 1 : 0
            $0.keeps_at_start = value.keepsAtStart ? 1 : 0
        }
    }

    private func fillRevocation(_ envelope: inout Moderato__Envelope, _ attempt: AttemptID) {
        envelope.message_case = MODERATO__ENVELOPE__MESSAGE_REVOKE
        envelope.revoke = make(moderato__revocation__init) { $0.attempt = attempt.number }
    }

    func empty() -> UnsafeMutablePointer<Moderato__Empty> { make(moderato__empty__init) }

    func text(_ value: String) -> UnsafeMutablePointer<Moderato__Text> {
        make(moderato__text__init) { $0.text = string(value) }
    }

    func progress(_ value: AttemptProgress) -> UnsafeMutablePointer<Moderato__AttemptProgress> {
        make(moderato__attempt_progress__init) {
            $0.attempt = value.attempt.number
            $0.steps_done = UInt64(max(0, value.stepsDone))
        }
    }

    private func hello(_ value: Hello) -> UnsafeMutablePointer<Moderato__Hello> {
        make(moderato__hello__init) {
            $0.worker = string(value.worker.name)
            $0.incarnation = value.incarnation
            $0.host = string(value.host)
            $0.slots = UInt32(value.slots)
            $0.device = string(value.device)
            $0.memory = value.memory
            $0.n_labels = value.labels.count
            $0.labels = pointers(value.labels.map(string))
            $0.has_seconds_left = value.secondsLeft == nil ? 0 : 1
            $0.seconds_left = value.secondsLeft ?? 0
            $0.has_keeps_states = 1
            $0.keeps_states = value.keepsStates ? 1 : 0
            $0.trainer = trainerKind(value.trainer)
            $0.program = string(value.program)
            $0.libtorch = string(value.libtorch)
            $0.n_attempts = value.attempts.count
            $0.attempts = array(value.attempts.map(\.number))
        }
    }

    private func report(_ value: Report) -> UnsafeMutablePointer<Moderato__Report> {
        make(moderato__report__init) {
            $0.attempt = value.attempt.number
            $0.sequence = value.sequence
            switch value.event {
            case .epoch(let measured, let parameters, let seconds):
                $0.event_case = MODERATO__REPORT__EVENT_EPOCH
                $0.epoch = make(moderato__epoch_report__init) {
                    $0.metrics = metrics(measured)
                    $0.seconds = seconds
                    $0.trainable_parameters = UInt64(parameters)
                }
            case .completed(let seconds):
                $0.event_case = MODERATO__REPORT__EVENT_COMPLETED
                $0.completed = make(moderato__completed_report__init) {
                    $0.seconds = seconds
                }
            case .failed(let error):
                $0.event_case = MODERATO__REPORT__EVENT_FAILED
                $0.failed = text(error)
            case .handedBack:
                $0.event_case = MODERATO__REPORT__EVENT_HANDED_BACK
                $0.handed_back = empty()
            case .artifact(let kept):
                $0.event_case = MODERATO__REPORT__EVENT_ARTIFACT
                $0.artifact = artifact(kept)
            }
        }
    }

    func metrics(_ value: EpochMetrics) -> UnsafeMutablePointer<Moderato__EpochMetrics> {
        let message = make(moderato__epoch_metrics__init) {
            $0.n_class_correct = value.classes.count
            $0.class_correct = array(value.classes.map { UInt32($0.correct) })
            $0.n_class_total = value.classes.count
            $0.class_total = array(value.classes.map { UInt32($0.total) })
        }
        fill(message, Layouts.metrics, value)
        return message
    }
}
