import FoundationEssentials
import SweepCore
import SweepData

/// Everything a run needs to go on as if it had never been interrupted.
///
/// Written as one safetensors file: `parameters` [count] and the optimiser's `moment.0`, `moment.1`
/// (AdamW) or `moment.0` (SGD), all F32; the rest is JSON in the metadata under `checkpoint`.
public struct Checkpoint: Sendable {
    /// What is no tensor.
    struct State: Hashable, Sendable, Codable {
        var trainingCore = trainingCoreVersion
        var spec: TrainingSpec
        /// Epochs that are done.
        var epochs: Int
        /// Of the epoch that is being trained: steps done, and their losses times samples.
        var stepsInEpoch: Int
        var lossInEpoch: Double
        /// Of the whole run.
        var steps: Int
        var lastLoss: Double?
        var optimizerSteps: Int64
        /// Positions of the streams of randomness: data order, as the epoch that is being trained
        /// began, and dropout.
        var orders: [UInt64]
        var dropouts: [UInt64]
    }

    let state: State
    /// All trained numbers, in the order of the run's parameter groups.
    let parameters: [Float]
    let moments: [[Float]]

    /// Epochs that are done.
    public var epochs: Int { state.epochs }
    /// Training steps that are done.
    public var steps: Int { state.steps }
    public var spec: TrainingSpec { state.spec }

    private static let metadataKey = "checkpoint"

    /// The content of the file.
    public func content() -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Numbers and text in memory always have a form in JSON: losses are finite.
        guard let json = try? encoder.encode(state) else {
            preconditionFailure("a checkpoint has a value that JSON has no form for: \(state)")
        }
        var writer = SafeTensorsWriter(metadata: [
            Self.metadataKey: String(decoding: json, as: UTF8.self)
        ])
        writer.add("parameters", shape: [parameters.count], floats: parameters)
        for (index, moment) in moments.enumerated() {
            writer.add("moment.\(index)", shape: [moment.count], floats: moment)
        }
        return writer.content()
    }

    /// - Throws: `data` for a file that is no checkpoint of this version.
    public init(reading path: String) throws(TrainingError) {
        func damaged(_ problem: String) -> TrainingError {
            .badModelFile(path: path, problem: problem)
        }
        let file = try TrainingError.reading { () throws(DataError) in
            try SafeTensors(parsing: FileContent.read(path), path: path)
        }
        guard let json = file.metadata[Self.metadataKey] else {
            throw damaged("it is not a checkpoint: its metadata have no '\(Self.metadataKey)'")
        }
        guard let state = try? JSONDecoder().decode(State.self, from: Data(json.utf8)),
            state.trainingCore == trainingCoreVersion
        else {
            throw damaged(
                "another version of Moderato wrote this checkpoint, or it is damaged; "
                    + "train the run again")
        }
        self.state = state
        (parameters, moments) = try TrainingError.reading { () throws(DataError) in
            var moments: [[Float]] = []
            while file.shape(of: "moment.\(moments.count)") != nil {
                moments.append(try file.floats("moment.\(moments.count)"))
            }
            return (try file.floats("parameters"), moments)
        }
        guard moments.allSatisfy({ $0.count == parameters.count }),
            RandomSource(position: state.orders) != nil,
            RandomSource(position: state.dropouts) != nil,
            state.epochs >= 0, state.stepsInEpoch >= 0, state.steps >= 0
        else { throw damaged("the parts of this checkpoint do not fit together") }
    }

    init(state: State, parameters: [Float], moments: [[Float]]) {
        self.state = state
        self.parameters = parameters
        self.moments = moments
    }

    /// What the file of a run with so many trained numbers has at least: these and their moments.
    public static func leastBytes(of spec: TrainingSpec, parameters: Int) -> Int {
        let moments =
            switch spec.settings.optimizer {
            case .adamW: 2
            case .sgd: 1
            }
        return parameters * (1 + moments) * MemoryLayout<Float>.size
    }

    /// Whether a run of `spec` can go on from here: the same training, except that `epochs` may
    /// differ where the schedule does not look at the end.
    public func fits(_ spec: TrainingSpec) -> Bool {
        func horizon(_ spec: TrainingSpec) -> Int? {
            spec.settings.schedule.horizon(epochs: spec.epochs)
        }
        var same = state.spec
        same.epochs = spec.epochs
        return horizon(state.spec) == horizon(spec) && PointKey(of: same) == PointKey(of: spec)
            && state.epochs <= spec.epochs
    }
}
