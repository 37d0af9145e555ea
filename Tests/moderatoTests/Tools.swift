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

    /// Whether there is such a program; where not, a word says what is skipped.
    func hasTool(_ name: String, for what: String) throws -> Bool {
        let isThere = try call(["sh", "-c", "command -v \(name)"]).status == 0
        if !isThere { print("\(what): skipped, \(name) is not installed") }
        return isThere
    }
}
