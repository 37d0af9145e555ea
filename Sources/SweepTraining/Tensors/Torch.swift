import CTorchShim

/// The library as a whole: threads, devices, recording.
public enum Torch {
    /// The version of libtorch that the shim was compiled against.
    public static var version: String { String(cString: mts_torch_version()) }

    /// Sets the threads of one operation, for operations that this thread starts; and makes the
    /// device ready.
    static func prepare(threads: Int, device: Device) throws(TrainingError) {
        guard threads >= 1, threads <= 4096 else {
            throw .badSpec(field: "thread count", problem: "\(threads) is not in 1 to 4096")
        }
        try check("set threads", mts_set_threads(Int32(threads)))
        guard case .cuda = device else { return }
        if mts_open_cuda(device.index) != 0 { throw .noDevice(device, message: lastMessage) }
    }

    /// Runs `body` without recording what gradients would need.
    static func withoutRecording<Result>(
        _ body: () throws(TrainingError) -> Result
    ) throws(TrainingError) -> Result {
        mts_set_recording(false)
        defer { mts_set_recording(true) }
        return try body()
    }

    /// Runs `body` with libtorch's own operations in place of the fused kernels.
    static func withoutFusion<Result, Failure: Error>(
        _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        mts_set_fused(false)
        defer { mts_set_fused(true) }
        return try body()
    }

    static func check(_ operation: String, _ status: Int32) throws(TrainingError) {
        if status != 0 { throw .torch(operation: operation, message: lastMessage) }
    }

    private static var lastMessage: String { String(cString: mts_last_error()) }
}
