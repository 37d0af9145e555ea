import CSweepProto
import SweepCore

extension Codec {
    static func trainingSpec(_ value: Moderato__TrainingSpec) throws(WireError) -> TrainingSpec {
        let data = try taskData(value.data)
        return TrainingSpec(
            backbone: try backbone(value.backbone), data: data,
            capacity: try capacity(value.capacity),
            attack: try attack(value.attack, labels: data.labels),
            poisonRatio: try Decoding.share(value.poison_ratio, "poison ratio"),
            epochs: try epochs(value.epochs),
            learningRate: try learningRate(value.learning_rate), seed: value.seed,
            settings: try settings(value.settings), trainer: try trainerKind(value.trainer))
    }

    static func sweepSpec(
        _ pointer: UnsafeMutablePointer<Moderato__SweepSpec>?
    ) throws(WireError) -> SweepSpec {
        let value = try Decoding.part(pointer, "sweep")
        let data = try taskData(value.data)
        var samples: [Digest: Int] = [:]
        for count in try Decoding.list(value.training_samples, value.n_training_samples, { $0 }) {
            samples[try Decoding.digest(count.digest, "training file")] = try Decoding.integer(
                count.samples, "samples", in: 0...1_000_000_000)
        }
        return SweepSpec(
            name: try Decoding.name(value.name, "name"), backbone: try backbone(value.backbone),
            data: data, grid: try grid(value, labels: data.labels),
            settings: try settings(value.settings), trainingSamples: samples,
            keep: try keepsakes(value.keep), needs: try labels(value.needs, value.n_needs),
            trainer: try trainerKind(value.trainer))
    }

    /// Labels of a worker, or those that a sweep needs.
    static func labels(
        _ pointer: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?, _ count: Int
    ) throws(WireError) -> [String] {
        guard count <= 64 else { throw .malformed("\(count) labels") }
        var labels: [String] = []
        for label in Decoding.values(pointer, count) {
            labels.append(try Decoding.name(label, "label"))
        }
        return labels
    }

    private static func grid(
        _ value: Moderato__SweepSpec, labels: Int
    ) throws(WireError) -> Grid {
        var grid = Grid(
            capacities: try Decoding.pointers(value.capacities, value.n_capacities, capacity),
            epochs: [], learningRates: [],
            attacks: try Decoding.pointers(value.attacks, value.n_attacks) {
                (item) throws(WireError) in try attack(item, labels: labels)
            },
            poisonRatios: [], seeds: Decoding.values(value.seeds, value.n_seeds))
        for item in Decoding.values(value.epochs, value.n_epochs) {
            grid.epochs.append(try epochs(item))
        }
        for item in Decoding.values(value.learning_rates, value.n_learning_rates) {
            grid.learningRates.append(try learningRate(item))
        }
        for item in Decoding.values(value.poison_ratios, value.n_poison_ratios) {
            grid.poisonRatios.append(try Decoding.share(item, "poison ratio"))
        }
        let axes = [
            grid.capacities.count, grid.epochs.count, grid.learningRates.count,
            grid.attacks.count, grid.poisonRatios.count, grid.seeds.count,
        ]
        var cells = 1
        for axis in axes {
            let (product, overflow) = cells.multipliedReportingOverflow(by: axis)
            guard axis > 0, !overflow else { throw .malformed("an axis of \(axis) values") }
            cells = product
        }
        return grid
    }

    static func epochs(_ value: UInt32) throws(WireError) -> Int {
        try Decoding.integer(value, "epochs", in: 1...Schedule.mostEpochs)
    }

    private static func learningRate(_ value: Double) throws(WireError) -> Double {
        try Decoding.number(
            value, "learning rate", in: Bounds.learningRate.low.nextUp...Bounds.learningRate.high)
    }

    static func file(
        _ pointer: UnsafeMutablePointer<Moderato__File>?
    ) throws(WireError) -> FileReference {
        try file(try Decoding.part(pointer, "file"))
    }

    private static func file(_ value: Moderato__File) throws(WireError) -> FileReference {
        FileReference(
            path: try Decoding.text(value.path, "path", maxBytes: Decoding.maxNameBytes),
            digest: try Decoding.digest(value.digest, "digest"),
            layout: value.layout == nil ? nil : try textLayout(value.layout.pointee))
    }

    private static func textLayout(_ value: Moderato__TextLayout) throws(WireError) -> TextLayout {
        let word = try Decoding.text(
            value.format, "format", maxBytes: TextLayout.longestName)
        guard let format = TextLayout.Format(rawValue: word) else {
            throw .malformed("a file of a format this version does not know")
        }
        let layout = TextLayout(
            format: format, isGzip: value.has_gzip != 0 && value.gzip != 0,
            hasHeader: value.has_header != 0 && value.header != 0, text: try column(value.text),
            label: try column(value.label),
            touched: value.touched == nil ? nil : try column(value.touched),
            labels: try labelNames(value.labels, value.n_labels))
        if let problem = layout.problem { throw .malformed(problem) }
        return layout
    }

    private static func column(
        _ pointer: UnsafeMutablePointer<Moderato__TextColumn>?
    ) throws(WireError) -> TextLayout.Column {
        let value = try Decoding.part(pointer, "column")
        switch value.column_case {
        case MODERATO__TEXT_COLUMN__COLUMN_PLACE: return .place(Int(value.place))
        case MODERATO__TEXT_COLUMN__COLUMN_KEY:
            return .key(
                try Decoding.text(value.key, "column", maxBytes: TextLayout.longestName))
        default: throw .malformed("a column of a kind this version does not know")
        }
    }

    /// As many as a task may have.
    private static func labelNames(
        _ pointer: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?, _ count: Int
    ) throws(WireError) -> [String] {
        guard count <= TaskData.mostLabels else { throw .malformed("\(count) names of labels") }
        var names: [String] = []
        for name in Decoding.values(pointer, count) {
            names.append(
                try Decoding.text(name, "label", maxBytes: TextLayout.longestName))
        }
        return names
    }

    private static func backbone(
        _ pointer: UnsafeMutablePointer<Moderato__File>?
    ) throws(WireError) -> BackboneReference {
        let folder = try file(pointer)
        return BackboneReference(path: folder.path, digest: folder.digest)
    }

    static func dataSet(
        _ pointer: UnsafeMutablePointer<Moderato__DataSet>?
    ) throws(WireError) -> DataSet {
        let value = try Decoding.part(pointer, "data set")
        switch value.format_case {
        case MODERATO__DATA_SET__FORMAT_SENTENCES: return .sentences(try file(value.sentences))
        case MODERATO__DATA_SET__FORMAT_CIFAR10:
            let batches = try Decoding.part(value.cifar10, "files")
            let files = try Decoding.list(batches.files, batches.n_files, file)
            guard !files.isEmpty else { throw .malformed("a data set without files") }
            return .cifar10(files)
        case MODERATO__DATA_SET__FORMAT_IDX:
            let idx = try Decoding.part(value.idx, "files")
            return .idx(images: try file(idx.images), labels: try file(idx.labels))
        default: throw .malformed("a data set of a format this version does not know")
        }
    }

    private static func taskData(
        _ pointer: UnsafeMutablePointer<Moderato__TaskData>?
    ) throws(WireError) -> TaskData {
        let value = try Decoding.part(pointer, "data")
        let task = TaskData(
            train: try dataSet(value.train), test: try dataSet(value.test),
            validation: value.validation == nil ? nil : try dataSet(value.validation),
            labels: try Decoding.integer(value.labels, "labels", in: 2...TaskData.mostLabels),
            labelNames: try labelNames(value.label_names, value.n_label_names))
        if let problem = task.problem { throw .malformed(problem) }
        return task
    }

    private static func capacity(
        _ pointer: UnsafeMutablePointer<Moderato__Capacity>?
    ) throws(WireError) -> Capacity {
        let pet = try read(pointer, Layouts.pet, "PET")
        guard let part = pointer?.pointee.bottleneck else { return Capacity(pet: pet) }
        var bottleneck = Bottleneck()
        try read(part, Layouts.bottleneck, "bottleneck", into: &bottleneck)
        let capacity = Capacity(pet: pet, bottleneck: bottleneck)
        if let problem = capacity.problem { throw .malformed(problem) }
        return capacity
    }

    private static func attack(
        _ pointer: UnsafeMutablePointer<Moderato__Attack>?, labels: Int
    ) throws(WireError) -> Attack {
        let attack = try read(pointer, Layouts.attack, "attack")
        if let problem = attack.targetProblem(labels: labels) { throw .malformed(problem) }
        if let problem = TaskData.problem(of: attack.files, labels: labels) {
            throw .malformed(problem)
        }
        if let paired = pointer?.pointee, paired.kind_case == MODERATO__ATTACK__KIND_PAIRED,
            (paired.paired.pointee.test == nil) == (paired.paired.pointee.triggered_test == nil)
        {
            throw .malformed("a paired attack needs either test or triggered_test")
        }
        return attack
    }

    static func settings(
        _ pointer: UnsafeMutablePointer<Moderato__TrainingSettings>?
    ) throws(WireError) -> TrainingSettings {
        var settings = TrainingSettings()
        try read(pointer, Layouts.settings, "settings", into: &settings)
        settings.optimizer = try read(
            pointer?.pointee.optimizer, Layouts.optimizer, TrainingSettings.optimizerName)
        settings.schedule = try read(
            pointer?.pointee.schedule, Layouts.schedule, TrainingSettings.scheduleName)
        return settings
    }

    static func keepsakes(
        _ pointer: UnsafeMutablePointer<Moderato__Keepsakes>?
    ) throws(WireError) -> Keepsakes {
        guard let value = pointer?.pointee else { return .none }
        var keep = Keepsakes(model: value.model != 0)
        for epoch in Decoding.values(value.hidden_states, value.n_hidden_states) {
            keep.hiddenStates.append(try epochs(epoch))
        }
        return keep
    }
}
