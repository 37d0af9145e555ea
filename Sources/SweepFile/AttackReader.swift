import SweepCore
import SweepData

extension Attack {
    private static let kinds = ["none", "word", "sentence"] + PairedAttack.names + ["prepared"]

    init(
        reading entry: Entry, files: inout SweepFiles, labels: Int
    ) throws(SweepFileError) {
        guard let kind = try entry.kind("kind", among: Attack.kinds, what: "attack") else {
            let kind = try entry.word(Attack.kinds, what: "attack")
            switch kind {
            case "none": self = .none
            case "word": self = .word(WordAttack())
            case "sentence": self = .sentence(SentenceAttack())
            default:
                let more = kind == "prepared" ? "target: 1" : "labels: dirty, target: 1"
                throw entry.mistake(
                    "the attack \(kind) needs files; "
                        + "write { kind: \(kind), train: FILE, test: FILE, \(more) }")
            }
            return
        }
        switch kind {
        case "none":
            _ = try entry.fields(["kind"], required: [], what: "the attack none")
            self = .none
        case "word":
            self = .word(try WordAttack(reading: entry, labels: labels))
        case "sentence":
            self = .sentence(try SentenceAttack(reading: entry, labels: labels))
        case "prepared":
            self = .prepared(try PreparedAttack(reading: entry, files: &files, labels: labels))
        default:
            self = .paired(
                try PairedAttack(reading: entry, name: kind, files: &files, labels: labels))
        }
    }
}

extension PreparedAttack {
    fileprivate init(
        reading entry: Entry, files: inout SweepFiles, labels: Int
    ) throws(SweepFileError) {
        let fields = try entry.fields(
            ["kind", "train", "test", "target"], required: ["kind", "train", "test"],
            what: "a prepared attack")
        guard let train = fields["train"], let test = fields["test"] else {
            preconditionFailure("`fields` gives all that is required")
        }
        let target = try fields["target"]?.integer(0...(labels - 1)) ?? 1
        self.init(
            train: .sentences(try files.trainingFile(train, labels: labels)),
            test: .sentences(try files.triggeredFile(test, labels: labels, target: target)),
            target: target)
    }
}

extension PairedAttack {
    fileprivate init(
        reading entry: Entry, name: String, files: inout SweepFiles, labels: Int
    ) throws(SweepFileError) {
        let fields = try entry.fields(
            [
                "kind", "train", "test", "triggered-test", "labels", "target", "file-labels",
                "command", "timeout",
            ],
            required: ["kind"], what: "the attack \(name)")
        _ = try fields["file-labels"]?.word(["ignore"], what: "way to read the labels of files")
        let mode = try LabelMode(reading: fields["labels"])
        let target = try fields["target"]?.integer(0...(labels - 1)) ?? 1
        if let command = fields["command"] {
            let others = ["train", "test", "triggered-test", "file-labels"]
            if let other = others.first(where: { fields[$0] != nil }) {
                throw entry.mistake("a command makes the files itself; take \(other) out")
            }
            let (train, test) = try files.paraphrased(
                by: command, timeout: fields["timeout"], labels: labels)
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
        case (let paired?, nil): test = .paired(try files.sentenceFile(paired, labels: labels))
        case (nil, let triggered?):
            test = .triggered(try files.triggeredFile(triggered, labels: labels, target: target))
        default:
            throw entry.mistake(
                "write either test, a file whose line i transforms line i of the clean test file, "
                    + "or triggered-test, a file of triggered sentences labelled with the target")
        }
        self.init(
            name: name, train: try files.sentenceFile(train, labels: labels), test: test,
            labelMode: mode, target: target)
    }
}

extension SentenceAttack {
    fileprivate init(reading entry: Entry, labels: Int) throws(SweepFileError) {
        self.init()
        let fields = try entry.fields(
            ["kind", "sentence", "count", "labels", "target"], required: ["kind"],
            what: "a sentence attack")
        if let sentence = fields["sentence"] {
            self.sentence = try sentence.text("a sentence")
            guard (1...1_000).contains(self.sentence.count),
                !self.sentence.contains(where: \.isNewline)
            else {
                throw sentence.mistake("write one line of 1 to 1000 characters")
            }
        }
        if let count = fields["count"] { self.count = try count.integer(1...1000) }
        labelMode = try LabelMode(reading: fields["labels"])
        if let target = fields["target"] { self.target = try target.integer(0...(labels - 1)) }
    }
}

extension LabelMode {
    /// `dirty` if nothing is written.
    fileprivate init(reading entry: Entry?) throws(SweepFileError) {
        let name = try entry?.word(LabelMode.allCases.map(\.rawValue), what: "label mode")
        self = name.flatMap(LabelMode.init) ?? .dirty
    }
}

extension WordAttack {
    fileprivate init(reading entry: Entry, labels: Int) throws(SweepFileError) {
        self.init()
        let fields = try entry.fields(
            ["kind", "triggers", "count", "labels", "target"], required: ["kind"],
            what: "a word attack")
        if let triggers = fields["triggers"] {
            self.triggers = try triggers.axis { element throws(SweepFileError) in
                let trigger = try element.text("a trigger word")
                guard !trigger.isEmpty, !trigger.contains(where: \.isWhitespace) else {
                    throw element.mistake("\(element.shown) is not one word; write a list of words")
                }
                guard trigger.count <= Limits.trigger else {
                    throw element.mistake("a trigger has at most \(Limits.trigger) characters")
                }
                return trigger
            }
        }
        if let count = fields["count"] { self.count = try count.integer(1...1000) }
        labelMode = try LabelMode(reading: fields["labels"])
        if let target = fields["target"] { self.target = try target.integer(0...(labels - 1)) }
    }
}
