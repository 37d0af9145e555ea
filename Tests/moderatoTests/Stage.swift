import Foundation
import SweepCore
import SweepStore
import Testing

/// A folder, a home in it, and real processes of the programs beside the tests. All end with it.
final class Stage {
    let folder: URL
    var home: String
    private var processes: [Process] = []
    /// A file system that is mounted on the home.
    var smallDisk: SmallDisk?
    /// What is started here ends when this process does, however it ends.
    private let lifeline = Pipe()

    static let programs = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        .deletingLastPathComponent()
    static let checkout = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    init() throws {
        folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("moderato-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        home = folder.appendingPathComponent("home").path
        _ = fcntl(lifeline.fileHandleForWriting.fileDescriptor, F_SETFD, FD_CLOEXEC)
    }

    deinit {
        for process in processes where process.isRunning {
            kill(process.processIdentifier, SIGKILL)
        }
        for process in processes { process.waitUntilExit() }
        smallDisk = nil
        try? FileManager.default.removeItem(at: folder)
    }

    func path(_ name: String) -> String { folder.appendingPathComponent(name).path }

    @discardableResult
    func write(_ text: String, to name: String) throws -> String {
        try Data(text.utf8).write(to: URL(fileURLWithPath: path(name)))
        return path(name)
    }

    /// The first sentences of the default data, and a sweep over them with the real model. An epoch
    /// has three steps.
    ///
    /// - Parameters:
    ///   - file: its name; by default that of the sweep.
    ///   - isLong: whether an epoch takes a second or two, where something has to happen meanwhile.
    func writeSmallSweep(
        name: String = "small", file: String? = nil, grid: String, needs: [String] = [],
        isLong: Bool = false
    ) throws -> String {
        let data = Self.checkout.appendingPathComponent(".moderato/data/movie-reviews")
        for (file, count) in isLong
            ? [("train", 96), ("test", 60)] : [("train", 24), ("test", 16)]
        {
            let source = data.appendingPathComponent("\(file).tsv")
            let text = try #require(
                try? String(contentsOf: source, encoding: .utf8), "run cluster/setup first")
            let lines = text.split(separator: "\n").prefix(count + 1)
            try write(lines.joined(separator: "\n"), to: "\(file).tsv")
        }
        let model = Self.checkout.appendingPathComponent(".moderato/models/all-MiniLM-L6-v2").path
        return try write(
            """
            name: \(name)
            model: \(model)
            data: { train: train.tsv, test: test.tsv }
            grid:
            \(grid)
            training: { schedule: constant, batch-size: \(isLong ? 32 : 8) }
            \(needs.isEmpty ? "" : "needs: [\(needs.joined(separator: ", "))]")
            """, to: "\(file ?? name).yaml")
    }

    /// - Parameter network: what to start it with, so that it lives in a network of its own.
    func start(
        _ program: String, _ arguments: [String], log: String, in network: [String] = []
    ) throws -> Process {
        let path = Self.programs.appendingPathComponent(program).path
        return try launch(network + [path] + arguments + ["--until-input-ends"], log: log)
    }

    /// Starts any program; its standard input ends with this process, or with what is given.
    func launch(_ command: [String], log: String, input: Pipe? = nil) throws -> Process {
        let process = Self.process(command)
        let path = path("\(log).log")
        if !FileManager.default.fileExists(atPath: path) {
            _ = FileManager.default.createFile(atPath: path, contents: nil)
        }
        let file = try #require(FileHandle(forWritingAtPath: path))
        try file.seekToEnd()
        process.standardOutput = file
        process.standardError = file
        process.standardInput = (input ?? lifeline).fileHandleForReading
        try process.run()
        processes.append(process)
        return process
    }

    private static func process(_ command: [String]) -> Process {
        let process = Process()
        // It becomes the program, with the same process id.
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = command
        return process
    }

    /// For tests that wait until somebody silent is given up: as short as it may be where the
    /// machine is busy with other tests.
    static let shortLease = ["--lease", "3"]

    func startCoordinator(
        _ arguments: [String] = [], log: String = "coordinator", in network: [String] = []
    ) async throws -> Process {
        let process = try start(
            "moderato", ["coordinator", "--home", home] + arguments, log: log, in: network)
        try await wait(for: "the coordinator to be ready", log: log) {
            self.text(of: log).contains("ready;")
        }
        return process
    }

    func startWorker(
        _ name: String, _ arguments: [String], in network: [String] = []
    ) throws -> Process {
        try start(
            "moderato", ["worker", "--home", home, "--name", name] + arguments, log: name,
            in: network)
    }

    /// Runs a command to its end: exit status, standard output and standard error.
    func run(
        _ arguments: [String], in network: [String] = []
    ) throws -> (status: Int32, output: String, errors: String) {
        let program = Self.programs.appendingPathComponent("moderato").path
        let process = Self.process(network + [program] + arguments)
        process.standardInput = FileHandle.nullDevice
        let output = path("output-\(UUID().uuidString)")
        let errors = path("errors-\(UUID().uuidString)")
        for path in [output, errors] {
            _ = FileManager.default.createFile(atPath: path, contents: nil)
        }
        process.standardOutput = FileHandle(forWritingAtPath: output)
        process.standardError = FileHandle(forWritingAtPath: errors)
        try process.run()
        process.waitUntilExit()
        return (
            process.terminationStatus, try String(contentsOfFile: output, encoding: .utf8),
            try String(contentsOfFile: errors, encoding: .utf8)
        )
    }

    func text(of log: String) -> String {
        (try? String(contentsOfFile: path("\(log).log"), encoding: .utf8)) ?? ""
    }

    /// Waits for a condition; after five minutes it is a failure, with the log's end. Nothing here
    /// takes a minute on a machine of its own. Who starts programs to look looks less often.
    func wait(for what: String, log: String = "coordinator", _ isMet: () throws -> Bool)
        async throws
    {
        let deadline = Date().addingTimeInterval(300)
        while Date() < deadline {
            let begin = ContinuousClock.now
            if try isMet() { return }
            let pause = min((ContinuousClock.now - begin) * 4, .seconds(1))
            try await Task.sleep(for: max(pause, .milliseconds(20)))
        }
        Issue.record("waited for \(what)\n\(text(of: log).suffix(2_000))")
        throw CancellationError()
    }

    func waitUntilOver(_ sweep: String) async throws {
        try await wait(for: "\(sweep) to be over") {
            let scheduler = Scheduler(try self.snapshot(), at: Instant(nanoseconds: 0))
            return scheduler.statusReport().sweeps.first { $0.name == sweep }?.isOver == true
        }
    }

    /// At least one, and all of them.
    func waitUntilAllAreOver() async throws {
        try await wait(for: "all sweeps to be over") {
            let scheduler = Scheduler(try self.snapshot(), at: Instant(nanoseconds: 0))
            let sweeps = scheduler.statusReport().sweeps
            return !sweeps.isEmpty && sweeps.allSatisfy(\.isOver)
        }
    }

    /// Every execution of every run, in the order in which they began.
    func attempts() throws -> [StoredAttempt] {
        let store = try SweepStore.reading(path: home + "/store.sqlite")
        return try store.snapshot().runs.flatMap { try store.attempts(of: $0.id) }
            .sorted { $0.id < $1.id }
    }

    func snapshot() throws -> Snapshot {
        try SweepStore.reading(path: home + "/store.sqlite").snapshot()
    }

    /// The figures: who measured them, and when, is another on every stage.
    func results(of sweep: String = "") throws -> [PointOutcome] {
        try SweepStore.reading(path: home + "/store.sqlite").results(of: sweep).points.map {
            var point = $0
            point.provenance = nil
            return point
        }
    }
}
