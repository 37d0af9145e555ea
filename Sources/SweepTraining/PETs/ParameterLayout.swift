/// Names and shapes of parameters that lie one after the other in one vector.
///
/// A vector is [runs, count]: several runs can be trained together over one frozen backbone, each
/// with parameters of its own, so every parameter has a leading run dimension too.
struct ParameterLayout {
    struct Slot {
        let name: String
        let shape: [Int]

        var count: Int { shape.reduce(1, *) }
    }

    private(set) var slots: [Slot] = []

    var count: Int { slots.reduce(0) { $0 + $1.count } }

    mutating func append(_ name: String, _ shape: [Int]) {
        slots.append(Slot(name: name, shape: shape))
    }

    /// Cuts `vector` [runs, count] into the parameters [runs, shape…], in order.
    func tensors(of vector: Tensor) throws(TrainingError) -> [Tensor] {
        let runs = vector.shape[0]
        let pieces = try vector.split(slots.map(\.count))
        var tensors: [Tensor] = []
        for (piece, slot) in zip(pieces, slots) {
            tensors.append(try piece.reshaped([runs] + slot.shape))
        }
        return tensors
    }
}

/// How a generator of parameters begins (Zhu et al., NeurIPS 2022).
enum GeneratorStart {
    /// `z ~ U(0, 1)`; both weights Kaiming-uniform (a = √5).
    case uniform
    /// `z = 0`, so that what is generated starts at 0; the weights as above.
    case zero
    /// `z` and both weights ~ N(0, 0.01²).
    case normal
}

/// Parameters that are trained as they are, or with a bottleneck come from one generator.
struct ParameterGroup {
    var layout: ParameterLayout
    /// `nil`: never generated.
    let start: GeneratorStart?
}
