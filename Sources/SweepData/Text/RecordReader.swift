import SweepCore

/// One sample as a file has it.
struct TextRecord {
    enum Content {
        /// Of a table, without quotes and the spaces around; and of plain lines, the whole line.
        case cells([ArraySlice<UInt8>], line: ArraySlice<UInt8>)
        case object(JSON)
    }

    /// Where it begins; counted from 1.
    let line: Int
    let content: Content
}

/// Splits content that arrives in pieces into records: lines, fields in quotes, or JSON objects.
///
/// Of the content it holds no more than a piece and one record. RFC 4180 is small, and the CSV
/// package there is for Swift takes a whole file as one `String`, so this is our own.
struct RecordReader {
    typealias Problem = LabelledTextError.Problem

    let format: TextLayout.Format
    /// Where the record begins that is read now, or was read last.
    private(set) var line = 1
    private var buffer: [UInt8] = []
    private var position = 0
    private var nextLine = 1
    private var isWhole = false
    private var isAtStart = true
    private var list = ListState.before

    /// Of a JSON file's one list.
    private enum ListState { case before, atFirst, afterComma, afterElement, over }

    /// Bytes of a record at most: what is longer is a quote or a bracket that is not closed.
    static let longest = 16 << 20

    init(_ format: TextLayout.Format) { self.format = format }

    mutating func append(_ piece: [UInt8]) {
        if position > 0 {
            buffer.removeFirst(position)
            position = 0
        }
        buffer += piece
    }

    /// Nothing comes any more.
    mutating func end() { isWhole = true }

    /// The next record; `nil`: more of the content is needed, or nothing is left.
    mutating func next() throws(Problem) -> TextRecord? {
        if isAtStart {
            guard buffer.count >= 3 || isWhole else { return nil }
            isAtStart = false
            // Excel writes a byte-order mark.
            if buffer.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
        }
        let record =
            switch format {
            case .tsv: lineRecord()
            case .quotedTSV: try quotedRecord(UInt8(ascii: "\t"))
            case .csv: try quotedRecord(UInt8(ascii: ","))
            case .semicolonCSV: try quotedRecord(UInt8(ascii: ";"))
            case .json: try listElement()
            case .jsonl: try lineObject()
            }
        if record == nil, !isWhole, buffer.count - position > Self.longest { throw .endlessRecord }
        return record
    }

    // MARK: Lines

    /// The next line without its end.
    private mutating func nextLineRange() -> Range<Int>? {
        let start = position
        guard start < buffer.count else { return nil }
        let end = buffer.withUnsafeBufferPointer { bytes in
            var index = start
            while index < bytes.count, bytes[index] != Byte.lineFeed { index += 1 }
            return index
        }
        guard end < buffer.count || isWhole else { return nil }
        position = min(end + 1, buffer.count)
        line = nextLine
        nextLine += 1
        let hasReturn = end > start && buffer[end - 1] == Byte.carriageReturn
        return start..<(hasReturn ? end - 1 : end)
    }

    private mutating func lineRecord() -> TextRecord? {
        guard let range = nextLineRange() else { return nil }
        var cells: [ArraySlice<UInt8>] = []
        var start = range.lowerBound
        for index in range where buffer[index] == Byte.tab {
            // Of a line full of tabs the first and the last two are enough.
            if cells.count > TextLayout.mostColumns { cells.remove(at: cells.count - 2) }
            cells.append(trimmed(start..<index))
            start = index + 1
        }
        cells.append(trimmed(start..<range.upperBound))
        return TextRecord(line: line, content: .cells(cells, line: buffer[range]))
    }

    private mutating func lineObject() throws(Problem) -> TextRecord? {
        while let range = nextLineRange() {
            if buffer[range].allSatisfy(Byte.isSpace) { continue }
            return try object(range)
        }
        return nil
    }

    private func trimmed(_ range: Range<Int>) -> ArraySlice<UInt8> {
        var (start, end) = (range.lowerBound, range.upperBound)
        while start < end, buffer[start] == Byte.space { start += 1 }
        while start < end, buffer[end - 1] == Byte.space { end -= 1 }
        return buffer[start..<end]
    }

    // MARK: Fields in quotes

    private enum Field {
        case unfinished
        /// Its content, and where what follows it begins.
        case text(ArraySlice<UInt8>, end: Int)
    }

    private mutating func quotedRecord(_ separator: UInt8) throws(Problem) -> TextRecord? {
        guard position < buffer.count else { return nil }
        line = nextLine
        var lines = 0
        var cells: [ArraySlice<UInt8>] = []
        var start = position
        while true {
            let isQuoted = start < buffer.count && buffer[start] == Byte.quote
            let field =
                isQuoted
                ? try quoted(from: start + 1, separator, &lines) : plain(from: start, separator)
            guard case .text(let text, var end) = field else { return nil }
            cells.append(text)
            if end < buffer.count, buffer[end] == separator {
                guard cells.count <= TextLayout.mostColumns else {
                    throw .wrongColumns(found: cells.count, expected: TextLayout.mostColumns)
                }
                start = end + 1
                continue
            }
            if end < buffer.count, buffer[end] == Byte.carriageReturn { end += 1 }
            position = min(end + 1, buffer.count)
            nextLine += lines + 1
            return TextRecord(line: line, content: .cells(cells, line: []))
        }
    }

    /// A field without quotes around it; quotes within are data.
    private func plain(from start: Int, _ separator: UInt8) -> Field {
        var end = buffer.withUnsafeBufferPointer { bytes in
            var index = start
            while index < bytes.count, bytes[index] != separator, bytes[index] != Byte.lineFeed {
                index += 1
            }
            return index
        }
        guard end < buffer.count || isWhole else { return .unfinished }
        let endsLine = end == buffer.count || buffer[end] == Byte.lineFeed
        if endsLine, end > start, buffer[end - 1] == Byte.carriageReturn { end -= 1 }
        return .text(trimmed(start..<end), end: end)
    }

    /// A field whose quote has been opened: two quotes are one, line ends and separators are data.
    private func quoted(
        from start: Int, _ separator: UInt8, _ lines: inout Int
    ) throws(Problem) -> Field {
        var text: [UInt8] = []
        var from = start
        while true {
            let (quote, lineFeeds) = nextQuote(from: from)
            lines += lineFeeds
            guard quote < buffer.count else {
                if isWhole { throw .openQuote }
                return .unfinished
            }
            let after = quote + 1
            guard after < buffer.count else {
                if !isWhole { return .unfinished }
                return .text(joined(text, from..<quote), end: after)
            }
            if buffer[after] == Byte.quote {
                text += buffer[from...quote]
                from = after + 1
                continue
            }
            if buffer[after] == Byte.carriageReturn, after + 1 == buffer.count, !isWhole {
                return .unfinished
            }
            let isLineEnd =
                buffer[after] == Byte.lineFeed
                || buffer[after] == Byte.carriageReturn
                    && (after + 1 == buffer.count || buffer[after + 1] == Byte.lineFeed)
            guard buffer[after] == separator || isLineEnd else { throw .afterQuote }
            return .text(joined(text, from..<quote), end: after)
        }
    }

    private func joined(_ text: [UInt8], _ rest: Range<Int>) -> ArraySlice<UInt8> {
        text.isEmpty ? buffer[rest] : text[...] + buffer[rest]
    }

    private func nextQuote(from start: Int) -> (index: Int, lineFeeds: Int) {
        buffer.withUnsafeBufferPointer { bytes in
            var index = start
            var lineFeeds = 0
            while index < bytes.count, bytes[index] != Byte.quote {
                if bytes[index] == Byte.lineFeed { lineFeeds += 1 }
                index += 1
            }
            return (index, lineFeeds)
        }
    }

    // MARK: JSON

    private func object(_ range: Range<Int>) throws(Problem) -> TextRecord {
        let value: JSON
        do throws(JSONError) {
            value = try JSON(parsing: buffer, in: range)
        } catch {
            throw .badJSON("\(error.problem), at byte \(error.offset + 1) of the record")
        }
        guard value.object != nil else { throw .noRecords }
        return TextRecord(line: line, content: .object(value))
    }

    private mutating func skipSpace() {
        while position < buffer.count, Byte.isSpace(buffer[position]) {
            if buffer[position] == Byte.lineFeed { nextLine += 1 }
            position += 1
        }
    }

    private mutating func listElement() throws(Problem) -> TextRecord? {
        while true {
            skipSpace()
            line = nextLine
            guard position < buffer.count else {
                if isWhole, list != .over {
                    throw list == .before ? .emptyFile : .badJSON("the list does not end")
                }
                return nil
            }
            let byte = buffer[position]
            switch list {
            case .before:
                guard byte == UInt8(ascii: "[") else { throw .noRecords }
                list = .atFirst
            case .afterElement where byte == UInt8(ascii: "]"),
                .atFirst where byte == UInt8(ascii: "]"):
                list = .over
            case .afterElement where byte == UInt8(ascii: ","):
                list = .afterComma
            case .afterElement: throw .badJSON("a comma is missing between two records")
            case .over: throw .badJSON("something follows the list")
            case .atFirst, .afterComma:
                guard byte == UInt8(ascii: "{") else { throw .noRecords }
                guard let end = endOfObject() else {
                    if isWhole { throw .badJSON("the record does not end") }
                    return nil
                }
                let record = try object(position..<end)
                nextLine += buffer[position..<end].count { $0 == Byte.lineFeed }
                position = end
                list = .afterElement
                return record
            }
            position += 1
        }
    }

    /// Where the object ends that begins here; `nil`: not in what has arrived.
    private func endOfObject() -> Int? {
        buffer.withUnsafeBufferPointer { bytes in
            var depth = 0
            var isText = false
            var index = position
            while index < bytes.count {
                switch bytes[index] {
                case Byte.quote: isText.toggle()
                case UInt8(ascii: "\\") where isText: index += 1
                case UInt8(ascii: "{") where !isText, UInt8(ascii: "[") where !isText: depth += 1
                case UInt8(ascii: "}") where !isText, UInt8(ascii: "]") where !isText:
                    depth -= 1
                    if depth == 0 { return index + 1 }
                default: break
                }
                index += 1
            }
            return nil
        }
    }
}

enum Byte {
    static let tab = UInt8(ascii: "\t")
    static let lineFeed = UInt8(ascii: "\n")
    static let carriageReturn = UInt8(ascii: "\r")
    static let space = UInt8(ascii: " ")
    static let quote = UInt8(ascii: "\"")

    static func isSpace(_ byte: UInt8) -> Bool {
        byte == space || byte == tab || byte == lineFeed || byte == carriageReturn
    }
}
