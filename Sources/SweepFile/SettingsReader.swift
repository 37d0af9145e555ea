import SweepCore

extension TrainingSettings {
    /// The settings under `training`; those that are not written, or all without an entry, are the
    /// defaults.
    init(reading entry: Entry?) throws(SweepFileError) {
        self.init()
        guard let entry else { return }
        let names = [Self.scheduleName, Self.optimizerName]
        let entries = try entry.fields(
            names + Self.fields.map(\.name), required: [], what: "training")
        try entry.read(Self.fields, entries, into: &self)
        if let schedule = entries[Self.scheduleName] {
            self.schedule = try Schedule(reading: schedule)
        }
        if let optimizer = entries[Self.optimizerName] {
            self.optimizer = try optimizer.kind(
                OptimizerSettings.self, key: "kind", what: "optimizer", titled: "the optimizer")
        }
    }
}

extension Schedule {
    fileprivate init(reading entry: Entry) throws(SweepFileError) {
        if let kind = try entry.kind("kind", among: Self.cases.map(\.name), what: "schedule"),
            let known = Self.named(kind), !known.fields.contains(where: { $0.name == "horizon" }),
            let horizon = entry.field("horizon")
        {
            throw horizon.mistake(
                "the schedule \(kind) never looks at an end and has no horizon; "
                    + "take the key out")
        }
        self = try entry.kind(
            Schedule.self, key: "kind", what: "schedule", titled: "the schedule")
    }
}

extension Keepsakes {
    /// What the runs leave behind; nothing without an entry.
    ///
    /// - Parameter epochs: Those of the grid, which hidden states can be asked of.
    init(reading entry: Entry?, epochs: [Int]) throws(SweepFileError) {
        self.init()
        guard let entry else { return }
        let fields = try entry.fields(
            ["model", "hidden-states"], required: [], what: "a mapping of what to keep")
        if let model = fields["model"] {
            let word = try model.word(["yes", "no", "true", "false"], what: "answer")
            self.model = ["yes", "true"].contains(word)
        }
        if let states = fields["hidden-states"] {
            let last = epochs.max() ?? 1
            hiddenStates = try states.axis { epoch throws(SweepFileError) in
                try epoch.integer(1...last)
            }.sorted()
        }
    }
}
