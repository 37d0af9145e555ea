import ArgumentParser
import Foundation
import SweepCoordinator
import SweepCore
import SweepWire

/// What goes on in the background: a coordinator, unless one runs already, and workers that Slurm
/// runs, as many as `Elastic` says, until every sweep of the home is over.
final class SlurmHousehold {
    private let command: SlurmCommand
    private let home: CoordinatorHome
    private let files: SlurmFiles
    private let slurm: Slurm
    private let household: Household
    private var elastic: Elastic
    private let clock = ContinuousClock()
    private let start: ContinuousClock.Instant
    private var asked = (workers: 0, jobs: 0)
    private var lastComplaint = ""

    private static let secondsBetweenLooks = 2.0
    private static let begunAnew = "Slurm begins this job anew; workers go on, and find it again"
    private static let secondsUntilGone = 60.0

    init(_ command: SlurmCommand) {
        self.command = command
        home = command.home.folder
        files = SlurmFiles(home)
        slurm = Slurm(home: home.path)
        household = Household(home: home)
        elastic = Elastic(command.bounds)
        start = clock.now
    }

    private var now: Instant { Instant(nanoseconds: (clock.now - start).nanoseconds) }

    func keep() throws {
        // The terminal may be closed.
        signal(SIGHUP, SIG_IGN)
        let stop = StopSignal()
        let digests = DigestCache()
        let spec = try readSweep(
            command.sweep, isFake: command.fakeTrainer != nil, digests: digests)
        guard try files.lock() else {
            throw failure("another process looks after this home already", Exit.refused)
        }
        files.forgetStop()
        let dialer = try dial()
        defer { household.end() }
        try send(spec, digests, through: dialer)
        try files.writeScript(files.workerScript, workerScript)
        let job = SlurmCoordinatorJob(named: slurm.coordinatorName)
        var outcome: ExitCode?
        while true {
            if files.isStopWanted {
                announce("told to stop")
                break
            }
            if let job, job.isTimeOver {
                do {
                    try job.beginAnew()
                    if stop.wait(seconds: 30) { return announce(Self.begunAnew) }
                } catch {
                    complain("\(error); the time limit is near")
                }
            }
            let report = try? status(through: dialer)
            if let report {
                if report.sweeps.allSatisfy(\.isOver) { break }
                outcome = look(report)
                if outcome != nil { break }
            } else if !stop.wait(seconds: 0), let problem = household.problem {
                outcome = failure(problem, Exit.unavailable)
                break
            }
            if stop.wait(seconds: Self.secondsBetweenLooks) {
                if let job, job.isBegunAnew { return announce(Self.begunAnew) }
                announce("told to stop by a signal")
                break
            }
        }
        leaveNothingBehind()
        announce("asked Slurm for \(count(asked.workers, "worker")) in \(count(asked.jobs, "job"))")
        if let outcome { throw outcome }
    }

    // MARK: The coordinator

    private func dial() throws -> Dialer {
        if let dialer = SlurmFiles.running(home) {
            announce("using the coordinator that runs already")
            return dialer
        }
        // Running workers know the address that the coordinator had last.
        let last = (try? home.knownSecret())?.endpoint
        var listen = ["--listen", "0.0.0.0:0"]
        if let last, last.hasPrefix("tcp://0.0.0.0:") {
            listen = ["--listen", String(last.dropFirst("tcp://".count))]
        }
        try household.startCoordinator(
            listen + command.advertise.flatMap { ["--advertise", $0] } + command.lease.arguments)
        let access = try AccessFile(reading: home.accessPath(for: .client))
        announce("the coordinator is reached at \(access.endpoints.joined(separator: ", then "))")
        return try Dialer(access)
    }

    /// The home is shared, so the files are read where they lie; only the list of the model's
    /// files is not among them.
    private func send(
        _ spec: SweepSpec, _ digests: DigestCache, through dialer: Dialer
    ) throws {
        let sender = FileSender(dialer: dialer, digests: digests)
        try sender.send(Array(try sender.model(of: spec).prefix(1)))
        announce(try submit(spec, through: dialer).summary(of: spec.name))
    }

    private func status(through dialer: Dialer) throws -> StatusReport? {
        guard case .status(let report) = try dialer.request(.askStatus, timeout: .seconds(4))
        else { return nil }
        return report
    }

    // MARK: The workers

    /// Lets `Elastic` decide and does it; how the command ends, if nothing more can be done.
    private func look(_ report: StatusReport) -> ExitCode? {
        let tasks: [Slurm.Task]
        do {
            tasks = try slurm.workers()
        } catch {
            complain("\(error); the workers that are there go on")
            return nil
        }
        tellWhatWaits(tasks)
        for decision in elastic.decide(report, tasks.map(\.place), at: now) {
            switch decision {
            case .ask(let number):
                let isAlone = tasks.isEmpty && report.workers.isEmpty
                if let end = ask(for: number, isAlone: isAlone) { return end }
            case .letGo(let workers):
                let ids = tasks.filter { workers.contains($0.place.worker) }.map(\.id)
                do {
                    try slurm.cancel(ids)
                    announce("let go: \(workers.map(\.name).joined(separator: ", "))")
                } catch {
                    elastic.kept(workers)
                    complain("\(error)")
                }
            case .giveUp(let rounds):
                return failure(
                    "\(rounds) times in a row workers ended before they came to the coordinator; "
                        + "what they said is in \(files.folder)/worker-….log. If they could not "
                        + "connect, name an address that nodes reach with --advertise",
                    Exit.unavailable)
            }
        }
        return nil
    }

    private func ask(for number: Int, isAlone: Bool) -> ExitCode? {
        do {
            let job = try slurm.submit(
                ["--array=1-\(number)", "--job-name=\(slurm.workersName)"] + workerOptions
                    + [files.workerScript])
            asked = (asked.workers + number, asked.jobs + 1)
            elastic.accepted((1...number).map { Slurm.worker(job: job, task: "\($0)") })
            announce("asked Slurm for \(count(number, "worker")): job \(job)")
            lastComplaint = ""
        } catch {
            if isAlone, asked.jobs == 0, error.kind == .option || error.kind == .other {
                return failure("\(error)", Exit.refused)
            }
            let wait = elastic.refused(at: now)
            complain("\(error); asked again in \(duration(wait.inSeconds)) and less and less often")
        }
        return nil
    }

    private var workerOptions: [String] {
        var options = [
            "--nodes=1", "--ntasks=1", "--requeue", "--open-mode=append",
            "--signal=B:TERM@\(grace)", "--output=\(files.pattern("worker-%A-%a.log"))",
        ]
        if let cpus = command.cpusPerTask { options.append("--cpus-per-task=\(cpus)") }
        if let gres = command.gres { options.append("--gres=\(gres)") }
        if let time = command.time { options.append("--time=\(time)") }
        if let partition = command.partition { options.append("--partition=\(partition)") }
        return options + command.sbatchOption
    }

    /// A quarter of a short time limit, a minute of a longer one.
    private var grace: Int {
        min(60, max(1, (command.time.flatMap(SlurmTime.init)?.seconds ?? 3_600) / 4))
    }

    private var workerScript: String {
        let device = command.device ?? (command.gres?.contains("gpu") == true ? "cuda" : "cpu")
        let fake = command.fakeTrainer.map { " --fake-trainer \(quoted($0))" } ?? ""
        return """
            #!/bin/sh
            # Written by 'moderato cluster slurm'. exec, so that Slurm's signals reach the worker;
            # a task that is requeued comes back by the same name.
            exec \(quoted(sibling("moderato"))) worker \\
                --access \(quoted(home.accessPath(for: .worker))) \\
                --name "slurm-${SLURM_ARRAY_JOB_ID}-${SLURM_ARRAY_TASK_ID}" \\
                --threads "${SLURM_CPUS_PER_TASK:-${SLURM_CPUS_ON_NODE:-1}}" \\
                --device \(quoted(device)) --grace \(grace)\(fake)

            """
    }

    /// So that a limit on which the queue waits is not taken for patience.
    private func tellWhatWaits(_ tasks: [Slurm.Task]) {
        let waiting = tasks.filter { $0.place.state == .waiting }
        let reasons = Set(waiting.map(\.reason)).subtracting(["None", "(null)"]).sorted()
        guard !reasons.isEmpty else { return }
        var words =
            "\(count(waiting.count, "worker")) in Slurm's queue: "
            + reasons.joined(separator: ", ")
        if reasons.contains(where: { $0.hasPrefix("Partition") || $0 == "BadConstraints" }) {
            words +=
                "; this may never be had: 'sinfo --format=\"%P %l %c %m %G\"' tells what "
                + "nodes have, 'moderato cancel' ends the sweep"
        }
        complain(words)
    }

    /// While the coordinator is there, so that workers can say goodbye.
    private func leaveNothingBehind() {
        let deadline = Date().addingTimeInterval(Self.secondsUntilGone)
        var isOrdered = false
        while Date() < deadline {
            do {
                let tasks = try slurm.workers()
                if tasks.isEmpty { return }
                let left = isOrdered ? tasks.filter { $0.place.state != .ending } : tasks
                try slurm.cancel(left.map(\.id))
                isOrdered = true
            } catch {
                complain("\(error)")
            }
            Thread.sleep(forTimeInterval: 0.5)
        }
        announce("Slurm still holds workers; see 'squeue --name=\(slurm.workersName)'")
    }

    // MARK: Words

    private func complain(_ words: String) {
        if words != lastComplaint { announce(words.shownLines) }
        lastComplaint = words
    }
}

/// For the shell.
private func quoted(_ text: String) -> String {
    "'" + text.replacingOccurrences(of: "'", with: "'\\''") + "'"
}
