import SweepCore

/// Trained keys and values before those of the tokens, in every layer (Li & Liang, 2021).
///
/// Tokens keep the positions they were pretrained with, and a prefix has none. One group: for each
/// layer a [length, 2H] of keys and values; then the head.
struct PrefixTuning: TextTuning {
    let groups: [ParameterGroup]
    private let length: Int
    private let head: HeadLayout

    init(length: Int, _ head: HeadLayout) {
        self.length = length
        self.head = head
        var layout = ParameterLayout()
        for layer in 0..<head.configuration.layers {
            layout.append("layer.\(layer).prefix", [length, 2 * head.configuration.hiddenSize])
        }
        head.append(to: &layout)
        groups = [ParameterGroup(layout: layout, start: .uniform)]
    }

    /// Keys and values ~ N(0, initializerRange²).
    func initialValues(
        ofGroup group: Int, _ backbone: TextBackbone, _ random: inout RandomSource
    ) -> [Float] {
        let count = groups[0].layout.slots.dropLast(head.tensorCount).reduce(0) { $0 + $1.count }
        return random.normals(count, deviation: head.configuration.initializerRange)
            + head.initialValues(backbone, &random)
    }

    func tuned(
        _ tensors: [[Tensor]], _ backbone: TextBackbone
    ) throws(TrainingError) -> TunedTextModel {
        var model = try TunedTextModel(
            backbone, head: head.head(tensors[0], pooler: backbone.pooler))
        model.prefixLength = length
        for layer in model.layers.indices {
            let prefix = tensors[0][layer]
            model.layers[layer].prefix = try prefix.reshaped(
                [prefix.shape[0] * length, 2 * head.configuration.hiddenSize])
        }
        return model
    }
}

/// Where the keys of a batch lie when each sequence begins with its run's prefix.
struct PrefixedKeys {
    /// Rows of (prefixes of all runs, then the tokens' rows), sequence after sequence.
    let rows: Tensor
    /// [B + 1], on the processor.
    let offsets: Tensor

    init(_ tokens: TokenBatch, _ length: Int, _ device: Device) throws(TrainingError) {
        var rows: [Int64] = []
        var offsets: [Int64] = [0]
        var next = Int64(tokens.runSizes.count * length)
        var lengths = tokens.lengths.makeIterator()
        for (run, size) in tokens.runSizes.enumerated() {
            for _ in 0..<size {
                let count = Int64(lengths.next() ?? 0)
                rows += Int64(run * length)..<Int64((run + 1) * length)
                rows += next..<next + count
                next += count
                offsets.append(Int64(rows.count))
            }
        }
        self.rows = try .indices(rows, device: device)
        self.offsets = try .indices(offsets, device: .processor)
    }
}
