import SweepCore

/// All trained numbers of a run as one vector, and how LoRA's parameters come from it.
struct TrainableParameters {
    let layout: LoRALayout
    let bottleneck: Bottleneck?

    init(_ capacity: Capacity, configuration: BertConfiguration, classes: Int) {
        switch capacity.pet {
        case .lora(let lora):
            layout = LoRALayout(lora, configuration: configuration, classes: classes)
        }
        bottleneck = capacity.bottleneck
    }

    /// The length of the vector.
    var count: Int { sizes.reduce(0, +) }

    /// Lengths of the part behind `A` and the head, and of the part behind `B`.
    private var sizes: [Int] {
        guard let generators else { return [layout.inputs.count, layout.outputs.count] }
        return generators.map(\.layout.count)
    }

    /// One for `A` and the head, one for `B`.
    private var generators: [LowRankReparameterization]? {
        bottleneck.map { bottleneck in
            [layout.inputs.count, layout.outputs.count].map {
                LowRankReparameterization(bottleneck: bottleneck, outputs: $0)
            }
        }
    }

    func initialValues(
        classifier: (weight: [Float], bias: [Float])?, _ random: inout RandomSource
    ) -> [Float] {
        guard let generators, let bottleneck else {
            return layout.initialInputs(classifier: classifier, &random)
                + [Float](repeating: 0, count: layout.outputs.count)
        }
        // `B` starts at zero because its z does.
        let z = random.uniforms(bottleneck.inputSize, in: 0..<1)
        let zero = [Float](repeating: 0, count: bottleneck.inputSize)
        return generators[0].initialValues(z: z, &random)
            + generators[1].initialValues(z: zero, &random)
    }

    /// LoRA's parameters, differentiable with respect to `vector`.
    func parameters(of vector: Tensor) throws(TrainingError) -> LoRAParameters {
        let parts = try vector.split(sizes)
        guard let generators else {
            return try layout.parameters(inputs: parts[0], outputs: parts[1])
        }
        return try layout.parameters(
            inputs: try generators[0].generate(parts[0]),
            outputs: try generators[1].generate(parts[1]))
    }
}
