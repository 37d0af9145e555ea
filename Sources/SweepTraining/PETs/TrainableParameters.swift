import SweepCore

/// All trained numbers of a run as one vector, and how a model's parameters come from it.
struct TrainableParameters {
    let groups: [ParameterGroup]
    let bottleneck: Bottleneck?

    /// The length of the vector.
    var count: Int { sizes.reduce(0, +) }

    private var sizes: [Int] { groups.map { generator(of: $0)?.layout.count ?? $0.layout.count } }

    private func generator(of group: ParameterGroup) -> LowRankReparameterization? {
        guard let bottleneck, group.start != nil else { return nil }
        return LowRankReparameterization(bottleneck: bottleneck, outputs: group.layout.count)
    }

    /// The vector's first values.
    ///
    /// - Parameter direct: The first values of a group that is trained as it is.
    func initialValues(
        _ random: inout RandomSource, direct: (Int, inout RandomSource) -> [Float]
    ) -> [Float] {
        var values: [Float] = []
        for (index, group) in groups.enumerated() {
            if let generator = generator(of: group), let start = group.start {
                values += generator.initialValues(start, &random)
            } else {
                values += direct(index, &random)
            }
        }
        return values
    }

    /// For each group its parameters [runs, shape…], differentiable with respect to `vector`
    /// [runs, count].
    func tensors(of vector: Tensor) throws(TrainingError) -> [[Tensor]] {
        var tensors: [[Tensor]] = []
        for (part, group) in zip(try vector.split(sizes), groups) {
            let values = try generator(of: group)?.generate(part) ?? part
            tensors.append(try group.layout.tensors(of: values))
        }
        return tensors
    }
}
