/// Sentences with their labels, as read from a TSV file.
///
/// The file is UTF-8. Its first line is a header; each further line is a sample: a sentence, a tab,
/// a label. The label is what follows the *last* tab, so a tab before it belongs to the sentence.
/// Lines end in LF or CRLF, the last one may lack its end, and empty lines at the end of the file
/// are passed over. Spaces around the sentence and around the label are not part of them. Quotes,
/// backslashes and commas are data.
///
/// When the header is exactly `sentence`, `label`, `poisoned`, each further line has these three
/// columns, the last one 0 or 1, and a sentence has no tab.
package struct LabelledText: Hashable, Sendable {
    package var sentences: [String]
    /// One for each sentence, in `0 ..< labels`.
    package var labels: [Int]
    /// Whether each sentence was poisoned; `nil` if the file does not say.
    package var poisoned: [Bool]?

    package var count: Int { sentences.count }

    package init(sentences: [String], labels: [Int], poisoned: [Bool]? = nil) {
        precondition(sentences.count == labels.count, "each sentence has one label")
        precondition(poisoned.map { $0.count == labels.count } ?? true, "each has one flag")
        self.sentences = sentences
        self.labels = labels
        self.poisoned = poisoned
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
        let hasFlags = Self.columns(bytes[header]).elementsEqual(Self.flaggedHeader) {
            $0.elementsEqual($1.utf8)
        }
        sentences = []
        labels = []
        poisoned = hasFlags ? [] : nil
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
                var line = bytes[range]
                if hasFlags { poisoned?.append(try Self.cutFlagOff(from: &line)) }
                let sample = try Self.sample(of: line, labels: classes)
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

    /// Refuses a label that no sample of `train` has.
    ///
    /// - Parameter file: Where this text came from, for the error.
    package func checkLabels(
        against train: LabelledText, file: String, trainFile: String
    ) throws(LabelledTextError) {
        let learnt = Set(train.labels)
        guard let index = labels.firstIndex(where: { !learnt.contains($0) }) else { return }
        throw LabelledTextError(
            file: file, line: index + 2,
            problem: .unlearntLabel(label: labels[index], train: trainFile))
    }

    /// The header of a file that says which sentences were poisoned.
    private static let flaggedHeader = ["sentence", "label", "poisoned"]

    /// The content of a file that gives this text when it is read, but for spaces around sentences.
    ///
    /// - Parameter file: The file's name, for the error's message only.
    /// - Throws: `LabelledTextError` for a sentence with a line feed, or, beside flags, with a tab:
    ///   the format has no way to write them, and to change a sentence here would hide it.
    package func content(file: String) throws(LabelledTextError) -> [UInt8] {
        if sentences.isEmpty { throw LabelledTextError(file: file, line: 1, problem: .noSamples) }
        var content = Array("sentence\tlabel".utf8)
        if poisoned != nil { content += Array("\tpoisoned".utf8) }
        content.append(UInt8(ascii: "\n"))
        for index in sentences.indices {
            let sentence = sentences[index].utf8
            if sentence.contains(UInt8(ascii: "\n")) {
                throw LabelledTextError(file: file, line: index + 2, problem: .lineFeed)
            }
            if poisoned != nil, sentence.contains(UInt8(ascii: "\t")) {
                throw LabelledTextError(file: file, line: index + 2, problem: .tab)
            }
            content += sentence
            content += Array("\t\(labels[index])".utf8)
            if let poisoned { content += Array(poisoned[index] ? "\t1".utf8 : "\t0".utf8) }
            content.append(UInt8(ascii: "\n"))
        }
        return content
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

    /// Of a line with three columns: cuts the last one off, and gives what it says.
    private static func cutFlagOff(
        from line: inout ArraySlice<UInt8>
    ) throws(LabelledTextError.Problem) -> Bool {
        let columns = columns(line)
        guard columns.count == 3 else { throw .wrongColumns }
        let flag = columns[2]
        guard flag.count == 1, let digit = flag.first,
            digit == UInt8(ascii: "0") || digit == UInt8(ascii: "1")
        else { throw .wrongFlag(text: String(decoding: flag.prefix(40), as: UTF8.self)) }
        line = line[..<columns[1].endIndex]
        return digit == UInt8(ascii: "1")
    }

    /// The columns of a line; of one with more than three, the first three and the rest.
    private static func columns(_ line: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
        line.split(separator: UInt8(ascii: "\t"), maxSplits: 3, omittingEmptySubsequences: false)
            .map(trimmed)
    }

    private static func trimmed(_ column: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let isText = { (byte: UInt8) in byte != UInt8(ascii: " ") }
        guard let first = column.firstIndex(where: isText),
            let last = column.lastIndex(where: isText)
        else { return column.prefix(0) }
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
