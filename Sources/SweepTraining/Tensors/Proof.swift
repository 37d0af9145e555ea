extension Torch {
    /// Shows that trainings can be done here: makes the device ready, and does there what a step of
    /// a training consists of, on a scale that takes no time.
    ///
    /// - Throws: `unusable`, with what libtorch said.
    public static func prove(threads: Int, device: Device) throws(TrainingError) {
        do {
            try prepare(threads: threads, device: device)
            try proveStep(on: device)
        } catch {
            // The lines that follow are libtorch's own stack.
            let reason = error.reason.split(whereSeparator: \.isNewline).first ?? "no reason given"
            throw .unusable(device, reason: String(reason))
        }
    }

    /// A linear map of zeros, its loss and gradient, all of which are known beforehand.
    private static func proveStep(on device: Device) throws(TrainingError) {
        let rows = 8
        let width = 16
        let classes = 4
        let values = (0..<rows * width).map { Float($0 % 7) - 3 }
        let labels = (0..<rows).map { Int64($0 % classes) }
        let weight = try Tensor.floats(
            [Float](repeating: 0, count: classes * width), shape: [classes, width], device: device)
        try weight.requireGradient()
        let loss = try Tensor.floats(values, shape: [rows, width], device: device).linear(weight)
            .crossEntropy(try .indices(labels, device: device))
        let measured = try loss.value()
        let gradient = try loss.gradient(of: weight).floats()
        var expected = [Float](repeating: 0, count: classes * width)
        for row in 0..<rows {
            for label in 0..<classes {
                let isRight = labels[row] == Int64(label)
                let share = (1 / Float(classes) - (isRight ? 1 : 0)) / Float(rows)
                for column in 0..<width {
                    expected[label * width + column] += share * values[row * width + column]
                }
            }
        }
        let isRight =
            abs(measured - 1.386_294) < 0.01 && gradient.count == expected.count
            && zip(gradient, expected).allSatisfy { abs($0 - $1) < 0.01 }
        guard isRight else {
            throw .torch(
                operation: "a first step",
                message: "its loss is \(measured) where ln 4 is right, or its gradient is wrong")
        }
    }
}
