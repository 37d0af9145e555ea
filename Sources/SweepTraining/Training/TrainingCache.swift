import SweepCore

/// What runs in one process share: backbones, tokenizers and tokenized files, by their digests.
///
/// Not to be used from two threads at once.
public final class TrainingCache {
    struct Model {
        let backbone: BertBackbone
        let tokenizer: WordPieceTokenizer
    }

    private struct ModelKey: Hashable {
        let digest: Digest
        let device: Device
    }

    private struct FileKey: Hashable {
        let model: Digest
        let file: Digest
        let labels: Int
        let maxLength: Int
    }

    /// Entries kept at most; the oldest goes first.
    private static let modelLimit = 2
    private static let fileLimit = 12

    private var models: [(key: ModelKey, value: Model)] = []
    private var files: [(key: FileKey, value: TaskDataReader.Encoded)] = []

    public init() {}

    /// The model of `reference`, read and checked against its digest unless it is here already.
    func model(_ reference: BackboneReference, device: Device) throws(TrainingError) -> Model {
        let key = ModelKey(digest: reference.digest, device: device)
        if let found = models.first(where: { $0.key == key }) { return found.value }
        let model = try Self.load(reference, device: device)
        if models.count == Self.modelLimit { models.removeFirst() }
        models.append((key, model))
        return model
    }

    func taskData(
        for spec: TrainingSpec, tokenizer: WordPieceTokenizer
    ) throws(TrainingError) -> TaskData {
        let reader = TaskDataReader(
            tokenizer: tokenizer, maxLength: spec.settings.maxLength, labels: spec.data.labels)
        return try reader.taskData(for: spec) { file throws(TrainingError) in
            let key = FileKey(
                model: spec.backbone.digest, file: file.digest, labels: spec.data.labels,
                maxLength: spec.settings.maxLength)
            if let found = files.first(where: { $0.key == key }) { return found.value }
            let encoded = try reader.read(file)
            if files.count == Self.fileLimit { files.removeFirst() }
            files.append((key, encoded))
            return encoded
        }
    }

    private static func load(
        _ reference: BackboneReference, device: Device
    ) throws(TrainingError) -> Model {
        let paths = BackboneReference.fileNames.map { reference.path + "/" + $0 }
        var contents: [[UInt8]] = []
        for (name, path) in zip(BackboneReference.fileNames, paths) {
            let isMissing =
                BackboneReference.optionalFileNames.contains(name) && !FileContent.exists(path)
            contents.append(isMissing ? [] : try FileContent.read(path))
        }
        let found = BackboneReference.digest(ofFiles: contents.map(FileContent.digest(of:)))
        guard found == reference.digest else {
            throw .wrongDigest(path: reference.path, expected: reference.digest, found: found)
        }
        let configuration = try BertConfiguration.parse(contents[0], path: paths[0])
        let weights = try SafeTensors(parsing: contents[1], path: paths[1])
        let tokenizer = try WordPieceTokenizer(
            vocabulary: contents[2],
            configuration: contents[3].isEmpty ? nil : contents[3],
            path: paths[2])
        guard tokenizer.vocabularySize <= configuration.vocabularySize else {
            throw .badVocabulary(
                path: paths[2],
                problem: "it has \(tokenizer.vocabularySize) tokens, but config.json says "
                    + "vocab_size \(configuration.vocabularySize)")
        }
        let backbone = try BertBackbone(
            configuration: configuration, weights: weights, device: device)
        return Model(backbone: backbone, tokenizer: tokenizer)
    }
}
