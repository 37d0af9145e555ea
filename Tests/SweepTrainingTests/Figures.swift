import Foundation

@testable import SweepTraining

/// `formula` of `Reference/figures.py`.
func formula(_ count: Int, phase: Int, size: Double) -> [Float] {
    (0..<count).map { index in
        let k = Double(index)
        return Float(
            size * sin(Double(phase) + (0.7 * k * k).truncatingRemainder(dividingBy: 1000)))
    }
}

/// `summary` of `Reference/figures.py`: what is left of one tensor of gradients.
struct Summary: Decodable {
    let norm: Double
    /// The sum weighted by fixed values in -1 to 1.
    let weighted: Double
    /// Where the largest value is, and that value.
    let place: Int
    let largest: Double

    init(from decoder: any Decoder) throws {
        var figures = try decoder.unkeyedContainer()
        norm = try figures.decode(Double.self)
        weighted = try figures.decode(Double.self)
        place = try figures.decode(Int.self)
        largest = try figures.decode(Double.self)
    }

    /// The largest difference from `gradient`, over the larger of the norm and `floor`.
    func error(of gradient: UnsafeBufferPointer<Float>, floor: Double) -> Double {
        var squares = 0.0
        var sum = 0.0
        var bits: UInt32 = 0
        var index = 0
        while index < gradient.count {
            let value = Double(gradient[index])
            squares += value * value
            sum += value * (Double(bits) / 0x1p31 - 1)
            bits &+= 2_654_435_761
            index += 1
        }
        let scale = max(norm, floor)
        return max(
            abs(squares.squareRoot() - norm), abs(sum - weighted),
            abs(Double(gradient[place]) - largest)
        ) / scale
    }
}
