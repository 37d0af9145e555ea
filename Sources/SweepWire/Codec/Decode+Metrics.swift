import CSweepProto
import SweepCore

extension Codec {
    static func metrics(
        _ pointer: UnsafeMutablePointer<Moderato__EpochMetrics>?
    ) throws(WireError) -> EpochMetrics {
        var metrics = EpochMetrics()
        try read(pointer, Layouts.metrics, "metrics", into: &metrics)
        if let value = pointer?.pointee { metrics.classes = try classes(value) }
        return metrics
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
}
