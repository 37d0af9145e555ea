/// A file a run reads, and what it must contain.
public struct FileReference: Hashable, Sendable, Codable {
    /// Absolute path; the same on every worker (a shared folder, or the same machine).
    public var path: String
    public var digest: Digest

    public init(path: String, digest: Digest) {
        self.path = path
        self.digest = digest
    }
}

/// A pretrained model: a folder in Hugging Face layout, or a VGG in torchvision's.
public struct BackboneReference: Hashable, Sendable, Codable {
    /// Absolute path of the folder.
    public var path: String
    /// `BackboneReference.digest(ofFiles:)` over the folder's relevant files.
    public var digest: Digest

    public init(path: String, digest: Digest) {
        self.path = path
        self.digest = digest
    }

    /// The weights of a model that is not sharded.
    public static let weightsName = "model.safetensors"
    /// Says in which file each weight of a sharded model lies.
    public static let indexName = "model.safetensors.index.json"

    private static let descriptions: Set = [
        "config.json", "tokenizer.json", "tokenizer_config.json", "vocab.txt", "vocab.json",
        "merges.txt", indexName,
    ]

    /// The files among `names`, those of a folder, that determine a result, in order: what
    /// describes model and tokenizer, and `model.safetensors` or else every shard.
    public static func relevantFiles(among names: some Sequence<String>) -> [String] {
        let all = Set(names)
        let isWhole = all.contains(weightsName)
        return all.filter { name in
            if name == indexName { return !isWhole }
            if name.hasSuffix(".safetensors") { return !isWhole || name == weightsName }
            return descriptions.contains(name)
        }.sorted()
    }

    /// One digest for the folder: SHA-256 over a line `name digest` for each file, sorted by name.
    public static func digest(ofFiles digests: [String: Digest]) -> Digest {
        let lines = digests.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value.hex)\n" }
        return Digest(ofText: lines.joined())
    }
}
