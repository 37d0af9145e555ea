import Foundation
import SweepCore
import SweepStore
import SweepWire
import Testing

/// `MODERATO_SETTINGS=100000 MODERATO_PROGRAM=.build/release/moderato` measures the release.
@Suite("Results of many settings")
struct LargeResultsTests {
    private static let environment = ProcessInfo.processInfo.environment
    private static let settings = environment["MODERATO_SETTINGS"].flatMap { Int($0) } ?? 8_000
    private static let program = environment["MODERATO_PROGRAM"]
    /// By a program that was built to be fast, alone on its machine.
    private static let seconds = program == nil ? 60.0 : 10
    private static let megabytes = 500.0

    /// A sweep of `settings / 4` runs of four epochs, each epoch a setting, one seed: finished, or
    /// as it was submitted.
    static func fill(_ path: String, settings: Int, isFinished: Bool = true) throws {
        let file = FileReference(path: "/data/train.tsv", digest: Digest(ofText: "x"))
        let rates = (1...50).map { Double($0) * 1e-5 }
        let sizes = settings / 4 / rates.count
        let sweep = SweepSpec(
            name: "large",
            backbone: BackboneReference(path: "/model", digest: Digest(ofText: "model")),
            data: TaskData(train: .sentences(file), test: .sentences(file), labels: 2),
            grid: Grid(
                capacities: (1...sizes).map {
                    Capacity(pet: .lora(LoRA()), bottleneck: Bottleneck(size: $0))
                },
                epochs: [1, 2, 3, 4], learningRates: rates, attacks: [.word(WordAttack())],
                poisonRatios: [0.05], seeds: [1]),
            settings: TrainingSettings(schedule: .constant), trainingSamples: [file.digest: 640])
        let plan = Plan(sweep)
        let store = try SweepStore(path: path)
        var facts: [Fact] = plan.facts(SweepID(1), sweep)
        facts.append(
            .workerJoined(
                Hello(
                    worker: WorkerID("a"), incarnation: 1, host: "node-with-a-long-name", slots: 1,
                    device: "cuda:0, 8 threads", memory: 1 << 36, program: programVersion,
                    libtorch: "2.9.1+cu128")))
        for (index, run) in plan.runs.enumerated() where isFinished {
            let id = RunID(UInt64(index + 1))
            let attempt = AttemptID(UInt64(index + 1))
            facts.append(.attemptStarted(attempt, id, WorkerID("a"), isSecond: false))
            for milestone in run.milestones {
                let metrics = metrics(milestone.epoch, index)
                facts.append(.epochMeasured(id, attempt, metrics, seconds: 1))
                facts.append(
                    .pointFinished(
                        milestone.key, id, attempt, metrics, trainableParameters: 9))
            }
            facts.append(.attemptEnded(attempt, .completed))
            facts.append(.runCompleted(id, attempt, steps: run.steps, seconds: 4))
            if index % 2_000 == 1_999 {
                try store.commit(facts)
                facts = []
            }
        }
        try store.commit(facts)
    }

    private static func metrics(_ epoch: Int, _ number: Int) -> EpochMetrics {
        let share = Double((number * 7_919 + epoch * 104_729) % 1_000) / 1_000
        return EpochMetrics(
            epoch: epoch, trainingLoss: 1 - share / 2, testLoss: 1 / 3, cacc: 0.5 + share / 2,
            asr: share,
            classes: [ClassResult(correct: 90, total: 100), ClassResult(correct: 80, total: 100)],
            cleanFit: Fit(loss: 0.1, accuracy: 1 / 3), poisonedFit: Fit(loss: 7, accuracy: 0),
            validation: nil)
    }

    @Test("Table, CSV, JSON and page take seconds, and memory that hardly grows with their number")
    func scale() async throws {
        let stage = try Stage()
        try FileManager.default.createDirectory(
            atPath: stage.home, withIntermediateDirectories: true)
        try Self.fill(stage.home + "/store.sqlite", settings: Self.settings)
        let page = stage.home + "/page.html"
        let lines = ["": Self.settings, "--csv": Self.settings + 1, "--json": 10 * Self.settings]
        for form in ["", "--csv", "--json", "--html"] {
            let program = Self.program ?? Stage.programs.appendingPathComponent("moderato").path
            let words =
                ["results", "--home", stage.home] + (form.isEmpty ? [] : [form])
                + (form == "--html" ? [page] : [])
            let start = Date()
            let process = try stage.launch([program] + words, log: "large\(form)")
            var peak = 0.0
            while process.isRunning {
                peak = max(peak, Self.megabytesOf(process.processIdentifier) ?? 0)
                try await Task.sleep(for: .milliseconds(5))
            }
            let seconds = Date().timeIntervalSince(start)
            let written = stage.text(of: "large\(form)").utf8.count { $0 == 0x0A }
            print("\(Self.settings) settings \(form): \(seconds) s, \(peak) MB, \(written) lines")
            #expect(process.terminationStatus == 0)
            #expect(written >= lines[form] ?? 0)
            #expect(seconds < Self.seconds, "\(form)")
            #expect(peak < Self.megabytes, "\(form)")
        }
        let html = try String(contentsOfFile: page, encoding: .utf8)
        print("\(Self.settings) settings, page: \(Double(html.utf8.count) / 1e6) MB")
        #expect(html.utf8.count < 20_000_000)
        // What is left out is said where it is left out: below a chart, and below the tables.
        #expect(html.contains("The first 24 of \(Self.settings / 4) lines"))
        #expect(html.contains("The first 1000 of \(Self.settings) settings"))
        #expect(html.contains("The first 1000 of \(Self.settings / 4) rows"))
        #expect(html.count(of: "<tr>") <= 2_010)
    }

    @Test("A sweep that has not begun is shown as fast as one that is finished")
    func notBegun() async throws {
        let stage = try Stage()
        try FileManager.default.createDirectory(
            atPath: stage.home, withIntermediateDirectories: true)
        try Self.fill(stage.home + "/store.sqlite", settings: Self.settings, isFinished: false)
        let program = Self.program ?? Stage.programs.appendingPathComponent("moderato").path
        let start = Date()
        let process = try stage.launch([program, "results", "--home", stage.home], log: "table")
        try await stage.wait(for: "the table") { !process.isRunning }
        let seconds = Date().timeIntervalSince(start)
        print("\(Self.settings) settings without results: \(seconds) s")
        #expect(process.terminationStatus == 0)
        #expect(stage.text(of: "table").utf8.count { $0 == 0x0A } >= Self.settings)
        #expect(seconds < Self.seconds)
    }

    /// One finished run of so many epochs.
    private static func fillWithOneRun(_ path: String, epochs: Int) throws {
        let file = FileReference(path: "/data/train.tsv", digest: Digest(ofText: "x"))
        let sweep = SweepSpec(
            name: "long",
            backbone: BackboneReference(path: "/model", digest: Digest(ofText: "model")),
            data: TaskData(train: .sentences(file), test: .sentences(file), labels: 2),
            grid: Grid(
                capacities: [Capacity(pet: .lora(LoRA()))], epochs: [epochs],
                learningRates: [1e-3], attacks: [.word(WordAttack())], poisonRatios: [0.05],
                seeds: [1]),
            settings: TrainingSettings(schedule: .constant), trainingSamples: [file.digest: 640])
        let plan = Plan(sweep)
        let run = try #require(plan.runs.first)
        let (id, attempt) = (RunID(1), AttemptID(1))
        let curve = (1...epochs).map { metrics($0, 1) }
        try SweepStore(path: path).commit(
            plan.facts(SweepID(1), sweep)
                + [.attemptStarted(attempt, id, WorkerID("a"), isSecond: false)]
                + curve.map { .epochMeasured(id, attempt, $0, seconds: 1) }
                + [
                    .pointFinished(
                        run.milestones[0].key, id, attempt, curve[epochs - 1],
                        trainableParameters: 9), .attemptEnded(attempt, .completed),
                    .runCompleted(id, attempt, steps: run.steps, seconds: 4),
                ])
    }

    @Test("A stored curve of more than a frame comes over the wire in parts, as the store has it")
    func longCurve() async throws {
        let stage = try Stage()
        try FileManager.default.createDirectory(
            atPath: stage.home, withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700])
        let epochs = 14_000
        try Self.fillWithOneRun(stage.home + "/store.sqlite", epochs: epochs)
        let whole = try SweepStore.reading(path: stage.home + "/store.sqlite").results(of: "long")
        // A frame has 1 MiB at most.
        #expect(Codec.bytes(of: whole.runs) > 1 << 20)
        _ = try await stage.startCoordinator()
        let stored = try stage.run(["results", "--home", stage.home, "--json"])
        let fetched = try stage.run(
            ["results", "--access", stage.home + "/client.access", "--json"])
        #expect(stored.status == 0 && fetched.status == 0, "\(stored.errors)\(fetched.errors)")
        #expect(stored.output.count(of: "\"epoch\" :") == epochs)
        #expect(fetched.output == stored.output)
    }

    /// The most memory that a process has held so far.
    private static func megabytesOf(_ id: Int32) -> Double? {
        let text = try? String(contentsOfFile: "/proc/\(id)/status", encoding: .utf8)
        let line = text?.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        return line?.split(separator: " ").dropLast().last.flatMap { Double($0) }.map { $0 / 1_024 }
    }
}

extension String {
    fileprivate func count(of part: String) -> Int { components(separatedBy: part).count - 1 }
}
