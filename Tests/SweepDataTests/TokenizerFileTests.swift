import SweepData
import Testing

@Suite struct TokenizerFileMistakes {
    private func tokenizer(_ files: [String: String]) throws(DataError) -> any Tokenizer {
        try TokenizerFiles(folder: "model", contents: files.mapValues { Array($0.utf8) })
            .tokenizer()
    }

    /// A small tokenizer.json, each part of which can be another.
    private func json(
        model: String? = nil, normalizer: String = "null",
        cut: String = #"{"type":"BertPreTokenizer"}"#, processor: String = "null",
        added: String = "[]", truncation: String = "null"
    ) -> [String: String] {
        let wordPiece =
            ###"{"type":"WordPiece","unk_token":"[UNK]","vocab":{"[UNK]":0,"a":1,"##b":2,"é":3}}"###
        return [
            "tokenizer.json":
                "{\"truncation\":\(truncation),\"added_tokens\":\(added),\"normalizer\":"
                + "\(normalizer),\"pre_tokenizer\":\(cut),\"post_processor\":\(processor),"
                + "\"model\":\(model ?? wordPiece)}"
        ]
    }

    private let byteLevel = #"{"type":"ByteLevel","add_prefix_space":false}"#

    private func bpe(_ more: String = "", merges: String = #"["a b",["ab","c"]]"#) -> String {
        #"{"type":"BPE","vocab":{"a":0,"b":1,"c":2,"ab":3,"abc":4},"merges":\#(merges)\#(more)}"#
    }

    @Test("A model without lower-casing keeps case and accents")
    func casedTokenizer() throws {
        let vocabulary = "[UNK]\n[CLS]\n[SEP]\nCafé\ncafe\n##s\n"
        let cased = try tokenizer([
            "vocab.txt": vocabulary, "tokenizer_config.json": #"{"do_lower_case":false}"#,
        ])
        #expect(cased.encode("Cafés cafes Cafe", maxLength: 9) == [1, 3, 5, 4, 5, 0, 2])
        let uncased = try tokenizer(["vocab.txt": vocabulary])
        #expect(uncased.encode("Cafés cafes Cafe", maxLength: 5) == [1, 4, 5, 4, 2])
        #expect(uncased.encode("cafe", maxLength: 2) == [1, 2])
        #expect(uncased.encode("cafe", maxLength: 0) == [1, 2])
    }

    @Test("Merges may be texts or pairs; bytes without a piece are passed over or unknown")
    func merges() throws {
        let plain = try tokenizer(json(model: bpe(), cut: byteLevel))
        #expect(plain.encode("abcabxa", maxLength: 9) == [4, 3, 0])
        #expect(plain.vocabularySize == 5)
        let unknown = try tokenizer(json(model: bpe(#","unk_token":"c""#), cut: byteLevel))
        #expect(unknown.encode("axxb", maxLength: 9) == [0, 2, 2, 1])
    }

    @Test("Templates may put any tokens around; what follows a Sequence of one is read")
    func templates() throws {
        let processor = #"""
            {"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"X"}},
            {"Sequence":{"id":"A"}},{"SpecialToken":{"id":"Y"}}],
            "special_tokens":{"X":{"ids":[7,8]},"Y":{"ids":[9]}}}
            """#
        let sequence = "{\"type\":\"Sequence\",\"processors\":[\(processor)]}"
        for processor in [processor, sequence] {
            let tokens = try tokenizer(json(processor: processor)).encode("ab é", maxLength: 9)
            #expect(tokens == [7, 8, 1, 2, 3, 9])
        }
        let bert = #"{"type":"BertProcessing","cls":["[CLS]",5],"sep":["[SEP]",6]}"#
        #expect(try tokenizer(json(processor: bert)).encode("a", maxLength: 9) == [5, 1, 6])
    }

    @Test("What a tokenizer.json asks for beyond what there is, is refused by its name")
    func unsupported() {
        func problem(_ files: [String: String]) -> String { message { try tokenizer(files) } }
        func type(_ name: String) -> String { "{\"type\":\"\(name)\"}" }
        #expect(problem(json(model: type("Unigram"))).contains("the model type Unigram"))
        #expect(problem(json(model: "{}")).contains("the model type none"))
        #expect(problem(json(normalizer: type("NFKC"))).contains("the normalizer NFKC"))
        #expect(problem(json(cut: type("Metaspace"))).contains("the pre_tokenizer Metaspace"))
        #expect(problem(json(cut: "null")).contains("the pre_tokenizer none"))
        #expect(problem(json(processor: type("X"))).contains("the post_processor X"))
        #expect(problem(json(truncation: #"{"direction":"Left"}"#)).contains("at the left"))
        let several =
            #"{"type":"Sequence","normalizers":[{"type":"Lowercase"},{"type":"Lowercase"}]}"#
        #expect(problem(json(normalizer: several)).contains("a Sequence of several normalizers"))
        let template = #"{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"X"}}]}"#
        #expect(problem(json(processor: template)).contains("no ids for X"))
        #expect(
            problem(json(processor: #"{"type":"TemplateProcessing","single":[{}]}"#))
                .contains("a post_processor of another form"))
        #expect(problem(json(processor: type("TemplateProcessing"))).contains("one sentence"))
        #expect(problem(json(processor: type("BertProcessing"))).contains("no 'cls'"))
        for (more, name) in [
            (#","dropout":0.1"#, "a dropout"), (#","byte_fallback":true"#, "byte_fallback"),
            (#","ignore_merges":true"#, "ignore_merges"),
            (#","continuing_subword_prefix":"@@""#, "a continuing_subword_prefix"),
            (#","end_of_word_suffix":"</w>""#, "a end_of_word_suffix"),
            (#","unk_token":"a","fuse_unk":true"#, "fuse_unk"),
        ] {
            let text = problem(json(model: bpe(more), cut: byteLevel))
            #expect(text.contains("it asks for \(name), which is not supported"))
        }
        let whole = #"{"type":"ByteLevel","use_regex":false}"#
        #expect(problem(json(model: bpe(), cut: whole)).contains("without use_regex"))
        #expect(problem(json(model: bpe())).contains("the pre_tokenizer BertPreTokenizer"))
        #expect(
            problem(json()).contains("no error"), "the file that all of these change is good")
    }

    @Test("Broken tokenizer files are refused with the file and the place")
    func broken() {
        func problem(_ files: [String: String]) -> String { message { try tokenizer(files) } }
        #expect(problem(["tokenizer.json": "{"]).contains("not JSON: a key is missing at byte 1"))
        #expect(problem(["tokenizer.json": "3"]).contains("no JSON object"))
        #expect(problem(["tokenizer.json": "{}"]).hasPrefix("model/tokenizer.json gives no"))
        #expect(problem([:]).contains("neither tokenizer.json, nor vocab.txt"))
        #expect(problem(["vocab.json": "{}"]).contains("nor vocab.json with merges.txt"))
        #expect(problem(["vocab.txt": "[UNK]\nword\n"]).contains("the token [CLS] is missing"))
        #expect(problem(["vocab.txt": "<s>\n</s>\n"]).contains("the token [UNK] is missing"))
        let config = ["vocab.txt": "[UNK]", "tokenizer_config.json": "nonsense"]
        #expect(problem(config).hasPrefix("model/tokenizer_config.json gives no"))
        let pieces = #"{"a":0,"b":1,"ab":2,"<s>":3,"</s>":4,"<unk>":5}"#
        func merged(_ merges: String) -> String {
            problem(["vocab.json": pieces, "merges.txt": merges])
        }
        #expect(merged("#version: 0.2\na b\n") == "no error")
        #expect(merged("a b c\n").contains("model/merges.txt gives no"))
        #expect(merged("a b c\n").contains("merge 1, 'a b c', is not two pieces"))
        #expect(merged("a b\nb a\n").contains("merge 2, 'b a', has a piece"))
        let bare = ["vocab.json": #"{"a":0}"#, "merges.txt": ""]
        #expect(problem(bare).contains("model/vocab.json gives no"))
        #expect(problem(bare).contains("the token <s> is missing"))
        #expect(problem(json(model: bpe(merges: "[3]"), cut: byteLevel)).contains("two pieces"))
        #expect(problem(json(model: #"{"type":"BPE"}"#, cut: byteLevel)).contains("no vocabulary"))
        let number = #"{"type":"WordPiece","vocab":{"[UNK]":-1}}"#
        #expect(problem(json(model: number)).contains("the piece '[UNK]' has no number"))
        #expect(problem(json(added: "[{}]")).contains("an added token has no 'content'"))
        #expect(problem(json(added: "{}")).contains("'added_tokens' is no list"))
    }

    @Test("JSON is read strictly")
    func strictJSON() throws {
        func problem(_ text: String) -> String { message { try JSON(parsing: Array(text.utf8)) } }
        for good in ["0", "-0.5e+3", " [ ] ", #"{"a":{}}"#, #""\u00e9\ud83d\ude00\n""#, "true"] {
            #expect(problem(good) == "no error", "\(good)")
        }
        #expect(try JSON(parsing: Array(#""\u00e9\ud83d\ude00""#.utf8)).string == "é😀")
        for bad in [
            "", "tru", "01", "-", "1.", "1e", "[1,]", "[1 2]", "{\"a\"}", "{a:1}", "\"", "\"\\x\"",
            "\"\\u12g4\"", "\"\u{1}\"", #""\ud800""#, #""\ud800\u0041""#, #""\udc00""#, "1 2",
            #"{"a":1,"a":2}"#, "+1", "NaN", "[", "{\"a\":1", "\"\\", "\"\\u00",
        ] {
            #expect(problem(bad).contains("at byte"), "\(bad)")
        }
        #expect(message { try JSON(parsing: [0x22, 0xFF, 0x22]) }.contains("not UTF-8"))
        // The same letter in two spellings is two keys.
        #expect(problem("{\"\u{E9}\":1,\"e\u{301}\":2}") == "no error")
    }
}
