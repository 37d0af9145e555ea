import SweepCore
import SweepData

/// What runs in one process share: backbones, tokenizers, tokenized files and images, by their
/// digests.
///
/// Not to be used from two threads at once.
public final class TrainingCache {
    struct Backbone {
        let weights: TextBackbone
        let tokenizer: any Tokenizer
    }

    /// A pretrained model of either kind.
    enum Pretrained {
        case text(Backbone)
        case vision(VisionBackbone)
    }

    private struct BackboneKey: Hashable {
        let digest: Digest
        let device: Device
        let precision: Precision
    }

    private struct ImageKey: Hashable {
        let set: Digest
        let labels: Int
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
    private static let imageLimit = 6

    private var backbones: [(key: BackboneKey, value: Pretrained)] = []
    private var files: [(key: FileKey, value: SentenceReader.Encoded)] = []
    private var images: [(key: ImageKey, value: ImageSet)] = []

    public init() {}

    /// The model of sentences of `reference`.
    ///
    /// - Throws: `badSpec` for a model of images.
    func backbone(
        _ reference: BackboneReference, device: Device, precision: Precision
    ) throws(TrainingError) -> Backbone {
        guard
            case .text(let backbone) = try pretrained(
                reference, device: device, precision: precision)
        else {
            throw .badSpec(
                field: "model", problem: "\(reference.path) is a model of images, not of sentences")
        }
        return backbone
    }

    /// The model of `reference`, read unless it is here already. The worker has compared it with
    /// its digest.
    func pretrained(
        _ reference: BackboneReference, device: Device, precision: Precision
    ) throws(TrainingError) -> Pretrained {
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
                model: spec.backbone.digest, file: file.readDigest, labels: spec.data.labels,
                maxLength: spec.settings.maxLength)
            if let found = files.first(where: { $0.key == key }) { return found.value }
            let encoded = try reader.read(file)
            if files.count == Self.fileLimit { files.removeFirst() }
            files.append((key, encoded))
            return encoded
        }
    }

    func images(
        for spec: TrainingSpec, configuration: VGGConfiguration
    ) throws(TrainingError) -> TaskSamples {
        try ImageReader(configuration: configuration).samples(for: spec) {
            set throws(TrainingError) in
            let key = ImageKey(set: set.digest, labels: spec.data.labels)
            if let found = images.first(where: { $0.key == key }) { return found.value }
            let read = try TrainingError.reading { () throws(DataError) in
                try ImageSet(reading: set, classes: spec.data.labels)
            }
            if images.count == Self.imageLimit { images.removeFirst() }
            images.append((key, read))
            return read
        }
    }

    private static func load(
        _ reference: BackboneReference, device: Device, precision: Precision
    ) throws(TrainingError) -> Pretrained {
        let (files, vgg) = try TrainingError.reading { () throws(DataError) in
            let files = try ModelFolder(reference.path)
            return (files, try files.vgg())
        }
        guard let vgg else {
            return .text(
                try loadText(files, reference, device: device, precision: precision))
        }
        let weights = try TrainingError.reading { () throws(DataError) in try files.weights() }
        return .vision(
            try VisionBackbone(
                configuration: vgg, weights: weights, device: device, precision: precision))
    }

    private static func loadText(
        _ files: ModelFolder, _ reference: BackboneReference, device: Device,
        precision: Precision
    ) throws(TrainingError) -> Backbone {
        let (configuration, weights, tokenizer) = try TrainingError.reading {
            () throws(DataError) in
            (
                try EncoderConfiguration(files.configuration()), try files.weights(),
                try files.tokenizer()
            )
        }
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
