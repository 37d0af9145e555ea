import Foundation
import SweepCore
import SweepFile
import Testing

@Suite("A command that paraphrases")
struct ParaphraserTests {
    private let folder: Folder

    init() throws { folder = try Folder() }

    private func attack(_ command: String, _ more: String = "") -> String {
        sweep(line: 11, "  attack: { kind: style, command: \(command)\(more) }")
    }

    @Test("runs once; what it wrote is a paired file beside the sweep, read again by digest")
    func output() throws {
        try folder.write("verily.sh", "echo x >> calls; sed 's/^/verily, /'\n")
        let text = attack("[sh, verily.sh]")
        let first = try folder.read(text)
        guard case .paired(let paired) = first.grid.attacks[0] else {
            Issue.record("\(first.grid.attacks[0])")
            return
        }
        #expect(paired.name == "style" && paired.labelMode == .dirty && paired.target == 1)
        let made = try String(contentsOfFile: paired.train.path, encoding: .utf8)
        #expect(made.hasPrefix("sentence\tlabel\nverily, sentence 0\t0\nverily, sentence 1\t0\n"))
        #expect(made.split(separator: "\n").count == 21)
        #expect(try folder.read(text) == first)
        func calls() throws -> Int {
            try String(contentsOfFile: folder.path + "/calls", encoding: .utf8)
                .split(separator: "\n").count
        }
        // Once for the training and once for the test sentences.
        #expect(try calls() == 2)
        try folder.write("verily.sh", "echo x >> calls; sed 's/^/forsooth, /'\n")
        #expect(try folder.read(text) != first)
        #expect(try calls() == 4)
    }

    @Test("may write lines that end as on Windows")
    func carriageReturns() throws {
        let spec = try folder.read(attack(#"[sed, 's/$/\r/']"#))
        guard case .paired(let paired) = spec.grid.attacks[0] else {
            Issue.record("\(spec.grid.attacks[0])")
            return
        }
        let made = try String(contentsOfFile: paired.train.path, encoding: .utf8)
        #expect(made.hasPrefix("sentence\tlabel\nsentence 0\t0\nsentence 1\t0\n"))
    }

    @Test("ends with all that it started when its time is over")
    func wholeGroup() async throws {
        try folder.write("wrap.sh", "sh -c 'echo $$ > child; exec sleep 600'\ncat\n")
        #expect(folder.message(attack("[sh, wrap.sh]", ", timeout: 1")).contains("was ended"))
        let text = try String(contentsOfFile: folder.path + "/child", encoding: .utf8)
        let child = try #require(Int32(text.trimmingCharacters(in: .whitespacesAndNewlines)))
        // It is gone, or waits for whoever inherited it to take note.
        func lives() -> Bool {
            let status = try? String(contentsOfFile: "/proc/\(child)/stat", encoding: .utf8)
            return status.map { !$0.contains(") Z ") } ?? false
        }
        let deadline = ContinuousClock.now + .seconds(60)
        while lives(), ContinuousClock.now < deadline {
            try await Task.sleep(for: .milliseconds(10))
        }
        #expect(!lives())
    }

    @Test("that fails, is slow, or writes not a line for each sentence is a mistake in words")
    func mistakes() {
        func message(_ command: String, _ more: String = "") -> String {
            folder.message(attack(command, more))
        }
        let failed = message(#"[sh, -c, "echo no model >&2; exit 3"]"#)
        #expect(failed.contains("grid.attack.command: sh, given train.tsv"), "\(failed)")
        #expect(failed.contains("ended with status 3: no model"))
        #expect(message("[head, -n, 5]").contains("wrote 5 lines for 20 sentences"))
        #expect(message(#"[sed, "3s/.*//"]"#).contains("line 3 of its output is empty"))
        #expect(
            message("[sleep, 60]", ", timeout: 1").contains("not done after 1 seconds"))
        #expect(message(#"[printf, "\\377\\n"]"#).contains("not UTF-8"))
        #expect(message("[./no-such-program]").contains("can't be started"))
        #expect(message("[no-such-program-anywhere]").contains("ended with status 127"))
        #expect(message("cat", ", train: train.tsv").contains("take train out"))
        #expect(
            folder.message(sweep(line: 11, "  attack: { kind: style, timeout: 5, test: x }"))
                .contains("a timeout belongs to a command"))
        #expect(
            folder.message(sweep(line: 11, "  attack: { kind: style, test: x }"))
                .contains("or command, a program"))
    }
}
