import SweepCore
import SweepData

/// What runs in one process share: backbones, tokenizers and tokenized files, by their digests.
///
/// Not to be used from two threads at once.
public final class TrainingCache {
    struct Model {
        let backbone: BertBackbone
        let tokenizer: any Tokenizer
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
        let files = try TrainingError.reading { () throws(DataError) in try Self.read(reference) }
        let backbone = try BertBackbone(
            configuration: .parse(files.configuration, path: reference.path + "/config.json"),
            weights: files.weights, device: device)
        guard files.tokenizer.vocabularySize <= backbone.configuration.vocabularySize else {
            throw .data(
                .badVocabulary(
                    path: reference.path,
                    problem:
                        "it has \(files.tokenizer.vocabularySize) tokens, but config.json says "
                        + "vocab_size \(backbone.configuration.vocabularySize)"))
        }
        let model = Model(backbone: backbone, tokenizer: files.tokenizer)
        if models.count == Self.modelLimit { models.removeFirst() }
        models.append((key, model))
        return model
    }

    func taskData(
        for spec: TrainingSpec, tokenizer: any Tokenizer
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

    private struct ModelFiles {
        let configuration: [UInt8]
        let weights: SafeTensors
        let tokenizer: any Tokenizer
    }

    private static func read(_ reference: BackboneReference) throws(DataError) -> ModelFiles {
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
        let texts = Dictionary(uniqueKeysWithValues: zip(BackboneReference.fileNames, contents))
            .filter { !$0.value.isEmpty }
        return ModelFiles(
            configuration: contents[0],
            weights: try SafeTensors(parsing: contents[1], path: paths[1]),
            tokenizer: try TokenizerFiles(folder: reference.path, contents: texts).tokenizer())
    }
}
