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
                while !names.insert(name).inserted { name += "+" }
                do {
                    try write(attack, ratio, of: spec, to: "\(root)/\(name)")
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
            try LabelledText(
                parsing: FileContent.read(file), labels: spec.data.labels, file: file.path)
        }
        let own = try Dictionary(
            attack.files.map { ($0, try read($0)) }, uniquingKeysWith: { first, _ in first })
        let poisoned = try PoisonedText(
            attack, ratio: ratio, seed: spec.settings.dataSeed,
            clean: (read(spec.data.train.files[0]), read(spec.data.test.files[0])),
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
        let touched = poisoned.train.poisoned.map { flags in "\(flags.count { $0 })" } ?? "?"
        print(
            "\(folder): \(touched) of \(poisoned.train.count) training rows poisoned, "
                + "\(poisoned.triggered.count) triggered test rows, "
                + "target \(attack.target.map(String.init) ?? "?")")
    }
}
