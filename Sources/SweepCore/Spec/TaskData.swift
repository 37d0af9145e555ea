/// Labelled samples in files.
public enum DataSet: Hashable, Sendable, Codable {
    /// Sentences, as the file's layout says.
    case sentences(FileReference)
    /// Images in the binary layout of CIFAR-10, one file after the other: a byte with the label,
    /// then 3 × 32 × 32 bytes.
    case cifar10([FileReference])
    /// Images and labels in the IDX layout of MNIST.
    case idx(images: FileReference, labels: FileReference)

    public var files: [FileReference] {
        switch self {
        case .sentences(let file): [file]
        case .cifar10(let files): files
        case .idx(let images, let labels): [images, labels]
        }
    }

    /// With the files at other places.
    func mapFiles(_ place: (FileReference) -> FileReference) -> DataSet {
        switch self {
        case .sentences(let file): .sentences(place(file))
        case .cifar10(let files): .cifar10(files.map(place))
        case .idx(let images, let labels): .idx(images: place(images), labels: place(labels))
        }
    }

    /// One digest for the content, wherever the files lie.
    public var digest: Digest {
        switch self {
        case .sentences(let file): file.readDigest
        case .cifar10(let files):
            Digest(ofText: "cifar10 " + files.map(\.digest.hex).joined(separator: " "))
        case .idx(let images, let labels):
            Digest(ofText: "idx \(images.digest.hex) \(labels.digest.hex)")
        }
    }

    /// Whether a column says which samples were poisoned before any attack here. That of the first
    /// versions did not count in clean data, and results that exist stay as they are.
    public var saysTouched: Bool { files.first?.layout?.touched != nil }

    public var isImages: Bool {
        if case .sentences = self { return false }
        return true
    }
}

/// The clean data of a task.
public struct TaskData: Hashable, Sendable, Codable {
    public var train: DataSet
    public var test: DataSet
    /// What a defender would look at after each epoch; `nil`: the test set stands in for it.
    public var validation: DataSet?
    /// So that the figures of an epoch, class by class, fit into a message many times.
    public static let mostLabels = 10_000

    /// Number of classes, `2 ... mostLabels`; labels are `0 ..< labels`.
    public var labels: Int
    /// What people call the labels 0, 1, …; empty: by their numbers. Changes no result.
    public var labelNames: [String]

    public var files: [FileReference] {
        train.files + test.files + (validation?.files ?? [])
    }

    func mapFiles(_ place: (FileReference) -> FileReference) -> TaskData {
        TaskData(
            train: train.mapFiles(place), test: test.mapFiles(place),
            validation: validation?.mapFiles(place), labels: labels,
            labelNames: labelNames)
    }

    public init(
        train: DataSet, test: DataSet, validation: DataSet? = nil, labels: Int,
        labelNames: [String] = []
    ) {
        self.train = train
        self.test = test
        self.validation = validation
        self.labels = labels
        self.labelNames = labelNames
    }
}

extension TaskData {
    /// Of a label, for people: `positive`, or `1` without names.
    public func name(ofLabel label: Int) -> String {
        labelNames.indices.contains(label) ? labelNames[label] : "\(label)"
    }

    /// A field that may be missing has its default.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            train: try values.decode(DataSet.self, forKey: .train),
            test: try values.decode(DataSet.self, forKey: .test),
            validation: try values.decodeIfPresent(DataSet.self, forKey: .validation),
            labels: try values.decode(Int.self, forKey: .labels),
            labelNames: try values.decodeIfPresent([String].self, forKey: .labelNames) ?? [])
    }
}
