/// Makes the tokenizer that the files of a model's folder describe.
///
/// `tokenizer.json` alone is enough and is preferred. Without it: `vocab.txt` (BERT, MPNet), or
/// `vocab.json` with `merges.txt` (RoBERTa); `tokenizer_config.json` is then heeded if it is there.
package struct TokenizerFiles {
    /// The files that a tokenizer may come from.
    package static let names = [
        "tokenizer.json", "tokenizer_config.json", "vocab.txt", "vocab.json", "merges.txt",
    ]

    private let folder: String
    private let contents: [String: [UInt8]]

    /// - Parameters:
    ///   - folder: For errors.
    ///   - contents: By name; other files than `names` are passed over.
    package init(folder: String, contents: [String: [UInt8]]) {
        self.folder = folder
        self.contents = contents
    }

    package func tokenizer() throws(DataError) -> any Tokenizer {
        if let content = contents["tokenizer.json"] {
            let json = try json("tokenizer.json", content)
            return try TokenizerJSON(path: path("tokenizer.json"), json: json).tokenizer()
        }
        if let content = contents["vocab.txt"] { return try wordPiece(content) }
        guard let vocabulary = contents["vocab.json"], let merges = contents["merges.txt"] else {
            throw .badVocabulary(
                path: folder,
                problem: "the folder has neither tokenizer.json, nor vocab.txt, nor vocab.json "
                    + "with merges.txt")
        }
        return try bytePair(vocabulary, merges: merges)
    }

    private func path(_ name: String) -> String { folder + "/" + name }

    private func json(_ name: String, _ content: [UInt8]) throws(DataError) -> JSON {
        do throws(JSONError) { return try JSON(parsing: content) } catch {
            throw .badVocabulary(path: path(name), problem: "it is not JSON: \(error)")
        }
    }

    private func configuration() throws(DataError) -> Configuration {
        guard let content = contents["tokenizer_config.json"] else {
            return Configuration(json: .object([]))
        }
        return Configuration(json: try json("tokenizer_config.json", content))
    }

    /// `vocab.txt`: a piece a line, numbered from 0.
    private func wordPiece(_ content: [UInt8]) throws(DataError) -> WordPieceTokenizer {
        let configuration = try configuration()
        var pieces = WordPieceTokenizer.Pieces()
        var lines = content.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        if lines.last?.isEmpty == true { lines.removeLast() }
        for (number, line) in lines.enumerated() {
            let piece = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
            pieces.insert(piece, Int32(number), prefix: Array("##".utf8))
        }
        let trie = pieces.trie
        let hasMPNets = trie.piece("<s>".utf8, at: .word) != nil
        let isMPNet = configuration.text("tokenizer_class")?.hasPrefix("MPNet") ?? hasMPNets
        let names = Names(configuration, isBERT: !isMPNet, unknown: "[UNK]")
        let numbers = try names.numbers(path: path("vocab.txt")) {
            trie.piece($0.utf8, at: .word)
        }
        pieces.unknown = numbers.unknown
        let lowercases = configuration.flag("do_lower_case") ?? true
        let normalizer = TextNormalizer(
            lowercases: lowercases,
            stripsAccents: configuration.flag("strip_accents") ?? lowercases,
            separatesChinese: configuration.flag("tokenize_chinese_chars") ?? true)
        return WordPieceTokenizer(
            pieces: pieces, normalizer: normalizer, added: numbers.added, frame: numbers.frame)
    }

    private func bytePair(
        _ vocabulary: [UInt8], merges: [UInt8]
    ) throws(DataError) -> BytePairTokenizer {
        let configuration = try configuration()
        var builder = BytePairBuilder(path: path("vocab.json"))
        try builder.read(vocabulary: json("vocab.json", vocabulary))
        builder.path = path("merges.txt")
        for (index, line) in merges.split(separator: UInt8(ascii: "\n")).enumerated() {
            let text = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
            if text.isEmpty || index == 0 && text.starts(with: "#version".utf8) { continue }
            guard let merge = String(validating: text, as: UTF8.self) else {
                throw builder.bad("merge \(index) is not UTF-8")
            }
            try builder.merge(merge)
        }
        let names = Names(configuration, isBERT: false, unknown: "<unk>")
        let tokens = builder.tokens
        let numbers = try names.numbers(path: path("vocab.json")) { tokens[ExactText($0)] }
        return BytePairTokenizer(
            pieces: builder.pieces, normalizer: .none, added: numbers.added,
            addsPrefixSpace: configuration.flag("add_prefix_space") ?? false, frame: numbers.frame)
    }
}

/// `tokenizer_config.json`.
private struct Configuration {
    let json: JSON

    func flag(_ key: String) -> Bool? { json[key]?.bool }

    func text(_ key: String) -> String? { json[key]?.string }

    /// The text of a token, which may be an object that holds it as `content`.
    func token(_ key: String) -> String? { json[key]?.string ?? json[key]?["content"]?.string }
}

/// The special tokens of a model that has no `tokenizer.json`.
private struct Names {
    let first: String
    let last: String
    let unknown: String
    let padding: String
    let mask: String
    /// All but BERT's mask take the white space before them along.
    let stripsMask: Bool

    init(_ configuration: Configuration, isBERT: Bool, unknown: String) {
        first = configuration.token("cls_token") ?? (isBERT ? "[CLS]" : "<s>")
        last = configuration.token("sep_token") ?? (isBERT ? "[SEP]" : "</s>")
        self.unknown = configuration.token("unk_token") ?? unknown
        padding = configuration.token("pad_token") ?? (isBERT ? "[PAD]" : "<pad>")
        mask = configuration.token("mask_token") ?? (isBERT ? "[MASK]" : "<mask>")
        stripsMask = !isBERT
    }

    func numbers(
        path: String, _ find: (String) -> Int32?
    ) throws(DataError) -> (frame: Frame, unknown: Int32, added: [AddedToken]) {
        func number(of token: String) throws(DataError) -> Int32 {
            guard let number = find(token) else {
                throw .badVocabulary(path: path, problem: "the token \(token) is missing")
            }
            return number
        }
        let frame = Frame(before: [try number(of: first)], after: [try number(of: last)])
        let added = [first, last, unknown, padding, mask].compactMap { token in
            find(token).map {
                AddedToken(text: token, number: $0, stripsLeft: stripsMask && token == mask)
            }
        }
        return (frame, try number(of: unknown), added)
    }
}
