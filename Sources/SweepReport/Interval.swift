/// 95 % confidence intervals.
enum Interval {
    /// Of the share of a population when `share` of `count` samples was seen (Wilson 1927); `nil`
    /// without samples.
    static func wilson(_ share: Double, count: Int) -> ClosedRange<Double>? {
        guard count > 0, (0...1).contains(share) else { return nil }
        let n = Double(count)
        let z = 1.959_963_984_540_054
        let middle = (share + z * z / (2 * n)) / (1 + z * z / n)
        let half =
            z / (1 + z * z / n) * (share * (1 - share) / n + z * z / (4 * n * n)).squareRoot()
        return max(0, middle - half)...min(1, middle + half)
    }

    /// Of a mean, from values that are normally distributed (Student 1908); `nil` for less than two
    /// values, or with one that is not finite.
    static func student(_ values: [Double]) -> ClosedRange<Double>? {
        guard values.count > 1, values.allSatisfy(\.isFinite) else { return nil }
        let count = Double(values.count)
        let mean = values.reduce(0, +) / count
        let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        let half = quantile(values.count - 1) * (squares / (count - 1) / count).squareRoot()
        return mean - half...mean + half
    }

    /// The 97.5 % quantile of Student's distribution.
    ///
    /// - Parameter freedom: degrees of freedom, 1 or more.
    static func quantile(_ freedom: Int) -> Double {
        if freedom <= quantiles.count { return quantiles[freedom - 1] }
        // Cornish and Fisher's expansion, exact to 1e-5 from here on.
        let z = 1.959_963_984_540_054
        let n = Double(freedom)
        let cube = z * z * z
        let fifth = cube * z * z
        return z + (cube + z) / (4 * n) + (5 * fifth + 16 * cube + 3 * z) / (96 * n * n)
    }

    /// For 1, 2, … degrees of freedom (Reference/make_intervals.py).
    private static let quantiles = [
        12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622, 2.2281, 2.2010,
        2.1788, 2.1604, 2.1448, 2.1314, 2.1199, 2.1098, 2.1009, 2.0930, 2.0860, 2.0796, 2.0739,
        2.0687, 2.0639, 2.0595, 2.0555, 2.0518, 2.0484, 2.0452, 2.0423,
    ]
}

/// A mean over seeds with its 95 % interval.
struct Statistic: Hashable {
    static let explanation =
        "In parentheses: the 95 % interval, Wilson's over the samples of one seed, Student's over "
        + "the means of several."

    var mean: Double
    /// `nil` if too little is known for one.
    var interval: ClosedRange<Double>?

    /// `nil` without values.
    init?(_ values: [Double]) {
        guard !values.isEmpty else { return nil }
        mean = values.reduce(0, +) / Double(values.count)
        interval = Interval.student(values)
    }

    /// Of shares, each seen in so many samples; `nil` without any.
    init?(shares: [(share: Double, samples: Int?)]) {
        self.init(shares.map(\.share))
        if let interval {
            let low = min(max(interval.lowerBound, 0), 1)
            self.interval = low...min(max(interval.upperBound, low), 1)
        } else if shares.count == 1, let samples = shares[0].samples {
            interval = Interval.wilson(shares[0].share, count: samples)
        }
    }
}
