import SweepCore

/// Who measured a sweep's figures, with what, and on what: for people.
struct Origin {
    /// Before anything else that is said of a fake trainer's figures.
    static let warning = "FAKE TRAINER, MADE-UP FIGURES"

    /// A row for each kind of worker that has a result.
    struct Row: Hashable {
        let host: String
        let device: String
        let software: String
    }

    let rows: [(row: Row, points: Int)]
    /// Title and digest of the model and each set of data.
    let digests: [(title: String, value: String)]

    init(_ results: SweepResults) {
        var counts: [Row: Int] = [:]
        var order: [Row] = []
        var points: [WorkerProcess: Int] = [:]
        var processes: [WorkerProcess] = []
        for process in results.points.lazy.compactMap(\.provenance?.process) {
            if points[process] == nil { processes.append(process) }
            points[process, default: 0] += 1
        }
        for process in processes {
            let row = Row(
                host: process.host, device: process.device, software: Origin.software(process))
            if counts[row] == nil { order.append(row) }
            counts[row, default: 0] += points[process] ?? 0
        }
        rows = order.map { ($0, counts[$0] ?? 0) }
        digests = results.points.first.map { Origin.digests($0.spec) } ?? []
    }

    /// `moderato 0.1.0, training core 2, libtorch 2.9.1`.
    private static func software(_ process: WorkerProcess) -> String {
        let parts = [
            process.trainer == .fake ? "fake trainer" : "",
            process.program.isEmpty ? "" : "moderato \(process.program)",
            "training core \(process.trainingCore)",
            process.libtorch.isEmpty ? "" : "libtorch \(process.libtorch)",
        ]
        return parts.filter { !$0.isEmpty }.joined(separator: ", ")
    }

    private static func digests(_ spec: TrainingSpec) -> [(title: String, value: String)] {
        [
            ("Model", spec.backbone.digest.hex), ("Training set", spec.data.train.digest.hex),
            ("Test set", spec.data.test.digest.hex),
        ] + (spec.data.validation.map { [("Validation set", $0.digest.hex)] } ?? [])
    }

    /// What trained, on one line; `nil` in results of versions that did not write it down.
    var summary: String? {
        let software = distinct(rows.map(\.row.software))
        return software.isEmpty ? nil : software.joined(separator: "; ")
    }

    var markup: Markup {
        let workers: Markup =
            rows.isEmpty
            ? []
            : DataTable(
                header: ["Host", "Device", "Software", "Points"],
                isRight: [false, false, false, true],
                rows: rows.map { [$0.row.host, $0.row.device, $0.row.software, "\($0.points)"] }
            ).markup
        let list = digests.map { title, value in
            Markup.element(
                "div", [:], [.element("dt", [:], title), .element("dd", [:], "SHA-256 \(value)")])
        }
        return .element(
            "section", [:],
            [
                .element("h2", [:], "Where the figures come from"), workers,
                .element("dl", [:], Markup(list)),
            ])
    }
}

extension SweepResults {
    /// Whether a fake trainer made the figures up.
    var isFake: Bool { points.contains { $0.trainer == .fake } }
}
