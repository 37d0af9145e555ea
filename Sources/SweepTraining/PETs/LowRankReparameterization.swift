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

    /// θ [runs, outputs] from the vectors [runs, count] of z, W₁ and W₂.
    func generate(_ vector: Tensor) throws(TrainingError) -> Tensor {
        let parts = try layout.tensors(of: vector)
        return try parts[2].times(try parts[1].times(parts[0]).tanh())
    }

    func initialValues(_ start: GeneratorStart, _ random: inout RandomSource) -> [Float] {
        let inner = bottleneck.size * bottleneck.inputSize
        let outer = outputs * bottleneck.size
        let z: [Float]
        switch start {
        case .normal: return random.normals(bottleneck.inputSize + inner + outer, deviation: 0.01)
        case .uniform: z = random.uniforms(bottleneck.inputSize, in: 0..<1)
        case .zero: z = [Float](repeating: 0, count: bottleneck.inputSize)
        }
        let first = random.kaimingUniforms(inner, inputs: bottleneck.inputSize)
        let second = random.kaimingUniforms(outer, inputs: bottleneck.size)
        return z + first + second
    }
}
