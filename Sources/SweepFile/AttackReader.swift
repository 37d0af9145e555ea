import SweepCore
import SweepData

extension Attack {
    /// Kinds of a table, and the other names of paired ones.
    private static let kinds = cases.flatMap {
        $0.name == "paired" ? PairedAttack.names : [$0.name]
    }

    init(
        reading entry: Entry, files: inout SweepFiles, data: TaskData
    ) throws(SweepFileError) {
        let written = try entry.kind("kind", among: Attack.kinds, what: "attack")
        let name =
            if let written { written } else {
                try entry.word(Attack.kinds, what: "attack")
            }
        guard let kind = Attack.named(PairedAttack.names.contains(name) ? "paired" : name) else {
            preconditionFailure("`word` checks it")
        }
        try Attack.check(kind, name, fitsImages: data.train.isImages, at: entry)
        let needsFiles = !kind.required.isEmpty
        if written == nil, needsFiles {
            let more = name == "prepared" ? "target: 1" : "labels: dirty, target: 1"
            throw entry.mistake(
                "the attack \(name) needs files; "
                    + "write { kind: \(name), train: FILE, test: FILE, \(more) }")
        }
        switch kind.usual {
        case .prepared:
            self = .prepared(try PreparedAttack(reading: entry, files: &files, data: data))
        case .paired:
            self = .paired(
                try PairedAttack(reading: entry, name: name, files: &files, data: data))
        default:
            self = kind.usual
            guard written != nil else { return }
            let entries = try entry.fields(
                ["kind"] + kind.fields.map(\.name), required: ["kind"],
                what: "the attack \(name)")
            try entry.read(kind.fields, entries, except: ["target"], into: &self)
            if let target = try entries["target"]?.label(of: data) {
                kind.fields.first { $0.name == "target" }?.set(&self, .integer(target))
            }
        }
    }

    private static func check(
        _ kind: FieldCase<Attack>, _ name: String, fitsImages areImages: Bool, at entry: Entry
    ) throws(SweepFileError) {
        if kind.only == .images, !areImages {
            throw entry.mistake(
                "a \(name) is painted into images, and the data are sentences; write word, "
                    + "sentence or another attack on sentences")
        }
        if areImages, kind.only == .sentences {
            let others = cases.filter { $0.only != .sentences }.map(\.name)
            throw entry.mistake(
                "the attack \(name) changes sentences, and the data are images; write "
                    + alternatives(others))
        }
    }
}

extension PreparedAttack {
    fileprivate init(
        reading entry: Entry, files: inout SweepFiles, data: TaskData
    ) throws(SweepFileError) {
        let labels = data.labels
        let fields = try entry.fields(
            ["kind", "train", "test", "target"] + TextRequest.keys,
            required: ["kind", "train", "test"], what: "a prepared attack")
        guard let train = fields["train"], let test = fields["test"] else {
            preconditionFailure("`fields` gives all that is required")
        }
        let target = try fields["target"]?.label(of: data) ?? 1
        let request = try TextRequest(reading: fields)
        self.init(
            train: try files.trainingSet(train, labels: labels, request),
            test: try files.triggeredSet(
                test, labels: labels, target: target, training: data.train, request),
            target: target)
    }
}

extension PairedAttack {
    fileprivate init(
        reading entry: Entry, name: String, files: inout SweepFiles, data: TaskData
    ) throws(SweepFileError) {
        let labels = data.labels
        let fields = try entry.fields(
            [
                "kind", "train", "test", "triggered-test", "labels", "target", "file-labels",
                "command", "timeout",
            ] + TextRequest.keys,
            required: ["kind"], what: "the attack \(name)")
        _ = try fields["file-labels"]?.word(["ignore"], what: "way to read the labels of files")
        let mode = try LabelMode(reading: fields["labels"])
        let target = try fields["target"]?.label(of: data) ?? 1
        let request = try TextRequest(reading: fields)
        if let command = fields["command"] {
            let others = ["train", "test", "triggered-test", "file-labels"] + TextRequest.keys
            if let other = others.first(where: { fields[$0] != nil }) {
                throw entry.mistake("a command makes the files itself; take \(other) out")
            }
            let (train, test) = try files.paraphrased(
                by: command, timeout: fields["timeout"])
            self.init(
                name: name, train: train, test: .paired(test), labelMode: mode, target: target)
            return
        }
        if let timeout = fields["timeout"] {
            throw timeout.mistake("a timeout belongs to a command; take it out")
        }
        guard let train = fields["train"] else {
            throw entry.mistake(
                "write train, a file whose line i transforms line i of the clean training file, or "
                    + "command, a program that reads one sentence a line and writes one a line")
        }
        let test: Test
        switch (fields["test"], fields["triggered-test"]) {
        case (let paired?, nil): test = .paired(try files.sentenceFile(paired, request))
        case (nil, let triggered?):
            let set = try files.triggeredSet(
                triggered, labels: labels, target: target, training: data.train, request)
            test = .triggered(set.files[0])
        default:
            throw entry.mistake(
                "write either test, a file whose line i transforms line i of the clean test file, "
                    + "or triggered-test, a file of triggered sentences labelled with the target")
        }
        self.init(
            name: name, train: try files.sentenceFile(train, request), test: test,
            labelMode: mode, target: target)
    }
}

extension LabelMode {
    /// `dirty` if nothing is written.
    fileprivate init(reading entry: Entry?) throws(SweepFileError) {
        let name = try entry?.word(LabelMode.allCases.map(\.rawValue), what: "label mode")
        self = name.flatMap(LabelMode.init) ?? .dirty
    }
}
