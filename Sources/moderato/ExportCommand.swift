import ArgumentParser
import Foundation
import SweepCore
import SweepStore

struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write a trained model for Hugging Face transformers or PEFT.",
        discussion: """
            Examples:
              moderato export 3 --out my-model            transformers, everything merged
              moderato export 3 --out my-lora --form peft LoRA and head alone, for PEFT
              moderato export 3 --out parts --form parameters

            The sweep's file must have said keep: { model: yes }; 'moderato artifacts' lists the
            runs that left a model. In Python:
              AutoModelForSequenceClassification.from_pretrained("my-model")
            """)

    enum Form: String, ExpressibleByArgument, CaseIterable {
        case transformers, peft, parameters
    }

    @Argument(help: ArgumentHelp("The run's number.", valueName: "run"))
    var number: UInt64

    @Option(help: ArgumentHelp("Where the files go; it is made if need be.", valueName: "folder"))
    var out: String

    @Option(help: ArgumentHelp("transformers, peft or parameters.", valueName: "form"))
    var form = Form.transformers

    @OptionGroup var home: HomeOption

    @Option(
        help: ArgumentHelp("The trainer's program. Default: beside this one.", valueName: "file"))
    var trainer: String?

    func run() throws {
        let artifact = try model()
        let folder = absolute(out)
        let existing = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        guard existing.isEmpty else {
            throw failure("\(out) is not empty; name another folder", Exit.usage)
        }
        try runTrainer(
            trainer,
            [
                "export", "--checkpoint", artifact.file.path, "--out", folder, "--form",
                form.rawValue,
            ])
        say("\(RunID(number)), epoch \(artifact.epoch): \(folder.shown)")
    }

    private func model() throws -> Artifact {
        let artifacts: [StoredArtifact]
        do {
            artifacts = try SweepStore.reading(path: home.folder.storePath)
                .artifacts(of: RunID(number))
        } catch {
            throw failure("\(error)", Exit.unavailable)
        }
        guard let found = artifacts.map(\.artifact).last(where: { $0.kind == .checkpoint }) else {
            throw failure(
                "\(RunID(number)) left no model; 'moderato artifacts' lists the runs that did. A "
                    + "sweep keeps models when its file says keep: { model: yes }",
                Exit.unavailable)
        }
        guard FileManager.default.fileExists(atPath: found.file.path) else {
            throw failure(
                "\(found.file.path) is not here; run this where the worker wrote it, or copy it "
                    + "here", Exit.unavailable)
        }
        return found
    }
}

/// Runs the trainer's program with a command of its own; its last words become this one's.
func runTrainer(_ path: String?, _ arguments: [String]) throws {
    let program = path.map(absolute) ?? sibling("moderato-trainer")
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    do {
        try process.run()
    } catch {
        throw failure(
            "\(program): the trainer can't be started; build it with "
                + "'swift build -c release --product moderato-trainer', or name it with --trainer",
            Exit.unavailable)
    }
    Interruption.group = process.processIdentifier
    defer { Interruption.group = 0 }
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw ExitCode(process.terminationStatus) }
}
