import Foundation
import Testing

extension Stage {
    /// Runs a program to its end, with these variables besides our own.
    func call(
        _ command: [String], _ variables: [String: String] = [:]
    ) throws -> (status: Int32, output: String) {
        let assignments = variables.map { "\($0.key)=\($0.value)" }.sorted()
        let log = "call-\(UUID().uuidString)"
        let process = try launch(assignments + command, log: log)
        process.waitUntilExit()
        return (process.terminationStatus, text(of: log))
    }

    /// Cancels the test where there is no such program.
    func needTool(_ name: String, for what: String) throws {
        let isThere = try call(["sh", "-c", "command -v \(name)"]).status == 0
        if !isThere { try Test.cancel("\(what): \(name) is not installed") }
    }

    /// Waits until a process has ended, and tells how. Asks the system itself: where other tests
    /// start processes at the same time, Foundation may notice the end late.
    func end(of process: Process, log: String) async throws -> Int32 {
        var ended = siginfo_t()
        try await wait(for: "the end of a process", log: log) {
            let pid = id_t(process.processIdentifier)
            let isAsked = waitid(P_PID, pid, &ended, WEXITED | WNOHANG | WNOWAIT) == 0
            return isAsked ? ended._sifields._sigchld.si_pid != 0 : !process.isRunning
        }
        // Zero, too, if Foundation was first: then it knows.
        let isOurs = ended._sifields._sigchld.si_pid != 0
        return isOurs ? ended._sifields._sigchld.si_status : process.terminationStatus
    }
}
