import SweepCore

/// What a person says of how a file is written; the rest is found.
package struct TextRequest: Hashable, Sendable {
    package enum Column: Hashable, Sendable, CustomStringConvertible {
        /// From 1; an index without a name, as pandas and R write it in front, is not counted.
        case number(Int)
        case name(String)

        package var description: String {
            switch self {
            case .number(let number): "\(number)"
            case .name(let name): "'\(name)'"
            }
        }
    }

    package var format: TextLayout.Format?
    package var hasHeader: Bool?
    package var text: Column?
    package var label: Column?
    package var touched: Column?

    package init(
        format: TextLayout.Format? = nil, hasHeader: Bool? = nil, text: Column? = nil,
        label: Column? = nil, touched: Column? = nil
    ) {
        self.format = format
        self.hasHeader = hasHeader
        self.text = text
        self.label = label
        self.touched = touched
    }

    var columns: [Column] { [text, label, touched].compactMap(\.self) }
}

/// Names of columns that say what they hold, in any case.
enum ColumnNames {
    static let text: Set = ["text", "sentence", "sentences"]
    static let label: Set = ["label", "labels"]
    static let touched: Set = ["poison_label", "poisoned", "touched"]
    /// Of pairs of sentences, which no tokenizer here puts together yet.
    static let pairs: Set = [
        "sentence1", "sentence2", "premise", "hypothesis", "question", "question1", "question2",
        "text_a", "text_b",
    ]
    /// Numbers of rows, passed over.
    static let index: Set = ["", "unnamed: 0", "index", "idx", "id", "guid"]

    static func normal(_ name: String) -> String { name.lowercased() }
}
