import SweepCore

/// Sentences with their labels, as read from a file of any `TextLayout`.
///
/// A file without a layout is UTF-8. Its first line is a header; each further line is a sample: a
/// sentence, a tab, a label. The label is what follows the *last* tab, so a tab before it belongs
/// to the sentence. Lines end in LF or CRLF, the last one may lack its end, and empty lines at the
/// end of the file are passed over. Spaces around the sentence and around the label are not part of
/// them. Quotes, backslashes and commas are data.
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
    ///   - layout: How samples stand in it; `nil`: as in the first versions.
    ///   - labels: The number of classes; a label is in `0 ..< labels`.
    ///   - file: The file's name, for the error's message only.
    /// - Throws: `LabelledTextError`, which names the first line that is not a sample.
    package init(
        parsing bytes: [UInt8], layout: TextLayout? = nil, labels classes: Int, file: String
    ) throws(LabelledTextError) {
        var loader = try TextLoader(
            path: file, layout: layout, labels: LabelReading(layout, classes: classes))
        try loader.take(bytes)
        self = try loader.finish().text
    }

    /// Reads a file as its layout says.
    ///
    /// - Parameter classes: The number of classes; a label is in `0 ..< classes`.
    package init(reading file: FileReference, labels classes: Int) throws(DataError) {
        var digest = DigestBuilder()
        var mistake: LabelledTextError?
        var loader: TextLoader?
        func noting(_ body: () throws(LabelledTextError) -> Void) {
            if mistake != nil { return }
            do throws(LabelledTextError) { try body() } catch { mistake = error }
        }
        noting { () throws(LabelledTextError) in
            loader = try TextLoader(
                path: file.path, layout: file.layout,
                labels: LabelReading(file.layout, classes: classes))
        }
        try FileContent.readPieces(file.path) { piece in
            digest.update(piece)
            noting { () throws(LabelledTextError) in try loader?.take(piece) }
        }
        // Another file than the sweep's may well be one that cannot be read.
        let found = digest.finish()
        guard found == file.digest else {
            throw .wrongDigest(path: file.path, expected: file.digest, found: found)
        }
        var text: LabelledText?
        noting { () throws(LabelledTextError) in text = try loader?.finish().text }
        if let mistake { throw .badText(mistake) }
        guard let text else { preconditionFailure("a text or a mistake") }
        self = text
    }

    /// Refuses a label that no sample of `train` has.
    ///
    /// - Parameter file: Where this text came from, for the error.
    package func checkLabels(
        against train: LabelledText, file: FileReference, trainFile: String
    ) throws(LabelledTextError) {
        let learnt = Set(train.labels)
        guard let index = labels.firstIndex(where: { !learnt.contains($0) }) else { return }
        let isByLine = file.layout == nil
        throw LabelledTextError(
            file: file.path, line: isByLine ? index + 2 : index + 1, countsSamples: !isByLine,
            problem: .unlearntLabel(label: labels[index], train: trainFile))
    }

    /// As the clean data of a task: with flags only where the set's layout names them.
    package func cleaned(as set: DataSet) -> LabelledText {
        var text = self
        if !set.saysTouched { text.poisoned = nil }
        return text
    }

    /// The header of a file that says which sentences were poisoned.
    static let flaggedHeader = ["sentence", "label", "poisoned"]

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
}

extension LabelReading {
    init(_ layout: TextLayout?, classes: Int) {
        let names = layout?.labels ?? []
        self = names.isEmpty ? .numbers(classes) : .names(names)
    }
}
