/// How well a set of samples is fitted, without dropout.
public struct Fit: Hashable, Sendable, Codable {
    /// Mean cross-entropy in nats.
    public var loss: Double
    /// Share of samples classified as their label, in `0 ... 1`.
    public var accuracy: Double

    public init(loss: Double, accuracy: Double) {
        self.loss = loss
        self.accuracy = accuracy
    }
}

/// How many samples of one class are classified correctly.
public struct ClassResult: Hashable, Sendable, Codable {
    /// In `0 ... total`.
    public var correct: Int
    public var total: Int

    /// In `0 ... 1`; `nil` without samples.
    public var accuracy: Double? { total == 0 ? nil : Double(correct) / Double(total) }

    public init(correct: Int, total: Int) {
        self.correct = correct
        self.total = total
    }
}

/// What is measured after an epoch of a run. All shares are in `0 ... 1`.
public struct EpochMetrics: FieldTable {
    /// Counted from 1.
    public var epoch: Int
    /// Mean cross-entropy of the epoch's training steps, in nats, weighted by samples.
    public var trainingLoss: Double
    /// Mean cross-entropy on the clean test set, in nats.
    public var testLoss: Double
    /// Clean accuracy on the test set.
    public var cacc: Double
    /// Share of triggered, originally non-target test samples classified as the target; `nil`
    /// without an attack.
    public var asr: Double?
    /// How many triggered test samples ASR is measured on; `nil` without an attack.
    public var triggeredSamples: Int?
    /// Share of the same samples that are classified as the target without their trigger: of the
    /// originals of the triggered test samples. Where these are unknown (files that are poisoned
    /// already), of all clean test samples of other classes. `nil` without an attack, or in results
    /// of versions that did not measure it.
    public var plainErrorRate: Double?
    /// Mean over classes of F1 on the clean test set, `2 tp / (2 tp + fp + fn)`; of classes that
    /// occur neither as a label nor as an answer, none. `nil` in results of versions without it.
    public var macroF1: Double?
    /// One for each class of the clean test set, in the order of labels; empty if unknown.
    public var classes: [ClassResult]
    private var cleanFitLoss: Double?
    private var cleanFitAccuracy: Double?
    private var poisonedFitLoss: Double?
    private var poisonedFitAccuracy: Double?
    private var validationLoss: Double?
    private var validationAccuracy: Double?

    /// On the training samples that the attacker left alone; `nil` if it is not known which.
    public var cleanFit: Fit? {
        get { Fit(cleanFitLoss, cleanFitAccuracy) }
        set { (cleanFitLoss, cleanFitAccuracy) = (newValue?.loss, newValue?.accuracy) }
    }
    /// On the training samples that the attacker touched, with the labels they are trained on;
    /// `nil` without any, or if it is not known which.
    public var poisonedFit: Fit? {
        get { Fit(poisonedFitLoss, poisonedFitAccuracy) }
        set { (poisonedFitLoss, poisonedFitAccuracy) = (newValue?.loss, newValue?.accuracy) }
    }
    /// On the clean validation set; `nil` if the sweep has none.
    public var validation: Fit? {
        get { Fit(validationLoss, validationAccuracy) }
        set { (validationLoss, validationAccuracy) = (newValue?.loss, newValue?.accuracy) }
    }

    public init(
        epoch: Int, trainingLoss: Double, testLoss: Double, cacc: Double, asr: Double?,
        classes: [ClassResult] = [], cleanFit: Fit? = nil, poisonedFit: Fit? = nil,
        validation: Fit? = nil, triggeredSamples: Int? = nil, plainErrorRate: Double? = nil,
        macroF1: Double? = nil
    ) {
        self.epoch = epoch
        self.trainingLoss = trainingLoss
        self.testLoss = testLoss
        self.cacc = cacc
        self.asr = asr
        self.classes = classes
        self.triggeredSamples = triggeredSamples
        self.plainErrorRate = plainErrorRate
        self.macroF1 = macroF1
        self.cleanFit = cleanFit
        self.poisonedFit = poisonedFit
        self.validation = validation
    }

    public init() {
        self.init(epoch: 1, trainingLoss: 0, testLoss: 0, cacc: 0, asr: nil)
    }

    /// Beside the classes.
    public static let fields: [Field<EpochMetrics>] = [
        .integer("epoch", "epochs that were trained", \.epoch, 1...Schedule.mostEpochs, column: ""),
        .number("cacc", "clean accuracy", \.cacc, .share),
        .number("asr", "attack success rate", \.asr, .share),
        .number("training-loss", "mean loss of the steps, in nats", \.trainingLoss, .loss),
        .number("test-loss", "mean loss on the test set, in nats", \.testLoss, .loss),
        .number("clean-fit-loss", "loss on clean training samples", \.cleanFitLoss, .loss),
        .number(
            "clean-fit-accuracy", "accuracy on clean training samples", \.cleanFitAccuracy, .share),
        .number(
            "poisoned-fit-loss", "loss on poisoned training samples", \.poisonedFitLoss, .loss),
        .number(
            "poisoned-fit-accuracy", "accuracy on poisoned training samples",
            \.poisonedFitAccuracy, .share),
        .number("validation-loss", "loss on the validation set", \.validationLoss, .loss),
        .number(
            "validation-accuracy", "accuracy on the validation set", \.validationAccuracy, .share),
        .integer(
            "triggered-samples", "test samples that ASR is measured on", \.triggeredSamples,
            0...mostSamples),
        .number(
            "plain-error-rate", "share of them that is the target without the trigger",
            \.plainErrorRate, .share),
        .number("macro-f1", "mean of F1 over classes, on the test set", \.macroF1, .share),
    ]

    /// - Parameter wrongly: For each class, how many samples of others are classified as it.
    public static func macroF1(_ classes: [ClassResult], wrongly: [Int]) -> Double? {
        let scores = zip(classes, wrongly).compactMap { result, others -> Double? in
            let all = result.total + result.correct + others
            return all == 0 ? nil : 2 * Double(result.correct) / Double(all)
        }
        return scores.isEmpty ? nil : scores.reduce(0, +) / Double(scores.count)
    }

    static let mostSamples = 1_000_000_000
}

extension EpochMetrics {
    private static let classesName = FieldName("classes")

    public init(from decoder: any Decoder) throws {
        self.init()
        let values = try decoder.container(keyedBy: FieldName.self)
        try values.fill(
            &self, Self.fields, required: [], others: [Self.classesName.stringValue])
        classes = try values.decodeIfPresent([ClassResult].self, forKey: Self.classesName) ?? []
    }

    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: FieldName.self)
        for field in Self.fields { try values.encode(field, of: self) }
        try values.encode(classes, forKey: Self.classesName)
    }
}

extension Bounds {
    static let loss = Bounds(0, .greatestFiniteMagnitude, words: "of 0 or above")
}

extension Fit {
    fileprivate init?(_ loss: Double?, _ accuracy: Double?) {
        guard let loss, let accuracy else { return nil }
        self.init(loss: loss, accuracy: accuracy)
    }
}
