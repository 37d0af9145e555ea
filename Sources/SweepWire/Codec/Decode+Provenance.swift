import CSweepProto
import SweepCore

extension Codec {
    /// Peers that do not say are those of a real trainer.
    static func trainerKind(
        _ pointer: UnsafeMutablePointer<CChar>?
    ) throws(WireError) -> TrainerKind {
        guard let pointer else { return .real }
        guard let kind = TrainerKind(rawValue: try Decoding.text(pointer, "trainer")) else {
            throw .malformed("a trainer that is neither real nor fake")
        }
        return kind
    }

    /// The text of an optional field: empty without one.
    static func version(
        _ pointer: UnsafeMutablePointer<CChar>?, _ name: String
    ) throws(WireError) -> String {
        try pointer.map { (pointer) throws(WireError) in
            try Decoding.text(pointer, name, maxBytes: 256)
        } ?? ""
    }

    static func provenance(_ value: Moderato__Provenance) throws(WireError) -> Provenance {
        Provenance(
            run: RunID(try Decoding.identifier(value.run, "run")),
            attempt: AttemptID(try Decoding.identifier(value.attempt, "attempt")),
            worker: WorkerID(try Decoding.name(value.worker, "worker")),
            process: try value.process.map { (process) throws(WireError) in
                try workerProcess(process.pointee)
            },
            started: try Decoding.seconds(value.started, "start"),
            ended: value.has_ended == 0 ? nil : try Decoding.seconds(value.ended, "end"))
    }

    private static func workerProcess(
        _ value: Moderato__WorkerProcess
    ) throws(WireError) -> WorkerProcess {
        WorkerProcess(
            host: try Decoding.text(value.host, "host"),
            device: try Decoding.text(value.device, "device"),
            trainer: try trainerKind(value.trainer),
            program: try version(value.program, "version"),
            trainingCore: try Decoding.integer(value.training_core, "training core"),
            libtorch: try version(value.libtorch, "version of libtorch"))
    }
}
