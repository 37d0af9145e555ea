import Foundation
import SweepCore
import SweepData

extension SweepFiles {
    /// The folder of the model. That of a model of sentences has to allow `maxLength` tokens.
    mutating func backbone(
        _ entry: Entry, maxLength: Int, of training: Entry?
    ) throws(SweepFileError) -> BackboneReference {
        let path = absolute(try entry.text("the folder of a model"))
        var isFolder: ObjCBool = false
        let exists = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
        guard exists, isFolder.boolValue else {
            throw entry.mistake(
                "there is no folder \(path); name the folder of a model in Hugging Face layout "
                    + "(cluster/setup makes .moderato/models/all-MiniLM-L6-v2), or, of images, "
                    + "one that 'moderato pretrain' has made")
        }
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        vgg = try vgg(in: path, names: names, at: entry)
        if vgg == nil, let missing = missingFiles(names) {
            throw entry.mistake("\(path) is no model's folder: \(missing)")
        }
        var digests: [String: Digest] = [:]
        for name in BackboneReference.relevantFiles(among: names) {
            do throws(FileProblem) {
                digests[name] = try digest(of: path + "/" + name)
            } catch {
                throw entry.mistake("\(path)/\(name): \(error.explanation)")
            }
        }
        if vgg == nil {
            labelNames.ofModel = (try? ModelFolder(path).configuration().labelNames) ?? []
            try checkLength(maxLength, training: training, model: entry, folder: path)
        }
        return BackboneReference(path: path, digest: BackboneReference.digest(ofFiles: digests))
    }

    private func digest(of path: String) throws(FileProblem) -> Digest {
        if let known = knownDigest(path) { return known }
        var builder = DigestBuilder()
        try readPieces(path: path) { builder.update($0) }
        return builder.finish()
    }

    /// The VGG in the folder, with weights that go with it; `nil` if there is none.
    private func vgg(
        in path: String, names: [String], at entry: Entry
    ) throws(SweepFileError) -> VGGConfiguration? {
        guard let folder = try? ModelFolder(path) else { return nil }
        do throws(DataError) {
            let vgg = try folder.vgg()
            try vgg?.check(folder.weights())
            return vgg
        } catch {
            guard names.contains(ModelFolder.configurationName) else { return nil }
            throw entry.mistake("\(error)")
        }
    }

    /// What a model of sentences needs and a folder with these files lacks.
    private func missingFiles(_ names: [String]) -> String? {
        let all = Set(names)
        if !all.contains(ModelFolder.configurationName) {
            return "\(ModelFolder.configurationName) is missing"
        }
        let weights = [BackboneReference.weightsName, BackboneReference.indexName]
        if all.isDisjoint(with: weights) {
            return all.contains("pytorch_model.bin")
                ? "pytorch_model.bin can hold code, and is not read; convert it with safetensors' "
                    + "save_file(torch.load('pytorch_model.bin'), 'model.safetensors')"
                : "model.safetensors is missing"
        }
        if all.isDisjoint(with: ["tokenizer.json", "vocab.txt"]),
            !all.isSuperset(of: ["vocab.json", "merges.txt"])
        {
            return
                "a tokenizer is missing: tokenizer.json, vocab.txt, or vocab.json with merges.txt"
        }
        return nil
    }

    private func checkLength(
        _ maxLength: Int, training: Entry?, model: Entry, folder: String
    ) throws(SweepFileError) {
        let configuration: ModelConfiguration
        do throws(DataError) {
            configuration = try ModelFolder(folder).configuration()
        } catch {
            throw model.mistake("\(error)")
        }
        guard let positions = configuration.maxPositions, maxLength > positions else { return }
        let entry = training?.field("max-length") ?? training ?? model
        throw .mistake(
            file: entry.file, line: entry.line, key: "training.max-length",
            problem: "\(maxLength) tokens are more than the model's \(positions); "
                + "write \(positions) or less")
    }

    /// Whether the model has what `capacity` trains.
    func check(_ capacity: Capacity, at entry: Entry) throws(SweepFileError) {
        guard let vgg else {
            if capacity.pet.isForSentences { return }
            let others = PET.cases.filter { $0.only != .images }.map(\.name)
            throw entry.mistake(
                "\(capacity.pet.kindName) is for images, and the model reads sentences; write "
                    + alternatives(others))
        }
        guard capacity.pet.isForImages else {
            throw entry.mistake(
                "this PET is for sentences, and the model reads images; write full or "
                    + "{ pet: last-blocks, count: 0 }")
        }
        if case .lastBlocks(let count) = capacity.pet, count > vgg.blocks.count {
            throw entry.mistake(
                "\(count) blocks are more than the model has; write \(vgg.blocks.count) or less")
        }
    }
}
