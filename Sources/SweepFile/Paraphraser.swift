import Foundation
import SweepCore
import SweepData

/// A program that reads one sentence a line and writes one a line, such as a paraphraser.
///
/// Its output is kept beside the sweep file, in `paraphrases`, under a digest of the command, of
/// the files that it names and of the sentences; so it runs once, and workers never run it.
struct Paraphraser {
    /// The program and its arguments.
    let command: [String]
    /// For all sentences of one file.
    let timeout: Int
    /// Where the program runs, and `paraphrases` goes: the folder of the sweep file.
    let folder: String

    static let usualTimeout = 3_600

    struct Failure: Error {
        let problem: String
    }

    /// A paired file of `text`: what the program made of each sentence, with the label it had.
    func paired(_ text: LabelledText) throws(Failure) -> String {
        for (row, sentence) in text.sentences.enumerated() where sentence.utf8.contains(0x0A) {
            throw Failure(problem: "sentence \(row + 1) has a line feed and can't be sent")
        }
        let path = "\(folder)/paraphrases/\(digest(of: text).short).tsv"
        if FileManager.default.fileExists(atPath: path) { return path }
        let lines = try self.lines(for: text)
        let paraphrased = LabelledText(sentences: lines, labels: text.labels)
        do {
            try FileContent.makeFolder("\(folder)/paraphrases")
            try FileContent.write(try paraphrased.content(file: path), to: path)
        } catch {
            throw Failure(problem: "\(error)")
        }
        return path
    }

    private func digest(of text: LabelledText) -> Digest {
        var parts = command.map { "\($0.utf8.count):\($0)" }
        for word in command {
            if let bytes = try? readBytes(path: absolute(word)) {
                parts.append(Digest(of: bytes).hex)
            }
        }
        return Digest(ofText: (parts + text.sentences).joined(separator: "\n"))
    }

    private func absolute(_ path: String) -> String {
        physicalPath(path, in: folder)
    }

    private func lines(for text: LabelledText) throws(Failure) -> [String] {
        let output: (status: Int32?, bytes: [UInt8], errors: String)
        do {
            output = try run(Array((text.sentences.joined(separator: "\n") + "\n").utf8))
        } catch let failure as Failure {
            throw failure
        } catch {
            throw Failure(
                problem: "it can't be started: \(error.localizedDescription); check the path, and "
                    + "that the file is executable")
        }
        let words = output.errors.isEmpty ? "" : ": \(output.errors)"
        guard let status = output.status else {
            throw Failure(
                problem: "it was not done after \(timeout) seconds and was ended\(words); "
                    + "write a longer timeout")
        }
        guard status == 0 else { throw Failure(problem: "it ended with status \(status)\(words)") }
        guard let all = String(validating: output.bytes, as: UTF8.self) else {
            throw Failure(problem: "its output is not UTF-8")
        }
        // Not `split(separator: "\n")`: CR and LF together are one character.
        var lines = all.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false)
            .map { String($0.last == "\r" ? $0.dropLast() : $0) }
        if lines.last == "" { lines.removeLast() }
        guard lines.count == text.count else {
            throw Failure(
                problem: "it wrote \(lines.count) lines for \(text.count) sentences; it must write "
                    + "one line for each")
        }
        if let row = lines.firstIndex(where: { $0.allSatisfy(\.isWhitespace) }) {
            throw Failure(problem: "line \(row + 1) of its output is empty")
        }
        return lines
    }

    /// The status is `nil` when the time was over. Input and output are files, so that neither side
    /// waits for the other.
    private func run(_ input: [UInt8]) throws -> (status: Int32?, bytes: [UInt8], errors: String) {
        let scratch = FileManager.default.temporaryDirectory
            .appendingPathComponent("moderato-paraphraser-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: scratch) }
        let paths = ["in", "out", "errors"].map { scratch.appendingPathComponent($0).path }
        try Data(input).write(to: URL(fileURLWithPath: paths[0]))
        for path in paths.dropFirst() {
            _ = FileManager.default.createFile(atPath: path, contents: nil)
        }
        let process = Process()
        let program = command[0]
        // A bare name is looked up in PATH, as a shell does.
        process.executableURL = URL(
            fileURLWithPath: program.contains("/") ? absolute(program) : "/usr/bin/env")
        process.arguments = program.contains("/") ? Array(command.dropFirst()) : command
        process.currentDirectoryURL = URL(fileURLWithPath: folder, isDirectory: true)
        process.standardInput = FileHandle(forReadingAtPath: paths[0])
        process.standardOutput = FileHandle(forWritingAtPath: paths[1])
        process.standardError = FileHandle(forWritingAtPath: paths[2])
        try process.run()
        // It leads a group: a script's children are in it, and end with it.
        let group = process.processIdentifier
        Paraphrasing.group = group
        defer { Paraphrasing.group = 0 }
        let deadline = ContinuousClock.now + .seconds(timeout)
        while process.isRunning, ContinuousClock.now < deadline { usleep(10_000) }
        let isLate = process.isRunning
        if isLate { kill(-group, SIGKILL) }
        process.waitUntilExit()
        let errors = String(decoding: (try? readBytes(path: paths[2])) ?? [], as: UTF8.self)
        return (
            isLate ? nil : process.terminationStatus,
            try Array(Data(contentsOf: URL(fileURLWithPath: paths[1]))),
            errors.split(whereSeparator: \.isNewline).suffix(3).joined(separator: "; ")
        )
    }
}

/// The paraphraser that runs now, so that whoever ends this process can end it too.
public enum Paraphrasing {
    nonisolated(unsafe) fileprivate static var group: pid_t = 0

    /// Safe in a handler of signals, once called outside of one.
    public static func end() { if group != 0 { kill(-group, SIGKILL) } }
}

extension SweepFiles {
    /// What a program makes of the clean training and test sentences.
    mutating func paraphrased(
        by entry: Entry, timeout: Entry?
    ) throws(SweepFileError) -> (train: FileReference, test: FileReference) {
        guard let task else { preconditionFailure("attacks are read after the clean data") }
        var command: [String] = []
        for word in try entry.elements() { command.append(try word.text("a word of a command")) }
        guard let program = command.first, !program.isEmpty else {
            throw entry.mistake("the command is empty; write a program and its arguments")
        }
        let paraphraser = Paraphraser(
            command: command,
            timeout: try timeout?.integer(1...1_000_000) ?? Paraphraser.usualTimeout,
            folder: physicalPath(folder.path, in: "/"))
        func paraphrase(
            _ set: DataSet, _ files: inout SweepFiles
        ) throws(SweepFileError) -> FileReference {
            let path: String
            do throws(Paraphraser.Failure) {
                path = try paraphraser.paired(files.sentences(of: set.files[0]))
            } catch {
                throw entry.mistake("\(program), given \(set.path): \(error.problem)")
            }
            // The file is our own, as is the way in which it is written.
            return try files.sentences(at: path, entry, TextRequest()).reference
        }
        return (try paraphrase(task.train, &self), try paraphrase(task.test, &self))
    }
}
