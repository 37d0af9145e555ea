import ArgumentParser
import Foundation
import SweepCore

@main
struct Moderato: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "moderato",
        abstract: "Sweeps of fine-tuning on poisoned data: capacity × epochs × learning rate.",
        discussion: """
            Everything on this machine, in one command:
              moderato run sweeps/movie-reviews.yaml --workers 2

            The same in pieces, on as many machines as you like:
              moderato coordinator                        decides, and keeps the results
              moderato worker                             trains; start as many as you like
              moderato submit sweeps/movie-reviews.yaml
              moderato status --watch
              moderato results
            """,
        version: programVersion,
        subcommands: [
            RunCommand.self, PlanCommand.self, CoordinatorCommand.self, WorkerCommand.self,
            SubmitCommand.self, StatusCommand.self, ResultsCommand.self, CancelCommand.self,
            PauseCommand.self, ResumeCommand.self, RetryCommand.self, PrioritizeCommand.self,
            KeysCommand.self, DrainCommand.self, ReadmitCommand.self, ExplainCommand.self,
            PoisonCommand.self, ArtifactsCommand.self, ProjectCommand.self, ExportCommand.self,
            PretrainCommand.self, WorkersCommand.self, ClusterCommand.self,
        ])
}

/// What the exit status tells (sysexits.h where it has a name for it).
enum Exit {
    static let failedRuns = ExitCode(1)
    /// The sweep file or an option is wrong.
    static let usage = ExitCode(64)
    static let unavailable = ExitCode(69)
    static let refused = ExitCode(77)
    static let interrupted = ExitCode(130)
}

/// Says what is wrong on standard error; throw the result to end with `code`.
func failure(_ message: String, _ code: ExitCode) -> ExitCode {
    FileHandle.standardError.write(Data("moderato: \(message)\n".utf8))
    return code
}
