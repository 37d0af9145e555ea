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
              moderato submit sweeps/movie-reviews.yaml --wait && moderato results

            The coordinator gets the model and the data that it does not have yet, so that workers
            can fetch them from there.

            Points that are finished, in this sweep or another, are not trained again. Submitting a
            file again resumes it; submitting it with a larger grid extends it. More epochs go on
            from where finished runs ended, and what 'keep' asks for later is made of their states;
            where these are no longer there, it says how much is trained again.
            """)

    @Argument(help: "The sweep file (YAML).", completion: .file(extensions: ["yaml", "yml"]))
    var file: String

    @OptionGroup var access: AccessOption

    @Flag(
        help: ArgumentHelp(
            "Do not copy model and data to the coordinator: workers find them at the same paths.",
            discussion: "What a worker does not find, the coordinator reads there for it."))
    var leaveFiles = false

    @Flag(
        help: ArgumentHelp(
            "Let fake trainers make the results up, to try a cluster out.",
            discussion: "They are never taken for results of a training, nor the other way round."))
    var fake = false

    @Flag(help: "A sweep of the same name may lose points by this one.")
    var replace = false

    @Flag(
        help: "Come back when it is over; exit status 1 if runs have failed, or it was cancelled.")
    var wait = false

    func run() throws {
        let digests = DigestCache()
        let spec = try readSweep(file, isFake: fake, digests: digests)
        let dialer = try access.dial()
        let sender = FileSender(dialer: dialer, digests: digests)
        let model = try sender.model(of: spec)
        try sender.send(
            leaveFiles ? Array(model.prefix(1)) : model + spec.files.map { .file($0) })
        try submit(spec, replaces: replace, through: dialer).tell(of: spec.name)
        printNotes(on: spec)
        guard wait else { return say("See how it goes:  moderato status --watch") }
        try waitUntilOver(spec.name, through: dialer)
    }
}

/// Comes back when nothing of the sweep is left to do. A notice can be lost, with the connection or
/// the coordinator; so it is asked for again.
private func waitUntilOver(_ name: String, through dialer: Dialer) throws {
    while true {
        do {
            let answer = try dialer.request(.watch(sweep: name), timeout: .seconds(10))
            if answer == .ended(sweep: name) { break }
        } catch .rejected(let reason) {
            // It is not there, or the coordinator has paused it.
            throw failure(reason, Exit.failedRuns)
        } catch .noAnswer {
            continue
        } catch {
            throw failure("\(error)", Exit.unavailable)
        }
    }
    let sweep = try dialer.status().sweeps.first { $0.name == name }
    say(sweep?.line ?? "\(name.shown) is over")
    if let pointer = sweep?.pointer { say(pointer) }
    // A run may have failed though its points have results: what they were to keep is not there.
    guard let sweep else { return }
    let isCancelled = sweep.condition.state == .cancelled
    if sweep.failedPoints > 0 || sweep.failedRuns > 0 || isCancelled { throw Exit.failedRuns }
}

/// Hands the sweep over; a grid of a million points takes the coordinator a while to plan.
///
/// One that is killed meanwhile does not answer when it is back. So it is asked for the sweeps that
/// it is planning; if this one is not among them, it is handed over again, which does no harm.
func submit(
    _ spec: SweepSpec, replaces: Bool = false, through dialer: Dialer
) throws -> Submission {
    let deadline = ContinuousClock.now + .seconds(600)
    var isSent = false
    var nextLook = ContinuousClock.now + .seconds(2)
    var progress: ProgressLine?
    defer { progress?.finish() }
    do {
        while ContinuousClock.now < deadline {
            if !isSent { isSent = try dialer.send(.submit(spec, replaces: replaces)) }
            if isSent, ContinuousClock.now >= nextLook {
                nextLook = ContinuousClock.now + .seconds(1)
                _ = try dialer.send(.askStatus)
            }
            let wait = Duration.milliseconds(isSent ? 100 : 5)
            guard try Poll.readable([.socket(dialer.socket)], timeout: wait)[0] else { continue }
            switch try dialer.receive(as: MessageToClient.self) {
            case .submitted(let submission): return submission
            case .rejected(let reason), .refused(let reason): throw failure(reason, Exit.refused)
            case .status(let report):
                let incoming = report.incoming.first { $0.name == spec.name }
                if let incoming {
                    progress = progress ?? ProgressLine()
                    progress?.show("planning \(spec.name.shown): \(Int(incoming.share * 100)) %")
                }
                isSent = incoming != nil
            default: break
            }
        }
    } catch let error as WireError {
        throw failure("\(error)", Exit.unavailable)
    }
    throw failure(
        "\(WireError.noAnswer(endpoint: dialer.endpoint, seconds: 600))", Exit.unavailable)
}

extension Submission {
    func tell(of name: String) {
        say(summary(of: name))
        for line in ContinuationWords(self).lines { say(line) }
    }

    func summary(of name: String) -> String {
        let known = finished == 0 ? "" : ", \(finished) finished before"
        return "\(name.shown): \(count(points, "point"))\(known), \(count(runs, "new run"))"
            + (steps == 0 ? "" : ", \(count(steps, "training step"))")
    }
}
