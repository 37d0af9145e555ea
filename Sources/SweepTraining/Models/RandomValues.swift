import Glibc
import SweepCore

// Initial values are drawn here rather than by libtorch, so that they are the same for a seed with
// every version of it and on every device.
extension RandomSource {
    /// Uniform in `0 ..< 1`.
    mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

    mutating func uniforms(_ count: Int, in range: Range<Double>) -> [Float] {
        (0..<count).map { _ in
            Float(range.lowerBound + unit() * (range.upperBound - range.lowerBound))
        }
    }

    /// Kaiming-uniform with `a = √5` for a weight with `inputs` columns, the usual initial values
    /// of a linear layer: uniform within ±1/√inputs.
    mutating func kaimingUniforms(_ count: Int, inputs: Int) -> [Float] {
        let bound = 1 / Double(inputs).squareRoot()
        return uniforms(count, in: -bound..<bound)
    }

    /// He-normal (He et al., 2015) for a weight that `inputs` numbers go into and ReLU comes after:
    /// N(0, 2/inputs).
    mutating func heNormals(_ count: Int, inputs: Int) -> [Float] {
        normals(count, deviation: (2 / Double(inputs)).squareRoot())
    }

    /// N(0, deviation²), by Box and Muller's transform.
    mutating func normals(_ count: Int, deviation: Double) -> [Float] {
        (0..<count).map { _ in
            let radius = (-2 * log(1 - unit())).squareRoot()
            return Float(deviation * radius * cos(2 * Double.pi * unit()))
        }
    }
}
