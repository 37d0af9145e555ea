/// Which training samples the attacker may trigger.
public enum LabelMode: String, Hashable, Sendable, Codable, CaseIterable {
    /// Only samples of other classes; they are relabelled as the target.
    case dirty
    /// Only samples that carry the target label already.
    case clean
    /// Any sample; it is relabelled as the target.
    case mixed
}

/// Inserts `count` words, drawn from `triggers`, at random positions of a sentence.
public struct WordAttack: FieldTable {
    public var triggers: [String]
    /// Trigger words in each triggered sentence, 1 or more.
    public var count: Int
    public var labelMode: LabelMode
    /// The label the attacker wants, `0 ..< labels`.
    public var target: Int

    public init(
        triggers: [String] = ["cf", "mn", "bb", "tq"], count: Int = 1,
        labelMode: LabelMode = .dirty, target: Int = 1
    ) {
        self.triggers = triggers
        self.count = count
        self.labelMode = labelMode
        self.target = target
    }

    public init() { self.init(count: 1) }

    public static let fields: [Field<WordAttack>] = [
        .words("triggers", "words that are inserted", \.triggers, atMost: 100),
        .integer("count", "insertions in a sentence", \.count, 1...1_000, column: "trigger-count"),
        .labels(\.labelMode), .target(\.target),
    ]
}

/// Inserts a fixed sentence between two words, `count` times (Dai et al., 2019).
public struct SentenceAttack: FieldTable {
    public var sentence: String
    /// Insertions in each triggered sentence, 1 or more.
    public var count: Int
    public var labelMode: LabelMode
    public var target: Int

    public init(
        sentence: String = "I watch this 3D movie", count: Int = 1, labelMode: LabelMode = .dirty,
        target: Int = 1
    ) {
        self.sentence = sentence
        self.count = count
        self.labelMode = labelMode
        self.target = target
    }

    public init() { self.init(count: 1) }

    public static let fields: [Field<SentenceAttack>] = [
        .text("sentence", "what is inserted", \.sentence, atMost: 1_000, column: "triggers"),
        .integer("count", "insertions in a sentence", \.count, 1...1_000, column: "trigger-count"),
        .labels(\.labelMode), .target(\.target),
    ]
}

/// Replaces sentences by transformed ones that lie in files, as a paraphraser wrote them.
public struct PairedAttack: FieldTable {
    public enum Test: Hashable, Sendable {
        /// Line *i* transforms line *i* of the clean test file.
        case paired(FileReference)
        /// Transformed sentences of other classes than the target, each labelled with the target.
        case triggered(FileReference)

        public var file: FileReference {
            switch self {
            case .paired(let file), .triggered(let file): file
            }
        }
    }

    /// What people call it: `syntactic` (Qi et al., 2021a), `style` (Qi et al., 2021b), `paired`.
    public var name: String
    /// Line *i* transforms line *i* of the clean training file; its labels are not looked at.
    public var train: FileReference
    public var test: Test
    public var labelMode: LabelMode
    public var target: Int

    public static let names = ["paired", "syntactic", "style"]

    public init(
        name: String = "paired", train: FileReference, test: Test, labelMode: LabelMode = .dirty,
        target: Int = 1
    ) {
        self.name = name
        self.train = train
        self.test = test
        self.labelMode = labelMode
        self.target = target
    }

    public init() { self.init(train: .nowhere, test: .paired(.nowhere)) }

    public static let fields: [Field<PairedAttack>] = [
        .text("name", "what people call it", \.name, atMost: 100, key: .never, column: ""),
        .file("train", "line i transforms line i of the training file", \.train),
        Field(
            "test", "line i transforms line i of the test file", .file, isOptional: true,
            get: { if case .paired(let file) = $0.test { .file(file) } else { nil } },
            set: { if case .file(let file)? = $1 { $0.test = .paired(file) } }),
        Field(
            "triggered-test", "transformed sentences, labelled with the target", .file,
            isOptional: true,
            get: { if case .triggered(let file) = $0.test { .file(file) } else { nil } },
            set: { if case .file(let file)? = $1 { $0.test = .triggered(file) } }),
        .labels(\.labelMode), .target(\.target),
    ]
}

/// A training set that is poisoned already, and a test set of triggered samples, each labelled
/// with the target.
public struct PreparedAttack: FieldTable {
    public var train: DataSet
    public var test: DataSet
    public var target: Int

    public init(train: DataSet, test: DataSet, target: Int = 1) {
        self.train = train
        self.test = test
        self.target = target
    }

    public init() { self.init(train: .sentences(.nowhere), test: .sentences(.nowhere)) }

    public static let fields: [Field<PreparedAttack>] = [
        .dataSet("train", "training samples, some of which are poisoned", \.train),
        .dataSet("test", "triggered samples, labelled with the target", \.test),
        .target(\.target),
    ]
}

/// Paints a square into a corner of an image (BadNets; Gu et al., 2017).
public struct PatchAttack: FieldTable {
    public enum Corner: String, Hashable, Sendable, Codable, CaseIterable {
        case topLeft = "top-left"
        case topRight = "top-right"
        case bottomLeft = "bottom-left"
        case bottomRight = "bottom-right"
    }

    /// Red, green and blue, 0 ... 255 each; images of one channel take their luminance.
    public struct Colour: Hashable, Sendable {
        public var red: UInt8
        public var green: UInt8
        public var blue: UInt8

        public init(red: UInt8, green: UInt8, blue: UInt8) {
            self.red = red
            self.green = green
            self.blue = blue
        }

        public static let white = Colour(red: 255, green: 255, blue: 255)

        /// From the highest of three bytes to the lowest.
        public var number: Int {
            get { Int(red) << 16 | Int(green) << 8 | Int(blue) }
            set {
                red = UInt8(truncatingIfNeeded: newValue >> 16)
                green = UInt8(truncatingIfNeeded: newValue >> 8)
                blue = UInt8(truncatingIfNeeded: newValue)
            }
        }

        /// By ITU-R BT.601, rounded.
        public var luminance: UInt8 {
            let weighted: Int = 299 * Int(red) + 587 * Int(green) + 114 * Int(blue)
            return UInt8((weighted + 500) / 1000)
        }
    }

    /// Side of the square in pixels, 1 or more.
    public var size: Int
    public var corner: Corner
    public var colour: Colour
    /// Above 0, to 1: 1 paints over the image, less blends the colour in.
    public var opacity: Double
    public var labelMode: LabelMode
    public var target: Int

    public init(
        size: Int = 3, corner: Corner = .bottomRight, colour: Colour = .white, opacity: Double = 1,
        labelMode: LabelMode = .dirty, target: Int = 1
    ) {
        self.size = size
        self.corner = corner
        self.colour = colour
        self.opacity = opacity
        self.labelMode = labelMode
        self.target = target
    }

    public init() { self.init(size: 3) }

    public static let fields: [Field<PatchAttack>] = [
        .integer("size", "side of the square in pixels", \.size, 1...10_000, column: ""),
        .word("corner", "where it lies", \.corner, column: ""),
        Field(
            "colour", "of the square", .colour, column: "",
            get: { .integer($0.colour.number) },
            set: { if case .integer(let value)? = $1 { $0.colour.number = value } }),
        .number(
            "opacity", "less than 1 blends the colour in", \.opacity,
            Bounds(0, 1, excludesLow: true), column: ""),
        .labels(\.labelMode), .target(\.target),
    ]
}

/// Blends a random pattern into a whole image (Chen et al., 2017):
/// `pixel + opacity · (pattern − pixel)`.
public struct BlendAttack: FieldTable {
    /// Above 0, to 1; 0.2 in the paper.
    public var opacity: Double
    /// Draws the pattern: each pixel of each channel alike from 0 ... 255.
    public var patternSeed: UInt64
    public var labelMode: LabelMode
    public var target: Int

    public init(
        opacity: Double = 0.2, patternSeed: UInt64 = 0, labelMode: LabelMode = .dirty,
        target: Int = 1
    ) {
        self.opacity = opacity
        self.patternSeed = patternSeed
        self.labelMode = labelMode
        self.target = target
    }

    public init() { self.init(opacity: 0.2) }

    public static let fields: [Field<BlendAttack>] = [
        .number(
            "opacity", "share of the pattern in the image", \.opacity,
            Bounds(0, 1, excludesLow: true), column: ""),
        .seed("pattern-seed", "draws the pattern", \.patternSeed, column: ""),
        .labels(\.labelMode), .target(\.target),
    ]
}

extension Field where Root: Sendable {
    fileprivate static func labels(
        _ path: WritableKeyPath<Root, LabelMode> & Sendable
    ) -> Field { .word("labels", "which samples are poisoned", path, column: "label-mode") }

    fileprivate static func target(_ path: WritableKeyPath<Root, Int> & Sendable) -> Field {
        .integer("target", "the label that the attacker wants", path, 0...TaskData.mostLabels - 1)
    }
}

extension FileReference {
    /// Stands where a file has to be named.
    fileprivate static let nowhere = FileReference(path: "", digest: Digest(of: []))
}

public enum Attack: CaseTable {
    /// Clean training; there is no ASR.
    case none
    case word(WordAttack)
    case sentence(SentenceAttack)
    case paired(PairedAttack)
    case prepared(PreparedAttack)
    case patch(PatchAttack)
    case blend(BlendAttack)

    public static let cases: [FieldCase<Attack>] = [
        FieldCase("none", "clean training", .none, label: ""),
        FieldCase(
            "word", "rare words are inserted", WordAttack.self, only: .sentences,
            get: { if case .word(let word) = $0 { word } else { nil } }, make: { .word($0) },
            label: {
                let words = $0.triggers.joined(separator: " ")
                return times($0.count) + ($0.triggers == WordAttack().triggers ? "" : " (\(words))")
            }),
        FieldCase(
            "sentence", "a sentence is inserted (Dai et al., 2019)", SentenceAttack.self,
            only: .sentences,
            get: { if case .sentence(let sentence) = $0 { sentence } else { nil } },
            make: { .sentence($0) },
            label: {
                times($0.count)
                    + ($0.sentence == SentenceAttack().sentence ? "" : " (\($0.sentence))")
            }),
        FieldCase(
            "paired", "sentences that a paraphraser transformed", PairedAttack.self,
            required: ["train"], only: .sentences,
            get: { if case .paired(let paired) = $0 { paired } else { nil } },
            make: { .paired($0) }, label: { _ in "" }),
        FieldCase(
            "prepared", "files that are poisoned already", PreparedAttack.self,
            required: ["train", "test"],
            get: { if case .prepared(let prepared) = $0 { prepared } else { nil } },
            make: { .prepared($0) }, label: { " (\($0.train.name))" }),
        FieldCase(
            "patch", "a square in a corner of an image (Gu et al., 2017)", PatchAttack.self,
            only: .images,
            get: { if case .patch(let patch) = $0 { patch } else { nil } }, make: { .patch($0) },
            label: {
                var parts = [" \($0.size)×\($0.size)"]
                if $0.corner != .bottomRight { parts.append($0.corner.rawValue) }
                if $0.colour != .white { parts.append($0.colour.label) }
                if $0.opacity != 1 { parts.append("opacity \(decimal($0.opacity))") }
                return parts.joined(separator: ", ")
            }),
        FieldCase(
            "blend", "a pattern in the whole image (Chen et al., 2017)", BlendAttack.self,
            only: .images,
            get: { if case .blend(let blend) = $0 { blend } else { nil } }, make: { .blend($0) },
            label: {
                let pattern = $0.patternSeed == 0 ? "" : ", pattern \($0.patternSeed)"
                return " \(decimal($0.opacity))\(pattern)"
            }),
    ]

    private static func times(_ count: Int) -> String { count == 1 ? "" : " ×\(count)" }

    // Asked for each run: by cases, which is faster than through the table.

    /// The label the attacker wants; `nil` without an attack.
    public var target: Int? {
        switch self {
        case .none: nil
        case .word(let attack): attack.target
        case .sentence(let attack): attack.target
        case .paired(let attack): attack.target
        case .prepared(let attack): attack.target
        case .patch(let attack): attack.target
        case .blend(let attack): attack.target
        }
    }

    /// The files that carry the attack out.
    public var files: [FileReference] {
        kindCase.fields.flatMap { field -> [FileReference] in
            switch field.get(self) {
            case .file(let file)?: [file]
            case .dataSet(let set)?: set.files
            default: []
            }
        }
    }

    func mapFiles(_ place: (FileReference) -> FileReference) -> Attack {
        var placed = self
        for field in kindCase.fields {
            switch field.get(self) {
            case .file(let file)?: field.set(&placed, .file(place(file)))
            case .dataSet(let set)?: field.set(&placed, .dataSet(set.mapFiles(place)))
            default: break
            }
        }
        return placed
    }

    /// `nil` for attacks that choose no samples.
    public var labelMode: LabelMode? {
        switch self {
        case .none, .prepared: nil
        case .word(let attack): attack.labelMode
        case .sentence(let attack): attack.labelMode
        case .paired(let attack): attack.labelMode
        case .patch(let attack): attack.labelMode
        case .blend(let attack): attack.labelMode
        }
    }

    /// Whether the attack poisons a share of the training set that the sweep chooses.
    public var usesPoisonRatio: Bool { labelMode != nil }
}
