import Foundation
import SweepCore

/// The points of a sweep for other programs: one row for each, all axes, full precision.
public struct ResultsExport {
    private let results: SweepResults
    private let stages: [TrainingSpec: Stages]
    private let judge: Judge
    private let verdicts: [Setting: Verdict]

    public init(_ results: SweepResults) {
        self.results = results
        let judge = Judge(results)
        self.judge = judge
        verdicts = Dictionary(
            uniqueKeysWithValues: results.settings.compactMap { result in
                judge.verdict(of: result).map { (result.setting, $0) }
            })
        stages = Dictionary(
            uniqueKeysWithValues: results.runs.map { ($0.spec.trajectory, $0.stages) })
    }

    /// Names of the CSV's columns and of the JSON's keys, in the CSV's order. They stay.
    public static let columns = [
        "pet", "rank", "alpha", "bottleneck", "in_dim", "learning_rate", "epochs", "attack",
        "triggers", "trigger_count", "label_mode", "target", "poison_ratio", "seed",
        "trainable_parameters", "state", "cacc", "asr", "training_loss", "test_loss", "error",
        "pet_size", "attack_details",
        "clean_fit_loss", "clean_fit_accuracy", "poisoned_fit_loss", "poisoned_fit_accuracy",
        "validation_loss", "validation_accuracy", "class_accuracies",
        "task_learnt", "trigger_learnt", "window", "run",
        "triggered_samples", "plain_error_rate", "turned_share", "verdict", "setting_verdict",
        "trainer", "attempt", "worker", "host", "device", "program", "training_core",
        "libtorch", "model_digest", "train_digest", "test_digest", "validation_digest",
        "attack_digests", "started", "ended",
    ]

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
        for point in results.points {
            let values = values(of: point)
            add((isFake ? ["fake"] : []) + ResultsExport.columns.map { values[$0]?.cell ?? "" })
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
            var values = values(of: point)
            values["curve"] = .list(
                point.curve.map { metrics in
                    var values = ResultsExport.values(of: metrics)
                    values["epoch"] = .integer(metrics.epoch)
                    return .object(values)
                })
            pieces.add(index == 0 ? "\n    " : ",\n    ")
            JSONValue.object(values).append(to: &pieces.text, indent: 4)
        }
        pieces.add(results.points.isEmpty ? "]\n}\n" : "\n  ]\n}\n")
        pieces.flush()
    }

    private static func values(of metrics: EpochMetrics) -> [String: JSONValue] {
        [
            "cacc": .optional(metrics.cacc), "asr": .optional(metrics.asr),
            "training_loss": .optional(metrics.trainingLoss),
            "test_loss": .optional(metrics.testLoss),
            "clean_fit_loss": .optional(metrics.cleanFit?.loss),
            "clean_fit_accuracy": .optional(metrics.cleanFit?.accuracy),
            "poisoned_fit_loss": .optional(metrics.poisonedFit?.loss),
            "poisoned_fit_accuracy": .optional(metrics.poisonedFit?.accuracy),
            "validation_loss": .optional(metrics.validation?.loss),
            "validation_accuracy": .optional(metrics.validation?.accuracy),
            "triggered_samples": metrics.triggeredSamples.map { .integer($0) } ?? .null,
            "plain_error_rate": .optional(metrics.plainErrorRate),
            "class_accuracies": metrics.classes.isEmpty
                ? .null : .list(metrics.classes.map { .optional($0.accuracy) }),
        ]
    }

    /// Where a point's figures come from.
    private static func origin(of point: PointOutcome) -> [String: JSONValue] {
        let spec = point.spec
        // Earlier versions did not write down who trained.
        let isKnown = point.metrics == nil || point.provenance?.process != nil
        var values: [String: JSONValue] = [
            "trainer": .text(isKnown ? spec.trainer.rawValue : "unknown"),
            "model_digest": .text(spec.backbone.digest.hex),
            "train_digest": .text(spec.data.train.digest.hex),
            "test_digest": .text(spec.data.test.digest.hex),
            "validation_digest": (spec.data.validation?.digest.hex).map { .text($0) } ?? .null,
        ]
        let own = spec.attack.files.map(\.digest.hex)
        if !own.isEmpty { values["attack_digests"] = .list(own.map { .text($0) }) }
        guard let provenance = point.provenance else { return values }
        values["attempt"] = .seed(provenance.attempt.number)
        values["worker"] = .text(provenance.worker.name)
        values["started"] = .optional(provenance.started)
        values["ended"] = .optional(provenance.ended)
        guard let process = provenance.process else { return values }
        values["host"] = .text(process.host)
        values["device"] = .text(process.device)
        values["program"] = .text(process.program)
        values["training_core"] = .integer(process.trainingCore)
        values["libtorch"] = .text(process.libtorch)
        return values
    }

    private func values(of point: PointOutcome) -> [String: JSONValue] {
        let spec = point.spec
        // One entry for each column, so that every row has every key.
        var values = Dictionary(
            uniqueKeysWithValues: ResultsExport.columns.map { ($0, JSONValue.null) })
        switch spec.capacity.pet {
        case .lora(let lora):
            values["pet"] = .text("lora")
            values["rank"] = .integer(lora.rank)
            values["alpha"] = .optional(lora.alpha)
        case .adapter(let size):
            values["pet"] = .text("adapter")
            values["pet_size"] = .integer(size)
        case .prefix(let length):
            values["pet"] = .text("prefix")
            values["pet_size"] = .integer(length)
        case .bitFit: values["pet"] = .text("bitfit")
        case .full: values["pet"] = .text("full")
        case .lastBlocks(let count):
            values["pet"] = .text("last-blocks")
            values["pet_size"] = .integer(count)
        }
        if let bottleneck = spec.capacity.bottleneck {
            values["bottleneck"] = .integer(bottleneck.size)
            values["in_dim"] = .integer(bottleneck.inputSize)
        }
        values["learning_rate"] = .optional(spec.learningRate)
        values["epochs"] = .integer(spec.epochs)
        values["poison_ratio"] = .optional(spec.poisonRatio)
        values["seed"] = .seed(spec.seed)
        values["trainable_parameters"] = point.trainableParameters.map { .integer($0) } ?? .null
        values["run"] = point.run.map { .seed($0.number) } ?? .null
        values["attack"] = .text(spec.attack.kind)
        values["attack_details"] = .text(spec.attack.details)
        values["label_mode"] = spec.attack.labelMode.map { .text($0.rawValue) } ?? .null
        values["target"] = spec.attack.target.map { .integer($0) } ?? .null
        switch spec.attack {
        case .none, .paired, .prepared, .patch: break
        case .word(let word):
            values["triggers"] = .text(word.triggers.joined(separator: " "))
            values["trigger_count"] = .integer(word.count)
        case .sentence(let sentence):
            values["triggers"] = .text(sentence.sentence)
            values["trigger_count"] = .integer(sentence.count)
        }
        if let stages = stages[spec.trajectory] {
            values["task_learnt"] = stages.taskLearnt.map { .integer($0) } ?? .null
            values["trigger_learnt"] = stages.triggerLearnt.map { .integer($0) } ?? .null
            switch stages.window {
            case .none: break
            case .closed(let range):
                values["window"] = .text("\(range.lowerBound)-\(range.upperBound)")
            case .open(let from): values["window"] = .text("\(from)-")
            }
        }
        values.merge(ResultsExport.origin(of: point)) { $1 }
        switch point.state {
        case .waiting:
            values["state"] = .text("waiting")
        case .finished(let metrics):
            values["state"] = .text("finished")
            values.merge(ResultsExport.values(of: metrics)) { $1 }
            values["turned_share"] = .optional(Judge.turnedShare(point))
            values["verdict"] = (judge.verdict(metrics, of: spec)?.word).map { .text($0) } ?? .null
            values["setting_verdict"] =
                (verdicts[Setting(spec)]?.word).map { .text($0) } ?? .null
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

/// Text that is handed on whenever there is enough of it.
private struct Pieces {
    private static let enough = 1 << 16
    var text = ""
    private let write: (String) -> Void

    init(_ write: @escaping (String) -> Void) { self.write = write }

    mutating func add(_ more: String) {
        text += more
        if text.utf8.count >= Pieces.enough { flush() }
    }

    mutating func flush() {
        write(text)
        text.removeAll(keepingCapacity: true)
    }
}

/// What a cell of the exports can hold.
private enum JSONValue {
    case null
    case text(String)
    case integer(Int)
    case seed(UInt64)
    /// Finite.
    case number(Double)
    case list([JSONValue])
    case object([String: JSONValue])

    /// JSON has no number for what is not finite, such as the loss of a training that diverged.
    static func optional(_ value: Double?) -> JSONValue {
        guard let value, value.isFinite else { return .null }
        return .number(value)
    }

    var cell: String {
        switch self {
        case .null, .object: ""
        // What a list has no figure for keeps its place.
        case .list(let values):
            values.map { $0.cell.isEmpty ? "-" : $0.cell }.joined(separator: " ")
        case .text(let text): text
        case .integer(let value): "\(value)"
        case .seed(let value): "\(value)"
        case .number(let value): decimal(value)
        }
    }

    /// Keys sorted, a line for each value; `indent` is that of the line it begins in.
    func append(to text: inout String, indent: Int) {
        switch self {
        case .null: text += "null"
        case .text(let value): JSONValue.append(value, to: &text)
        case .integer(let value): text += "\(value)"
        case .seed(let value): text += "\(value)"
        case .number(let value): text += decimal(value)
        case .list(let values):
            JSONValue.append(values, "[", "]", to: &text, indent: indent) { value, text in
                value.append(to: &text, indent: indent + 2)
            }
        case .object(let values):
            let sorted = values.sorted { $0.key < $1.key }
            JSONValue.append(sorted, "{", "}", to: &text, indent: indent) { pair, text in
                JSONValue.append(pair.key, to: &text)
                text += " : "
                pair.value.append(to: &text, indent: indent + 2)
            }
        }
    }

    private static func append<Item>(
        _ items: [Item], _ start: String, _ end: String, to text: inout String, indent: Int,
        _ append: (Item, inout String) -> Void
    ) {
        let margin = "\n" + String(repeating: " ", count: indent + 2)
        text += start
        for (index, item) in items.enumerated() {
            if index > 0 { text += "," }
            text += margin
            append(item, &text)
        }
        if !items.isEmpty { text += margin.dropLast(2) }
        text += end
    }

    private static func append(_ value: String, to text: inout String) {
        text += "\""
        if value.utf8.contains(where: { $0 < 0x20 || $0 == 0x22 || $0 == 0x5C }) {
            for scalar in value.unicodeScalars {
                switch scalar {
                case "\"": text += "\\\""
                case "\\": text += "\\\\"
                case "\n": text += "\\n"
                case "\r": text += "\\r"
                case "\t": text += "\\t"
                case _ where scalar.value < 0x20:
                    let digits = String(scalar.value, radix: 16)
                    text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
                default: text.unicodeScalars.append(scalar)
                }
            }
        } else {
            text += value
        }
        text += "\""
    }
}
