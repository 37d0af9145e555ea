/// What is wrong with a file of labelled sentences, and in which line.
public struct LabelledTextError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Problem: Error, Hashable, Sendable {
        case emptyFile
        /// There is a header and nothing else.
        case noSamples
        /// The first line is a sample.
        case noHeader(label: Int)
        /// The line has no tab, or nothing after it.
        case noLabel
        /// The text after the last tab is no number in `0 ..< labels`.
        case wrongLabel(text: String, labels: Int)
        case notUTF8
        /// The label is one of the task's, but no sample of the training file `train` has it.
        case unlearntLabel(label: Int, train: String)
        /// The header names three columns, and the line has another number of them.
        case wrongColumns
        /// The third column is neither 0 nor 1.
        case wrongFlag(text: String)
        /// A sentence to be written has a line feed.
        case lineFeed
        /// A sentence to be written beside its flag has a tab.
        case tab
    }

    public var file: String
    /// Counted from 1; the header is line 1.
    public var line: Int
    public var problem: Problem

    public init(file: String, line: Int, problem: Problem) {
        self.file = file
        self.line = line
        self.problem = problem
    }

    public var description: String {
        "\(file), line \(line): \(explanation)"
    }

    private var explanation: String {
        switch problem {
        case .emptyFile:
            "the file is empty; a header line and lines of sentence, tab, label are needed"
        case .noSamples:
            "there is no sample after the header; add lines of sentence, tab, label"
        case .noHeader(let label):
            "the first line is a sample (its label is \(label)) where a header is needed; "
                + "put a line such as sentence, tab, label above it"
        case .noLabel:
            "the line has no label; write the sentence, a tab and the label"
        case .wrongLabel(let text, let labels):
            "the label '\(text)' is not one of 0 to \(labels - 1); "
                + "correct it, or the number of labels of the task"
        case .notUTF8:
            "the text is not UTF-8; convert the file, for example with iconv"
        case .unlearntLabel(let label, let train):
            "no sample of \(train) has the label \(label), so a model cannot learn it; add samples "
                + "of it there, or take these away"
        case .wrongColumns:
            "the line has not the three columns that the header names; write the sentence, its "
                + "label and 0 or 1, with tabs between, or a header of two columns"
        case .wrongFlag(let text):
            "'\(text)' says not whether the sentence was poisoned; write 0 or 1"
        case .lineFeed:
            "the sentence has a line feed, which this format cannot hold; replace it by a space"
        case .tab:
            "the sentence has a tab, which separates columns; replace it by a space"
        }
    }
}
