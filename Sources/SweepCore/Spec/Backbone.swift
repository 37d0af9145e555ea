/// A file a run reads, and what it must contain.
public struct FileReference: Hashable, Sendable, Codable {
    /// Absolute path on the machine that submitted it; workers that do not find the content there
    /// fetch it from the coordinator.
    public var path: String
    public var digest: Digest
    /// Of a file of sentences: how they stand in it.
    public var layout: TextLayout?

    public init(path: String, digest: Digest, layout: TextLayout? = nil) {
        self.path = path
        self.digest = digest
        self.layout = layout
    }
}

extension FileReference {
    /// The same file at another place.
    func at(_ path: String?) -> FileReference {
        path.map { FileReference(path: $0, digest: digest, layout: layout) } ?? self
    }
}

/// A pretrained model: a folder in Hugging Face layout, or a VGG in torchvision's.
public struct BackboneReference: Hashable, Sendable, Codable {
    /// Absolute path of the folder, as `FileReference.path`.
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

    /// A line `name digest` for each file, sorted by name. A model travels as this list, whose own
    /// SHA-256 is the model's digest, and the files that it names.
    public static func manifest(ofFiles digests: [String: Digest]) -> String {
        digests.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value.hex)\n" }.joined()
    }

    /// One digest for the folder: that of its manifest.
    public static func digest(ofFiles digests: [String: Digest]) -> Digest {
        Digest(ofText: manifest(ofFiles: digests))
    }

    /// The files in a manifest; `nil` if it is none, or names a file outside its folder.
    public static func files(inManifest content: [UInt8]) -> [String: Digest]? {
        guard let text = String(validating: content, as: UTF8.self) else { return nil }
        var files: [String: Digest] = [:]
        for line in text.split(whereSeparator: \.isNewline) {
            guard let space = line.lastIndex(of: " "),
                let digest = Digest(hex: String(line[line.index(after: space)...]))
            else { return nil }
            let name = String(line[..<space])
            guard (1...255).contains(name.utf8.count), !name.hasPrefix("."),
                !name.utf8.contains(where: { $0 == UInt8(ascii: "/") || $0 < 0x20 })
            else { return nil }
            files[name] = digest
        }
        return (1...MessageToCoordinator.mostFiles).contains(files.count) ? files : nil
    }
}
