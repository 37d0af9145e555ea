import SweepCore
import SweepData

/// What a plan says of the data: how each file of sentences is read, and its first sample.
struct PlanData: Encodable {
    struct File: Encodable {
        var role: String
        var path: String
        var format: String
        var textColumn: String
        var labelColumn: String
        var touchedColumn: String?
        var firstText: String
        var firstLabel: String
        var firstTouched: Bool?
    }

    var labels: [String]
    var files: [File]

    /// Empty for images.
    init(_ spec: SweepSpec) throws {
        let data = spec.data
        labels = data.labelNames
        files = []
        var sets: [(String, DataSet?)] = [
            ("train", data.train), ("test", data.test), ("validation", data.validation),
        ]
        for attack in spec.grid.attacks {
            for file in attack.files where !data.train.isImages {
                sets.append((attack.kind, .sentences(file)))
            }
        }
        for case (let role, .sentences(let file)?) in sets {
            let preview = try TextPreview(reading: file, labels: data.labels)
            files.append(
                File(
                    role: role, path: file.path, format: preview.format,
                    textColumn: preview.columns.text, labelColumn: preview.columns.label,
                    touchedColumn: preview.columns.touched, firstText: preview.sentence,
                    firstLabel: data.name(ofLabel: preview.label), firstTouched: preview.isTouched))
        }
    }

    /// - Parameter width: Of the terminal, in columns, to which samples are cut.
    func lines(width: Int) -> [String] {
        var lines: [String] = []
        if !labels.isEmpty {
            let names = labels.enumerated().map { "\($0) \($1.shown)" }
            lines.append("  labels   " + names.joined(separator: ", "))
        }
        for file in files {
            let name = file.path.split(separator: "/").last.map(String.init) ?? file.path
            let touched = file.touchedColumn.map { ", poisoned or not from \($0)" } ?? ""
            lines.append(
                "  \(file.role.shown.padded(toColumns: 8)) "
                    + "\(name.shown): \(file.format); text from \(file.textColumn.shown), label "
                    + "from \(file.labelColumn.shown)\(touched.shown)")
            let flag = file.firstTouched.map { $0 ? ", poisoned" : ", not poisoned" } ?? ""
            lines.append(
                "           first: \(file.firstLabel.shown)\(flag): \(file.firstText.shown)"
                    .cut(toColumns: width))
        }
        return lines
    }
}
