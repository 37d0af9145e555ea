import Glibc

/// MPNet's bias on attention scores by the distance from query to key (Song et al., 2020; the
/// buckets are T5's, Raffel et al., 2020).
enum RelativePositions {
    /// The bucket of a distance (key less query): half of the buckets for keys before the query,
    /// half for those after it; exact up to a quarter of all, then logarithmic up to 128.
    static func bucket(_ distance: Int, buckets: Int) -> Int {
        let half = buckets / 2
        let base = distance > 0 ? half : 0
        let magnitude = distance.magnitude
        let exact = half / 2
        if magnitude < exact { return base + Int(magnitude) }
        // In float32, as the reference computes it.
        let ratio = logf(Float(magnitude) / Float(exact)) / Float(log(128.0 / Double(exact)))
        return base + min(exact + Int(ratio * Float(half - exact)), half - 1)
    }

    /// [heads, 2 · reach + 1] from the learnt [buckets, heads].
    static func table(
        _ bias: Tensor, buckets: Int, reach: Int, device: Device
    ) throws(TrainingError) -> Tensor {
        let indices = (-reach...reach).map { Int64(bucket($0, buckets: buckets)) }
        return try bias.rows(.indices(indices, device: device)).transposed()
    }
}
