import CSweepProto
import SweepCore

extension Codec {
    static func metrics(_ value: Moderato__EpochMetrics) throws(WireError) -> EpochMetrics {
        EpochMetrics(
            epoch: try Decoding.integer(value.epoch, "epoch", in: 1...1_000_000),
            trainingLoss: try Decoding.number(value.training_loss, "training loss"),
            testLoss: try Decoding.number(value.test_loss, "test loss"),
            cacc: try Decoding.share(value.cacc, "CACC"),
            asr: value.has_asr == 0 ? nil : try Decoding.share(value.asr, "ASR"),
            classes: try classes(value), cleanFit: try fit(value.clean_fit, "clean fit"),
            poisonedFit: try fit(value.poisoned_fit, "poisoned fit"),
            validation: try fit(value.validation, "validation"),
            triggeredSamples: value.has_triggered_samples == 0
                ? nil : try Decoding.integer(value.triggered_samples, "triggered samples"),
            plainErrorRate: value.has_plain_error_rate == 0
                ? nil : try Decoding.share(value.plain_error_rate, "plain error rate"))
    }

    private static func classes(_ value: Moderato__EpochMetrics) throws(WireError) -> [ClassResult]
    {
        let count = value.n_class_correct
        guard count == value.n_class_total, count <= TaskData.mostLabels else {
            throw .malformed("figures of \(count) and \(value.n_class_total) classes")
        }
        let pairs = zip(
            Decoding.values(value.class_correct, count), Decoding.values(value.class_total, count))
        var classes: [ClassResult] = []
        for (correct, total) in pairs {
            let total = try Decoding.integer(total, "samples of a class")
            classes.append(
                ClassResult(
                    correct: try Decoding.integer(
                        correct, "correct samples of a class", in: 0...total), total: total))
        }
        return classes
    }

    private static func fit(
        _ pointer: UnsafeMutablePointer<Moderato__Fit>?, _ name: String
    ) throws(WireError) -> Fit? {
        guard let value = pointer?.pointee else { return nil }
        return Fit(
            loss: try Decoding.number(value.loss, "loss of the \(name)"),
            accuracy: try Decoding.share(value.accuracy, "accuracy of the \(name)"))
    }
}
