import SweepCore
import SweepData

/// Refuses values that no training can have, in words, before anything is computed.
enum SpecCheck {
    static func check(_ spec: TrainingSpec) throws(TrainingError) {
        if spec.trainer != .real {
            throw .badSpec(
                field: "trainer", problem: "the sweep is for fake trainers, and this is none")
        }
        if let problem = spec.problem { throw .badSpec(field: "values", problem: problem) }
    }

    /// Whether the model has positions enough.
    static func checkLength(
        _ settings: TrainingSettings, _ configuration: EncoderConfiguration
    ) throws(TrainingError) {
        guard settings.maxLength <= configuration.maxPositions else {
            throw .badSpec(
                field: "max-length",
                problem: "\(settings.maxLength) is more than the "
                    + "\(configuration.maxPositions) positions of the model")
        }
    }
}
