import ArgumentParser
import Foundation
import SweepTraining

/// The only program that links libtorch. A worker starts it and speaks with it over pipes.
@main
struct TrainerProgram: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "moderato-trainer",
        abstract: "Train what 'moderato worker' asks for.",
        discussion: """
            Without a command it is run by 'moderato worker', and reads jobs from standard input.
            'export' and 'pretrain' are run by the commands of moderato with these names, whose
            --help says more.
            """,
        subcommands: [
            ServeCommand.self, BenchmarkCommand.self, ExportCommand.self, PretrainCommand.self,
        ],
        defaultSubcommand: ServeCommand.self)
}

/// Ends the program with a reason.
func fail(_ message: String, status: Int32 = 64) -> Never {
    FileHandle.standardError.write(Data("moderato-trainer: \(message)\n".utf8))
    exit(status)
}

/// A whole number, 1 or more.
struct Count: ExpressibleByArgument {
    let value: Int

    init?(argument: String) {
        guard let value = Int(argument), (1...1_000_000_000).contains(value) else { return nil }
        self.value = value
    }
}

extension Device: ExpressibleByArgument {
    public init?(argument: String) { self.init(argument) }
}

extension ModelExport.Form: ExpressibleByArgument {}

struct ComputeOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Default: all cores.", valueName: "count"))
    var threads: Count?

    @Option(help: ArgumentHelp("Where to compute: cpu, cuda or cuda:N.", valueName: "device"))
    var device = Device.processor

    var threadCount: Int { threads?.value ?? ProcessInfo.processInfo.activeProcessorCount }
}

struct ServeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Train what comes in on standard input.")

    @OptionGroup var compute: ComputeOptions

    @Option(help: ArgumentHelp("Where what runs leave is written.", valueName: "folder"))
    var artifacts = "artifacts"

    @Option(help: ArgumentHelp("Between two states of a run.", valueName: "seconds"))
    var checkpointEvery = 60

    @Option(help: ArgumentHelp("A larger state is not kept.", valueName: "MB"))
    var checkpointLimit = 512

    func validate() throws {
        let amounts = 0...1_000_000_000
        guard amounts.contains(checkpointEvery), amounts.contains(checkpointLimit) else {
            throw ValidationError("--checkpoint-every and --checkpoint-limit: 0 or more")
        }
    }

    func run() {
        Service(
            threads: compute.threadCount, device: compute.device, artifacts: artifacts,
            states: StatePolicy(
                interval: .seconds(checkpointEvery), mostBytes: checkpointLimit * 1_000_000)
        ).serve()
    }
}

struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Write the model of a checkpoint for other programs.")

    @Option(help: ArgumentHelp("The model of a run.", valueName: "file"))
    var checkpoint: String

    @Option(help: ArgumentHelp("Folder to make.", valueName: "folder"))
    var out: String

    @Option(help: "What is written.")
    var form = ModelExport.Form.transformers

    func run() {
        do {
            try ModelExport(Checkpoint(reading: checkpoint)).write(form, to: out)
        } catch {
            fail("\(error)", status: 1)
        }
    }
}
