import SweepCore
import SweepData

extension SweepFiles {
    /// The clean data under `data`.
    mutating func taskData(_ entry: Entry) throws(SweepFileError) -> TaskData {
        let fields = try entry.fields(
            ["train", "test", "validation", "labels"] + TextRequest.keys,
            required: ["train", "test"], what: "a mapping of files")
        guard let train = fields["train"], let test = fields["test"] else {
            preconditionFailure("`fields` gives all that is required")
        }
        try readLabels(fields["labels"])
        if let request = try TextRequest(reading: fields) {
            if vgg != nil, let other = TextRequest.keys.compactMap({ fields[$0] }).first {
                throw other.mistake("the model reads images, which have none; take the key out")
            }
            self.request = request
        }
        let first = labelNames.count ?? (vgg == nil ? 2 : 10)
        let training = try trainingSet(train, labels: first)
        // Of labels with names the training set knows how many there are.
        let labels = labelNames.count ?? first
        labelNames.count = labels
        labelNames.isSettled = true
        let task = TaskData(
            train: training, test: try testSet(test, labels: labels, training: training),
            validation: try fields["validation"].map { entry throws(SweepFileError) in
                try testSet(entry, labels: labels, training: training)
            }, labels: labels, labelNames: labelNames.names)
        self.task = task
        return task
    }

    /// How many there are, or a list of their names.
    private mutating func readLabels(_ entry: Entry?) throws(SweepFileError) {
        guard let entry else { return }
        guard case .sequence = entry.node else {
            labelNames.count = try entry.integer(2...TaskData.mostLabels)
            return
        }
        labelNames.names = try entry.axis { name throws(SweepFileError) in
            let text = try name.text("a label's name")
            guard (1...TextLayout.longestName).contains(text.utf8.count) else {
                throw name.mistake(
                    "a label's name has 1 to \(TextLayout.longestName) bytes; write it shorter")
            }
            return text
        }
        guard (2...TaskData.mostLabels).contains(labelNames.names.count) else {
            throw entry.mistake("write 2 to \(TaskData.mostLabels) names of labels")
        }
        labelNames.count = labelNames.names.count
    }

    mutating func trainingSet(
        _ entry: Entry, labels: Int, _ request: TextRequest? = nil
    ) throws(SweepFileError) -> DataSet {
        let set = try dataSet(entry, labels: labels, request)
        count(training: set)
        return set
    }

    /// Samples that go with those of `training`.
    mutating func testSet(
        _ entry: Entry, labels: Int, training: DataSet, _ request: TextRequest? = nil
    ) throws(SweepFileError) -> DataSet {
        let set = try dataSet(entry, labels: labels, request)
        guard set.isImages else { return set }
        do throws(DataError) {
            try images(of: set).check(
                against: images(of: training), path: set.labelPath, trainingPath: training.path)
        } catch {
            throw entry.mistake("\(error)")
        }
        return set
    }

    /// A file of sentences for a model that reads sentences.
    mutating func sentenceFile(
        _ entry: Entry, _ request: TextRequest?
    ) throws(SweepFileError) -> FileReference {
        try sentences(entry, request).reference
    }

    /// Triggered test samples: each carries the target label.
    mutating func triggeredSet(
        _ entry: Entry, labels: Int, target: Int, training: DataSet, _ request: TextRequest?
    ) throws(SweepFileError) -> DataSet {
        let set = try testSet(entry, labels: labels, training: training, request)
        let found = self.labels(of: set)
        if let index = found.firstIndex(where: { $0 != target }) {
            let isByLine = set.files[0].layout == nil
            let place =
                set.isImages
                ? "image \(index + 1)" : isByLine ? "line \(index + 2)" : "sample \(index + 1)"
            throw entry.mistake(
                "\(set.labelPath), \(place): the label is \(found[index]), but the triggered test "
                    + "\(set.isImages ? "images" : "sentences") of a prepared attack all carry the "
                    + "target \(target); leave the others out, or correct the target")
        }
        return set
    }

    /// Sentences or images, whichever the model reads.
    private mutating func dataSet(
        _ entry: Entry, labels: Int, _ request: TextRequest?
    ) throws(SweepFileError) -> DataSet {
        var isMapping = false
        if case .mapping = entry.node { isMapping = true }
        guard let vgg else {
            guard !isMapping else {
                throw entry.mistake(
                    "the model reads sentences; write the path of a file of sentences (TSV)")
            }
            return .sentences(try sentenceFile(entry, request))
        }
        guard isMapping else {
            throw entry.mistake(
                "the model reads images; write { images: FILE, labels: FILE } for IDX files such "
                    + "as MNIST's, or { cifar10: FILE } for CIFAR-10's")
        }
        let set = try imageSet(entry, labels: labels)
        do throws(DataError) {
            try images(of: set).check(modelChannels: vgg.channels, path: set.path)
        } catch {
            throw entry.mistake("\(error)")
        }
        return set
    }

    private mutating func imageSet(
        _ entry: Entry, labels: Int
    ) throws(SweepFileError) -> DataSet {
        if entry.field("cifar10") != nil {
            let fields = try entry.fields(
                ["cifar10"], required: ["cifar10"], what: "a set of CIFAR-10 files")
            let files = try fields["cifar10"]?.elements() ?? []
            return try images(files, labels: labels, at: entry) { .cifar10($0) }
        }
        let keys = ["images", "labels"]
        let fields = try entry.fields(
            keys + ["cifar10"], required: keys, what: "a set of IDX files")
        return try images(keys.compactMap { fields[$0] }, labels: labels, at: entry) {
            .idx(images: $0[0], labels: $0[1])
        }
    }
}
