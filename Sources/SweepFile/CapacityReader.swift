import SweepCore

extension Capacity {
    private static let pets = ["lora", "adapter", "prefix", "bitfit", "full", "last-blocks"]

    init(reading entry: Entry) throws(SweepFileError) {
        guard let kind = try entry.kind("pet", among: Capacity.pets, what: "PET") else {
            self.init(pet: try PET(usual: entry.word(Capacity.pets, what: "PET"), at: entry))
            return
        }
        let sizes: [String] =
            switch kind {
            case "lora": ["rank", "alpha"]
            case "adapter": ["size"]
            case "prefix": ["length"]
            case "last-blocks": ["count"]
            default: []
            }
        let generated = ["bitfit", "full"].contains(kind) ? [] : ["bottleneck", "in-dim"]
        let fields = try entry.fields(
            ["pet"] + sizes + generated, required: ["pet"] + (kind == "last-blocks" ? sizes : []),
            what: "the capacity \(kind)")
        self.init(pet: try PET(kind, fields, at: entry))
        if let size = fields["bottleneck"] {
            bottleneck = Bottleneck(size: try size.integer(1...Limits.parameters))
        }
        if let inputSize = fields["in-dim"] {
            guard bottleneck != nil else {
                throw inputSize.mistake(
                    "in-dim belongs to a bottleneck; write bottleneck too, or take in-dim out")
            }
            bottleneck?.inputSize = try inputSize.integer(1...Limits.parameters)
        }
    }
}

extension PET {
    /// The paper's sizes.
    fileprivate init(usual kind: String, at entry: Entry) throws(SweepFileError) {
        switch kind {
        case "adapter": self = .usualAdapter
        case "prefix": self = .usualPrefix
        case "bitfit": self = .bitFit
        case "full": self = .full
        case "last-blocks":
            throw entry.mistake("how many blocks? write { pet: last-blocks, count: 1 }")
        default: self = .lora(LoRA())
        }
    }

    fileprivate init(
        _ kind: String, _ fields: [String: Entry], at entry: Entry
    ) throws(SweepFileError) {
        let sizes = 1...Limits.parameters
        switch kind {
        case "lora":
            var lora = LoRA()
            if let rank = fields["rank"] { lora.rank = try rank.integer(sizes) }
            if let alpha = fields["alpha"] {
                lora.alpha = try alpha.number("above 0, to \(Int(Limits.rate))") {
                    $0 > 0 && $0 <= Limits.rate
                }
            }
            self = .lora(lora)
        case "adapter":
            self =
                try fields["size"].map { entry throws(SweepFileError) in
                    .adapter(size: try entry.integer(sizes))
                } ?? .usualAdapter
        case "prefix":
            self =
                try fields["length"].map { entry throws(SweepFileError) in
                    .prefix(length: try entry.integer(sizes))
                } ?? .usualPrefix
        case "last-blocks": self = .lastBlocks(try fields["count"]?.integer(0...1_000) ?? 0)
        default: try self.init(usual: kind, at: entry)
        }
    }
}
