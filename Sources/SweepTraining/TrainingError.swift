import SweepCore
import SweepData

/// What can go wrong in a training, in words that say where and what to do.
public enum TrainingError: Error, Sendable, CustomStringConvertible {
    /// An operation of libtorch failed.
    case torch(operation: String, message: String)
    case noDevice(Device, message: String)
    /// Not even a tiny step can be done there.
    case unusable(Device, reason: String)
    /// A file of the model or of the data is not as it must be.
    case data(DataError)
    /// The attack cannot be carried out on the data.
    case attack(AttackError)
    /// A value of the spec that no training can have.
    case badSpec(field: String, problem: String)
    /// The loss or the gradient was not a finite number.
    case diverged(step: Int, lastLoss: Double?, learningRate: Double)

    public var description: String {
        switch self {
        case .torch(let operation, let message):
            "libtorch failed in \(operation): \(message)"
        case .noDevice(let device, let message):
            "the device \(device) cannot be used: \(message); " + Self.cure(of: device)
        case .unusable(let device, let reason):
            "a first tiny step on the device \(device) failed: \(reason); " + Self.cure(of: device)
        case .data(let error): error.description
        case .attack(let error): error.description
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
}

extension TrainingError {
    private static func cure(of device: Device) -> String {
        switch device {
        case .processor: "run the set-up (cluster/setup) again"
        case .cuda:
            "use --device cpu; or see with nvidia-smi whether the driver has the device, install a "
                + "CUDA build of torch, and run the set-up (cluster/setup) again"
        }
    }

    /// Without the cure.
    var reason: String {
        switch self {
        case .noDevice(_, let message): message
        case .unusable(_, let reason): reason
        case .torch, .data, .attack, .badSpec, .diverged: description
        }
    }

    /// What `body` gives; an error of a file becomes `data`.
    static func reading<Value>(
        _ body: () throws(DataError) -> Value
    ) throws(TrainingError) -> Value {
        do throws(DataError) { return try body() } catch { throw .data(error) }
    }

    /// What `body` gives; an error of an attack becomes `attack`.
    static func attacking<Value>(
        _ body: () throws(AttackError) -> Value
    ) throws(TrainingError) -> Value {
        do throws(AttackError) { return try body() } catch { throw .attack(error) }
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
