import Foundation
import SweepCore
import SweepStore
import Testing

/// A folder, a home in it, and real processes of the programs beside the tests. All end with it.
final class Stage {
    let folder: URL
    var home: String
    private var processes: [Process] = []
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
        try? FileManager.default.removeItem(at: folder)
    }

    func path(_ name: String) -> String { folder.appendingPathComponent(name).path }

    @discardableResult
    func write(_ text: String, to name: String) throws -> String {
        try Data(text.utf8).write(to: URL(fileURLWithPath: path(name)))
        return path(name)
    }

    /// The first sentences of the default data, and a sweep over them with the real model.
    func writeSmallSweep(name: String = "small", grid: String) throws -> String {
        let data = Self.checkout.appendingPathComponent(".moderato/data/movie-reviews")
        for (file, count) in [("train", 96), ("test", 60)] {
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
            training: { schedule: constant }
            """, to: "\(name).yaml")
    }

    func start(_ program: String, _ arguments: [String], log: String) throws -> Process {
        let process = Process()
        process.executableURL = Self.programs.appendingPathComponent(program)
        process.arguments = arguments + ["--until-input-ends"]
        let path = path("\(log).log")
        _ = FileManager.default.createFile(atPath: path, contents: nil)
        let file = try #require(FileHandle(forWritingAtPath: path))
        process.standardOutput = file
        process.standardError = file
        process.standardInput = lifeline.fileHandleForReading
        try process.run()
        processes.append(process)
        return process
    }

    func startCoordinator(
        _ arguments: [String] = [], log: String = "coordinator"
    ) async throws -> Process {
        let process = try start(
            "moderato", ["coordinator", "--home", home] + arguments, log: log)
        try await wait(for: "the coordinator to be ready", log: log) {
            self.text(of: log).contains("ready;")
        }
        return process
    }

    func startWorker(_ name: String, _ arguments: [String]) throws -> Process {
        try start("moderato", ["worker", "--home", home, "--name", name] + arguments, log: name)
    }

    /// Runs a command to its end: exit status, standard output and standard error.
    func run(_ arguments: [String]) throws -> (status: Int32, output: String, errors: String) {
        let process = Process()
        process.executableURL = Self.programs.appendingPathComponent("moderato")
        process.arguments = arguments
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
    /// takes a minute on a machine of its own.
    func wait(for what: String, log: String = "coordinator", _ isMet: () throws -> Bool)
        async throws
    {
        let deadline = Date().addingTimeInterval(300)
        while Date() < deadline {
            if try isMet() { return }
            try await Task.sleep(for: .milliseconds(20))
        }
        Issue.record("waited for \(what)\n\(text(of: log).suffix(2_000))")
        throw CancellationError()
    }

    func waitUntilOver(_ sweep: String) async throws {
        try await wait(for: "\(sweep) to be over") {
            try self.snapshot().runs.allSatisfy {
                switch $0.state {
                case .completed, .failed, .cancelled: true
                case .waiting, .active: false
                }
            }
        }
    }

    func snapshot() throws -> Snapshot {
        try SweepStore.reading(path: home + "/store.sqlite").snapshot()
    }

    func results(of sweep: String = "") throws -> [PointOutcome] {
        try SweepStore.reading(path: home + "/store.sqlite").results(of: sweep).points
    }
}
