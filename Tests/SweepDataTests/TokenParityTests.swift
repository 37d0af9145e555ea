import Foundation
import SweepCore
import SweepData
import Testing

/// Tokens beside those of Hugging Face's tokenizers, which `Reference/make_tokens.py` wrote.
@Suite struct TokensEqualHuggingFaces {
    private struct Tokens: Decodable {
        /// 16 digits for each ten sentences.
        let sentences: String
        /// 8 digits for each hostile string: whole, and cut to 16 tokens.
        let hostile: String
    }

    private struct Variant: Decodable {
        let base: String
        let replacements: [[String]]
    }

    private struct Reference: Decodable {
        let data: [String]
        let sentences: Int
        let tokens: [String: Tokens]
        let variants: [String: Variant]
        // swift-format-ignore: AlwaysUseLowerCamelCase
        let wordpiece_characters: String
        // swift-format-ignore: AlwaysUseLowerCamelCase
        let bpe_characters: String
    }

    private enum Hostile: Decodable {
        case text(String)
        case repeated(String, Int)

        private struct Recipe: Decodable {
            let `repeat`: String
            let count: Int
        }

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let text = try? container.decode(String.self) {
                self = .text(text)
            } else {
                let recipe = try container.decode(Recipe.self)
                self = .repeated(recipe.repeat, recipe.count)
            }
        }

        var text: String {
            switch self {
            case .text(let text): text
            case .repeated(let text, let count): String(repeating: text, count: count)
            }
        }
    }

    private let reference: Reference
    private let hostile: [String]

    init() throws {
        let tokens = try Data(contentsOf: Fixture.reference.appending(path: "tokens.json"))
        reference = try JSONDecoder().decode(Reference.self, from: tokens)
        let strings = try Data(contentsOf: Fixture.reference.appending(path: "hostile.json"))
        hostile = try JSONDecoder().decode([Hostile].self, from: strings).map(\.text)
    }

    private static let vocabularyFiles = [
        "tokenizer_config.json", "vocab.txt", "vocab.json", "merges.txt",
    ]

    private func folder(of name: String) throws -> URL {
        name == "bpe"
            ? Fixture.reference.appending(path: "roberta")
            : try Fixture.setUp("models/all-MiniLM-L6-v2")
    }

    private func tokenizer(_ name: String, from names: [String]) throws -> any Tokenizer {
        let folder = try folder(of: name)
        return try TokenizerFiles(
            folder: folder.path, contents: Fixture.files(names, in: folder)
        ).tokenizer()
    }

    private func digits(_ ids: [Int32], _ count: Int) -> String {
        var bytes: [UInt8] = []
        for id in ids {
            for shift in 0..<4 { bytes.append(UInt8(truncatingIfNeeded: id >> (8 * shift))) }
        }
        return String(Digest(of: bytes).hex.prefix(count))
    }

    private func slices(_ text: String, _ size: Int) -> [String] {
        let digits = Array(text.utf8)
        return stride(from: 0, to: digits.count, by: size).map {
            String(decoding: digits[$0..<$0 + size], as: UTF8.self)
        }
    }

    private func sentences() throws -> [String] {
        var sentences: [String] = []
        for (name, digest) in zip(["train", "test", "dev"], reference.data) {
            let url = try Fixture.setUp("data/movie-reviews/\(name).tsv")
            let bytes = try Fixture.bytes(url)
            try #require(
                Digest(of: bytes).hex == digest,
                "the data changed; run Reference/make_tokens.py again")
            sentences += try LabelledText(parsing: bytes, labels: 2, file: url.path).sentences
        }
        try #require(sentences.count == reference.sentences)
        return sentences
    }

    /// Compares all hashes that the reference has under `name`.
    private func check(_ tokenizer: any Tokenizer, _ name: String) throws {
        let expected = try #require(reference.tokens[name])
        let sentences = try sentences()
        for (block, hash) in slices(expected.sentences, 16).enumerated() {
            let ids = sentences[10 * block..<10 * block + 10].flatMap {
                tokenizer.encode($0, maxLength: 128)
            }
            #expect(digits(ids, 16) == hash, "\(name): sentences from \(10 * block)")
        }
        let hashes = slices(expected.hostile, 8)
        #expect(hashes.count == 1000 && hostile.count == 1000)
        for (text, hash) in zip(hostile, hashes) {
            let ids =
                tokenizer.encode(text, maxLength: .max) + [-1]
                + tokenizer.encode(text, maxLength: 16)
            #expect(digits(ids, 8) == hash, "\(name): \(text.debugDescription.prefix(200))")
        }
    }

    @Test(
        "5,500 sentences and 1,000 hostile strings, by tokenizer.json and by vocabulary files",
        arguments: ["wordpiece", "bpe"])
    func bothRoutes(name: String) throws {
        try check(try tokenizer(name, from: ["tokenizer.json"]), name)
        try check(try tokenizer(name, from: Self.vocabularyFiles), name)
    }

    @Test("MPNet's special tokens around BERT's pieces")
    func mpnet() throws {
        let url = try Fixture.setUp("models/all-MiniLM-L6-v2/vocab.txt")
        let pieces = Array("<s>\n<pad>\n</s>\n<unk>\n".utf8) + (try Fixture.bytes(url))
        let tokenizer = try TokenizerFiles(
            folder: "mpnet", contents: ["vocab.txt": pieces + Array("<mask>\n".utf8)]
        ).tokenizer()
        #expect(tokenizer.vocabularySize == 30527)
        try check(tokenizer, "mpnet")
    }

    @Test("Added tokens, a space in front, other normalizers: each as tokenizer.json asks for it")
    func variants() throws {
        for (name, variant) in reference.variants {
            let folder = try folder(of: variant.base)
            let url = folder.appending(path: "tokenizer.json")
            var text = try String(contentsOf: url, encoding: .utf8)
            for pair in variant.replacements {
                let range = try #require(text.range(of: pair[0]))
                text.replaceSubrange(range, with: pair[1])
            }
            let contents = ["tokenizer.json": Array(text.utf8)]
            let tokenizer = try TokenizerFiles(folder: name, contents: contents).tokenizer()
            try check(tokenizer, name)
        }
    }

    @Test("Every character of planes 0 and 1 is cleaned and cut as for BERT")
    func wordPieceCharacters() {
        let normalizer = TextNormalizer()
        let hashes = characterHashes { character in
            var words: [ArraySlice<UInt8>] = []
            normalizer.forEachWord(Substring("a\(character)b").utf8) { word, _ in
                words.append(word)
            }
            return Array(words.joined(separator: [0]))
        }
        #expect(hashes == slices(reference.wordpiece_characters, 16))
    }

    @Test("Every character of planes 0 and 1 is cut as for GPT-2 and RoBERTa")
    func bytePairCharacters() {
        let hashes = characterHashes { character in
            var words: [[UInt8]] = []
            var text = "a\(character)b \(character)1\(character) \(character)"
            text.withUTF8 { bytes in
                ByteLevelSplitter.forEachWord(bytes) { word in
                    words.append(Array(word))
                    return true
                }
            }
            return Array(words.joined(separator: [0]))
        }
        #expect(hashes == slices(reference.bpe_characters, 16))
    }

    /// A hash for each 4,096 characters of planes 0 and 1 over what `words` gives for each.
    private func characterHashes(_ words: (Unicode.Scalar) -> [UInt8]) -> [String] {
        stride(from: UInt32(0), to: 0x20000, by: 0x1000).map { block in
            let scalars = (max(block, 1)..<block + 0x1000).compactMap(Unicode.Scalar.init)
            let lines = scalars.map(words)
            return String(Digest(of: lines.joined(separator: [0, 0])).hex.prefix(16))
        }
    }
}
