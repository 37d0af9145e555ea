import Foundation
import SweepCore

/// The points of a sweep for other programs: one row for each, all axes, full precision.
public struct ResultsExport {
    private let results: SweepResults
    private let judge: Judge
    /// Of each point's run, and of its setting with all seeds, in the order of the points.
    private let stages: [Stages?]
    private let settingVerdicts: [Verdict?]

    public init(_ results: SweepResults) {
        self.results = results
        judge = Judge(results)
        let settings = results.settings
        var stages = [Stages?](repeating: nil, count: results.points.count)
        for run in results.runs(of: settings) {
            for place in run.places { stages[place] = run.stages }
        }
        self.stages = stages
        var verdicts = [Verdict?](repeating: nil, count: results.points.count)
        for result in settings {
            for place in result.places { verdicts[place] = result.verdict }
        }
        settingVerdicts = verdicts
    }

    /// Names of the CSV's columns and of the JSON's keys, in the CSV's order. They stay.
    public static let columns = ExportColumn.all.map(\.name)

    /// RFC 4180: CRLF, quotes where they are needed, a header line. Shares are in `0 ... 1`; a cell
    /// without a value is empty. `class_accuracies` has a figure for each label, with spaces
    /// between them, and `-` for a label without test samples. `window` is `2-4`, or `2-` if the
    /// trigger is never learnt; it and the epochs before it are those of the point's run.
    /// `verdict` is the point's own, `setting_verdict` that of all its seeds: `not-learnt`,
    /// `kept-out`, `backdoor-learnt` or `unclear`. `started` and `ended` are of the attempt that
    /// measured the point, in seconds since 1970. Figures that a fake trainer made up have one
    /// column more, the first: its title says so.
    public var csv: String {
        var text = ""
        writeCSV { text += $0 }
        return text
    }

    /// As `csv`, in pieces: a large sweep's is never held as a whole.
    public func writeCSV(_ write: @escaping (String) -> Void) {
        var pieces = Pieces(write)
        func add(_ cells: [String]) {
            pieces.add(cells.map(ResultsExport.quoted).joined(separator: ",") + "\r\n")
        }
        let isFake = results.isFake
        add((isFake ? [Origin.warning] : []) + ResultsExport.columns)
        for (place, point) in results.points.enumerated() {
            let values = values(of: point, at: place)
            add((isFake ? ["fake"] : []) + values.cells.map(\.cell))
        }
        pieces.flush()
    }

    /// An object with `name`, `elapsed_seconds` and `points`; keys sorted, `null` for no value. A
    /// point's `curve` has the figures after each epoch of its run.
    public var json: String {
        var text = ""
        writeJSON { text += $0 }
        return text
    }

    /// As `json`, in pieces.
    public func writeJSON(_ write: @escaping (String) -> Void) {
        var pieces = Pieces(write)
        // Sorted before all other keys.
        let warning = results.isFake ? "  \"WARNING\" : \"\(Origin.warning)\",\n" : ""
        pieces.add("{\n\(warning)  \"elapsed_seconds\" : ")
        JSONValue.optional(results.elapsed).append(to: &pieces.text, indent: 2)
        pieces.add(",\n  \"name\" : ")
        JSONValue.text(results.name).append(to: &pieces.text, indent: 2)
        pieces.add(",\n  \"points\" : [")
        for (index, point) in results.points.enumerated() {
            let curve = point.curve.map { metrics in
                var values = ExportRow()
                ResultsExport.add(metrics, to: &values)
                return ResultsExport.curveKeys.object(values, more: .integer(metrics.epoch))
            }
            pieces.add(index == 0 ? "\n    " : ",\n    ")
            ResultsExport.keys.object(values(of: point, at: index), more: .list(curve))
                .append(to: &pieces.text, indent: 4)
        }
        pieces.add(results.points.isEmpty ? "]\n}\n" : "\n  ]\n}\n")
        pieces.flush()
    }

    private static let keys = ExportRow.Keys(ExportColumn.all, more: "curve")
    private static let curveKeys = ExportRow.Keys(
        figures.items.map(\.column) + [.named("class_accuracies")], more: "epoch")
    private static let figures = ExportedFields(EpochMetrics.fields)
    private static let bottleneck = ExportedFields(Bottleneck.fields)
    private static let pets = PET.cases.map { ExportedFields($0.fields) }
    private static let attacks = Attack.cases.map { ExportedFields($0.fields) }

    /// Sets the columns of `curveKeys`.
    private static func add(_ metrics: EpochMetrics, to values: inout ExportRow) {
        values.add(figures, of: metrics)
        if !metrics.classes.isEmpty {
            values["class_accuracies"] = .list(metrics.classes.map { .optional($0.accuracy) })
        }
    }

    /// Where a point's figures come from.
    private static func addOrigin(of point: PointOutcome, to values: inout ExportRow) {
        let spec = point.spec
        // Earlier versions did not write down who trained.
        let isKnown = point.metrics == nil || point.provenance?.process != nil
        values["trainer"] = .text(isKnown ? spec.trainer.rawValue : "unknown")
        values["model_digest"] = .text(spec.backbone.digest.hex)
        values["train_digest"] = .text(spec.data.train.digest.hex)
        values["test_digest"] = .text(spec.data.test.digest.hex)
        values["validation_digest"] =
            (spec.data.validation?.digest.hex).map { .text($0) } ?? .null
        let own = spec.attack.files.map(\.digest.hex)
        if !own.isEmpty { values["attack_digests"] = .list(own.map { .text($0) }) }
        guard let provenance = point.provenance else { return }
        values["attempt"] = .seed(provenance.attempt.number)
        values["worker"] = .text(provenance.worker.name)
        values["started"] = .optional(provenance.started)
        values["ended"] = .optional(provenance.ended)
        guard let process = provenance.process else { return }
        values["host"] = .text(process.host)
        values["device"] = .text(process.device)
        values["program"] = .text(process.program)
        values["training_core"] = .integer(process.trainingCore)
        values["libtorch"] = .text(process.libtorch)
    }

    private func values(of point: PointOutcome, at place: Int) -> ExportRow {
        let spec = point.spec
        var values = ExportRow()
        let pet = spec.capacity.pet
        if let place = PET.cases.firstIndex(where: { $0.contains(pet) }) {
            values["pet"] = .text(PET.cases[place].name)
            values.add(ResultsExport.pets[place], of: pet)
        }
        if let bottleneck = spec.capacity.bottleneck {
            values.add(ResultsExport.bottleneck, of: bottleneck)
        }
        values["learning_rate"] = .optional(spec.learningRate)
        values["epochs"] = .integer(spec.epochs)
        values["poison_ratio"] = .optional(spec.poisonRatio)
        values["seed"] = .seed(spec.seed)
        values["trainable_parameters"] = point.trainableParameters.map { .integer($0) } ?? .null
        values["run"] = point.run.map { .seed($0.number) } ?? .null
        values["attack"] = .text(spec.attack.kind)
        values["attack_details"] = .text(spec.attack.details(of: spec.data))
        if let place = Attack.cases.firstIndex(where: { $0.contains(spec.attack) }) {
            values.add(ResultsExport.attacks[place], of: spec.attack)
        }
        if let stages = stages[place] {
            values["task_learnt"] = stages.taskLearnt.map { .integer($0) } ?? .null
            values["trigger_learnt"] = stages.triggerLearnt.map { .integer($0) } ?? .null
            switch stages.window {
            case .none: break
            case .closed(let range):
                values["window"] = .text("\(range.lowerBound)-\(range.upperBound)")
            case .open(let from): values["window"] = .text("\(from)-")
            }
        }
        ResultsExport.addOrigin(of: point, to: &values)
        switch point.state {
        case .waiting: values["state"] = .text("waiting")
        case .cancelled: values["state"] = .text("cancelled")
        case .finished(let metrics):
            values["state"] = .text("finished")
            ResultsExport.add(metrics, to: &values)
            values["turned_share"] = .optional(Judge.turnedShare(point))
            values["verdict"] = (judge.verdict(metrics, of: spec)?.word).map { .text($0) } ?? .null
            values["setting_verdict"] =
                (settingVerdicts[place]?.word).map { .text($0) } ?? .null
        case .failed(let error):
            values["state"] = .text("failed")
            values["error"] = .text(error)
        }
        return values
    }

    private static func quoted(_ cell: String) -> String {
        let needsQuotes = cell.utf8.contains { [0x22, 0x2C, 0x0A, 0x0D].contains($0) }
        return needsQuotes ? "\"\(cell.replacing("\"", with: "\"\""))\"" : cell
    }
}
