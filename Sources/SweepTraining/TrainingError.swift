import SweepCore
import SweepData

/// What can go wrong in a training, in words that say where and what to do.
public enum TrainingError: Error, Sendable, CustomStringConvertible {
    /// An operation of libtorch failed.
    case torch(operation: String, message: String)
    case noDevice(Device, message: String)
    /// A file of the model or of the data is not as it must be.
    case data(DataError)
    /// A triggered test file has a label that is not the target.
    case notTarget(path: String, sample: Int, label: Int, target: Int)
    case tooFewSamples(needed: Int, eligible: Int, mode: LabelMode, target: Int, total: Int)
    /// Every test sample has the target's label, so no ASR can be measured.
    case noVictims(path: String, target: Int)
    /// A value of the spec that no training can have.
    case badSpec(field: String, problem: String)
    /// The loss or the gradient was not a finite number.
    case diverged(step: Int, lastLoss: Double?, learningRate: Double)

    public var description: String {
        switch self {
        case .torch(let operation, let message):
            "libtorch failed in \(operation): \(message)"
        case .noDevice(let device, let message):
            "the device \(device) cannot be used: \(message); "
                + "use another device, or install a torch that supports it and run the set-up again"
        case .data, .notTarget, .tooFewSamples, .noVictims: dataDescription
        case .badSpec(let field, let problem):
            "the training's \(field) cannot be used: \(problem)"
        case .diverged(let step, let lastLoss, let learningRate):
            "the training diverged at step \(step): the loss or its gradient is not a finite number"
                + " ("
                + (lastLoss.map { "the last finite loss was \($0)" } ?? "no step was finite")
                + "); "
                + "use a learning rate below \(learningRate)"
        }
    }

    private var dataDescription: String {
        switch self {
        case .data(let error): error.description
        case .notTarget(let path, let sample, let label, let target):
            "\(path), sample \(sample): the label is \(label), but every sample of a triggered "
                + "test file carries the target \(target); correct the label or the attack's target"
        case .tooFewSamples(let needed, let eligible, let mode, let target, let total):
            "the poison ratio asks for \(needed) of \(total) training samples, but with label mode "
                + "\(mode.rawValue) and target \(target) only \(eligible) may be triggered; "
                + "use a poison ratio of at most \(Double(eligible) / Double(max(total, 1)))"
        case .noVictims(let path, let target):
            "\(path): every test sample has the label \(target), the attack's target, so there is "
                + "nothing to measure an ASR on; use test data with other labels too"
        default: ""
        }
    }
}

extension TrainingError {
    /// What `body` gives; an error of a file becomes `data`.
    static func reading<Value>(
        _ body: () throws(DataError) -> Value
    ) throws(TrainingError) -> Value {
        do throws(DataError) { return try body() } catch { throw .data(error) }
    }

    static func badModelFile(path: String, problem: String) -> TrainingError {
        .data(.badModelFile(path: path, problem: problem))
    }

    static func missingWeight(path: String, name: String) -> TrainingError {
        .data(.missingWeight(path: path, name: name))
    }

    static func wrongShape(
        path: String, name: String, expected: [Int], found: [Int]
    ) -> TrainingError {
        .data(.wrongShape(path: path, name: name, expected: expected, found: found))
    }
}
