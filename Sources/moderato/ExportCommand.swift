import ArgumentParser
import Foundation
import SweepCore

struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write a trained model for Hugging Face transformers or PEFT.",
        discussion: """
            Examples:
              moderato export 3 --out my-model            transformers, everything merged
              moderato export 3 --out my-lora --form peft LoRA and head alone, for PEFT
              moderato export 3 --out parts --form parameters
              moderato export 3 --out my-model --access client.access   from another machine

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

    @OptionGroup var access: AccessOption

    @Option(
        help: ArgumentHelp("The trainer's program. Default: beside this one.", valueName: "file"))
    var trainer: String?

    func run() throws {
        let folder = absolute(out)
        let existing = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        guard existing.isEmpty else {
            throw failure("\(out) is not empty; name another folder", Exit.usage)
        }
        let kept = try KeptFiles(access)
        let artifact = try model(kept)
        var path = artifact.file.path
        defer { if path != artifact.file.path { unlink(path) } }
        if access.access != nil {
            path =
                FileManager.default.temporaryDirectory
                .appendingPathComponent("moderato-\(UUID().uuidString).safetensors").path
            try kept.copy(artifact, to: path)
        }
        try runTrainer(
            trainer, ["export", "--checkpoint", path, "--out", folder, "--form", form.rawValue])
        say("\(RunID(number)), epoch \(artifact.epoch): \(folder.shown)")
    }

    private func model(_ kept: KeptFiles) throws -> Artifact {
        let artifacts = try kept.list(run: RunID(number)).map(\.artifact)
        guard let found = artifacts.last(where: { $0.kind == .checkpoint }) else {
            throw failure(
                "\(RunID(number)) left no model; 'moderato artifacts' lists the runs that did, "
                    + "also those that made one later for an earlier result. A sweep keeps "
                    + "models when its file says keep: { model: yes }",
                Exit.unavailable)
        }
        guard access.access != nil || FileManager.default.fileExists(atPath: found.file.path)
        else {
            throw failure(
                "\(found.file.path) is not here; name the coordinator that has it with --access",
                Exit.unavailable)
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
