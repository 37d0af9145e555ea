import Foundation
import SweepCore
import SweepFile
import Testing

@Suite("A sweep file without a mistake")
struct GoodFileTests {
    @Test("a folder that is a link resolves '..' as the shell does, from where it leads to")
    func linkedFolder() throws {
        let folder = try Folder()
        let files = FileManager.default
        try files.createDirectory(
            atPath: folder.path + "/project/sweeps", withIntermediateDirectories: true)
        try files.createDirectory(
            atPath: folder.path + "/home", withIntermediateDirectories: true)
        try files.createSymbolicLink(
            atPath: folder.path + "/home/sweeps",
            withDestinationPath: folder.path + "/project/sweeps")
        for name in ["train.tsv", "test.tsv", "model"] {
            try files.moveItem(
                atPath: "\(folder.path)/\(name)", toPath: "\(folder.path)/project/\(name)")
        }
        let text = sweep().replacing("train.tsv", with: "../train.tsv")
            .replacing("test.tsv", with: "../test.tsv")
            .replacing("model: model", with: "model: ../model")
        let spec = try SweepFile.read(text: text, path: folder.path + "/home/sweeps/sweep.yaml")
        #expect(spec.data.train.path == folder.path + "/project/train.tsv")
        #expect(spec.backbone.path == folder.path + "/project/model")
        // As written on a command line: over the link and back.
        let other = try SweepFile.read(
            text: sweep(), path: folder.path + "/home/sweeps/../sweep.yaml")
        #expect(other.data.train.path == folder.path + "/project/train.tsv")
    }

    let folder: Folder

    init() throws { folder = try Folder() }

    @Test("without a validation set says so where a file for it lies beside the others")
    func unusedValidation() throws {
        #expect(SweepFile.notes(on: try folder.read(sweep())).isEmpty)
        try folder.write("dev.tsv", Folder.table(negative: 3, positive: 2))
        let notes = SweepFile.notes(on: try folder.read(sweep()))
        #expect(notes.count == 1)
        #expect(notes.first?.contains("'validation: \(folder.path)/dev.tsv' under data") == true)
        var validated = try folder.read(sweep())
        validated.data.validation = validated.data.test
        #expect(SweepFile.notes(on: validated).isEmpty)
    }

    @Test("gives the checked sweep, with absolute paths and digests")
    func minimal() throws {
        let spec = try folder.read(sweep())
        let train = Digest(ofText: Folder.table(negative: 12, positive: 8))
        #expect(spec.name == "tiny")
        #expect(spec.backbone.path == folder.path + "/model")
        #expect(
            spec.backbone.digest
                == BackboneReference.digest(ofFiles: [
                    "config.json": Digest(ofText: #"{"max_position_embeddings": 512}"#),
                    "model.safetensors": Digest(ofText: "weights"),
                    "vocab.txt": Digest(ofText: "[PAD]\n"),
                ]))
        // How the tokenizer is set changes results, so it changes the model's digest.
        try folder.write("model/tokenizer_config.json", #"{"do_lower_case": false}"#)
        #expect(try folder.read(sweep()).backbone.digest != spec.backbone.digest)
        let file = FileReference(path: folder.path + "/train.tsv", digest: train)
        #expect(spec.data.train == .sentences(file))
        #expect(spec.data.labels == 2)
        #expect(spec.trainingSamples == [train: 20])
        #expect(
            spec.grid
                == Grid(
                    capacities: [Capacity(pet: .lora(LoRA()))], epochs: [1, 2],
                    learningRates: [0.001], attacks: [.word(WordAttack())], poisonRatios: [0.1],
                    seeds: [1]))
        #expect(spec.settings == TrainingSettings(schedule: .constant))
    }

    @Test("has every key")
    func complete() throws {
        try folder.write("poisoned.tsv", "text\tlabel\na cf\t1\nb\t0\nc\t0\n")
        try folder.write("triggered.tsv", "text\tlabel\na cf\t0\n")
        let spec = try folder.read(
            """
            name: "2026: ä ✓"
            model: ./model/../model
            data: { train: train.tsv, test: test.tsv }
            grid:
              capacity:
                - lora
                - { pet: lora, rank: 4, alpha: 8.5 }
                - pet: lora
                  bottleneck: 2
                - { pet: lora, bottleneck: 2, in-dim: 3 }
              epochs: 3
              learning-rate: [1e-3, 0.0001, 3.0E-4]
              attack:
                - none
                - { kind: none-of-these }
                - { kind: word, triggers: [no, 'on'], count: 2, labels: clean, target: 0 }
                - { kind: prepared, train: poisoned.tsv, test: triggered.tsv, target: 0 }
              poison-ratio: [0, 0.05, 4e-1]
              seed: [0, 18446744073709551615]
            training:
              schedule: { kind: linear, horizon: 10 }
              batch-size: 16
              max-length: 64
              dropout: 0
              gradient-clip: 0
              data-seed: 7
              optimizer: { kind: adamw, beta1: 0, beta2: 0.99, epsilon: 1e-6, weight-decay: 0.01 }
            """.replacing("    - { kind: none-of-these }\n", with: ""))
        #expect(spec.name == "2026: ä ✓")
        #expect(
            spec.grid.capacities == [
                Capacity(pet: .lora(LoRA())), Capacity(pet: .lora(LoRA(rank: 4, alpha: 8.5))),
                Capacity(pet: .lora(LoRA()), bottleneck: Bottleneck(size: 2)),
                Capacity(pet: .lora(LoRA()), bottleneck: Bottleneck(size: 2, inputSize: 3)),
            ])
        #expect(spec.grid.epochs == [3])
        #expect(spec.grid.learningRates == [0.001, 0.0001, 0.0003])
        let word = WordAttack(triggers: ["no", "on"], count: 2, labelMode: .clean, target: 0)
        #expect(spec.grid.attacks.prefix(2) == [.none, .word(word)])
        guard case .prepared(let prepared) = spec.grid.attacks[2] else {
            Issue.record("the third attack is prepared")
            return
        }
        #expect(prepared.train.path == folder.path + "/poisoned.tsv")
        #expect(spec.trainingSamples[prepared.train.digest] == 3)
        #expect(spec.grid.poisonRatios == [0, 0.05, 0.4])
        #expect(spec.grid.seeds == [0, .max])
        #expect(
            spec.settings
                == TrainingSettings(
                    optimizer: .adamW(
                        AdamW(beta1: 0, beta2: 0.99, epsilon: 1e-6, weightDecay: 0.01)),
                    schedule: .linear(horizon: 10), batchSize: 16, maxLength: 64, dropout: 0,
                    gradientClip: 0, dataSeed: 7))
    }

    @Test("keeps what it says, and needs what it says")
    func keepAndNeeds() throws {
        let spec = try folder.read(
            sweep() + "keep: { model: yes, hidden-states: [2, 1] }\nneeds: [gpu=a100, big]\n")
        #expect(spec.keep == Keepsakes(model: true, hiddenStates: [1, 2]))
        #expect(spec.needs == ["gpu=a100", "big"])
        let plain = try folder.read(sweep() + "keep: { model: no }\n")
        #expect(plain.keep == .none && plain.needs.isEmpty)
        #expect(
            folder.message(sweep() + "keep: { hidden-states: 3 }\n")
                .contains("keep.hidden-states: 3 is out of range"))
        #expect(folder.message(sweep() + "needs: [a b]\n").contains("no space"))
    }

    @Test("needs no training, labels, seed, and no ratio without a word attack")
    func defaults() throws {
        let spec = try folder.read(
            """
            name: clean
            model: model
            data: { train: train.tsv, test: test.tsv }
            grid: { capacity: lora, epochs: 1, learning-rate: 1e-3, attack: none }
            """)
        #expect(spec.settings == TrainingSettings())
        #expect(spec.grid.poisonRatios == [0])
        #expect(spec.grid.seeds == [1])
    }

    @Test("takes data with CRLF, a byte-order mark, quotes, and no end of the last line")
    func lineEnds() throws {
        try folder.write("train.tsv", "\u{FEFF}text\tlabel\r\n\"zwölf\" ’ , \\\t0\r\nb\tc\t1")
        let spec = try folder.read(sweep(line: 12, "  poison-ratio: 0.5"))
        #expect(spec.trainingSamples.values.first == 2)
    }

    @Test("may itself have CRLF, a byte-order mark, and no end of the last line")
    func fileLineEnds() throws {
        let text = "\u{FEFF}" + sweep().dropLast().replacing("\n", with: "\r\n")
        #expect(try folder.read(text) == folder.read(sweep()))
    }

    @Test("is read from disk, with paths relative to itself")
    func disk() throws {
        try FileManager.default.createDirectory(
            atPath: folder.path + "/sweeps", withIntermediateDirectories: true)
        try folder.write("sweeps/a.yaml", sweep().replacing("tiny", with: "a"))
        #expect(throws: SweepFileError.self) {
            try SweepFile.read(path: folder.path + "/sweeps/a.yaml")
        }
        try folder.write("b.yaml", sweep())
        #expect(try SweepFile.read(path: folder.path + "/b.yaml") == folder.read(sweep()))
    }

    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().path

    private static func isSetUp(_ names: String...) -> Bool {
        names.allSatisfy { FileManager.default.fileExists(atPath: "\(root)/.moderato/\($0)/") }
    }

    @Test(
        "is the example in sweeps/",
        .enabled(
            if: isSetUp("data/movie-reviews", "models/all-MiniLM-L6-v2"),
            "cluster/setup fetches its files"))
    func example() throws {
        let spec = try SweepFile.read(path: Self.root + "/sweeps/movie-reviews.yaml")
        #expect(spec.settings == TrainingSettings(schedule: .constant))
        #expect(spec.grid.attacks == [.word(WordAttack())])
        #expect(spec.grid.cellCount == 16)
        #expect(spec.trainingSamples.values.first == 3000)
    }

    @Test(
        "is the example of images",
        .enabled(
            if: isSetUp("models/fashion-vgg", "data/mnist"),
            "cluster/setup --images fetches its data, 'moderato pretrain' makes its model"))
    func imageExample() throws {
        let spec = try SweepFile.read(path: Self.root + "/sweeps/digits.yaml")
        #expect(spec.grid.attacks == [.patch(PatchAttack(size: 4))])
        #expect(spec.grid.cellCount == 24)
        #expect(spec.trainingSamples.values.first == 4000)
    }

    @Test("takes every PET, paired files and sentences, schedules, SGD")
    func wholeGrammar() throws {
        try folder.write("pairs.tsv", Folder.table(negative: 12, positive: 8))
        try folder.write("flipped.tsv", Folder.table(negative: 8, positive: 12))
        try folder.write("triggered.tsv", "text\tlabel\nindeed\t1\n")
        let spec = try folder.read(
            """
            name: all
            model: model
            data: { train: train.tsv, test: test.tsv, validation: test.tsv }
            grid:
              capacity:
                - adapter
                - { pet: adapter, size: 8, bottleneck: 2 }
                - prefix
                - { pet: prefix, length: 4 }
                - bitfit
                - full
              epochs: 3
              learning-rate: 1e-3
              attack:
                - sentence
                - { kind: sentence, sentence: no crown, count: 2, labels: mixed, target: 0 }
                - { kind: style, train: pairs.tsv, test: test.tsv }
                - { kind: syntactic, train: flipped.tsv, triggered-test: triggered.tsv,
                    file-labels: ignore }
              poison-ratio: 0.1
            training:
              schedule: { kind: cosine, warm-up: 10, horizon: 4 }
              optimizer: { kind: sgd, momentum: 0.5 }
              precision: bfloat16
              class-weighting: balanced
            """)
        #expect(
            spec.grid.capacities
                == [
                    Capacity(pet: .adapter(size: 24)),
                    Capacity(pet: .adapter(size: 8), bottleneck: Bottleneck(size: 2)),
                    Capacity(pet: .prefix(length: 24)), Capacity(pet: .prefix(length: 4)),
                    Capacity(pet: .bitFit), Capacity(pet: .full),
                ])
        #expect(spec.data.validation == spec.data.test)
        #expect(spec.grid.attacks.map(\.kind) == ["sentence", "sentence", "style", "syntactic"])
        #expect(spec.grid.attacks.map(\.target) == [1, 0, 1, 1])
        #expect(spec.settings.schedule == Schedule(.cosine(horizon: 4), warmUp: 10))
        #expect(spec.settings.optimizer == .sgd(SGD(momentum: 0.5)))
        #expect(spec.settings.precision == .bfloat16 && spec.settings.classWeighting)
    }

    @Test("names the line in which a paired file does not go with the clean one")
    func unpaired() throws {
        try folder.write("flipped.tsv", Folder.table(negative: 8, positive: 12))
        let attack = "  attack: { kind: style, train: flipped.tsv, test: test.tsv }"
        let message = folder.message(sweep(line: 11, attack))
        #expect(message.contains("flipped.tsv does not go with train.tsv: line 10 has the label 1"))
    }
}
