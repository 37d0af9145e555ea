import SweepCore

/// A model's folder in Hugging Face layout, or with a VGG.
///
/// It holds `config.json`, which torchvision's VGG-16 may do without; the weights as
/// `model.safetensors`, or as shards with `model.safetensors.index.json`; and, for text, what a
/// tokenizer is made of: `tokenizer.json`, or `vocab.txt`, or `vocab.json` with `merges.txt`, the
/// last two with or without `tokenizer_config.json`. Other files are passed over.
package struct ModelFolder: Sendable {
    package static let configurationName = "config.json"
    package static let weightsName = "model.safetensors"

    package let path: String
    /// The files that decide what the model is, sorted. A shard is here whether it is there or not.
    package let fileNames: [String]
    private let tokenizerNames: [String]
    private let index: SafeTensorsIndex?

    /// Looks which files there are, and reads the index of shards.
    package init(_ path: String) throws(DataError) {
        self.path = path
        let exists = { (name: String) in FileContent.exists(path + "/" + name) }
        var weights = [Self.weightsName]
        if exists(Self.weightsName) {
            index = nil
        } else if exists(SafeTensorsIndex.name) {
            let content = try FileContent.read(path + "/" + SafeTensorsIndex.name)
            let index = try SafeTensorsIndex(parsing: content, folder: path)
            self.index = index
            weights = [SafeTensorsIndex.name] + index.fileNames
        } else if exists("pytorch_model.bin") || exists("pytorch_model.bin.index.json") {
            throw .pickled(path: path)
        } else {
            throw .unreadable(
                path: path + "/" + Self.weightsName, reason: "the model's folder has no weights")
        }
        tokenizerNames =
            exists("tokenizer.json")
            ? ["tokenizer.json"] : TokenizerFiles.names.filter(exists)
        fileNames = ([Self.configurationName] + weights + tokenizerNames).sorted()
    }

    /// The digest of each of `fileNames`, in their order.
    package func digests() throws(DataError) -> [(name: String, digest: Digest)] {
        var digests: [(name: String, digest: Digest)] = []
        for name in fileNames {
            digests.append((name, try FileBytes(mapping: path + "/" + name).digest))
        }
        return digests
    }

    /// The VGG that is in here; `nil` for a model of sentences. Weights of a VGG without a
    /// `config.json` are taken for those of torchvision's VGG-16.
    package func vgg() throws(DataError) -> VGGConfiguration? {
        guard FileContent.exists(path + "/" + Self.configurationName) else {
            let isVGG = try weights().shape(of: VGGConfiguration.firstWeight) != nil
            return isVGG ? .vgg16 : nil
        }
        let configuration = try configuration()
        return configuration.isVGG ? try VGGConfiguration(configuration) : nil
    }

    /// What `config.json` says.
    package func configuration() throws(DataError) -> ModelConfiguration {
        let file = path + "/" + Self.configurationName
        return try ModelConfiguration(parsing: FileContent.read(file), path: file)
    }

    package func weights() throws(DataError) -> SafeTensors {
        guard let index else {
            let file = path + "/" + Self.weightsName
            return try SafeTensors(file: FileBytes(mapping: file), path: file)
        }
        var shards: [(name: String, file: FileBytes)] = []
        for name in index.fileNames {
            shards.append((name, try FileBytes(mapping: path + "/" + name)))
        }
        return try SafeTensors(shards: shards, index: index)
    }

    /// - Throws: `badVocabulary` also when the folder has no files of a tokenizer.
    package func tokenizer() throws(DataError) -> any Tokenizer {
        var contents: [String: [UInt8]] = [:]
        for name in tokenizerNames { contents[name] = try FileContent.read(path + "/" + name) }
        return try TokenizerFiles(folder: path, contents: contents).tokenizer()
    }

    /// The folder of `reference`, checked against its digest.
    package init(_ reference: BackboneReference) throws(DataError) {
        let names = try FileContent.names(in: reference.path)
        var digests: [String: Digest] = [:]
        for name in BackboneReference.relevantFiles(among: names) {
            digests[name] = try FileBytes(mapping: reference.path + "/" + name).digest
        }
        let found = BackboneReference.digest(ofFiles: digests)
        guard found == reference.digest else {
            throw .wrongDigest(
                path: reference.path, expected: reference.digest, found: found)
        }
        try self.init(reference.path)
    }
}
