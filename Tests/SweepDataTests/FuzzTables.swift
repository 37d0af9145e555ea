import SweepCore
import SweepData

extension FuzzFormat {
    /// Files of sentences, by the format that their name gives them.
    static let tables: [FuzzFormat] = [
        table(
            "quoted text", file: "file.csv",
            [
                "text,label\n\"a, \"\"b\"\"\nc\",1\nd \"e\",0\r\n\"\",1",
                "\u{FEFF},Sentence,labels,poisoned\r\n0,a,good,True\r\n1,\"b\",bad,0\r\n",
                "text;label\n\"a;b\";x\nc;y\n",
                "\"text\",\"label\"\n\"1\",\"a\",0\n\"2\",\"b\",1\n",
            ],
            words: ["\"", "\"\"", ",", "\n", "\r\n", ";", "\",\"", "\t", "text,label\n", "é"],
            large: ["\"", "\"\"", ",", "\"a\"\n", "text,label\n", "\"a\",", "a,b\n"]),
        table(
            "quoted TSV", file: "file.tsv",
            [
                "sentence\tlabel\n\"a \"\"b\"\"\"\t1\nc\t0\n", "label\ttext\r\nx\ta\r\ny\tb\r\n",
                "\"text\"\t\"label\"\n\"a\tb\nc\"\t\"x\"\n",
            ],
            words: ["\"", "\"\"", "\t", "\n", "\r\n", "\"\t\"", "touched\t", "é"],
            large: ["\"", "\"\"\t", "\t\n", "\"\n"]),
        table(
            "JSON records", file: "file.json",
            [
                #"[{"text":"a \"b\" ]}","label":1,"id":7},{"text":"c","label":0,"id":{"x":[]}}]"#,
                "{\"sentence\":\"a\",\"labels\":\"x\",\"touched\":true}\n"
                    + "{\"touched\":0,\"sentence\":\"\\u00e9\",\"labels\":\"y\"}\n",
                " [ {\"text\": \"\", \"label\": 1.0} ]\n",
            ],
            words: [
                "{", "}", "[", "]", ",", ":", "\"", "\\", "\n", "\"text\":", "\"label\":", "null",
                "1", "{\"text\":\"a\",\"label\":1}",
            ],
            large: ["[", "{", "{}", "[{", "\"", "{\"text\":\"a\",\"label\":1}\n", "{\"a\":"]),
        table(
            "packed text", file: "file.gz", [],
            packed: [
                // A header and two samples.
                [
                    0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 2, 0xFF, 0x2B, 0x4E, 0xCD, 0x2B, 0x49, 0xCD,
                    0x4B, 0x4E, 0xE5, 0xCC, 0x49, 0x4C, 0x4A, 0xCD, 0xE1, 0x4A, 0xE4, 0x34, 0xE4,
                    0x4A, 0xE2, 0x34, 0xE0, 2, 0, 0x6D, 0xD3, 0x0C, 0xE7, 0x17, 0, 0, 0,
                ]
            ],
            words: ["\u{1F}", "\0", "a"], large: ["\u{1F}", "a"]),
    ]

    private static func table(
        _ name: String, file: String, _ seeds: [String], packed: [[UInt8]] = [], words: [String],
        large: [String]
    ) -> FuzzFormat {
        let start = Array((file.hasSuffix(".csv") ? "text,label\n" : "").utf8)
        let many = large.map { text in
            start + Array(String(repeating: text, count: (1 << 19) / text.utf8.count).utf8)
        }
        return FuzzFormat(
            name: name,
            mutation: Mutation(seeds: seeds.map { Array($0.utf8) } + packed, words: words),
            large: many, memory: 40
        ) { input in
            let whole = try survey(input, as: file)
            let parts = try survey(input, as: file, piece: max(1, input.count / 3))
            guard whole.text == parts.text, whole.layout == parts.layout else {
                throw Broken(description: "in pieces it reads otherwise")
            }
            if let problem = whole.layout?.problem { throw Broken(description: problem) }
            return whole
        }
    }
}
