import SweepCore
import SweepData

/// What runs in one process share: backbones, tokenizers and tokenized files, by their digests.
///
/// Not to be used from two threads at once.
public final class TrainingCache {
    struct Backbone {
        let weights: TextBackbone
        let tokenizer: any Tokenizer
    }

    private struct BackboneKey: Hashable {
        let digest: Digest
        let device: Device
        let precision: Precision
    }

    private struct FileKey: Hashable {
        let model: Digest
        let file: Digest
        let labels: Int
        let maxLength: Int
    }

    /// Entries kept at most; the oldest goes first.
    private static let backboneLimit = 2
    private static let fileLimit = 12

    private var backbones: [(key: BackboneKey, value: Backbone)] = []
    private var files: [(key: FileKey, value: SentenceReader.Encoded)] = []

    public init() {}

    /// The model of `reference`, read and checked against its digest unless it is here already.
    func backbone(
        _ reference: BackboneReference, device: Device, precision: Precision
    ) throws(TrainingError) -> Backbone {
        let key = BackboneKey(digest: reference.digest, device: device, precision: precision)
        if let found = backbones.first(where: { $0.key == key }) { return found.value }
        let backbone = try Self.load(reference, device: device, precision: precision)
        if backbones.count == Self.backboneLimit { backbones.removeFirst() }
        backbones.append((key, backbone))
        return backbone
    }

    func samples(
        for spec: TrainingSpec, tokenizer: any Tokenizer
    ) throws(TrainingError) -> TaskSamples {
        let reader = SentenceReader(
            tokenizer: tokenizer, maxLength: spec.settings.maxLength, labels: spec.data.labels)
        return try reader.samples(for: spec) { file throws(TrainingError) in
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
        _ reference: BackboneReference, device: Device, precision: Precision
    ) throws(TrainingError) -> Backbone {
        let files = try TrainingError.reading { () throws(DataError) in
            try ModelFolder(reference)
        }
        let path = reference.path + "/config.json"
        let (content, weights, tokenizer) = try TrainingError.reading { () throws(DataError) in
            (try files.configuration(), try files.weights(), try files.tokenizer())
        }
        let configuration = try EncoderConfiguration.parse(content, path: path)
        guard tokenizer.vocabularySize <= configuration.vocabularySize else {
            throw .data(
                .badVocabulary(
                    path: reference.path,
                    problem: "it has \(tokenizer.vocabularySize) tokens, but config.json says "
                        + "vocab_size \(configuration.vocabularySize)"))
        }
        return Backbone(
            weights: try TextBackbone(
                configuration: configuration, weights: weights, device: device,
                precision: precision),
            tokenizer: tokenizer)
    }
}
