import SweepCore
import SweepData

extension Attack {
    private static let kinds =
        ["none", "word", "sentence"] + PairedAttack.names + ["prepared", "patch"]

    init(
        reading entry: Entry, files: inout SweepFiles, data: TaskData
    ) throws(SweepFileError) {
        let labels = data.labels
        guard let kind = try entry.kind("kind", among: Attack.kinds, what: "attack") else {
            let kind = try entry.word(Attack.kinds, what: "attack")
            try Attack.check(kind, fitsImages: data.train.isImages, at: entry)
            switch kind {
            case "none": self = .none
            case "word": self = .word(WordAttack())
            case "sentence": self = .sentence(SentenceAttack())
            case "patch": self = .patch(PatchAttack())
            default:
                let more = kind == "prepared" ? "target: 1" : "labels: dirty, target: 1"
                throw entry.mistake(
                    "the attack \(kind) needs files; "
                        + "write { kind: \(kind), train: FILE, test: FILE, \(more) }")
            }
            return
        }
        try Attack.check(kind, fitsImages: data.train.isImages, at: entry)
        switch kind {
        case "none":
            _ = try entry.fields(["kind"], required: [], what: "the attack none")
            self = .none
        case "word":
            self = .word(try WordAttack(reading: entry, labels: labels))
        case "sentence":
            self = .sentence(try SentenceAttack(reading: entry, labels: labels))
        case "prepared":
            self = .prepared(try PreparedAttack(reading: entry, files: &files, data: data))
        case "patch":
            self = .patch(try PatchAttack(reading: entry, labels: labels))
        default:
            self = .paired(
                try PairedAttack(reading: entry, name: kind, files: &files, data: data))
        }
    }

    private static func check(
        _ kind: String, fitsImages areImages: Bool, at entry: Entry
    ) throws(SweepFileError) {
        if kind == "patch", !areImages {
            throw entry.mistake(
                "a patch is painted into images, and the data are sentences; write word, sentence "
                    + "or another attack on sentences")
        }
        if areImages, !["none", "prepared", "patch"].contains(kind) {
            throw entry.mistake(
                "the attack \(kind) changes sentences, and the data are images; write patch, "
                    + "prepared or none")
        }
    }
}

extension PreparedAttack {
    fileprivate init(
        reading entry: Entry, files: inout SweepFiles, data: TaskData
    ) throws(SweepFileError) {
        let labels = data.labels
        let fields = try entry.fields(
            ["kind", "train", "test", "target"], required: ["kind", "train", "test"],
            what: "a prepared attack")
        guard let train = fields["train"], let test = fields["test"] else {
            preconditionFailure("`fields` gives all that is required")
        }
        let target = try fields["target"]?.integer(0...(labels - 1)) ?? 1
        self.init(
            train: try files.trainingSet(train, labels: labels),
            test: try files.triggeredSet(
                test, labels: labels, target: target, training: data.train),
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
            let set = try files.triggeredSet(
                triggered, labels: labels, target: target, training: data.train)
            test = .triggered(set.files[0])
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

extension PatchAttack {
    fileprivate init(reading entry: Entry, labels: Int) throws(SweepFileError) {
        self.init()
        let fields = try entry.fields(
            ["kind", "size", "corner", "colour", "opacity", "labels", "target"],
            required: ["kind"], what: "a patch attack")
        if let size = fields["size"] { self.size = try size.integer(1...Limits.imageSide) }
        if let corner = fields["corner"] {
            let names = Corner.allCases.map(\.rawValue)
            self.corner = Corner(rawValue: try corner.word(names, what: "corner")) ?? self.corner
        }
        if let colour = fields["colour"] { self.colour = try Colour(reading: colour) }
        if let opacity = fields["opacity"] {
            self.opacity = try opacity.number("above 0, to 1") { $0 > 0 && $0 <= 1 }
        }
        labelMode = try LabelMode(reading: fields["labels"])
        if let target = fields["target"] { self.target = try target.integer(0...(labels - 1)) }
    }
}

extension PatchAttack.Colour {
    /// `white`, `black`, or six hexadecimal digits, with `#` or without.
    fileprivate init(reading entry: Entry) throws(SweepFileError) {
        let text = try entry.text("a colour")
        let named = ["white": "ffffff", "black": "000000"]
        let digits = named[text] ?? (text.hasPrefix("#") ? String(text.dropFirst()) : text)
        guard digits.utf8.count == 6, digits.allSatisfy(\.isHexDigit),
            let number = UInt32(digits, radix: 16)
        else {
            throw entry.mistake(
                "\(entry.shown) is no colour; write white, black, or red, green and blue as in "
                    + "'#ff8000', in quotes")
        }
        self.init(
            red: UInt8(number >> 16), green: UInt8(number >> 8 & 255), blue: UInt8(number & 255))
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
