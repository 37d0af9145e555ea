import Foundation
import SweepCoordinator
import SweepCore
import SweepStore
import SweepWire

/// What a person sees: starts what goes on in the background, unless it does already, and shows it
/// until it is over.
final class SlurmVisitor {
    private let command: SlurmCommand
    private let sweepName: String
    private let home: CoordinatorHome
    private let files: SlurmFiles
    private let slurm: Slurm
    private let progress = ProgressLine()
    private var process: Process?
    private var job: String?
    private var told = 0
    private var nextLook = Date.distantPast
    private var wasInQueue = true

    /// A second Ctrl-C within this time ends everything.
    private static let secondsForSecond = 4.0

    init(_ command: SlurmCommand, sweepName: String) {
        self.command = command
        self.sweepName = sweepName
        home = command.home.folder
        files = SlurmFiles(home)
        slurm = Slurm(home: home.path)
    }

    func visit() throws {
        let stop = StopSignal()
        let began = Date()
        try files.make()
        try begin()
        try waitUntilSubmitted(stop)
        if command.detach { return tellHowToComeBack() }
        try follow(stop)
        stop.release()
        try printResults(
            of: sweepName, in: home, html: command.html,
            seconds: Date().timeIntervalSince(began))
    }

    // MARK: Beginning

    private func begin() throws {
        do {
            job = try slurm.coordinatorJob()
        } catch {
            throw failure("\(error)", Exit.unavailable)
        }
        if job != nil || files.isLocked {
            told = (try? Data(contentsOf: URL(fileURLWithPath: files.log)).count) ?? 0
            say("this home is looked after already; its workers stay as they were asked for")
            return
        }
        _ = FileManager.default.createFile(atPath: files.log, contents: nil)
        switch command.coordinator {
        case .here: try beginHere()
        case .job: try beginAsJob()
        }
    }

    private func beginHere() throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: sibling("moderato"))
        process.arguments = command.arguments
        process.standardInput = FileHandle.nullDevice
        let log = FileHandle(forWritingAtPath: files.log)
        process.standardOutput = log
        process.standardError = log
        do {
            try process.run()
        } catch {
            throw failure("\(sibling("moderato")) can't be started: \(error)", Exit.unavailable)
        }
        self.process = process
    }

    private func beginAsJob() throws {
        let line = ([sibling("moderato")] + command.arguments).map {
            "'" + $0.replacingOccurrences(of: "'", with: "'\\''") + "'"
        }.joined(separator: " ")
        try files.writeScript(files.coordinatorScript, "#!/bin/sh\nexec \(line)\n")
        var options = [
            "--job-name=\(slurm.coordinatorName)", "--nodes=1", "--ntasks=1", "--requeue",
            "--open-mode=append", "--output=\(files.pattern("household.log"))",
        ]
        if let partition = command.partition { options.append("--partition=\(partition)") }
        if let time = command.coordinatorTime { options.append("--time=\(time)") }
        do {
            let job = try slurm.submit(options + command.sbatchOption + [files.coordinatorScript])
            self.job = job
            say("the coordinator is job \(job)")
        } catch {
            throw failure("\(error)", Exit.refused)
        }
    }

    /// Until the coordinator knows the sweep; a job that waits in the queue is not waited for when
    /// nobody wants to see.
    private func waitUntilSubmitted(_ stop: StopSignal) throws {
        while true {
            tell()
            if let dialer = SlurmFiles.running(home) {
                if process == nil && job == nil {
                    let digests = DigestCache()
                    let spec = try readSweep(
                        command.sweep, isFake: command.fakeTrainer != nil, digests: digests)
                    let sender = FileSender(dialer: dialer, digests: digests)
                    try sender.send(try sender.model(of: spec) + spec.files.map { .file($0) })
                    say(try submit(spec, through: dialer).summary(of: sweepName))
                    return
                }
                let report = try? dialer.status()
                if report?.sweeps.contains(where: { $0.name == sweepName }) == true { return }
            }
            if command.detach, job != nil { return }
            guard isAlive() else {
                tell()
                if isOver { return }
                throw Exit.unavailable
            }
            if stop.wait(seconds: 0.2) { return try leave(stop) }
        }
    }

    // MARK: Looking on

    private func follow(_ stop: StopSignal) throws {
        let dialer = SlurmFiles.running(home)
        while isAlive() {
            if stop.wait(seconds: 0.5) { return try leave(stop) }
            tell()
            guard
                case .status(let report)? = try? dialer?.request(
                    .askStatus, timeout: .seconds(2)),
                let sweep = report.sweeps.first(where: { $0.name == sweepName })
            else { continue }
            progress.show(sweep.line + ", " + count(report.workers.count, "worker"))
            if sweep.isOver, report.sweeps.contains(where: { !$0.isOver }) {
                progress.finish()
                return say("other sweeps of this home go on")
            }
        }
        progress.finish()
        tell()
        process?.waitUntilExit()
        if let status = process?.terminationStatus, status != 0 { throw Exit.unavailable }
        if !isOver {
            throw failure(
                "it ended before the sweep was over; the same command goes on where it was. "
                    + "Its log: \(files.log)", Exit.unavailable)
        }
    }

    /// Nothing of the home is left to do.
    private var isOver: Bool {
        guard let snapshot = try? SweepStore.reading(path: home.storePath).snapshot() else {
            return false
        }
        return snapshot.sweeps.contains { $0.spec.name == sweepName }
            && snapshot.runs.allSatisfy {
                switch $0.state {
                case .waiting, .active: false
                case .completed, .failed, .cancelled: true
                }
            }
    }

    private func isAlive() -> Bool {
        if let process { return process.isRunning }
        if files.isLocked { return true }
        guard job != nil else { return false }
        if Date() >= nextLook {
            nextLook = Date().addingTimeInterval(3)
            // A controller that is silent tells nothing about the job.
            do { wasInQueue = try slurm.coordinatorJob() != nil } catch {}
        }
        return wasInQueue
    }

    /// What is new in the log.
    private func tell() {
        guard let data = try? Data(contentsOf: URL(fileURLWithPath: files.log)),
            data.count > told, let end = data.lastIndex(of: UInt8(ascii: "\n")), end >= told
        else { return }
        let text = String(decoding: data[told...end], as: UTF8.self)
        told = end + 1
        say((Terminal.canRedraw ? "\r\u{1B}[2K" : "") + text.shownLines, terminator: "")
    }

    // MARK: Leaving

    private func tellHowToComeBack() {
        let option = command.home.home == nil ? "" : " --home \(home.path)"
        say("It goes on by itself. How it goes: moderato status\(option)")
        say("Its log: \(files.log). To end it: moderato cancel '\(sweepName)'\(option)")
    }

    private func leave(_ stop: StopSignal) throws {
        progress.finish()
        var byte: UInt8 = 0
        read(stop.descriptor, &byte, 1)
        say("Ctrl-C again ends the sweep and its workers; else it goes on by itself …")
        guard stop.wait(seconds: Self.secondsForSecond) else {
            tellHowToComeBack()
            throw Exit.interrupted
        }
        say("ending it")
        try files.wantStop()
        let deadline = Date().addingTimeInterval(90)
        // What waits in the queue does not see the file.
        if !files.isLocked, process == nil { try? slurm.cancelAll() }
        while isAlive(), Date() < deadline {
            tell()
            Thread.sleep(forTimeInterval: 0.2)
        }
        try? slurm.cancelAll()
        while (try? slurm.holdsNothing()) == false, Date() < deadline {
            Thread.sleep(forTimeInterval: 0.5)
        }
        tell()
        files.forgetStop()
        throw failure("stopped; the same command again goes on where it was", Exit.interrupted)
    }
}
