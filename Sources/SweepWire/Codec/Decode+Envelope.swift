import CSweepProto
import SweepCore

extension Codec {
    static func toCoordinator(
        _ envelope: Moderato__Envelope
    ) throws(WireError) -> MessageToCoordinator? {
        switch envelope.message_case {
        case MODERATO__ENVELOPE__MESSAGE_HELLO: .hello(try hello(envelope.hello))
        case MODERATO__ENVELOPE__MESSAGE_HEARTBEAT: .heartbeat(try heartbeat(envelope.heartbeat))
        case MODERATO__ENVELOPE__MESSAGE_REPORT: .report(try report(envelope.report))
        case MODERATO__ENVELOPE__MESSAGE_GOODBYE:
            .goodbye(
                reason: try Decoding.part(envelope.goodbye, "goodbye").reason.map {
                    (reason) throws(WireError) in try Decoding.text(reason, "reason")
                })
        case MODERATO__ENVELOPE__MESSAGE_SUBMIT:
            .submit(
                try sweepSpec(envelope.submit),
                replaces: try Decoding.part(envelope.submit, "sweep").replaces != 0)
        case MODERATO__ENVELOPE__MESSAGE_ASK_STATUS: .askStatus
        case MODERATO__ENVELOPE__MESSAGE_ASK_RESULTS: try askResults(envelope.ask_results)
        case MODERATO__ENVELOPE__MESSAGE_ASK_ARTIFACTS:
            .askArtifacts(try askArtifacts(envelope.ask_artifacts))
        case MODERATO__ENVELOPE__MESSAGE_WATCH: .watch(sweep: try text(envelope.watch))
        case MODERATO__ENVELOPE__MESSAGE_CONTROL: .control(try control(envelope.control))
        case MODERATO__ENVELOPE__MESSAGE_EXPLAIN: .explain(try subject(envelope.explain))
        default: try fileRequest(envelope).map { .file($0) }
        }
    }

    static func toWorker(_ envelope: Moderato__Envelope) throws(WireError) -> MessageToWorker? {
        switch envelope.message_case {
        case MODERATO__ENVELOPE__MESSAGE_WELCOME: .welcome(try welcome(envelope.welcome))
        case MODERATO__ENVELOPE__MESSAGE_REFUSED: .refused(try text(envelope.refused))
        case MODERATO__ENVELOPE__MESSAGE_NAME_TAKEN: .nameTaken(try text(envelope.name_taken))
        case MODERATO__ENVELOPE__MESSAGE_IDENTIFY: .identify
        case MODERATO__ENVELOPE__MESSAGE_ASSIGN: .assign(try assignment(envelope.assign))
        case MODERATO__ENVELOPE__MESSAGE_ACKNOWLEDGE: try acknowledge(envelope.acknowledge)
        case MODERATO__ENVELOPE__MESSAGE_REVOKE:
            .revoke(
                AttemptID(
                    try Decoding.identifier(
                        try Decoding.part(envelope.revoke, "revoke").attempt, "attempt")))
        case MODERATO__ENVELOPE__MESSAGE_LEAVE: .leave
        case MODERATO__ENVELOPE__MESSAGE_REJECTED: .rejected(try text(envelope.rejected))
        default: try fileAnswer(envelope).map { .file($0) }
        }
    }

    static func toClient(_ envelope: Moderato__Envelope) throws(WireError) -> MessageToClient? {
        switch envelope.message_case {
        case MODERATO__ENVELOPE__MESSAGE_SUBMITTED: .submitted(try submission(envelope.submitted))
        case MODERATO__ENVELOPE__MESSAGE_REJECTED: .rejected(try text(envelope.rejected))
        case MODERATO__ENVELOPE__MESSAGE_REFUSED: .refused(try text(envelope.refused))
        case MODERATO__ENVELOPE__MESSAGE_STATUS: .status(try status(envelope.status))
        case MODERATO__ENVELOPE__MESSAGE_RESULTS: .results(try results(envelope.results))
        case MODERATO__ENVELOPE__MESSAGE_DONE: .done(try text(envelope.done))
        case MODERATO__ENVELOPE__MESSAGE_EXPLANATION:
            .explanation(try explanation(envelope.explanation))
        case MODERATO__ENVELOPE__MESSAGE_ARTIFACTS:
            .artifacts(try artifacts(envelope.artifacts))
        case MODERATO__ENVELOPE__MESSAGE_ENDED: .ended(sweep: try text(envelope.ended))
        case MODERATO__ENVELOPE__MESSAGE_IDENTIFY: .identify
        default: try fileAnswer(envelope).map { .file($0) }
        }
    }

    static func toTrainer(_ envelope: Moderato__Envelope) throws(WireError) -> MessageToTrainer? {
        switch envelope.message_case {
        case MODERATO__ENVELOPE__MESSAGE_ASSIGN: .assign(try assignment(envelope.assign))
        case MODERATO__ENVELOPE__MESSAGE_REVOKE:
            .revoke(
                AttemptID(
                    try Decoding.identifier(
                        try Decoding.part(envelope.revoke, "revoke").attempt, "attempt")))
        default: nil
        }
    }

    static func fromTrainer(
        _ envelope: Moderato__Envelope
    ) throws(WireError) -> MessageFromTrainer? {
        switch envelope.message_case {
        case MODERATO__ENVELOPE__MESSAGE_READY:
            .ready(
                libtorch: try version(
                    try Decoding.part(envelope.ready, "ready").text, "version of libtorch"))
        case MODERATO__ENVELOPE__MESSAGE_PROGRESS:
            .progress(try progress(try Decoding.part(envelope.progress, "progress")))
        case MODERATO__ENVELOPE__MESSAGE_REPORT: .report(try report(envelope.report))
        default: nil
        }
    }

    private static func fileRequest(
        _ envelope: Moderato__Envelope
    ) throws(WireError) -> FileRequest? {
        switch envelope.message_case {
        case MODERATO__ENVELOPE__MESSAGE_UPLOAD: .upload(try upload(envelope.upload))
        case MODERATO__ENVELOPE__MESSAGE_CHUNK: .chunk(try chunk(envelope.chunk))
        case MODERATO__ENVELOPE__MESSAGE_FETCH: .fetch(try fetch(envelope.fetch))
        case MODERATO__ENVELOPE__MESSAGE_ASK_FILES: .look(try digests(envelope.ask_files))
        default: nil
        }
    }

    private static func fileAnswer(
        _ envelope: Moderato__Envelope
    ) throws(WireError) -> FileAnswer? {
        switch envelope.message_case {
        case MODERATO__ENVELOPE__MESSAGE_UPLOAD_PROGRESS:
            .progress(try uploadProgress(envelope.upload_progress))
        case MODERATO__ENVELOPE__MESSAGE_CHUNK: .chunk(try chunk(envelope.chunk))
        case MODERATO__ENVELOPE__MESSAGE_MISSING:
            .missing(
                try Decoding.digest(
                    try Decoding.part(envelope.missing, "missing").digest, "digest"))
        case MODERATO__ENVELOPE__MESSAGE_LACKING: .lacking(try digests(envelope.lacking))
        default: nil
        }
    }

    private static func text(
        _ pointer: UnsafeMutablePointer<Moderato__Text>?
    ) throws(WireError) -> String {
        try Decoding.text(try Decoding.part(pointer, "text").text, "text")
    }

    private static func hello(
        _ pointer: UnsafeMutablePointer<Moderato__Hello>?
    ) throws(WireError) -> Hello {
        let value = try Decoding.part(pointer, "hello")
        guard value.n_attempts <= 4_096 else {
            throw .malformed("a hello with \(value.n_attempts) attempts")
        }
        let labels = try labels(value.labels, value.n_labels)
        let seconds: Double? =
            value.has_seconds_left == 0
            ? nil : try Decoding.number(value.seconds_left, "seconds left", in: 0...1e9)
        return Hello(
            worker: WorkerID(try Decoding.name(value.worker, "worker")),
            incarnation: UInt64(
                try Decoding.integer(value.incarnation, "incarnation", in: 0...Int.max)),
            host: try Decoding.text(value.host, "host", maxBytes: 256),
            slots: try Decoding.integer(value.slots, "slots", in: 0...1_024),
            device: try Decoding.text(value.device, "device", maxBytes: 256),
            memory: UInt64(try Decoding.integer(value.memory, "memory")), labels: labels,
            secondsLeft: seconds,
            keepsStates: value.has_keeps_states == 0 || value.keeps_states != 0,
            trainer: try trainerKind(value.trainer),
            program: try version(value.program, "version"),
            libtorch: try version(value.libtorch, "version of libtorch"),
            attempts: try Decoding.identifiers(value.attempts, value.n_attempts, "attempt")
                .map(AttemptID.init))
    }

    private static func heartbeat(
        _ pointer: UnsafeMutablePointer<Moderato__Heartbeat>?
    ) throws(WireError) -> [AttemptProgress] {
        let value = try Decoding.part(pointer, "heartbeat")
        guard value.n_attempts <= 4_096 else {
            throw .malformed("a heartbeat with \(value.n_attempts) attempts")
        }
        return try Decoding.list(value.attempts, value.n_attempts, progress)
    }

    private static func progress(
        _ value: Moderato__AttemptProgress
    ) throws(WireError) -> AttemptProgress {
        AttemptProgress(
            attempt: AttemptID(try Decoding.identifier(value.attempt, "attempt")),
            stepsDone: try Decoding.integer(value.steps_done, "steps done"))
    }

    private static func report(
        _ pointer: UnsafeMutablePointer<Moderato__Report>?
    ) throws(WireError) -> Report {
        let value = try Decoding.part(pointer, "report")
        let event: Report.Event
        switch value.event_case {
        case MODERATO__REPORT__EVENT_EPOCH:
            let epoch = try Decoding.part(value.epoch, "epoch")
            event = .epoch(
                try metrics(epoch.metrics),
                trainableParameters: try Decoding.integer(
                    epoch.trainable_parameters, "trainable parameters"),
                seconds: try Decoding.seconds(epoch.seconds, "seconds"))
        case MODERATO__REPORT__EVENT_COMPLETED:
            let completed = try Decoding.part(value.completed, "completed")
            event = .completed(
                seconds: try Decoding.seconds(completed.seconds, "seconds"))
        case MODERATO__REPORT__EVENT_FAILED: event = .failed(try text(value.failed))
        case MODERATO__REPORT__EVENT_HANDED_BACK: event = .handedBack
        case MODERATO__REPORT__EVENT_ARTIFACT: event = .artifact(try artifact(value.artifact))
        default: throw .malformed("a report of nothing")
        }
        return Report(
            attempt: AttemptID(try Decoding.identifier(value.attempt, "attempt")),
            // A trainer's have none yet.
            sequence: UInt64(try Decoding.integer(value.sequence, "sequence")), event: event)
    }

    private static func welcome(
        _ pointer: UnsafeMutablePointer<Moderato__Welcome>?
    ) throws(WireError) -> Welcome {
        let value = try Decoding.part(pointer, "welcome")
        let day = 86_400_000
        let heartbeat = try Decoding.integer(value.heartbeat_milliseconds, "heartbeat", in: 1...day)
        let lease = try Decoding.integer(value.lease_milliseconds, "lease", in: 1...day)
        return Welcome(heartbeat: .milliseconds(heartbeat), lease: .milliseconds(lease))
    }

    private static func assignment(
        _ pointer: UnsafeMutablePointer<Moderato__Assignment>?
    ) throws(WireError) -> Assignment {
        let value = try Decoding.part(pointer, "assignment")
        return Assignment(
            attempt: AttemptID(try Decoding.identifier(value.attempt, "attempt")),
            run: RunID(try Decoding.identifier(value.run, "run")),
            spec: try trainingSpec(try Decoding.part(value.spec, "spec")),
            keep: try keepsakes(value.keep),
            checkpoint: value.checkpoint == nil ? nil : try artifact(value.checkpoint),
            keepsAtStart: value.keeps_at_start != 0)
    }

    private static func acknowledge(
        _ pointer: UnsafeMutablePointer<Moderato__Acknowledgement>?
    ) throws(WireError) -> MessageToWorker {
        let value = try Decoding.part(pointer, "acknowledgement")
        return .acknowledge(
            AttemptID(try Decoding.identifier(value.attempt, "attempt")),
            upTo: UInt64(try Decoding.integer(value.up_to, "sequence")))
    }
}
