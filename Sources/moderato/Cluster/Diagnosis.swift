import Foundation

/// What `moderato cluster doctor` found out about one thing.
struct Diagnosis: Encodable, Hashable {
    enum Level: String, Encodable { case ok, warning, problem }

    let level: Level
    /// What was looked at.
    let subject: String
    let words: String
    /// What to do about it; empty when all is well.
    let cure: String

    static func ok(_ subject: String, _ words: String) -> Diagnosis {
        Diagnosis(level: .ok, subject: subject, words: words, cure: "")
    }

    static func warning(_ subject: String, _ words: String, cure: String) -> Diagnosis {
        Diagnosis(level: .warning, subject: subject, words: words, cure: cure)
    }

    static func problem(_ subject: String, _ words: String, cure: String) -> Diagnosis {
        Diagnosis(level: .problem, subject: subject, words: words, cure: cure)
    }

    var line: String {
        let column = level.rawValue.padding(toLength: 9, withPad: " ", startingAt: 0)
        let advice = cure.isEmpty ? "" : "\n" + String(repeating: " ", count: 9) + "→ \(cure)"
        return "\(column)\(subject): \(words)\(advice)"
    }
}

/// What a program writes, both outputs together, and how it ended; -1 if it could not start.
func outcome(of command: [String]) -> (status: Int32, text: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = command
    let pipe = Pipe()
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = pipe
    process.standardError = pipe
    guard (try? process.run()) != nil else { return (-1, "") }
    let data = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: data, as: UTF8.self))
}

func lastLine(_ text: String) -> String {
    text.split(whereSeparator: \.isNewline).last.map(String.init) ?? "it said nothing"
}
