import Foundation
import SweepCoordinator
import SweepWire

/// The processes of `moderato run`: one coordinator and its workers. They end when this one does,
/// however it ends: their standard input is a pipe from here.
final class Household {
    private let home: CoordinatorHome
    private let lifeline = Pipe()
    private var coordinator: Process?
    private var workers: [Process] = []
    /// Those of which `newlyEnded` has told.
    private var knownEnded: Set<Int> = []

    init(home: CoordinatorHome) {
        self.home = home
        _ = fcntl(lifeline.fileHandleForWriting.fileDescriptor, F_SETFD, FD_CLOEXEC)
    }

    func startCoordinator(_ arguments: [String] = []) throws {
        let output = Pipe()
        let process = try start(
            ["coordinator", "--home", home.path] + arguments, log: "coordinator", output)
        coordinator = process
        // Its first line says that it is ready; the end of its output, that it could not start.
        guard !output.fileHandleForReading.availableData.isEmpty else {
            process.waitUntilExit()
            throw failure(
                lastWords(of: "coordinator") ?? "the coordinator could not start",
                Exit.unavailable)
        }
    }

    func startWorker(_ number: Int, _ arguments: [String]) throws {
        let name = "worker-\(number)"
        workers.append(
            try start(
                ["worker", "--home", home.path, "--name", "\(name)-\(getpid())"] + arguments,
                log: name))
    }

    /// Why the work can't go on; `nil` while it can.
    var problem: String? {
        if coordinator?.isRunning == false {
            return "the coordinator ended by itself; its log: \(logPath("coordinator"))"
        }
        if !workers.isEmpty, workers.allSatisfy({ !$0.isRunning }) {
            let words = lastWords(of: "worker-1").map { ": \($0)" } ?? ""
            return "all workers ended by themselves; their logs: \(logPath("worker-1")) …\(words)"
        }
        return nil
    }

    /// Workers that have ended by themselves since the last time, while others go on.
    func newlyEnded() -> [String] {
        let ended = workers.indices.filter { !workers[$0].isRunning }
        guard ended.count < workers.count else { return [] }
        let new = ended.filter { knownEnded.insert($0).inserted }
        return new.map { index in
            let name = "worker-\(index + 1)"
            let words = lastWords(of: name).map { ": \($0)" } ?? ""
            return "\(name) ended by itself, \(count(workers.count - ended.count, "other")) "
                + "\(workers.count - ended.count == 1 ? "goes" : "go") on; its log: "
                + "\(logPath(name))\(words)"
        }
    }

    /// Workers first, so that they can say goodbye.
    func end() {
        for worker in workers where worker.isRunning { worker.terminate() }
        for worker in workers { worker.waitUntilExit() }
        if coordinator?.isRunning == true { coordinator?.terminate() }
        coordinator?.waitUntilExit()
        workers = []
        coordinator = nil
    }

    /// The error with which a process of this log has ended, or its last line.
    private func lastWords(of name: String) -> String? {
        guard let log = try? String(contentsOfFile: logPath(name), encoding: .utf8) else {
            return nil
        }
        let lines = log.split(whereSeparator: \.isNewline)
        let prefix = "moderato: "
        guard let first = lines.lastIndex(where: { $0.hasPrefix(prefix) }) else {
            return lines.last.map(String.init)
        }
        return lines[first...].joined(separator: "\n").replacingOccurrences(of: prefix, with: "")
    }

    private func logPath(_ name: String) -> String { "\(home.path)/\(name).log" }

    private func start(_ arguments: [String], log: String, _ output: Pipe? = nil) throws -> Process
    {
        let path = logPath(log)
        try? FileManager.default.createDirectory(
            atPath: home.path, withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700])
        _ = FileManager.default.createFile(atPath: path, contents: nil)
        guard let file = FileHandle(forWritingAtPath: path) else {
            throw failure("\(path): can't be written", Exit.unavailable)
        }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: sibling("moderato"))
        process.arguments = arguments + ["--until-input-ends"]
        process.standardInput = lifeline.fileHandleForReading
        process.standardError = file
        process.standardOutput = output ?? file
        do {
            try process.run()
        } catch {
            throw failure(
                "\(sibling("moderato")) can't be started: \(error.localizedDescription)",
                Exit.unavailable)
        }
        try? file.close()
        return process
    }
}
