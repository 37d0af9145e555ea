import CTorchShim

// Shapes: B images of a batch.
extension Tensor {
    /// Images [B, channels, side, side] from bytes: over 255, less the mean, over the deviation of
    /// each channel, resized bilinearly; one channel is repeated where more are wanted.
    ///
    /// - Parameters:
    ///   - pixels: In row order of `shape`: B, 1 or as many channels as `mean` has, height, width.
    static func images(
        _ pixels: [UInt8], shape: [Int], mean: [Double], deviation: [Double], side: Int,
        device: Device
    ) throws(TrainingError) -> Tensor {
        precondition(pixels.count == shape.reduce(1, *), "\(pixels.count) pixels for \(shape)")
        let extents = shape.map(Int64.init)
        return try .make("tensor of images") {
            mts_images(
                pixels, extents, Int32(mean.count), mean.map(Float.init),
                deviation.map(Float.init), Int64(side), device.index, $0)
        }
    }

    /// With stride 1, and as high and wide as before; in the weight's type.
    func convolution(_ map: Linear) throws(TrainingError) -> Tensor {
        try .make("convolution") {
            mts_convolution(handle, map.weight.handle, map.bias.handle, $0)
        }
    }

    /// The largest of each 2 × 2 values.
    func maxPool() throws(TrainingError) -> Tensor {
        try .make("max pooling") { mts_max_pool(handle, $0) }
    }

    /// Means over a grid of side × side.
    func averagePool(side: Int) throws(TrainingError) -> Tensor {
        try .make("average pooling") { mts_average_pool(handle, Int64(side), $0) }
    }
}
