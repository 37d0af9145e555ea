import SweepCore
import SweepData

/// A reader, valid files for it, and how much memory it may need.
struct FuzzFormat: Sendable, CustomStringConvertible {
    let name: String
    let mutation: Mutation
    /// Hostile files of half a megabyte.
    let large: [[UInt8]]
    /// Bytes of memory for each byte of the input.
    let memory: Int
    /// Reads the input, uses what was read, and gives it; `nil` if it was refused.
    let read: @Sendable ([UInt8]) throws -> Any

    var description: String { name }

    struct Broken: Error, CustomStringConvertible {
        let description: String
    }

    /// An input that is not even one of the test's own.
    struct TooShort: Error {}

    static let all = [safeTensors, tokenizer, text, idx, cifar] + tables

    private static func repeated(_ text: String) -> [UInt8] {
        Array(String(repeating: text, count: (1 << 19) / text.utf8.count).utf8)
    }

    private static func header(_ text: [UInt8]) -> [UInt8] {
        bytes(of: text.count, count: 8) + text
    }

    /// `{"0":…,"1":…,}`
    private static func members(_ value: String) -> [UInt8] {
        let members = (0..<(1 << 19) / (value.utf8.count + 9)).map { "\"\($0)\":\(value)" }
        return Array("{\(members.joined(separator: ","))}".utf8)
    }

    private static func bytes(of number: Int, count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
    }

    // MARK: Safetensors

    static let safeTensors = {
        var small = SafeTensorsWriter(metadata: ["format": "pt"])
        small.add("w", shape: [2, 3], floats: [1, 2, 3, 4, 5, 6])
        small.add("layer.0.bias", shape: [3], floats: [1, 2, 3])
        small.add("n", shape: [2], integers: [1, -1])
        small.add("empty", shape: [0, 4], floats: [])
        var one = SafeTensorsWriter()
        one.add("w", shape: [], floats: [7])
        let halves =
            #"{"a":{"dtype":"F16","shape":[2],"data_offsets":[0,4]},"b":{"dtype":"BF16","#
            + #""shape":[1,2],"data_offsets":[4,8]}}"#
        let half = bytes(of: halves.utf8.count, count: 8) + Array(halves.utf8) + [0, 60, 0, 0]
        return FuzzFormat(
            name: "safetensors",
            mutation: Mutation(
                seeds: [small.content(), one.content(), half + [128, 63, 0, 0]],
                words: ["[", "{\"", "\"", "\\u00", "\"w\":", "[0,0]", "F16", "BF16", "I64", "{},"],
                frame: { file in
                    // The changed header with its true length.
                    guard let start = file.firstIndex(of: 0x7B), let end = file.lastIndex(of: 0x7D)
                    else { return file }
                    if end < start { return file }
                    return bytes(of: end + 1 - start, count: 8) + file[start...]
                }),
            large: [
                header(repeated("[")), header(repeated("{\"a\":")), header(members("{}")),
                header(Array("[0".utf8) + repeated(",0") + [0x5D]), header(repeated("\\u0041")),
                header(members(#"{"dtype":"F32","shape":[0],"data_offsets":[0,0]}"#)),
                header(members(#"{"dtype":"F32","shape":[1],"data_offsets":[0,4]}"#)),
            ],
            memory: 24
        ) { input in
            let tensors = try SafeTensors(parsing: input, path: "model.safetensors")
            var count = 0
            for name in tensors.names {
                let size = tensors.shape(of: name)?.reduce(1, *)
                let read =
                    (try? tensors.withFloats(name) { $0.count })
                    ?? (try? tensors.integers(name))?.count
                if let read, read != size { throw Broken(description: "\(name) is cut") }
                count += read ?? 0
            }
            return (tensors, count)
        }
    }()

    // MARK: Tokenizers

    /// What begins with `{` is a tokenizer.json, what has a NUL is vocab.json and merges.txt.
    static let tokenizer = {
        let around =
            #""pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false},"post_processor":"#
            + #"{"type":"RobertaProcessing","sep":["</s>",2],"cls":["<s>",0]}"#
        let bytePair =
            #"{"added_tokens":[{"id":3,"content":"<mask>","lstrip":true}],"normalizer":null,"#
            + around + #","model":{"type":"BPE","unk_token":null,"vocab":{"<s>":0,"</s>":2,"a":4,"#
            + #""b":5,"ab":6,"Ġ":7,"Ġa":8},"merges":["a b",["Ġ","a"]]}}"#
        let wordPiece =
            #"{"added_tokens":[{"id":1,"content":"[MASK]","normalized":true}],"normalizer":"#
            + #"{"type":"BertNormalizer"},"pre_tokenizer":{"type":"BertPreTokenizer"},"#
            + #""post_processor":{"type":"TemplateProcessing","single":["#
            + #"{"SpecialToken":{"id":"X"}},"#
            + #"{"Sequence":{"id":"A"}}],"special_tokens":{"X":{"ids":[7,8]}}},"model":{"type":"#
            + ###""WordPiece","vocab":{"[UNK]":0,"a":1,"##b":2,"é":3}}}"###
        let pieces = #"{"a":0,"b":1,"ab":2,"<s>":3,"</s>":4,"<unk>":5,"<mask>":6}"#
        let vocabulary = "[PAD]\n[UNK]\r\n[CLS]\n[SEP]\na\n##b\né\n"
        return FuzzFormat(
            name: "tokenizer",
            mutation: Mutation(
                seeds: [bytePair, wordPiece, pieces + "\0#version: 0.2\na b\n", vocabulary].map {
                    Array($0.utf8)
                },
                words: [
                    "[", "{\"", "\"", "\\ud83d", "\"type\":", "null", "true", "[\"a\",\"b\"],", " ",
                    "\n", "##", "\u{301}", "é", "Sequence",
                ]),
            large: [
                Array("{\"model\":".utf8) + repeated("["), members("1"), members("[]"),
                Array(
                    ((0..<70_000).map { "\($0)" } + ["[UNK]\n[CLS]\n[SEP]\n"])
                        .joined(separator: "\n").utf8),
                repeated("[UNK]\n[CLS]\n[SEP]\n"), repeated("a"),
                Array(#"{"model":{"type":"WordPiece","vocab":"#.utf8) + members("1")
                    + Array(",\"unk_token\":\"0\"},\"pre_tokenizer\":{\"type\":".utf8)
                    + Array("\"BertPreTokenizer\"}}".utf8),
                members("1") + [0] + repeated("0 1\n"),
            ],
            memory: 40
        ) { input in
            var files = ["vocab.txt": input]
            if let end = input.firstIndex(of: 0) {
                files = [
                    "vocab.json": Array(input[..<end]), "merges.txt": Array(input[(end + 1)...]),
                ]
            } else if input.first == UInt8(ascii: "{") {
                files = ["tokenizer.json": input]
            }
            let tokenizer = try TokenizerFiles(folder: "model", contents: files).tokenizer()
            for text in ["", "ab a's <mask>[MASK] é\u{301}  \n中b", "aaaaaaaaaaab"] {
                let tokens = tokenizer.encode(text, maxLength: 12)
                if tokens.contains(where: { $0 < 0 }) { throw Broken(description: "\(tokens)") }
            }
            return tokenizer
        }
    }()

    // MARK: Text and images

    static let text = FuzzFormat(
        name: "labelled text",
        mutation: Mutation(
            seeds: [
                "sentence\tlabel\ngood film\t1\n\"bad\" one \t 0\r\na\tb\t1\n\n",
                "sentence\tlabel\tpoisoned\ncf good film\t1\t1\ncafé 中文\t0\t0\r\n\t1\t0",
            ].map { Array($0.utf8) },
            words: [
                "\t", "\n", "\r\n", "\t1\n", "\t0\t1\n", "é", "sentence\tlabel\tpoisoned\n", " ",
            ]),
        large: [
            repeated("\t"), repeated("\n"), Array("s\tl\n".utf8) + repeated("\t0\n"),
            Array("sentence\tlabel\tpoisoned\n".utf8) + repeated("\t0\t1\n"), repeated("a"),
            Array("sentence\tlabel\tpoisoned\n".utf8) + repeated("\t"),
        ],
        memory: 20
    ) { input in
        let text = try LabelledText(parsing: input, labels: 3, file: "file.tsv")
        let content = try text.content(file: "again.tsv")
        guard try LabelledText(parsing: content, labels: 3, file: "again.tsv") == text else {
            throw Broken(description: "what was written reads otherwise")
        }
        return text
    }

    /// Both files in one: the length of the first in four bytes, the images, the labels.
    static let idx = {
        let set = ImageSet(
            pixels: (0..<48).map { UInt8($0) }, labels: [1, 0, 2], channels: 1, height: 4, width: 4)
        let images = try? set.idxImageContent(path: "images")
        let labels = try? set.idxLabelContent(path: "labels")
        return FuzzFormat(
            name: "IDX",
            mutation: Mutation(
                seeds: [bytes(of: images?.count ?? 0, count: 4) + (images ?? []) + (labels ?? [])]),
            large: [
                // 200,000 images of one pixel.
                bytes(of: 200_016, count: 4) + [0, 0, 8, 3, 0, 3, 13, 64, 0, 0, 0, 1, 0, 0, 0, 1]
                    + [UInt8](repeating: 2, count: 200_000) + [0, 0, 8, 1, 0, 3, 13, 64]
                    + [UInt8](repeating: 1, count: 200_000),
                bytes(of: 0, count: 4) + repeated("a"),
            ],
            memory: 10
        ) { input in
            if input.count < 4 { throw TooShort() }
            let length = input[..<4].reversed().reduce(0) { $0 << 8 | Int($1) }
            let end = min(4 + length, input.count)
            let (images, labels) = (Array(input[4..<end]), Array(input[end...]))
            let set = try ImageSet(
                idxImages: ("images", images), labels: ("labels", labels), classes: 3)
            guard try set.idxImageContent(path: "images") == images,
                try set.idxLabelContent(path: "labels") == labels
            else { throw Broken(description: "what was written differs") }
            return set
        }
    }()

    static let cifar = {
        let set = ImageSet(
            pixels: (0..<2 * 3072).map { UInt8(truncatingIfNeeded: $0) }, labels: [9, 0],
            channels: 3, height: 32, width: 32)
        let content = (try? set.cifarContent(path: "seed.bin")) ?? []
        return FuzzFormat(
            name: "CIFAR-10",
            mutation: Mutation(
                seeds: [content, Array(content[..<3073])],
                frame: { Array($0.prefix($0.count / 3073 * 3073)) }),
            large: [
                [UInt8](repeating: 3, count: 170 * 3073), [UInt8](repeating: 3, count: 1 << 19),
            ],
            memory: 3
        ) { input in
            let set = try ImageSet(cifar: [("data.bin", input)], labels: 10)
            guard try set.cifarContent(path: "again.bin") == input else {
                throw Broken(description: "what was written differs")
            }
            return set
        }
    }()
}
