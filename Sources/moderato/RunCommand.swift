import ArgumentParser
import Foundation
import SweepCoordinator
import SweepCore
import SweepReport
import SweepStore
import SweepWire

struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Do a whole sweep on this machine: coordinator, workers, progress, results.",
        discussion: """
            Example:
              moderato run sweeps/movie-reviews.yaml --workers 2

            Ctrl-C stops it; the same command again goes on where it was. While it runs, more
            workers may join: moderato worker --home FOLDER.
            """)

    @Argument(help: "The sweep file (YAML).", completion: .file(extensions: ["yaml", "yml"]))
    var file: String

    @Option(help: ArgumentHelp("Worker processes to start.", valueName: "count"))
    var workers = 1

    @Option(
        help: ArgumentHelp(
            "Threads of each trainer. Default: the cores, shared among the workers.",
            valueName: "count"))
    var threads: Int?

    @OptionGroup var home: HomeOption

    @Option(
        help: ArgumentHelp(
            "Where the page with charts goes. Default: NAME.html in the home.", valueName: "file"))
    var html: String?

    @Option(help: ArgumentHelp("As for 'moderato worker'.", valueName: "seconds=…"))
    var fakeTrainer: String?

    @Flag(help: "A sweep of the same name may lose points by this one.")
    var replace = false

    @OptionGroup var states: StatesOption

    @OptionGroup var lease: LeaseOption

    func validate() throws {
        guard (1...1_024).contains(workers) else { throw ValidationError("--workers: 1 to 1024") }
    }

    func run() throws {
        let digests = DigestCache()
        let spec = try readSweep(file, isFake: fakeTrainer != nil, digests: digests)
        try OutputFile.check(html)
        let household = Household(home: home.folder)
        defer { household.end() }
        try household.startCoordinator(states.arguments + lease.arguments)
        let dialer = try Dialer(AccessFile(reading: home.folder.accessPath(for: .client)))
        let began = Date()
        // The files themselves are on this machine.
        let sender = FileSender(dialer: dialer, digests: digests)
        try sender.send(Array(try sender.model(of: spec).prefix(1)))
        try submit(spec, replaces: replace, through: dialer).tell(of: spec.name)
        printNotes(on: spec)
        try startWorkers(in: household)
        let stop = StopSignal()
        let sweep = try follow(spec.name, through: dialer, household, stop)
        stop.release()
        household.end()
        try printResults(
            of: spec.name, in: home.folder, html: html, seconds: Date().timeIntervalSince(began))
        // All points may have results, and what is to be kept of them is not there.
        guard let pointer = sweep.pointer else { return }
        say(pointer)
        throw Exit.failedRuns
    }

    private func startWorkers(in household: Household) throws {
        let cores = ProcessInfo.processInfo.activeProcessorCount
        var arguments = ["--threads", "\(threads ?? max(1, cores / workers))"]
        if let fakeTrainer { arguments += ["--fake-trainer", fakeTrainer] }
        for number in 1...workers { try household.startWorker(number, arguments) }
    }

    private func follow(
        _ name: String, through dialer: Dialer, _ household: Household, _ stop: StopSignal
    ) throws -> StatusReport.Sweep {
        let progress = ProgressLine()
        while true {
            if let report = try status(through: dialer) {
                guard let sweep = report.sweeps.first(where: { $0.name == name }) else {
                    throw failure("the coordinator does not know the sweep", Exit.unavailable)
                }
                progress.show(sweep.line)
                if sweep.isOver {
                    progress.finish()
                    return sweep
                }
                if let words = sweep.wordsOfPause, sweep.activeRuns == 0 {
                    progress.finish()
                    throw failure("\(sweep.name) is \(words)", Exit.failedRuns)
                }
            }
            for words in household.newlyEnded() {
                progress.finish()
                complain("moderato: \(words)")
            }
            if let problem = household.problem {
                progress.finish()
                throw failure(problem, Exit.unavailable)
            }
            if stop.wait(seconds: 0.5) {
                progress.finish()
                throw failure(
                    "stopped; the same command again goes on where it was", Exit.interrupted)
            }
        }
    }

    /// `nil` while the coordinator is silent: it may wait for room on its disk.
    private func status(through dialer: Dialer) throws -> StatusReport? {
        do {
            guard case .status(let report) = try dialer.request(.askStatus) else { return nil }
            return report
        } catch .noAnswer {
            return nil
        }
    }
}

/// The table of a sweep that is over, and its page with charts; throws if runs have failed.
///
/// - Parameter html: where the page goes; by default into the home.
func printResults(
    of name: String, in home: CoordinatorHome, html: String?, seconds: Double
) throws {
    let store = try SweepStore.reading(path: home.storePath)
    var results = SweepResults(try store.results(of: name))
    results.elapsed = seconds
    let page = html ?? "\(home.path)/\(OutputFile.name(for: name)).html"
    say("")
    showTable(of: results, usesPager: false)
    say("\nTook \(duration(seconds)).")
    try OutputFile.write(ResultsPage(results).html, to: page)
    say("Charts: \(absolute(page).shown)")
    let failed = results.points.filter { if case .failed = $0.state { true } else { false } }
    if !failed.isEmpty { say(pointerToFailed(Set(failed.map(\.run)).count, of: name)) }
    if results.points.contains(where: { $0.metrics == nil }) { throw Exit.failedRuns }
}
