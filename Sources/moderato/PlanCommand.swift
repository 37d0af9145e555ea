import ArgumentParser
import Foundation
import SweepCore
import SweepFile
import SweepStore

struct PlanCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Show what a sweep file comes to, without storing or starting anything.",
        discussion: """
            Example:
              moderato plan sweeps/movie-reviews.yaml --workers 2
            """)

    @Argument(help: "The sweep file (YAML).", completion: .file(extensions: ["yaml", "yml"]))
    var file: String

    @OptionGroup var home: HomeOption

    @Option(help: ArgumentHelp("Workers to estimate the time for.", valueName: "count"))
    var workers = 1

    @Flag(help: "Print JSON.")
    var json = false

    @Flag(help: "As for 'moderato submit'.")
    var fake = false

    /// Of a MiniLM with LoRA at batch 32, on one core of a server of 2024.
    private static let assumedStepsPerSecond = 2.0

    private struct Summary: Encodable {
        var name: String
        var points: Int
        var finished: Int
        var runs: Int
        /// Of them, those that go on from where earlier ones ended, and the steps that saves.
        var continuedRuns: Int
        var stepsKept: Int
        var retrainedPoints: Int
        var steps: Int
        var stepsWithoutSharing: Int
        var stepsPerSecondOfAWorker: Double
        var stepsPerSecondIsMeasured: Bool
        var workers: Int
        var estimatedSeconds: Double
        /// How the files of sentences are read.
        var data: PlanData
        var notes: [String]
    }

    func validate() throws {
        guard workers >= 1 else { throw ValidationError("--workers: at least 1") }
    }

    func run() throws {
        let spec = try readSweep(file, isFake: fake)
        let store = try? SweepStore.reading(path: home.folder.storePath)
        let snapshot = try store?.snapshot() ?? Snapshot()
        let finished = snapshot.finished
        let groundwork = Groundwork(LeftBehind(snapshot), hasResult: { finished.contains($0) })
        let plan = Plan(spec, on: groundwork) { finished.contains($0) }
        let measured = try store?.stepsPerSecond(backbone: spec.backbone.digest)
        let speed = measured ?? Self.assumedStepsPerSecond
        let summary = Summary(
            name: spec.name, points: plan.points.count, finished: plan.finished,
            runs: plan.runs.count, continuedRuns: plan.continuation?.runs ?? 0,
            stepsKept: plan.continuation?.steps ?? 0, retrainedPoints: plan.retrained,
            steps: plan.steps,
            stepsWithoutSharing: plan.stepsWithoutSharing, stepsPerSecondOfAWorker: speed,
            stepsPerSecondIsMeasured: measured != nil, workers: workers,
            estimatedSeconds: max(
                Double(plan.steps) / (speed * Double(workers)),
                Double(plan.longestSteps) / speed),
            data: try PlanData(spec), notes: SweepFile.notes(on: spec))
        if json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
            encoder.keyEncodingStrategy = .convertToSnakeCase
            say(String(decoding: try encoder.encode(summary), as: UTF8.self))
        } else {
            say(text(of: summary))
            for line in summary.data.lines(width: Terminal.width ?? 100) { say(line) }
            for line in ContinuationWords(plan).lines { say(line) }
            printNotes(on: spec)
        }
    }

    private func text(of summary: Summary) -> String {
        let saved = summary.stepsWithoutSharing - summary.steps - summary.stepsKept
        let share = Double(saved) / Double(max(1, summary.stepsWithoutSharing)) * 100
        let speed = String(format: "%.1f", summary.stepsPerSecondOfAWorker)
        let known = summary.finished > 0 ? ", \(summary.finished) finished" : ""
        let source =
            summary.stepsPerSecondIsMeasured
            ? "measured in this store" : "assumed; measured once a run has finished here"
        return """
            \(summary.name.shown)
              points   \(summary.points)\(known)
              runs     \(summary.runs)
              steps    \(summary.steps)\
            \(saved > 0 ? ", \(saved) (\(Int(share.rounded())) %) saved by shared prefixes" : "")
              time     about \(duration(summary.estimatedSeconds)) with \
            \(count(workers, "worker")) at \(speed) steps/s each (\(source))
            """
    }
}
