import ArgumentParser
import SweepCore
import SweepWire

struct SubmitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "submit",
        abstract: "Check a sweep file and hand it to the coordinator.",
        discussion: """
            Example:
              moderato submit sweeps/movie-reviews.yaml

            The coordinator gets the model and the data that it does not have yet, so that workers
            can fetch them from there.

            Points that are finished, in this sweep or another, are not trained again. Submitting a
            file again resumes it; submitting it with a larger grid extends it.
            """)

    @Argument(help: "The sweep file (YAML).", completion: .file(extensions: ["yaml", "yml"]))
    var file: String

    @OptionGroup var access: AccessOption

    @Flag(
        help: ArgumentHelp(
            "Do not copy model and data to the coordinator: workers find them at the same paths.",
            discussion: "What a worker does not find, the coordinator reads there for it."))
    var leaveFiles = false

    func run() throws {
        let spec = try readSweep(file)
        let dialer = try access.dial()
        let sender = FileSender(dialer: dialer)
        let model = try sender.model(of: spec)
        try sender.send(
            leaveFiles ? Array(model.prefix(1)) : model + spec.files.map { .file($0) })
        print(try submit(spec, through: dialer).summary(of: spec.name))
        print("See how it goes:  moderato status --watch")
    }
}

/// Hands the sweep over; a grid of a million points takes the coordinator a while to write down.
func submit(_ spec: SweepSpec, through dialer: Dialer) throws -> Submission {
    guard case .submitted(let submission) = try dialer.ask(.submit(spec), timeout: .seconds(600))
    else {
        throw failure("the coordinator gave an answer that does not fit", Exit.unavailable)
    }
    return submission
}

extension Submission {
    func summary(of name: String) -> String {
        let known = finished == 0 ? "" : ", \(finished) finished before"
        return "\(name): \(count(points, "point"))\(known), \(count(runs, "new run"))"
            + (steps == 0 ? "" : ", \(count(steps, "training step"))")
    }
}
