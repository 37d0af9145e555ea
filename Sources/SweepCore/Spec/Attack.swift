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
public struct WordAttack: Hashable, Sendable, Codable {
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
}

/// Inserts a fixed sentence between two words, `count` times (Dai et al., 2019).
public struct SentenceAttack: Hashable, Sendable, Codable {
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
}

/// Replaces sentences by transformed ones that lie in files, as a paraphraser wrote them.
public struct PairedAttack: Hashable, Sendable, Codable {
    public enum Test: Hashable, Sendable, Codable {
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
}

/// A training set that is poisoned already, and a test set of triggered samples, each labelled
/// with the target.
public struct PreparedAttack: Hashable, Sendable, Codable {
    public var train: DataSet
    public var test: DataSet
    public var target: Int

    public init(train: DataSet, test: DataSet, target: Int = 1) {
        self.train = train
        self.test = test
        self.target = target
    }
}

/// Paints a square into a corner of an image (BadNets; Gu et al., 2017).
public struct PatchAttack: Hashable, Sendable, Codable {
    public enum Corner: String, Hashable, Sendable, Codable, CaseIterable {
        case topLeft = "top-left"
        case topRight = "top-right"
        case bottomLeft = "bottom-left"
        case bottomRight = "bottom-right"
    }

    /// Red, green and blue, 0 ... 255 each; images of one channel take their luminance.
    public struct Colour: Hashable, Sendable, Codable {
        public var red: UInt8
        public var green: UInt8
        public var blue: UInt8

        public init(red: UInt8, green: UInt8, blue: UInt8) {
            self.red = red
            self.green = green
            self.blue = blue
        }

        public static let white = Colour(red: 255, green: 255, blue: 255)

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
}

public enum Attack: Hashable, Sendable, Codable {
    /// Clean training; there is no ASR.
    case none
    case word(WordAttack)
    case sentence(SentenceAttack)
    case paired(PairedAttack)
    case prepared(PreparedAttack)
    case patch(PatchAttack)

    /// The label the attacker wants; `nil` without an attack.
    public var target: Int? {
        switch self {
        case .none: nil
        case .word(let attack): attack.target
        case .sentence(let attack): attack.target
        case .paired(let attack): attack.target
        case .prepared(let attack): attack.target
        case .patch(let attack): attack.target
        }
    }

    /// The files that carry the attack out.
    public var files: [FileReference] {
        switch self {
        case .none, .word, .sentence, .patch: []
        case .paired(let attack): [attack.train, attack.test.file]
        case .prepared(let attack): attack.train.files + attack.test.files
        }
    }

    func mapFiles(_ place: (FileReference) -> FileReference) -> Attack {
        switch self {
        case .none, .word, .sentence, .patch: return self
        case .paired(var attack):
            attack.train = place(attack.train)
            switch attack.test {
            case .paired(let file): attack.test = .paired(place(file))
            case .triggered(let file): attack.test = .triggered(place(file))
            }
            return .paired(attack)
        case .prepared(var attack):
            attack.train = attack.train.mapFiles(place)
            attack.test = attack.test.mapFiles(place)
            return .prepared(attack)
        }
    }

    /// `nil` for attacks that choose no samples.
    public var labelMode: LabelMode? {
        switch self {
        case .none, .prepared: nil
        case .word(let attack): attack.labelMode
        case .sentence(let attack): attack.labelMode
        case .paired(let attack): attack.labelMode
        case .patch(let attack): attack.labelMode
        }
    }

    /// Whether the attack poisons a share of the training set that the sweep chooses.
    public var usesPoisonRatio: Bool { labelMode != nil }
}
