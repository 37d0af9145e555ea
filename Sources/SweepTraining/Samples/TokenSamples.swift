import SweepCore

/// Sentences as token numbers, one after the other in one array.
struct TokenSamples: SampleSet {
    private(set) var labels: [Int] = []
    private var tokens: [Int32] = []
    private var starts: [Int] = [0]

    mutating func append(_ sentence: [Int32], label: Int) {
        tokens += sentence
        starts.append(tokens.count)
        labels.append(label)
    }

    func tokens(_ index: Int) -> ArraySlice<Int32> { tokens[starts[index]..<starts[index + 1]] }

    func cost(_ index: Int) -> Int { starts[index + 1] - starts[index] }

    func batch(_ runs: [[Int]], device: Device) throws(TrainingError) -> Batch {
        var numbers: [Int64] = []
        var positions: [Int64] = []
        var offsets: [Int64] = [0]
        var lengths: [Int] = []
        var rowOffsets: [Int64] = [0]
        for run in runs {
            for index in run {
                let length = cost(index)
                for token in tokens(index) { numbers.append(Int64(token)) }
                positions += 0..<Int64(length)
                offsets.append(Int64(numbers.count))
                lengths.append(length)
            }
            rowOffsets.append(Int64(numbers.count))
        }
        let (labels, runOffsets) = try labelTensors(runs, device: device)
        let content = TokenBatch(
            tokens: try .indices(numbers, device: device),
            positions: try .indices(positions, device: device),
            offsets: try .indices(offsets, device: .processor),
            firstRows: try .indices(Array(offsets.dropLast()), device: device), lengths: lengths,
            runSizes: runs.map(\.count), rowOffsets: try .indices(rowOffsets, device: .processor))
        return Batch(
            content: .tokens(content), labels: labels, count: lengths.count,
            runOffsets: runOffsets)
    }
}
