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
public struct EpochMetrics: Hashable, Sendable, Codable {
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
    /// How many triggered test samples ASR is measured on; `nil` without an attack, or in results
    /// of versions that did not count them.
    public var triggeredSamples: Int?
    /// Share of the same samples that are classified as the target without their trigger: of the
    /// originals of the triggered test samples. Where these are unknown (files that are poisoned
    /// already), of all clean test samples of other classes. `nil` without an attack, or in results
    /// of versions that did not measure it.
    public var plainErrorRate: Double?
    /// One for each class of the clean test set, in the order of labels; empty if unknown.
    public var classes: [ClassResult]
    /// On the training samples that the attacker left alone; `nil` if it is not known which.
    public var cleanFit: Fit?
    /// On the training samples that the attacker touched, with the labels they are trained on;
    /// `nil` without any, or if it is not known which.
    public var poisonedFit: Fit?
    /// On the clean validation set; `nil` if the sweep has none.
    public var validation: Fit?

    public init(
        epoch: Int, trainingLoss: Double, testLoss: Double, cacc: Double, asr: Double?,
        classes: [ClassResult] = [], cleanFit: Fit? = nil, poisonedFit: Fit? = nil,
        validation: Fit? = nil, triggeredSamples: Int? = nil, plainErrorRate: Double? = nil
    ) {
        self.epoch = epoch
        self.trainingLoss = trainingLoss
        self.testLoss = testLoss
        self.cacc = cacc
        self.asr = asr
        self.classes = classes
        self.cleanFit = cleanFit
        self.poisonedFit = poisonedFit
        self.validation = validation
        self.triggeredSamples = triggeredSamples
        self.plainErrorRate = plainErrorRate
    }
}
