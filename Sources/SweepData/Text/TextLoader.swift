import SweepCore

/// How the labels of a file are read.
package enum LabelReading: Hashable, Sendable {
    /// As numbers from 0, below this.
    case numbers(Int)
    /// As these texts, in the order of the labels.
    case names([String])
    /// As whatever they are, in the order in which they come.
    case found
}

/// Reads a file of sentences that arrives in pieces.
package struct TextLoader {
    private let path: String
    private var reader: RecordReader
    private var samples: TextCollector
    private let inflater: Inflater?

    /// - Parameter layout: `nil`: that of the first versions.
    package init(
        path: String, layout: TextLayout?, labels: LabelReading
    ) throws(LabelledTextError) {
        self.path = path
        reader = RecordReader(layout?.format ?? .tsv)
        samples = TextCollector(layout, labels)
        do throws(LabelledTextError.Problem) {
            inflater = layout?.isGzip == true ? try Inflater() : nil
        } catch {
            throw LabelledTextError(file: path, line: 1, problem: error)
        }
    }

    package mutating func take(_ piece: [UInt8]) throws(LabelledTextError) {
        do throws(LabelledTextError.Problem) {
            guard let inflater else { return try read(piece) }
            try inflater.unpack(piece) { (part) throws(LabelledTextError.Problem) in
                try read(part)
            }
        } catch {
            throw placed(error)
        }
    }

    /// What was read; and the texts of its labels, each with the line where it comes first.
    package mutating func finish() throws(LabelledTextError) -> (
        text: LabelledText, found: [(text: String, line: Int)]
    ) {
        do throws(LabelledTextError.Problem) {
            try inflater?.finish()
            reader.end()
            try read([])
        } catch {
            throw placed(error)
        }
        guard !samples.sentences.isEmpty else {
            let isEmpty = !samples.hasBegun
            throw LabelledTextError(
                file: path, line: 1, problem: isEmpty ? .emptyFile : .noSamples)
        }
        let text = LabelledText(
            sentences: samples.sentences, labels: samples.labels, poisoned: samples.poisoned)
        return (text, samples.found)
    }

    private mutating func read(_ piece: [UInt8]) throws(LabelledTextError.Problem) {
        reader.append(piece)
        while let record = try reader.next() { try samples.add(record) }
    }

    private func placed(_ problem: LabelledTextError.Problem) -> LabelledTextError {
        let line = samples.emptyLine ?? max(reader.line, 1)
        return LabelledTextError(file: path, line: line, problem: problem)
    }
}

/// Makes samples of records.
struct TextCollector {
    typealias Problem = LabelledTextError.Problem

    private(set) var sentences: [String] = []
    private(set) var labels: [Int] = []
    private(set) var poisoned: [Bool]?
    private(set) var found: [(text: String, line: Int)] = []
    /// Whether there was any record.
    private(set) var hasBegun = false
    /// An empty line that only others of the kind may follow.
    private(set) var emptyLine: Int?

    private let layout: TextLayout?
    private let reading: LabelReading
    private var codes: [[UInt8]: Int] = [:]
    /// Columns of each row; `nil`: not known yet, or any number.
    private var width: Int?

    init(_ layout: TextLayout?, _ reading: LabelReading) {
        self.layout = layout
        self.reading = reading
        if layout?.touched != nil { poisoned = [] }
        if case .names(let names) = reading {
            for (code, name) in names.enumerated() { codes[Array(name.utf8)] = code }
        }
    }

    mutating func add(_ record: TextRecord) throws(Problem) {
        switch record.content {
        case .object(let object):
            hasBegun = true
            try add(object, record.line)
        case .cells(let cells, let line):
            let isHeader = !hasBegun && layout?.hasHeader ?? true
            hasBegun = true
            if isHeader { return try readHeader(cells, line) }
            if cells.count == 1, cells[0].isEmpty {
                emptyLine = emptyLine ?? record.line
                return
            }
            if emptyLine != nil { throw .noLabel }
            try add(cells, line, record.line)
        }
    }

    // MARK: Tables

    private mutating func readHeader(
        _ cells: [ArraySlice<UInt8>], _ line: ArraySlice<UInt8>
    ) throws(Problem) {
        guard cells.allSatisfy({ String(validating: $0, as: UTF8.self) != nil }) else {
            throw .notUTF8
        }
        guard layout == nil else { return }
        if cells.count <= 2 {
            // A first line that could be a sample is taken for a missing header.
            guard cells.count == 2, let label = Self.number(cells[1]) else { return }
            if case .numbers(let classes) = reading, label >= classes { return }
            throw .noHeader(label: "\(label)")
        }
        let isFlagged = cells.elementsEqual(LabelledText.flaggedHeader) {
            $0.elementsEqual($1.utf8)
        }
        guard isFlagged else {
            let names = cells.map { String(decoding: $0.prefix(40), as: UTF8.self) }
            throw .unknownColumns(names, advice: "such as columns: { text: 1, label: 2 }")
        }
        poisoned = []
        width = 3
    }

    private mutating func add(
        _ cells: [ArraySlice<UInt8>], _ raw: ArraySlice<UInt8>, _ line: Int
    ) throws(Problem) {
        guard let layout else {
            if let width, cells.count != width {
                throw .wrongColumns(found: cells.count, expected: width)
            }
            if width != nil {
                try addFlag(String(decoding: cells[2], as: UTF8.self))
                return try add(text: cells[0], label: cells[1], line)
            }
            guard let last = cells.last, cells.count > 1 else { throw .noLabel }
            // Tabs before the last one belong to the sentence.
            let text = raw[cells[0].startIndex..<cells[cells.count - 2].endIndex]
            return try add(text: text, label: last, line)
        }
        let expected = width ?? min(cells.count, TextLayout.mostColumns)
        width = expected
        guard cells.count == expected, case .place(let text) = layout.text,
            case .place(let label) = layout.label, max(text, label) < cells.count
        else { throw .wrongColumns(found: cells.count, expected: max(expected, 2)) }
        if case .place(let touched)? = layout.touched {
            guard touched < cells.count else {
                throw .wrongColumns(found: cells.count, expected: touched + 1)
            }
            try addFlag(String(decoding: cells[touched], as: UTF8.self))
        }
        try add(text: cells[text], label: cells[label], line)
    }

    private mutating func add(
        text: ArraySlice<UInt8>, label: ArraySlice<UInt8>, _ line: Int
    ) throws(Problem) {
        guard let sentence = String(validating: text, as: UTF8.self) else { throw .notUTF8 }
        labels.append(try code(of: label, line))
        sentences.append(sentence)
    }

    private mutating func addFlag(_ text: String) throws(Problem) {
        guard let flag = TextFlag(text) else { throw .wrongFlag(text: String(text.prefix(40))) }
        poisoned?.append(flag.isSet)
    }

    // MARK: JSON

    private mutating func add(_ object: JSON, _ line: Int) throws(Problem) {
        guard let layout, case .key(let text) = layout.text, case .key(let label) = layout.label
        else { throw .noRecords }
        func value(_ key: String) throws(Problem) -> JSON {
            guard let value = object[key] else { throw .noKey(key) }
            return value
        }
        guard let sentence = try value(text).string else {
            throw .wrongKind(key: text, wanted: "text")
        }
        guard let written = try value(label).written else {
            throw .wrongKind(key: label, wanted: "a number or text")
        }
        if case .key(let touched)? = layout.touched {
            guard let flag = try value(touched).written else {
                throw .wrongKind(key: touched, wanted: "0, 1, true or false")
            }
            try addFlag(flag)
        }
        labels.append(try code(of: Array(written.utf8)[...], line))
        sentences.append(sentence)
    }

    // MARK: Labels

    private mutating func code(of text: ArraySlice<UInt8>, _ line: Int) throws(Problem) -> Int {
        if case .numbers(let classes) = reading {
            guard let label = Self.number(text), label < classes else {
                if text.isEmpty { throw .noLabel }
                throw .wrongLabel(text: try Self.shown(text), labels: classes)
            }
            return label
        }
        let key = Array(text)
        if let code = codes[key] { return code }
        if text.isEmpty { throw .noLabel }
        let shown = try Self.shown(text)
        if case .names(let names) = reading { throw .wrongName(text: shown, names: names) }
        guard found.count < TaskData.mostLabels, text.count <= TextLayout.longestName else {
            throw .tooManyLabels(found.count)
        }
        codes[key] = found.count
        found.append((String(decoding: text, as: UTF8.self), line))
        return found.count - 1
    }

    private static func shown(_ text: ArraySlice<UInt8>) throws(Problem) -> String {
        guard let whole = String(validating: text, as: UTF8.self) else { throw .notUTF8 }
        return String(whole.prefix(40))
    }

    /// Of decimal digits alone.
    static func number(_ text: ArraySlice<UInt8>) -> Int? {
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        guard !text.isEmpty, text.count < 18, text.allSatisfy(digits.contains) else { return nil }
        return text.reduce(0) { $0 * 10 + Int($1 - digits.lowerBound) }
    }
}

extension JSON {
    /// A label or a flag as text: 1 and 1.0 are the same to those who write JSON.
    fileprivate var written: String? {
        switch self {
        case .string(let text): text
        case .integer(let number): "\(number)"
        case .number(let number): Int(exactly: number).map { "\($0)" } ?? "\(number)"
        case .bool(let value): value ? "true" : "false"
        case .null, .array, .object: nil
        }
    }
}
