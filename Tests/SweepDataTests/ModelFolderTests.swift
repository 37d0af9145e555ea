import Foundation
import SweepCore
import SweepData
import Testing

@Suite struct ModelFolders {
    private func weights(_ names: [String], value: Float = 1) -> [UInt8] {
        var writer = SafeTensorsWriter()
        for name in names { writer.add(name, shape: [1], floats: [value]) }
        return writer.content()
    }

    private func index(_ map: String) -> [UInt8] { Array("{\"weight_map\":\(map)}".utf8) }

    private func open(_ files: [String: [UInt8]]) throws -> ModelFolder {
        try ModelFolder(try Fixture.folder(files).path)
    }

    @Test("The set-up's model is opened: configuration, weights, tokenizer, digests")
    func setUpModel() throws {
        let folder = try ModelFolder(try Fixture.setUp("models/all-MiniLM-L6-v2").path)
        #expect(folder.fileNames == ["config.json", "model.safetensors", "tokenizer.json"])
        #expect(try folder.tokenizer().vocabularySize == 30522)
        #expect(try folder.weights().shape(of: "pooler.dense.weight") == [384, 384])
        let digests = try folder.digests()
        #expect(digests.map(\.name) == folder.fileNames)
        #expect(digests[0].digest == Digest(of: try FileContent.read(folder.path + "/config.json")))
    }

    @Test("A sharded model's weights are found by its index")
    func shards() throws {
        let map = #"{"a":"one.safetensors","b":"two.safetensors"}"#
        var files = [
            "config.json": Array("{}".utf8), "model.safetensors.index.json": index(map),
            "one.safetensors": weights(["a"]), "two.safetensors": weights(["b"], value: 2),
        ]
        let folder = try open(files)
        #expect(
            folder.fileNames == [
                "config.json", "model.safetensors.index.json", "one.safetensors",
                "two.safetensors",
            ])
        #expect(try folder.digests().count == 4)
        #expect(try folder.weights().names == ["a", "b"])
        #expect(try folder.weights().floats("b") == [2])
        files["two.safetensors"] = weights(["c"])
        let wrong = message { try open(files).weights() }
        #expect(wrong.contains("'b' is in two.safetensors, which does not have it"))
        files["two.safetensors"] = weights(["a", "b"])
        #expect(message { try open(files).weights() }.contains("'a' is in another file too"))
        files["two.safetensors"] = nil
        #expect(message { try open(files).weights() }.contains("/two.safetensors cannot be read"))
    }

    @Test("An index cannot lead out of the model's folder")
    func escapes() {
        for name in [#""../x""#, #""/etc/passwd""#, #""a/b""#, #""..""#, #""""#, #""\u0000""#, "3"]
        {
            let files = ["model.safetensors.index.json": index("{\"w\":\(name)}")]
            #expect(message { try open(files) }.contains("'w' is in no file of the same folder"))
        }
        for content in ["{}", "[]", #"{"weight_map":{}}"#] {
            let files = ["model.safetensors.index.json": Array(content.utf8)]
            #expect(message { try open(files) }.contains("no 'weight_map'"))
        }
        let files = ["model.safetensors.index.json": Array("{".utf8)]
        #expect(message { try open(files) }.contains("is not JSON"))
    }

    @Test("Pickled weights are refused with the way to convert them; none at all are named")
    func pickled() {
        let text = message { try open(["pytorch_model.bin": [0]]) }
        #expect(text.contains("safetensors.torch") && text.contains("save_file"))
        #expect(message { try open([:]) }.contains("the model's folder has no weights"))
    }

    @Test("tokenizer.json is preferred to vocabulary files")
    func tokenizerFiles() throws {
        var files = [
            "model.safetensors": weights(["a"]), "vocab.txt": Array("[UNK]".utf8),
            "tokenizer_config.json": Array("{}".utf8), "tokenizer.json": Array("{}".utf8),
        ]
        #expect(
            try open(files).fileNames == ["config.json", "model.safetensors", "tokenizer.json"])
        #expect(message { try open(files).tokenizer() }.contains("has no 'model'"))
        files["tokenizer.json"] = nil
        let names = ["config.json", "model.safetensors", "tokenizer_config.json", "vocab.txt"]
        #expect(try open(files).fileNames == names)
        #expect(message { try open(files).tokenizer() }.contains("/vocab.txt gives no tokenizer"))
        files["vocab.txt"] = nil
        #expect(message { try open(files).tokenizer() }.contains("neither tokenizer.json, nor"))
        #expect(message { try open(files).configuration() }.contains("/config.json cannot be read"))
    }
}
