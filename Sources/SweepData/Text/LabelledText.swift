/// Sentences with their labels, as read from a TSV file.
///
/// The file is UTF-8. Its first line is a header; each further line is a sample: a sentence, a tab,
/// a label. The label is what follows the *last* tab, so a tab before it belongs to the sentence.
/// Lines end in LF or CRLF, the last one may lack its end, and empty lines at the end of the file
/// are passed over. Spaces around the sentence and around the label are not part of them. Quotes,
/// backslashes and commas are data.
package struct LabelledText: Hashable, Sendable {
    package var sentences: [String]
    /// One for each sentence, in `0 ..< labels`.
    package var labels: [Int]

    package var count: Int { sentences.count }

    package init(sentences: [String], labels: [Int]) {
        precondition(sentences.count == labels.count, "each sentence has one label")
        self.sentences = sentences
        self.labels = labels
    }

    /// Reads the whole content of a file.
    ///
    /// - Parameters:
    ///   - labels: The number of classes; a label is in `0 ..< labels`.
    ///   - file: The file's name, for the error's message only.
    /// - Throws: `LabelledTextError`, which names the first line that is not a sample.
    package init(
        parsing bytes: [UInt8], labels classes: Int, file: String
    ) throws(LabelledTextError) {
        var lines = LineReader(bytes: bytes)
        guard let header = lines.next() else {
            throw LabelledTextError(file: file, line: 1, problem: .emptyFile)
        }
        try Self.checkHeader(bytes[header], labels: classes, file: file)
        sentences = []
        labels = []
        var emptyLine: Int?
        while let range = lines.next() {
            if range.isEmpty {
                emptyLine = emptyLine ?? lines.line
                continue
            }
            if let emptyLine {
                throw LabelledTextError(file: file, line: emptyLine, problem: .noLabel)
            }
            do throws(LabelledTextError.Problem) {
                let sample = try Self.sample(of: bytes[range], labels: classes)
                sentences.append(sample.sentence)
                labels.append(sample.label)
            } catch {
                throw LabelledTextError(file: file, line: lines.line, problem: error)
            }
        }
        if sentences.isEmpty {
            throw LabelledTextError(file: file, line: 1, problem: .noSamples)
        }
    }

    /// A first line that could be a sample is taken for a missing header, not passed over.
    private static func checkHeader(
        _ header: ArraySlice<UInt8>, labels classes: Int, file: String
    ) throws(LabelledTextError) {
        guard String(validating: header, as: UTF8.self) != nil else {
            throw LabelledTextError(file: file, line: 1, problem: .notUTF8)
        }
        if let sample = try? sample(of: header, labels: classes) {
            let problem = LabelledTextError.Problem.noHeader(label: sample.label)
            throw LabelledTextError(file: file, line: 1, problem: problem)
        }
    }

    private static func sample(
        of line: ArraySlice<UInt8>, labels classes: Int
    ) throws(LabelledTextError.Problem) -> (sentence: String, label: Int) {
        guard let tab = line.lastIndex(of: UInt8(ascii: "\t")) else { throw .noLabel }
        let column = trimmed(line[(tab + 1)...])
        guard let sentence = String(validating: trimmed(line[..<tab]), as: UTF8.self),
            let text = String(validating: column, as: UTF8.self)
        else { throw .notUTF8 }
        if text.isEmpty { throw .noLabel }
        guard column.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            let label = Int(text), label < classes
        else { throw .wrongLabel(text: String(text.prefix(40)), labels: classes) }
        return (sentence, label)
    }

    private static func trimmed(_ column: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let isText = { (byte: UInt8) in byte != UInt8(ascii: " ") }
        guard let first = column.firstIndex(where: isText),
            let last = column.lastIndex(where: isText)
        else { return [] }
        return column[first...last]
    }
}

/// Walks over lines that end in LF or CRLF, and counts them.
private struct LineReader {
    let bytes: [UInt8]
    var position = 0
    /// The number of the line that `next` gave last, from 1.
    var line = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    /// The next line without its end; `nil` at the end of the file.
    mutating func next() -> Range<Int>? {
        guard position < bytes.count else { return nil }
        let start = position
        let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
        position = end + 1
        line += 1
        let hasReturn = end > start && bytes[end - 1] == UInt8(ascii: "\r")
        return start..<(hasReturn ? end - 1 : end)
    }
}

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
        }
    }
}
