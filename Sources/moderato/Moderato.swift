import ArgumentParser
import Foundation
import SweepCore
import SweepFile

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

extension Moderato {
    static func main() {
        Streams.openClosed()
        Interruption.endAtOnce()
        do {
            let words = Array(CommandLine.arguments.dropFirst())
            if let mistake = mistake(in: words) { throw failure(mistake, Exit.usage) }
            var command = try parseAsRoot(words)
            try command.run()
        } catch {
            end(with: error)
        }
    }

    /// A word where only the name of a command makes sense; also what 'help' is asked about.
    private static func mistake(in words: [String]) -> String? {
        var level: any ParsableCommand.Type = Moderato.self
        var names = ["moderato"]
        for word in words.first == "help" ? words.dropFirst() : words[...] {
            let known: [any ParsableCommand.Type] = level.configuration.subcommands
            let knownNames = known.map { name(of: $0) }
            if known.isEmpty || word.hasPrefix("-") { return nil }
            if let place = knownNames.firstIndex(of: word) {
                level = known[place]
                names.append(word)
                continue
            }
            if names.count == 1, word == "help" { return nil }
            let near = nearest(to: word, among: knownNames)
            let path = names.dropFirst().map { "\($0) " }.joined()
            return "there is no command '\(path)\(word)'"
                + (near.map { "; did you mean '\(path)\($0)'?" } ?? ";")
                + " '\(names.joined(separator: " ")) --help' lists all"
        }
        return nil
    }

    private static func name(of command: any ParsableCommand.Type) -> String {
        command._commandName
    }

    /// As the package does it, but through the checked writer.
    private static func end(with error: any Error) -> Never {
        let code = exitCode(for: error)
        let text = fullMessage(for: error)
        if !text.isEmpty {
            if code.isSuccess { say(text) } else { complain(text) }
        }
        Foundation.exit(code.rawValue)
    }
}

/// What the exit status tells (sysexits.h where it has a name for it).
enum Exit {
    static let failedRuns = ExitCode(1)
    /// The sweep file or an option is wrong.
    static let usage = ExitCode(64)
    static let unavailable = ExitCode(69)
    /// Standard output is full or closed.
    static let output = ExitCode(74)
    static let refused = ExitCode(77)
    static let interrupted = ExitCode(130)
}
