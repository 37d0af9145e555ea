import Foundation
import SweepCore
import Testing

@Suite("Commands on a terminal")
struct TerminalTests {
    private static let grid = """
          capacity: [lora, { pet: lora, bottleneck: 2 }]
          epochs: [1, 2, 3, 4]
          learning-rate: [1e-3, 1e-4]
          attack: word
          poison-ratio: [0.05, 0.1]
          seed: 1
        """

    /// What a command writes to a terminal of so many columns and lines.
    private func show(
        _ stage: Stage, columns: Int = 80, lines: Int = 1_000, setting: String = "",
        _ words: [String]
    ) throws -> (status: Int32, text: String) {
        let program = Stage.programs.appendingPathComponent("moderato").path
        let command = ([program] + words).map { "'\($0)'" }.joined(separator: " ")
        try stage.write(
            "unset COLUMNS NO_COLOR PAGER; export TERM=xterm; stty cols \(columns) rows \(lines); "
                + "\(setting) exec \(command)\n", to: "shown.sh")
        let log = "shown-\(UUID().uuidString)"
        let process = try stage.launch(
            ["script", "-qec", "sh " + stage.path("shown.sh"), "/dev/null"], log: log)
        process.waitUntilExit()
        return (process.terminationStatus, stage.text(of: log))
    }

    private func widest(_ text: String) -> Int {
        let plain = text.replacing(/\u{1B}\[[0-9;]*[A-Za-z]/, with: "")
        return plain.split(whereSeparator: { $0.isNewline || $0 == "\r" }).map {
            String($0).columns
        }.max() ?? 0
    }

    private func sweep(_ stage: Stage) throws -> [String] {
        let file = try stage.writeSmallSweep(grid: Self.grid)
        let ended = try stage.run(
            ["run", file, "--home", stage.home, "--fake-trainer", "seconds=0.01"])
        #expect(ended.status == 0, "\(ended)")
        return ["results", "--home", stage.home]
    }

    @Test("Tables and progress fit the terminal, and words stay whole", arguments: [50, 80, 120])
    func width(columns: Int) throws {
        let stage = try Stage()
        let words = try sweep(stage)
        let table = try show(stage, columns: columns, words)
        #expect(table.status == 0 && table.text.contains("CACC"))
        #expect(widest(table.text) <= columns, "\(table.text)")
        #expect(table.text.contains("\u{1B}[1m"))
        let again = try show(
            stage, columns: columns,
            [
                "run", stage.path("small.yaml"), "--home", stage.path("other"), "--fake-trainer",
                "seconds=0.5",
            ])
        #expect(again.status == 0)
        let progress = again.text.split(whereSeparator: \.isNewline).first {
            $0.contains("█") || $0.contains("░")
        }
        let longest = progress?.split(separator: "\r").map { widest(String($0)) }.max() ?? 0
        #expect(longest > 0 && longest < columns, "\(again.text)")
    }

    @Test("NO_COLOR and TERM=dumb are heeded", arguments: ["NO_COLOR=1", "TERM=dumb"])
    func plain(setting: String) throws {
        let stage = try Stage()
        let words = try sweep(stage)
        let table = try show(stage, setting: setting, words)
        #expect(table.text.contains("CACC %") && !table.text.contains("\u{1B}["), "\(table.text)")
    }

    @Test("A table longer than the screen goes through $PAGER; without one it is cut and says so")
    func pager() throws {
        let stage = try Stage()
        try FileManager.default.createDirectory(
            atPath: stage.home, withIntermediateDirectories: true)
        try LargeResultsTests.fill(stage.home + "/store.sqlite", settings: 400)
        let words = ["results", "--home", stage.home]
        let paged = try show(
            stage, lines: 50, setting: "PAGER='head -n 3; echo the pager was here'", words)
        #expect(paged.text.contains("the pager was here"), "\(paged.text)")
        #expect(!paged.text.contains("CACC %"))
        let whole = try show(stage, lines: 5_000, setting: "PAGER='echo never'", words)
        #expect(whole.text.contains("CACC %") && !whole.text.contains("never"))
        let cut = try show(stage, lines: 50, setting: "PAGER=", words)
        #expect(cut.text.contains("… 200 more settings"), "\(cut.text)")
        #expect(cut.text.contains("moderato results | less"))
        let file = try stage.run(words).output
        #expect(!file.contains("more settings") && !file.contains("| less"))
    }

    @Test("Ctrl-C ends a command at once, with status 130, also where it was ignored before")
    func interrupt() async throws {
        let stage = try Stage()
        let file = try stage.writeSmallSweep(grid: Self.grid)
        _ = try await stage.startCoordinator()
        let submitted = try stage.run(["submit", file, "--leave-files", "--home", stage.home])
        #expect(submitted.status == 0)
        for words in [["status", "--watch"], ["submit", file, "--leave-files", "--wait"]] {
            let log = words[0]
            let program = Stage.programs.appendingPathComponent("moderato").path
            let process = try stage.launch(
                ["sh", "-c", "trap '' INT; exec \"$0\" \"$@\"", program] + words
                    + ["--home", stage.home], log: log)
            try await stage.wait(for: "its first words", log: log) {
                stage.text(of: log).contains("small")
            }
            kill(process.processIdentifier, SIGINT)
            process.waitUntilExit()
            #expect(process.terminationStatus == 130)
        }
    }

    @Test("A sweep that is over is at 100 % only if all its points have a result")
    func share() async throws {
        let stage = try Stage()
        let file = try stage.writeSmallSweep(grid: Self.grid)
        _ = try await stage.startCoordinator()
        for words in [["submit", file, "--leave-files"], ["cancel", "small"]] {
            #expect(try stage.run(words + ["--home", stage.home]).status == 0)
        }
        let line = try stage.run(["status", "--home", stage.home]).output
        #expect(line.contains(" 0 %") && line.contains("cancelled"), "\(line)")
        #expect(line.contains("0/32 points"))
    }
}
