import CSweepProto
import SweepCore

extension Arena {
    /// Left out for a real trainer.
    func trainerKind(_ value: TrainerKind) -> UnsafeMutablePointer<CChar>? {
        value == .real ? nil : string(value.rawValue)
    }

    func provenance(_ value: Provenance) -> UnsafeMutablePointer<Moderato__Provenance> {
        make(moderato__provenance__init) {
            $0.run = value.run.number
            $0.attempt = value.attempt.number
            $0.worker = string(value.worker.name)
            $0.process = value.process.map(workerProcess)
            $0.started = value.started
            $0.has_ended = value.ended == nil ? 0 : 1
            $0.ended = value.ended ?? 0
        }
    }

    private func workerProcess(
        _ value: WorkerProcess
    ) -> UnsafeMutablePointer<Moderato__WorkerProcess> {
        make(moderato__worker_process__init) {
            $0.host = string(value.host)
            $0.device = string(value.device)
            $0.trainer = trainerKind(value.trainer)
            $0.program = string(value.program)
            $0.training_core = UInt32(clamping: value.trainingCore)
            $0.libtorch = string(value.libtorch)
        }
    }
}
