import SweepCore
import SweepData

/// Trains a whole VGG from the start on one set of images, so that sweeps have a pretrained model.
public final class Pretraining {
    public struct Options: Sendable {
        /// Widths of convolutions, 0 for a pooling layer.
        public var features: [Int] = [16, 0, 32, 0, 64, 0]
        /// Widths of the hidden fully connected layers.
        public var classifier: [Int] = []
        /// Side of the images in pixels; `nil`: that of the data.
        public var imageSize: Int?
        /// Side of the grid averaged over before the head; `nil`: no averaging.
        public var pool: Int?
        /// Number of classes.
        public var labels = 10
        public var epochs = 3
        public var learningRate = 1e-3
        public var batchSize = 64
        public var dropout = 0.1
        public var seed: UInt64 = 1

        public init() {}
    }

    /// What is known after an epoch.
    public struct Progress: Sendable {
        /// Counted from 1.
        public let epoch: Int
        /// Mean cross-entropy of the epoch's training steps, in nats.
        public let loss: Double
        /// On the test set, in `0 ... 1`.
        public let accuracy: Double
    }

    /// Numbers of images.
    public let trainingImages: Int
    public let testImages: Int
    private let options: Options
    private let train: ImageSamples
    private let test: ImageSamples
    private let configuration: VGGConfiguration
    private let threads: Int
    private let device: Device

    /// Reads and checks the images; nothing is trained yet.
    ///
    /// - Parameters:
    ///   - train: Paths: one or more of CIFAR-10's files, or an IDX file of images and one of
    ///     labels. `test` the same.
    ///   - threads: Processor threads of one operation, 1 or more.
    public init(
        train: [String], test: [String], _ options: Options, threads: Int,
        device: Device = .processor
    ) throws(TrainingError) {
        try Torch.prepare(threads: threads, device: device)
        let (training, testing) = try TrainingError.reading { () throws(DataError) in
            let training = try ImageSet(paths: train, classes: options.labels)
            let testing = try ImageSet(paths: test, classes: options.labels)
            try testing.check(
                against: training, path: test.last ?? "", trainingPath: train.first ?? "")
            return (training, testing)
        }
        configuration = try Self.configuration(options, training)
        self.options = options
        self.train = ImageSamples(images: training, configuration: configuration)
        self.test = ImageSamples(images: testing, configuration: configuration)
        trainingImages = training.count
        testImages = testing.count
        self.threads = threads
        self.device = device
    }

    /// The files of a folder with MNIST's or CIFAR-10's names, as `init` takes them.
    public static func files(
        in folder: String
    ) throws(TrainingError) -> (train: [String], test: [String]) {
        try TrainingError.reading { () throws(DataError) in try ImageFolder.files(in: folder) }
    }

    private static func configuration(
        _ options: Options, _ images: ImageSet
    ) throws(TrainingError) -> VGGConfiguration {
        let (mean, deviation) = images.moments
        var configuration = VGGConfiguration(
            features: options.features.map { $0 == 0 ? .pooling : .convolution($0) },
            channels: images.channels,
            imageSize: options.imageSize ?? max(images.height, images.width), pool: 1,
            classifier: options.classifier, mean: mean, deviation: deviation)
        configuration.pool = options.pool ?? max(configuration.mapSide, 1)
        if let problem = configuration.problem {
            throw .badSpec(field: "model", problem: problem)
        }
        return configuration
    }

    /// The spec that the learner and the checks see; there is no pretrained model to name.
    private var spec: TrainingSpec {
        let none = Digest(of: [UInt8]())
        let files = DataSet.cifar10([])
        return TrainingSpec(
            backbone: BackboneReference(path: "", digest: none),
            data: TaskData(train: files, test: files, labels: options.labels),
            capacity: Capacity(pet: .full), attack: .none, poisonRatio: 0, epochs: options.epochs,
            learningRate: options.learningRate, seed: options.seed,
            settings: TrainingSettings(
                schedule: .linear(horizon: nil), batchSize: options.batchSize,
                dropout: options.dropout))
    }

    /// Trains, and writes `config.json` and `model.safetensors` into `folder`.
    ///
    /// - Throws: `badSpec` when there are such files already.
    public func run(
        output folder: String, onEpoch: (Progress) -> Void
    ) throws(TrainingError) {
        let spec = self.spec
        try SpecCheck.check(spec)
        for name in [ModelFolder.configurationName, ModelFolder.weightsName]
        where FileContent.exists("\(folder)/\(name)") {
            throw .badSpec(
                field: "output", problem: "\(folder)/\(name) is there already; name another folder")
        }
        try TrainingError.reading { () throws(DataError) in try FileContent.makeFolder(folder) }
        let content = try trained(spec, onEpoch)
        try TrainingError.reading { () throws(DataError) in
            try FileContent.write(content, to: "\(folder)/\(ModelFolder.weightsName)")
            try FileContent.write(
                configuration.content, to: "\(folder)/\(ModelFolder.configurationName)")
        }
    }

    /// The trained weights as a safetensors file.
    private func trained(
        _ spec: TrainingSpec, _ onEpoch: (Progress) -> Void
    ) throws(TrainingError) -> [UInt8] {
        try Torch.prepare(threads: threads, device: device)
        var random = RandomSource(seed: spec.seed)
        let model = try VisionModel(
            backbone: VisionBackbone(configuration: configuration, &random, device: device),
            capacity: spec.capacity, classes: options.labels)
        let steps = (train.count + options.batchSize - 1) / options.batchSize
        var learner = try Learner(
            spec, model: model, samples: train, rate: LearningRate(spec, stepsPerEpoch: steps))
        for epoch in 1...options.epochs {
            var loss = 0.0
            for samples in learner.nextEpoch() {
                loss += try learner.step(samples) * Double(samples.count)
            }
            let fit = try Evaluation(of: learner.tunedModel(), on: test, device: device).fit
            onEpoch(
                Progress(
                    epoch: epoch, loss: loss / Double(train.count), accuracy: fit.accuracy))
        }
        return try Torch.withoutRecording { () throws(TrainingError) in
            try model.tunedVision(learner.trainable.tensors(of: learner.vector)).content()
        }
    }
}
