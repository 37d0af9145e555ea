import Foundation
import SweepCore
import Testing

@Suite("Streams of commands")
struct StreamTests {
    /// Runs a command with its streams as a shell writes it.
    private func run(
        _ stage: Stage, _ redirection: String, _ words: [String]
    ) throws -> (status: Int32, output: String, errors: String) {
        try stage.run(words, in: ["sh", "-c", "exec \"$0\" \"$@\" \(redirection)"])
    }

    @Test(
        "Output to a full or closed file ends with a word and a status",
        arguments: [
            (">/dev/full", "No space left on device"), (">&-", "Bad file descriptor"),
            ("<&- >&-", "Bad file descriptor"),
        ])
    func outputLost(redirection: String, reason: String) throws {
        let stage = try Stage()
        for words in [
            ["--help"], ["help", "run"], ["--version"], ["cluster", "kubernetes", "--print"],
        ] {
            let ended = try run(stage, redirection, words)
            #expect(ended.status == 74, "\(words)")
            #expect(ended.errors.contains(reason), "\(ended.errors)")
        }
    }

    @Test("Results that a full disk does not take are not reported as written")
    func resultsLost() throws {
        let stage = try Stage()
        let file = try stage.writeSmallSweep(
            grid: """
                  capacity: lora
                  epochs: 1
                  learning-rate: 1e-3
                  attack: word
                  poison-ratio: 0.1
                  seed: [1, 2]
                """)
        let options = ["--home", stage.home, "--fake-trainer", "seconds=0.01"]
        #expect(try stage.run(["run", file] + options).status == 0)
        for form in [["--csv"], ["--json"], []] {
            let ended = try run(
                stage, ">/dev/full", ["results", "--home", stage.home] + form)
            #expect(ended.status == 74 && ended.errors.contains("No space left"), "\(ended)")
        }
        let sweep = try run(stage, ">/dev/full", ["run", file] + options)
        #expect(sweep.status == 74 && sweep.errors.contains("No space left"), "\(sweep)")
    }

    @Test("A reader that has enough ends a command quietly")
    func readerGone() throws {
        let stage = try Stage()
        for ignoring in ["", "trap '' PIPE; "] {
            let ended = try stage.run(
                ["--help"],
                in: [
                    "sh", "-c",
                    "\(ignoring){ sleep 0.2; \"$0\" \"$@\"; echo status $? >&2; } | true",
                ])
            #expect(ended.errors == "status 141\n", "\(ended.errors)")
        }
    }

    @Test("With standard error closed an error still has its status")
    func errorsLost() throws {
        let stage = try Stage()
        let words = ["status", "--home", stage.home]
        #expect(try run(stage, "2>&-", words).status == 69)
        #expect(try run(stage, "<&- >&- 2>&-", words).status == 69)
        #expect(try run(stage, "2>/dev/full", words).status == 69)
    }

    @Test("A coordinator whose streams are closed writes its log into its home")
    func closedCoordinator() async throws {
        let stage = try Stage()
        let program = Stage.programs.appendingPathComponent("moderato").path
        let process = try stage.launch(
            [
                "sh", "-c", "exec \"$0\" coordinator --home \"$1\" >&- 2>&- <&-", program,
                stage.home,
            ], log: "unused")
        let log = stage.home + "/coordinator.log"
        func text() -> String { (try? String(contentsOfFile: log, encoding: .utf8)) ?? "" }
        try await stage.wait(for: "the log") { text().contains("listening on") }
        let ended = try stage.run(["status", "--home", stage.home])
        #expect(ended.status == 0 && ended.output.contains("no sweeps yet"), "\(ended)")
        process.interrupt()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        #expect(text().contains("stopped"))
    }

    @Test("An unknown command is told apart from a known one, with a suggestion")
    func unknownCommands() throws {
        let stage = try Stage()
        let cases: [(words: [String], suggestion: String)] = [
            (["statu"], "did you mean 'status'?"), (["help", "statu"], "did you mean 'status'?"),
            (["keys", "nw"], "did you mean 'keys new'?"),
            (["help", "keys", "nw"], "did you mean 'keys new'?"),
            (["sbmit", "--help"], "did you mean 'submit'?"), (["frobnicate"], "lists all"),
        ]
        for (words, suggestion) in cases {
            let ended = try stage.run(words)
            #expect(ended.status == 64, "\(words)")
            #expect(ended.errors.contains(suggestion), "\(ended.errors)")
        }
        #expect(try stage.run(["help", "keys", "new"]).output.contains("--role"))
        #expect(try stage.run(["help"]).output.contains("SUBCOMMANDS"))
    }

    @Test("A worker whose streams are closed writes its log beside its access file")
    func closedWorker() async throws {
        let stage = try Stage()
        _ = try await stage.startCoordinator()
        let program = Stage.programs.appendingPathComponent("moderato").path
        let process = try stage.launch(
            [
                "sh", "-c",
                "exec \"$0\" worker --home \"$1\" --name quiet --fake-trainer seconds=1 "
                    + ">&- 2>&- <&-", program, stage.home,
            ], log: "unused")
        let log = stage.home + "/worker-quiet.log"
        func text() -> String { (try? String(contentsOfFile: log, encoding: .utf8)) ?? "" }
        try await stage.wait(for: "the log") { text().contains("has taken this worker in") }
        process.interrupt()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        #expect(text().contains("left"))
        let attributes = try FileManager.default.attributesOfItem(atPath: log)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
    }

    @Test("Ctrl-C ends 'run' also while it writes its table, and nothing stays behind")
    func interruptedTable() async throws {
        let stage = try Stage()
        let sizes = (1...40).map { "{ pet: lora, bottleneck: \($0) }" }
        let rates = (1...15).map { "\($0)e-5" }
        let file = try stage.writeSmallSweep(
            grid: """
                  capacity: [\(sizes.joined(separator: ", "))]
                  epochs: 1
                  learning-rate: [\(rates.joined(separator: ", "))]
                  attack: word
                  poison-ratio: 0.1
                  seed: 1
                """)
        // A pipe of which nobody reads.
        let pipe = stage.path("pipe")
        #expect(mkfifo(pipe, 0o600) == 0)
        let reader = open(pipe, O_RDWR)
        defer { close(reader) }
        let program = Stage.programs.appendingPathComponent("moderato").path
        let run = try stage.launch(
            [
                "sh", "-c", "exec \"$0\" \"$@\" > '\(pipe)'", program, "run", file, "--home",
                stage.home, "--fake-trainer", "seconds=0",
            ], log: "run")
        // The table is larger than a pipe, so it is in the middle of it then.
        try await stage.wait(for: "a full pipe", log: "run") {
            var waiting: Int32 = 0
            return ioctl(reader, UInt(0x541B), &waiting) == 0 && waiting > 60_000
        }
        #expect(stage.trainers(of: run).isEmpty, "coordinator and workers have left before")
        kill(run.processIdentifier, SIGINT)
        #expect(try await stage.end(of: run, log: "run") == 130)
        #expect(try stage.results().count { $0.metrics != nil } == 600)
    }
}
