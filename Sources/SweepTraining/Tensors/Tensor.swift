import CTorchShim

/// One tensor of libtorch: float32, or int64 for indices. It owns its handle.
///
/// Operations record what a gradient needs as soon as an argument comes from a leaf that
/// `requireGradient` named.
final class Tensor {
    let handle: OpaquePointer

    /// Takes the handle over.
    init(owning handle: OpaquePointer) { self.handle = handle }

    deinit { mts_free(handle) }

    /// Calls a shim function that gives a tensor.
    static func make(
        _ operation: String, _ body: (UnsafeMutablePointer<OpaquePointer?>) -> Int32
    ) throws(TrainingError) -> Tensor {
        var handle: OpaquePointer?
        try Torch.check(operation, body(&handle))
        guard let handle else { throw .torch(operation: operation, message: "no tensor was given") }
        return Tensor(owning: handle)
    }

    /// Copies `values`, in row order; as many as `shape` holds.
    static func floats(
        _ values: UnsafeBufferPointer<Float>, shape: [Int], device: Device
    ) throws(TrainingError) -> Tensor {
        precondition(values.count == shape.reduce(1, *), "\(values.count) values for \(shape)")
        let extents = shape.map(Int64.init)
        return try make("tensor of floats") {
            mts_from_floats(values.baseAddress, extents, Int32(shape.count), device.index, $0)
        }
    }

    static func floats(
        _ values: [Float], shape: [Int], device: Device
    ) throws(TrainingError) -> Tensor {
        precondition(values.count == shape.reduce(1, *), "\(values.count) values for \(shape)")
        let extents = shape.map(Int64.init)
        return try make("tensor of floats") {
            mts_from_floats(values, extents, Int32(shape.count), device.index, $0)
        }
    }

    /// A vector of indices.
    static func indices(_ values: [Int64], device: Device) throws(TrainingError) -> Tensor {
        try make("tensor of indices") {
            mts_from_indices(values, [Int64(values.count)], 1, device.index, $0)
        }
    }

    static func zeros(like tensor: Tensor) throws(TrainingError) -> Tensor {
        try make("zeros") { mts_zeros_like(tensor.handle, $0) }
    }

    var count: Int { Int(mts_count(handle)) }

    var shape: [Int] {
        (0..<mts_rank(handle)).map { Int(mts_extent(handle, $0)) }
    }

    /// All values in row order.
    func floats() throws(TrainingError) -> [Float] {
        let count = self.count
        var status: Int32 = 0
        let values = [Float](unsafeUninitializedCapacity: count) { buffer, used in
            guard let address = buffer.baseAddress else { return }
            status = mts_copy_floats(handle, address, Int64(count))
            used = status == 0 ? count : 0
        }
        try Torch.check("copy of a tensor", status)
        return values
    }

    /// The values of a tensor that was copied in, which cannot fail to come out.
    var hostValues: [Float] {
        guard let values = try? floats() else { preconditionFailure("a weight cannot be read") }
        return values
    }

    /// A matrix [n, m] from this [m, n].
    func transposed() throws(TrainingError) -> Tensor {
        try .make("transpose") { mts_transpose(handle, $0) }
    }

    /// The only value of a tensor with one.
    func value() throws(TrainingError) -> Float {
        precondition(count == 1, "a tensor of shape \(shape) has no single value")
        return try floats()[0]
    }

    /// Makes this tensor a leaf that `gradient(of:)` can be asked for.
    func requireGradient() throws(TrainingError) {
        try Torch.check("leaf", mts_require_gradient(handle))
    }

    /// The gradient of this scalar with respect to `leaf`; uses the record up.
    func gradient(of leaf: Tensor) throws(TrainingError) -> Tensor {
        try .make("gradient") { mts_gradient(handle, leaf.handle, $0) }
    }
}
