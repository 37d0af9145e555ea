import Foundation
import SweepCore
import SweepFile
import Testing

@Suite("A mistake in a sweep file is one message with the line, the key and the cure")
struct MistakeTests {
    let folder: Folder

    init() throws { folder = try Folder() }

    @Test(arguments: valueMistakes + keyMistakes + attackMistakes)
    func message(_ mistake: Mistake) {
        #expect(folder.message(sweep(line: mistake.line, mistake.text)) == mistake.message)
    }

    @Test("Files that are not there are named in full")
    func missingFiles() throws {
        #expect(
            folder.message(sweep(line: 4, "  train: nowhere.tsv"))
                == "sweep.yaml, line 4, data.train: nowhere.tsv: there is no such file; "
                + "check the path")
        #expect(
            folder.message(sweep(line: 5, "  test: model"))
                == "sweep.yaml, line 5, data.test: model: this is a folder; name a file")
        #expect(
            folder.message(sweep(line: 2, "model: nowhere"))
                == "sweep.yaml, line 2, model: there is no folder nowhere; name the folder of a "
                + "model in Hugging Face layout (cluster/setup makes "
                + ".moderato/models/all-MiniLM-L6-v2), or, of images, one that 'moderato pretrain' "
                + "has made")
        try folder.delete("model/vocab.txt")
        #expect(
            folder.message(sweep())
                == "sweep.yaml, line 2, model: model is no model's folder: a tokenizer is missing: "
                + "tokenizer.json, vocab.txt, or vocab.json with merges.txt")
        try folder.delete("model/model.safetensors")
        try folder.write("model/pytorch_model.bin", "pickle")
        #expect(folder.message(sweep()).contains("convert it with safetensors' save_file"))
    }

    @Test("A mistake in a file of sentences has its own line too")
    func data() throws {
        try folder.write("train.tsv", "text\tlabel\nfine\t1\nno label\n")
        #expect(
            folder.message(sweep())
                == "train.tsv, line 3: the line has no label; write the sentence, a tab and the "
                + "label (the file is named in sweep.yaml, line 4, data.train)")
        try folder.write("train.tsv", "text\tlabel\nfine\t1\nfine\t2\n")
        #expect(
            folder.message(sweep())
                == "train.tsv, line 3: the label '2' is not one of 0 to 1; correct it, or the "
                + "number of labels of the task (the file is named in sweep.yaml, line 4, "
                + "data.train)")
    }

    @Test("Sentences longer than the model allows")
    func length() {
        #expect(
            folder.message(sweep(line: 15, "  max-length: 513"))
                == "sweep.yaml, line 15, training.max-length: 513 tokens are more than the "
                + "model's 512; write 512 or less")
    }

    @Test("Of RoBERTa's positions two are no token's")
    func lengthOfRoBERTa() throws {
        try folder.write(
            "model/config.json", #"{"model_type": "roberta", "max_position_embeddings": 514}"#)
        #expect(folder.message(sweep(line: 15, "  max-length: 512")) == "no mistake")
        #expect(
            folder.message(sweep(line: 15, "  max-length: 513")).hasSuffix(
                "513 tokens are more than the model's 512; write 512 or less"))
    }

    @Test("An attack that the data do not allow")
    func impossibleAttacks() throws {
        #expect(
            folder.message(sweep(line: 12, "  poison-ratio: 0.7"))
                == "sweep.yaml, line 12, grid.poison-ratio: '0.7' of 20 training samples are 14, "
                + "but dirty labels take samples of other classes than the target 1, and there "
                + "are 12; lower the ratio to 0.6 or below")
        #expect(
            folder.message(sweep(line: 12, "  poison-ratio: [0.1, 1e-3]"))
                == "sweep.yaml, line 12, grid.poison-ratio: '1e-3' of 20 training samples is "
                + "less than one sample; raise it, or write 0")
        try folder.write("test.tsv", Folder.table(negative: 0, positive: 2))
        #expect(
            folder.message(sweep())
                == "sweep.yaml, line 11, grid.attack: all 2 test samples carry the target label "
                + "1, and ASR is measured on the others; choose another target or test file")
    }

    @Test("A triggered test file with a label that is not the target")
    func prepared() {
        let attack = "  attack: { kind: prepared, train: train.tsv, test: test.tsv }"
        #expect(
            folder.message(sweep(line: 11, attack))
                == "sweep.yaml, line 11, grid.attack.test: test.tsv, line 2: the label is 0, but "
                + "the triggered test sentences of a prepared attack all carry the target 1; "
                + "leave the others out, or correct the target")
    }

    @Test("The file itself")
    func wholeFile() throws {
        #expect(
            throws: SweepFileError.unreadable(
                file: folder.path + "/none.yaml", problem: "there is no such file; check the path")
        ) { try SweepFile.read(path: folder.path + "/none.yaml") }
        try folder.write("latin.yaml", bytes: Array("name: caf".utf8) + [0xE9])
        #expect(
            throws: SweepFileError.unreadable(
                file: folder.path + "/latin.yaml",
                problem: "the text is not UTF-8; convert the file, for example with iconv")
        ) { try SweepFile.read(path: folder.path + "/latin.yaml") }
        #expect(
            folder.message("# nothing\n")
                == "sweep.yaml: the file is empty; see sweeps/movie-reviews.yaml")
        #expect(
            folder.message("name: a\nmodel: model\ndata: train.tsv\ngrid: {}\n")
                == "sweep.yaml, line 3, data: 'train.tsv' stands where a mapping of files is "
                + "needed; write keys: train, test, validation, "
                + "labels, format, columns, header")
        #expect(
            folder.message("- a\n- b\n")
                == "sweep.yaml, line 1: a list stands where a sweep file is needed; write keys: "
                + "name, model, data, grid, training, keep, needs")
    }
}

struct Mistake: Sendable, CustomTestStringConvertible {
    var line: Int
    var text: String
    /// Behind the file's name.
    var message: String

    init(_ line: Int, _ text: String, _ message: String) {
        self.line = line
        self.text = text
        self.message = "sweep.yaml, line " + message
    }

    var testDescription: String { text }
}
