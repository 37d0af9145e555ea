/// Reads `tokenizer.json`, the file of Hugging Face's tokenizers library.
///
/// What is read: WordPiece with BERT's normalizer and cut, byte-level BPE with GPT-2's. Anything
/// else that the file asks for is refused by its name, since leaving it out would change tokens.
/// `truncation` and `padding` are the caller's business.
struct TokenizerJSON {
    let path: String
    let json: JSON

    func tokenizer() throws(DataError) -> any Tokenizer {
        guard json.object != nil else { throw bad("it is no JSON object") }
        if json["truncation"]?["direction"]?.string == "Left" {
            throw unsupported("truncation at the left")
        }
        guard let model = json["model"], model.object != nil else { throw bad("it has no 'model'") }
        switch modelType(model) {
        case "WordPiece": return try wordPiece(model)
        case "BPE": return try bytePair(model)
        case let type: throw unsupported("the model type \(type ?? "none")")
        }
    }

    private func bad(_ problem: String) -> DataError {
        .badVocabulary(path: path, problem: problem)
    }

    private func unsupported(_ what: String) -> DataError {
        bad("it asks for \(what.prefix(120)), which is not supported")
    }

    /// Files of the library's first years do not name the type.
    private func modelType(_ model: JSON) -> String? {
        if let type = model["type"]?.string { return type }
        if model["merges"] != nil { return "BPE" }
        return model["max_input_chars_per_word"] == nil ? nil : "WordPiece"
    }

    // MARK: The two models

    private func wordPiece(_ model: JSON) throws(DataError) -> WordPieceTokenizer {
        guard type(of: json["pre_tokenizer"]) == "BertPreTokenizer" else {
            throw unsupported("the pre_tokenizer \(type(of: json["pre_tokenizer"]) ?? "none")")
        }
        var pieces = WordPieceTokenizer.Pieces()
        guard let members = model["vocab"]?.object else { throw bad("it has no vocabulary") }
        let prefix = Array((model["continuing_subword_prefix"]?.string ?? "##").utf8)
        if prefix.isEmpty { throw unsupported("an empty continuing_subword_prefix") }
        for member in members {
            let number = try token(member.value, of: member.key)
            pieces.insert(Array(member.key.utf8)[...], number, prefix: prefix)
        }
        let unknown = model["unk_token"]?.string ?? "[UNK]"
        guard let number = pieces.trie.piece(unknown.utf8, at: .word) else {
            throw bad("the token \(unknown.prefix(80)) is missing")
        }
        pieces.unknown = number
        pieces.longestWord = model["max_input_chars_per_word"]?.integer ?? 100
        return WordPieceTokenizer(
            pieces: pieces, normalizer: try normalizer(json["normalizer"]), added: try added(),
            frame: try frame(json["post_processor"]))
    }

    private func bytePair(_ model: JSON) throws(DataError) -> BytePairTokenizer {
        for key in ["dropout", "continuing_subword_prefix", "end_of_word_suffix"] {
            switch model[key] {
            case nil, .null?, .string("")?, .integer(0)?: continue
            default: throw unsupported("a \(key)")
            }
        }
        for key in ["byte_fallback", "ignore_merges"] where model[key]?.bool == true {
            throw unsupported(key)
        }
        let cut = try single(json["pre_tokenizer"], in: "pretokenizers")
        guard let cut, type(of: cut) == "ByteLevel" else {
            throw unsupported("the pre_tokenizer \(type(of: cut) ?? "none")")
        }
        if cut["use_regex"]?.bool == false { throw unsupported("ByteLevel without use_regex") }
        var builder = BytePairBuilder(path: path)
        try builder.read(vocabulary: model["vocab"])
        guard let merges = model["merges"]?.array else { throw bad("it has no merges") }
        for merge in merges {
            if let text = merge.string {
                try builder.merge(text)
            } else if let pair = merge.array, pair.count == 2, let left = pair[0].string,
                let right = pair[1].string
            {
                try builder.merge(left, right)
            } else {
                throw bad("a merge is not two pieces")
            }
        }
        if let unknown = model["unk_token"]?.string {
            if model["fuse_unk"]?.bool == true { throw unsupported("fuse_unk") }
            try builder.setUnknown(unknown)
        }
        return BytePairTokenizer(
            pieces: builder.pieces, normalizer: try normalizer(json["normalizer"]),
            added: try added(), addsPrefixSpace: cut["add_prefix_space"]?.bool ?? true,
            frame: try frame(json["post_processor"]))
    }

    // MARK: The parts around the model

    private func type(of part: JSON?) -> String? { part?["type"]?.string }

    private func token(_ value: JSON?, of piece: String) throws(DataError) -> Int32 {
        guard let number = value?.integer, let token = Int32(exactly: number), token >= 0,
            token < .max
        else { throw bad("the piece '\(piece.prefix(80))' has no number") }
        return token
    }

    /// The only element of a `Sequence`, or the part itself; `nil` for none.
    private func single(_ part: JSON?, in key: String) throws(DataError) -> JSON? {
        guard let part, !part.isNull else { return nil }
        guard type(of: part) == "Sequence" else { return part }
        guard let elements = part[key]?.array, elements.count < 2 else {
            throw unsupported("a Sequence of several \(key)")
        }
        return elements.first
    }

    private func normalizer(_ part: JSON?) throws(DataError) -> TextNormalizer {
        guard let part = try single(part, in: "normalizers") else { return .none }
        switch type(of: part) {
        case "BertNormalizer":
            let lowercases = part["lowercase"]?.bool ?? true
            return TextNormalizer(
                cleans: part["clean_text"]?.bool ?? true, lowercases: lowercases,
                stripsAccents: part["strip_accents"]?.bool ?? lowercases,
                separatesChinese: part["handle_chinese_chars"]?.bool ?? true)
        case "Lowercase":
            return TextNormalizer(
                cleans: false, lowercases: true, stripsAccents: false, separatesChinese: false)
        case let type: throw unsupported("the normalizer \(type ?? "none")")
        }
    }

    private func added() throws(DataError) -> [AddedToken] {
        guard let part = json["added_tokens"], !part.isNull else { return [] }
        guard let tokens = part.array else { throw bad("'added_tokens' is no list") }
        var added: [AddedToken] = []
        for entry in tokens {
            guard let text = entry["content"]?.string else {
                throw bad("an added token has no 'content'")
            }
            added.append(
                AddedToken(
                    text: text, number: try token(entry["id"], of: text),
                    isSingleWord: entry["single_word"]?.bool ?? false,
                    stripsLeft: entry["lstrip"]?.bool ?? false,
                    stripsRight: entry["rstrip"]?.bool ?? false,
                    isNormalized: entry["normalized"]?.bool ?? false))
        }
        return added
    }

    private func frame(_ part: JSON?) throws(DataError) -> Frame {
        guard let part = try single(part, in: "processors") else {
            return Frame(before: [], after: [])
        }
        switch type(of: part) {
        case "ByteLevel": return Frame(before: [], after: [])
        case "BertProcessing", "RobertaProcessing":
            return Frame(before: [try special(part, "cls")], after: [try special(part, "sep")])
        case "TemplateProcessing": return try template(part)
        case let type: throw unsupported("the post_processor \(type ?? "none")")
        }
    }

    /// `"cls": ["<s>", 0]`
    private func special(_ part: JSON, _ key: String) throws(DataError) -> Int32 {
        guard let pair = part[key]?.array, pair.count == 2 else {
            throw bad("the post_processor has no '\(key)'")
        }
        return try token(pair[1], of: key)
    }

    private func template(_ part: JSON) throws(DataError) -> Frame {
        var before: [Int32] = []
        var after: [Int32] = []
        var sentences = 0
        for element in part["single"]?.array ?? [] {
            if element["Sequence"]?["id"]?.string == "A" {
                sentences += 1
            } else if let name = element["SpecialToken"]?["id"]?.string {
                guard let numbers = part["special_tokens"]?[name]?["ids"]?.array else {
                    throw bad("the post_processor has no ids for \(name.prefix(80))")
                }
                for number in numbers {
                    let token = try token(number, of: name)
                    if sentences == 0 { before.append(token) } else { after.append(token) }
                }
            } else {
                throw unsupported("a post_processor of another form")
            }
        }
        guard sentences == 1 else { throw unsupported("a post_processor without one sentence") }
        return Frame(before: before, after: after)
    }
}
