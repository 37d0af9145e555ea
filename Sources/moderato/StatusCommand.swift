import ArgumentParser
import Foundation
import SweepCore
import SweepWire

struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show sweeps, runs and workers.",
        discussion: """
            Examples:
              moderato status
              moderato status --watch       anew each second, until all sweeps are over
              moderato status --json
              moderato status --metrics     for Prometheus; 'moderato cluster metrics' serves it
            """)

    @OptionGroup var access: AccessOption

    @Flag(help: "Show it anew each second, until all sweeps are over.")
    var watch = false

    @Flag(help: "Print JSON, one line each time.")
    var json = false

    @Flag(help: "Print metrics as Prometheus reads them.")
    var metrics = false

    func validate() throws {
        guard !(json && metrics) else { throw ValidationError("--json or --metrics, not both") }
    }

    func run() throws {
        var dialer: Dialer?
        var wasThere = false
        while true {
            let report: StatusReport
            do {
                if !wasThere,
                    case .status(let stored)? = try StoredCoordinator(access)?
                        .ask(.askStatus)
                {
                    report = stored
                } else {
                    let known = try dialer ?? access.dial()
                    dialer = known
                    report = try known.status()
                    wasThere = true
                }
            } catch is ExitCode where watch && wasThere {
                // It was said; whoever watches wants to see the coordinator come back.
                Thread.sleep(forTimeInterval: 1)
                continue
            }
            let text = metrics ? report.metrics() : json ? try report.json() : report.text()
            let isAnew = watch && Terminal.canRedraw && !json && !metrics
            say((isAnew ? "\u{1B}[H\u{1B}[2J" : "") + text)
            if !watch || report.incoming.isEmpty && report.sweeps.allSatisfy(\.isOver) { return }
            Thread.sleep(forTimeInterval: 1)
        }
    }
}

extension StatusReport {
    func text() -> String {
        if sweeps.isEmpty && workers.isEmpty && incoming.isEmpty {
            return "no sweeps yet, and no workers; submit one with: moderato submit FILE"
        }
        var lines: [String] = []
        for sweep in sweeps {
            lines.append(sweep.line)
            if let words = sweep.wordsOfPause { lines.append("  " + words) }
            if let pointer = sweep.pointer { lines.append("  " + pointer) }
        }
        for sweep in incoming {
            lines.append("\(sweep.name.shown)  being planned, \(Int(sweep.share * 100)) %")
        }
        if lines.isEmpty { lines.append("no sweeps yet; submit one with: moderato submit FILE") }
        lines.append("")
        if workers.isEmpty {
            lines.append("no workers; add one with: moderato worker")
        } else {
            let width = workers.map(\.id.name.shown.columns).max() ?? 0
            lines.append(count(workers.count, "worker"))
            for worker in workers {
                let speed =
                    worker.stepsPerSecond > 0
                    ? String(format: ", %.1f steps/s", worker.stepsPerSecond) : ""
                var work =
                    worker.isSetAside
                    ? "put aside" : worker.work + (worker.runs.isEmpty ? "" : speed)
                if worker.isLeaving { work += ", leaving" }
                if let left = worker.secondsLeft { work += ", can stay \(duration(left))" }
                lines.append(
                    "  \(worker.id.name.shown.padded(toColumns: width))  "
                        + "\(worker.device.shown)  \(work)")
            }
        }
        return lines.joined(separator: "\n")
    }

    func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        encoder.keyEncodingStrategy = .convertToSnakeCase
        return String(decoding: try encoder.encode(JSON(self)), as: UTF8.self)
    }

    /// The keys that scripts rely on.
    private struct JSON: Encodable {
        struct Sweep: Encodable {
            var id: UInt64
            var name: String
            var points: [String: Int]
            var runs: [String: Int]
            var steps: Int
            var stepsDone: Int
            var secondsLeft: Double?
            var isOver: Bool
            var state: String
            var priority: Int
            /// Why the coordinator itself has paused it.
            var reason: String?
            var trainer: String
        }

        struct Worker: Encodable {
            var id: String
            var host: String
            var device: String
            var slots: Int
            var runs: [UInt64]
            var stepsPerSecond: Double
            var isSetAside: Bool
            var isLeaving: Bool
            var secondsLeft: Double?
            var secondsHere: Double?
        }

        /// A sweep that is being planned.
        struct Incoming: Encodable {
            var name: String
            var share: Double
        }

        var sweeps: [Sweep]
        var workers: [Worker]
        var incoming: [Incoming]

        init(_ report: StatusReport) {
            sweeps = report.sweeps.map {
                Sweep(
                    id: $0.id.number, name: $0.name,
                    points: [
                        "total": $0.points, "finished": $0.finishedPoints,
                        "failed": $0.failedPoints,
                    ],
                    runs: [
                        "waiting": $0.waitingRuns, "active": $0.activeRuns,
                        "completed": $0.completedRuns, "failed": $0.failedRuns,
                    ],
                    steps: $0.steps, stepsDone: $0.stepsDone, secondsLeft: $0.secondsLeft,
                    isOver: $0.isOver, state: $0.condition.state.rawValue,
                    priority: $0.condition.priority, reason: $0.condition.reason,
                    trainer: $0.trainer.rawValue)
            }
            workers = report.workers.map {
                Worker(
                    id: $0.id.name, host: $0.host, device: $0.device, slots: $0.slots,
                    runs: $0.runs.map(\.number), stepsPerSecond: $0.stepsPerSecond,
                    isSetAside: $0.isSetAside, isLeaving: $0.isLeaving,
                    secondsLeft: $0.secondsLeft, secondsHere: $0.secondsHere)
            }
            incoming = report.incoming.map { Incoming(name: $0.name, share: $0.share) }
        }
    }
}

/// Where to look when runs of a sweep have failed.
func pointerToFailed(_ runs: Int, of sweep: String) -> String {
    "\(count(runs, "run")) failed; moderato explain RUN tells why, moderato retry \(sweep.shown) "
        + "tries again"
}

extension StatusReport.Worker {
    /// The runs it trains; it has the next ones already, so that it never waits for them.
    var work: String {
        if runs.isEmpty { return "idle" }
        let now = runs.prefix(slots).map { "\($0)" }.joined(separator: ", ")
        let next = runs.dropFirst(slots).map { "\($0)" }.joined(separator: ", ")
        return next.isEmpty ? now : "\(now), next \(next)"
    }
}

extension StatusReport.Sweep {
    /// Of the work; once nothing is left to do, of the points. All of it only when all points have
    /// a result: steps are done before the last evaluation is, and cancelled runs have none.
    var share: Double {
        let finished = Double(finishedPoints) / Double(max(1, points))
        if isOver || steps == 0 { return finished }
        return min(0.99, Double(stepsDone) / Double(steps))
    }

    /// Why the coordinator itself has paused it, and the way out.
    var wordsOfPause: String? {
        condition.reason.map {
            "paused: \($0.shown)\n  once that is mended: moderato resume \(name.shown)"
        }
    }

    /// Where to look when runs have failed.
    var pointer: String? { failedRuns == 0 ? nil : pointerToFailed(failedRuns, of: name) }

    /// One line: name, bar, share, points; runs; time left.
    var line: String {
        let width = 20
        let filled = Int((share * Double(width)).rounded(.down))
        let bar =
            String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
        var results = "\(finishedPoints)/\(points) points"
        if failedPoints > 0 { results += ", \(failedPoints) failed" }
        var runs: [String] = []
        if activeRuns > 0 { runs.append("\(activeRuns) in training") }
        if waitingRuns > 0 { runs.append("\(waitingRuns) waiting") }
        if failedRuns > 0 { runs.append("\(failedRuns) failed") }
        var parts = [results]
        if !runs.isEmpty { parts.append("runs: " + runs.joined(separator: ", ")) }
        if condition.priority != 0 { parts.append("priority \(condition.priority)") }
        switch condition.state {
        case .paused: parts.append(condition.reason == nil ? "paused" : "paused, see below")
        case .cancelled: parts.append("cancelled")
        case .active: break
        }
        if !isOver, condition.state == .active {
            parts.append("ETA " + (secondsLeft.map(duration) ?? "unknown yet"))
        }
        let percent = "\(Int(share * 100)) %"
        let fake = trainer == .fake ? " (fake)" : ""
        return "\(name.shown)\(fake)  \(bar) \(percent)  " + parts.joined(separator: "; ")
    }
}
