import SweepCore

/// A generator `θ = W₂ · tanh(W₁ z)` of parameters (Zhu et al., NeurIPS 2022, section 4.1).
///
/// `z` has `inputSize` entries, `W₁` is [size, inputSize] and `W₂` [outputs, size]; all three are
/// trained. They lie in one vector in the order z, W₁, W₂.
struct LowRankReparameterization {
    let bottleneck: Bottleneck
    /// Number of generated parameters.
    let outputs: Int

    var layout: ParameterLayout {
        var layout = ParameterLayout()
        layout.append("z", [bottleneck.inputSize])
        layout.append("W1", [bottleneck.size, bottleneck.inputSize])
        layout.append("W2", [outputs, bottleneck.size])
        return layout
    }

    /// θ [outputs] from the vector of z, W₁ and W₂.
    func generate(_ vector: Tensor) throws(TrainingError) -> Tensor {
        let parts = try layout.tensors(of: vector)
        return try parts[2].times(try parts[1].times(parts[0]).tanh())
    }

    /// Initial values: the given z; both weights Kaiming-uniform (a = √5).
    func initialValues(z: [Float], _ random: inout RandomSource) -> [Float] {
        let first = random.kaimingUniforms(
            bottleneck.size * bottleneck.inputSize, inputs: bottleneck.inputSize)
        let second = random.kaimingUniforms(outputs * bottleneck.size, inputs: bottleneck.size)
        return z + first + second
    }
}
