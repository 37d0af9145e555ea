import ArgumentParser
import Foundation
import SweepCore

struct WorkersCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "workers",
        abstract:
            "List the workers: where, with what, how fast, what they do, since and until when.",
        discussion: """
            Examples:
              moderato workers
              moderato workers --json
              moderato workers --access client.access     from another machine
            """)

    @OptionGroup var access: AccessOption

    @Flag(help: "Print JSON, as 'moderato status --json' does for its workers.")
    var json = false

    func run() throws {
        let report = try access.dial().status()
        if json {
            say(try StatusReport(sweeps: [], workers: report.workers).json())
        } else {
            say(WorkersTable(report.workers, at: Date()).text)
        }
    }
}

/// A line for each worker.
struct WorkersTable {
    private var rows = [["worker", "host", "device", "slots", "steps/s", "does", "since", "until"]]
    private let isEmpty: Bool

    init(_ workers: [StatusReport.Worker], at now: Date) {
        isEmpty = workers.isEmpty
        let clock = DateFormatter()
        clock.dateFormat = "yyyy-MM-dd HH:mm"
        for worker in workers {
            let work = worker.isSetAside ? "put aside" : worker.work
            rows.append(
                [
                    worker.id.name, worker.host, worker.device, "\(worker.slots)",
                    worker.stepsPerSecond > 0 ? String(format: "%.1f", worker.stepsPerSecond) : "–",
                    work + (worker.isLeaving ? ", leaving" : ""),
                    worker.secondsHere.map { clock.string(from: now - $0) } ?? "–",
                    worker.secondsLeft.map { clock.string(from: now + $0) } ?? "–",
                ].map(\.shown))
        }
    }

    var text: String {
        if isEmpty { return "no workers; add one with: moderato worker" }
        let widths = rows[0].indices.map { column in rows.map { $0[column].columns }.max() ?? 0 }
        return rows.map { row in
            zip(row, widths).map { $0.padded(toColumns: $1) }
                .joined(separator: "  ").trimmingCharacters(in: .whitespaces)
        }.joined(separator: "\n")
    }
}
