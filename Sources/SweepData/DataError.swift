import SweepCore

/// What can be wrong with a file of data or of a model, in words that say where and what to do.
public enum DataError: Error, Hashable, Sendable, CustomStringConvertible {
    case unreadable(path: String, reason: String)
    case unwritable(path: String, reason: String)
    case wrongDigest(path: String, expected: Digest, found: Digest)
    case badModelFile(path: String, problem: String)
    /// The model's folder has its weights in PyTorch's format only.
    case pickled(path: String)
    case missingWeight(path: String, name: String)
    case wrongShape(path: String, name: String, expected: [Int], found: [Int])
    case badVocabulary(path: String, problem: String)
    case badText(LabelledTextError)
    /// `problem` says what to do, too.
    case badImages(path: String, problem: String)

    public var description: String {
        switch self {
        case .unreadable(let path, let reason):
            "\(path) cannot be read: \(reason); check that the file is there on this machine"
        case .unwritable(let path, let reason):
            "\(path) cannot be written: \(reason); check the folder and its free space"
        case .wrongDigest(let path, let expected, let found):
            "\(path) is not the file the sweep was made with: its SHA-256 is \(found.short)…, not "
                + "\(expected.short)…; put the file back as it was, or submit the sweep anew"
        case .badModelFile(let path, let problem):
            "\(path) is not a model this program can read: \(problem); fetch the file again"
        case .pickled(let path):
            "\(path) has its weights in pytorch_model.bin only, a format that can run code and is "
                + "not read here; convert them in that folder: python3 -c \"import torch, "
                + "safetensors.torch as s; s.save_file({k: v.clone().contiguous() for k, v "
                + "in torch.load('pytorch_model.bin', map_location='cpu', weights_only=True)"
                + ".items()}, "
                + "'model.safetensors')\""
        case .missingWeight(let path, let name):
            "\(path) has no weight '\(name)'; use the config.json that belongs to the model, "
                + "and a model in Hugging Face layout"
        case .wrongShape(let path, let name, let expected, let found):
            "\(path): the weight '\(name)' has shape \(found) where config.json asks for "
                + "\(expected); use the config.json that belongs to the model"
        case .badVocabulary(let path, let problem):
            "\(path) gives no tokenizer that this program can use: \(problem); use the model's own "
                + "files, and a model of the BERT, MPNet or RoBERTa family"
        case .badText(let error): error.description
        case .badImages(let path, let problem): "\(path): \(problem)"
        }
    }
}
