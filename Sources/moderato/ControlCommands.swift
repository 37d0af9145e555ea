import ArgumentParser
import Foundation
import SweepCore
import SweepWire

/// Asks the coordinator to do something, and prints what it says.
private func control(_ access: AccessOption, _ control: Control) throws {
    guard case .done(let words) = try access.ask(.control(control)) else {
        throw failure("the coordinator gave an answer that does not fit", Exit.unavailable)
    }
    say(words.shownLines)
}

struct CancelCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel",
        abstract: "Stop a sweep: waiting runs are cancelled, those in training are ended.",
        discussion: """
            What is finished stays. 'moderato retry NAME' takes the rest up again.

            Example:
              moderato cancel movie-reviews
            """)

    @OptionGroup var access: AccessOption
    @Argument(help: "The sweep's name.") var name: String

    func run() throws { try control(access, .cancel(sweep: name)) }
}

struct PauseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause", abstract: "Begin no more runs of a sweep; 'moderato resume' goes on.")

    @OptionGroup var access: AccessOption
    @Argument(help: "The sweep's name.") var name: String

    func run() throws { try control(access, .pause(sweep: name)) }
}

struct ResumeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "Go on with a sweep that was paused.")

    @OptionGroup var access: AccessOption
    @Argument(help: "The sweep's name.") var name: String

    func run() throws { try control(access, .resume(sweep: name)) }
}

struct RetryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retry", abstract: "Try again what failed or was cancelled of a sweep.",
        discussion: """
            A run has failed after three attempts that ended in an error; 'moderato explain RUN'
            tells of each.

            Example:
              moderato retry movie-reviews
            """)

    @OptionGroup var access: AccessOption
    @Argument(help: "The sweep's name.") var name: String

    func run() throws { try control(access, .retry(sweep: name)) }
}

struct PrioritizeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prioritize",
        abstract: "Let a sweep's runs come before, or after, those of others.",
        discussion: """
            Of all waiting runs those with the largest number come first; a sweep begins with 0.

            Examples:
              moderato prioritize urgent 10
              moderato prioritize nightly -- -10
            """)

    @OptionGroup var access: AccessOption
    @Argument(help: "The sweep's name.") var name: String
    @Argument(help: "From -100 to 100.") var priority: Int

    func validate() throws {
        guard Control.priorities.contains(priority) else {
            throw ValidationError("the priority is a number from -100 to 100")
        }
    }

    func run() throws { try control(access, .prioritize(sweep: name, priority)) }
}

struct DrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drain",
        abstract: "Let a worker hand its runs back and leave.",
        discussion: """
            Example:
              moderato drain node7-1234          names are in 'moderato status'
            """)

    @OptionGroup var access: AccessOption
    @Argument(help: "The worker's name.") var name: String

    func run() throws { try control(access, .drain(WorkerID(name))) }
}

struct ReadmitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "readmit",
        abstract: "Give a worker work again that was put aside, since runs failed there only.")

    @OptionGroup var access: AccessOption
    @Argument(help: "The worker's name.") var name: String

    func run() throws { try control(access, .readmit(WorkerID(name))) }
}

struct ExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Tell why a run waits, failed or was lost, or how a worker does.",
        discussion: """
            Examples:
              moderato explain 7                 run 7, with all its attempts
              moderato explain node7-1234        a worker, with the last of its attempts
            """)

    @OptionGroup var access: AccessOption
    @Argument(help: "A run's number, or a worker's name.") var subject: String

    func run() throws {
        let digits = subject.hasPrefix("run ") ? String(subject.dropFirst(4)) : subject
        let asked = UInt64(digits).map { Subject.run(RunID($0)) } ?? .worker(WorkerID(subject))
        guard case .explanation(let lines) = try access.ask(.explain(asked)) else {
            throw failure("the coordinator gave an answer that does not fit", Exit.unavailable)
        }
        say(lines.map(\.shown).joined(separator: "\n"))
    }
}
