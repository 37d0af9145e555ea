import ArgumentParser
import Foundation
import SweepCore
import SweepData

struct PoisonCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "poison",
        abstract: "Write the poisoned training sets and triggered test sets of a sweep.",
        discussion: """
            Example:
              moderato poison sweeps/movie-reviews.yaml --out poisoned

            For each attack and poison ratio of the sweep it makes a folder with train.tsv, whose
            column 'poisoned' says which rows were touched, and test.tsv: triggered sentences, each
            labelled with the target. They are what the sweep itself trains and tests on, and can be
            read again:
              attack: { kind: prepared, train: FOLDER/train.tsv, test: FOLDER/test.tsv, target: 1 }

            Of images it writes train.bin and test.bin as CIFAR-10 does, or gray ones as IDX files:
            train.images, train.labels, test.images, test.labels; poisoned.tsv lists the training
            images that were touched, counted from 0, with the label each had.
            """)

    @Argument(help: "The sweep file (YAML).", completion: .file(extensions: ["yaml", "yml"]))
    var file: String

    @Option(help: ArgumentHelp("Where the folders go; it is made if need be.", valueName: "folder"))
    var out: String

    func run() throws {
        let spec = try readSweep(file)
        let root = absolute(out)
        var names: Set<String> = []
        for attack in spec.grid.attacks where attack != .none {
            for ratio in attack.usesPoisonRatio ? spec.grid.poisonRatios : [0] {
                var name = attack.usesPoisonRatio ? "\(attack.kind)-\(ratio)" : attack.kind
                name = OutputFile.name(for: name)
                while !names.insert(name).inserted { name += "+" }
                do {
                    let folder = "\(root)/\(name)"
                    if spec.data.train.isImages {
                        try writeImages(attack, ratio, of: spec, to: folder)
                    } else {
                        try write(attack, ratio, of: spec, to: folder)
                    }
                } catch let error as ExitCode {
                    throw error
                } catch {
                    throw failure("\(error)", Exit.usage)
                }
            }
        }
        if names.isEmpty {
            throw failure("\(file) has no attack, so there is nothing to poison", Exit.usage)
        }
    }

    private func write(
        _ attack: Attack, _ ratio: Double, of spec: SweepSpec, to folder: String
    ) throws {
        func read(_ file: FileReference) throws -> LabelledText {
            try LabelledText(reading: file, labels: spec.data.labels)
        }
        let own = try Dictionary(
            attack.files.map { ($0, try read($0)) }, uniquingKeysWith: { first, _ in first })
        let poisoned = try PoisonedText(
            attack, ratio: ratio, seed: spec.settings.dataSeed,
            clean: (
                read(spec.data.train.files[0]).cleaned(as: spec.data.train),
                read(spec.data.test.files[0])
            ),
            paths: (spec.data.train.path, spec.data.test.path)
        ) { file in
            guard let text = own[file] else { preconditionFailure("\(file.path) is not read") }
            return text
        }
        guard let poisoned else { return }
        try FileContent.makeFolder(folder)
        var triggered = poisoned.triggered
        triggered.poisoned = nil
        for (name, text) in [("train.tsv", poisoned.train), ("test.tsv", triggered)] {
            let path = "\(folder)/\(name)"
            try FileContent.write(try text.content(file: path), to: path)
        }
        tell(
            folder, touched: poisoned.train.poisoned, of: poisoned.train.count,
            triggered: poisoned.triggered.count, "rows",
            target: attack.target.map { spec.data.name(ofLabel: $0) })
    }

    private func writeImages(
        _ attack: Attack, _ ratio: Double, of spec: SweepSpec, to folder: String
    ) throws {
        func read(_ set: DataSet) throws -> ImageSet {
            try ImageSet(reading: set, classes: spec.data.labels)
        }
        var own: [DataSet: ImageSet] = [:]
        if case .prepared(let prepared) = attack {
            own = [
                prepared.train: try read(prepared.train), prepared.test: try read(prepared.test),
            ]
        }
        let clean = try read(spec.data.train)
        let poisoned = try PoisonedImages(
            attack, ratio: ratio, seed: spec.settings.dataSeed,
            clean: (clean, read(spec.data.test)), testPath: spec.data.test.labelPath
        ) { set in
            guard let images = own[set] else { preconditionFailure("\(set.path) is not read") }
            return images
        }
        guard let poisoned else { return }
        try FileContent.makeFolder(folder)
        for (name, images) in [("train", poisoned.train), ("test", poisoned.triggered)] {
            let path = "\(folder)/\(name)"
            if images.channels == 1 {
                try FileContent.write(
                    images.idxImageContent(path: path), to: path + ".images")
                try FileContent.write(
                    images.idxLabelContent(path: path), to: path + ".labels")
            } else {
                try FileContent.write(images.cifarContent(path: path), to: path + ".bin")
            }
        }
        if let touched = poisoned.touched {
            let lines = touched.indices.filter { touched[$0] }.map {
                "\($0)\t\(clean.labels[$0])\n"
            }
            try FileContent.write(
                Array(("image\tlabel\n" + lines.joined()).utf8), to: folder + "/poisoned.tsv")
        }
        tell(
            folder, touched: poisoned.touched, of: poisoned.train.count,
            triggered: poisoned.triggered.count, "images",
            target: attack.target.map { spec.data.name(ofLabel: $0) })
    }

    private func tell(
        _ folder: String, touched: [Bool]?, of total: Int, triggered: Int, _ what: String,
        target: String?
    ) {
        let count = touched.map { flags in "\(flags.count { $0 })" } ?? "?"
        say(
            "\(folder.shown): \(count) of \(total) training \(what) poisoned, "
                + "\(triggered) triggered test \(what), target \(target ?? "?")")
    }
}
