/// What is wrong with a file of labelled sentences, and in which line.
public struct LabelledTextError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Problem: Error, Hashable, Sendable {
        case emptyFile
        /// There is a header and nothing else.
        case noSamples
        /// The first line is a sample.
        case noHeader(label: String)
        /// The line has no tab, or nothing after it.
        case noLabel
        /// The label is no number in `0 ..< labels`.
        case wrongLabel(text: String, labels: Int)
        /// The label is none of these names.
        case wrongName(text: String, names: [String])
        case notUTF8
        /// The label is one of the task's, but no sample of the training file `train` has it.
        case unlearntLabel(label: Int, train: String)
        /// The line has another number of columns than the header, or the lines above.
        case wrongColumns(found: Int, expected: Int)
        /// What says whether a sample was poisoned does not.
        case wrongFlag(text: String)
        /// A sentence to be written has a line feed.
        case lineFeed
        /// A sentence to be written beside its flag has a tab.
        case tab
        /// The names of columns do not say which holds what.
        case unknownColumns([String], advice: String)
        case noColumn(String, among: [String])
        /// One column is said to hold two things.
        case sameColumn(String)
        /// A quote is opened and never closed.
        case openQuote
        /// Something other than a separator follows a closing quote.
        case afterQuote
        /// The header stands in quotes, but what follows is not as RFC 4180 has it.
        case mixedQuotes
        case endlessRecord
        case badJSON(String)
        /// JSON that is no list of objects.
        case noRecords
        /// A JSON object lacks a key.
        case noKey(String)
        /// A JSON value that is of another kind than what it should hold.
        case wrongKind(key: String, wanted: String)
        case badGzip(String)
        case tooManyLabels(Int)
    }

    public var file: String
    /// Counted from 1; the header is line 1.
    public var line: Int
    /// Whether `line` counts samples: where a sample may take several lines, or less than one.
    public var countsSamples: Bool
    public var problem: Problem

    public init(file: String, line: Int, countsSamples: Bool = false, problem: Problem) {
        self.file = file
        self.line = line
        self.countsSamples = countsSamples
        self.problem = problem
    }

    public var description: String {
        "\(file), \(countsSamples ? "sample" : "line") \(line): \(problem.explanation)"
    }
}

extension LabelledTextError.Problem {
    fileprivate var explanation: String {
        switch self {
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
        case .wrongName(let text, let names):
            "the label '\(text)' is not one of \(names.prefix(20).joined(separator: ", ")); "
                + "correct it, or list all labels under data.labels"
        case .tooManyLabels(let count):
            "there are \(count) different labels or more, so this seems to be another column; name "
                + "the right one under columns, or list the labels under data.labels"
        case .unlearntLabel(let label, let train):
            "no sample of \(train) has the label \(label), so a model cannot learn it; add samples "
                + "of it there, or take these away"
        case .wrongFlag(let text):
            "'\(text)' says not whether the sentence was poisoned; write 0 or 1"
        case .lineFeed:
            "the sentence has a line feed, which this format cannot hold; replace it by a space"
        case .tab:
            "the sentence has a tab, which separates columns; replace it by a space"
        default: formatExplanation
        }
    }

    /// Of what has to do with columns and formats.
    private var formatExplanation: String {
        switch self {
        case .notUTF8:
            "the text is not UTF-8; convert the file, for example with iconv"
        case .wrongColumns(let found, let expected):
            "the line has \(found) columns where there are \(expected) above; correct it, or say "
                + "how the file is written, for example format: quoted-tsv for fields in quotes"
        case .unknownColumns(let names, let advice):
            "it is not clear which of the columns \(Self.list(names)) hold what; name them in the "
                + "sweep file, \(advice)"
        case .noColumn(let name, let names):
            "there is no column \(name); the columns are \(Self.list(names))"
        case .sameColumn(let name):
            "the column \(name) is said to hold two things; name another for one of them"
        case .openQuote:
            "a quote is opened here and never closed; close it, or write format: tsv if quotes are "
                + "part of the text"
        case .afterQuote:
            "something follows a closing quote; write a quote within a field twice, or format: tsv "
                + "if quotes are part of the text"
        case .mixedQuotes:
            "the header stands in quotes, but a quote further down is not written twice; write the "
                + "file anew (in R with qmethod = \"double\"), or format: tsv if quotes are data"
        case .endlessRecord:
            "a record is longer than 16 MiB; a quote or bracket is not closed, or the file has "
                + "another format than it seems; write format under data"
        case .badJSON(let problem): "the text is not JSON: \(problem); correct it"
        case .noRecords:
            "this is not a record; a JSON file is a list of objects, [{\"text\": …, \"label\": …}, "
                + "…], a JSONL file has one object in each line"
        case .noKey(let key): "the record has no '\(key)', which the first one has; add it"
        case .wrongKind(let key, let wanted): "'\(key)' is not \(wanted); correct it"
        case .badGzip(let problem): "the file is no whole gzip file: \(problem); pack it again"
        default: preconditionFailure("`explanation` has the others")
        }
    }

    private static func list(_ names: [String]) -> String {
        let shown = names.prefix(30).enumerated().map { "\($0 + 1) '\($1.prefix(40))'" }
        return shown.joined(separator: ", ") + (names.count > 30 ? ", …" : "")
    }
}
