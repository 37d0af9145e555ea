import SweepCore

/// What can be wrong with a file of data or of a model, in words that say where and what to do.
public enum DataError: Error, Hashable, Sendable, CustomStringConvertible {
    case unreadable(path: String, reason: String)
    case wrongDigest(path: String, expected: Digest, found: Digest)
    case badModelFile(path: String, problem: String)
    case missingWeight(path: String, name: String)
    case wrongShape(path: String, name: String, expected: [Int], found: [Int])
    case badVocabulary(path: String, problem: String)
    case badText(LabelledTextError)

    public var description: String {
        switch self {
        case .unreadable(let path, let reason):
            "\(path) cannot be read: \(reason); check that the file is there on this machine"
        case .wrongDigest(let path, let expected, let found):
            "\(path) is not the file the sweep was made with: its SHA-256 is \(found.short)…, not "
                + "\(expected.short)…; put the file back as it was, or submit the sweep anew"
        case .badModelFile(let path, let problem):
            "\(path) is not a model this program can read: \(problem); fetch the file again"
        case .missingWeight(let path, let name):
            "\(path) has no weight '\(name)', with or without the prefix 'bert.'; "
                + "use a model of the BERT family in Hugging Face layout"
        case .wrongShape(let path, let name, let expected, let found):
            "\(path): the weight '\(name)' has shape \(found) where config.json asks for "
                + "\(expected); use the config.json that belongs to the model"
        case .badVocabulary(let path, let problem):
            "\(path) gives no tokenizer that this program can use: \(problem); use the model's own "
                + "files, and a model of the BERT, MPNet or RoBERTa family"
        case .badText(let error): error.description
        }
    }
}
