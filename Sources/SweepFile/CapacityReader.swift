import SweepCore

extension Capacity {
    init(reading entry: Entry) throws(SweepFileError) {
        guard let name = try entry.kind("pet", among: PET.cases.map(\.name), what: "PET"),
            let kind = PET.named(name)
        else {
            self.init(
                pet: try entry.kind(PET.self, key: "pet", what: "PET", titled: "the capacity"))
            return
        }
        let more = kind.usual.allowsBottleneck ? Bottleneck.fields.map(\.name) : []
        let entries = try entry.fields(
            ["pet"] + kind.fields.map(\.name) + more,
            required: ["pet"] + kind.required.sorted(), what: "the capacity \(name)")
        var pet = kind.usual
        try entry.read(kind.fields, entries, into: &pet)
        self.init(pet: pet)
        let written = Bottleneck.fields.compactMap { entries[$0.name] }
        guard let first = written.first else { return }
        guard entries["bottleneck"] != nil else {
            throw first.mistake(
                "in-dim belongs to a bottleneck; write bottleneck too, or take in-dim out")
        }
        var bottleneck = Bottleneck()
        try entry.read(Bottleneck.fields, entries, into: &bottleneck)
        self.bottleneck = bottleneck
    }
}
