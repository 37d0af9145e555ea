/// Names and shapes of parameters that lie one after the other in one vector.
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

    /// Cuts `vector` into the parameters, in order.
    func tensors(of vector: Tensor) throws(TrainingError) -> [Tensor] {
        let pieces = try vector.split(slots.map(\.count))
        var tensors: [Tensor] = []
        for (piece, slot) in zip(pieces, slots) { tensors.append(try piece.reshaped(slot.shape)) }
        return tensors
    }
}
