import SweepCore

/// Finds out how a file is written. Takes the file in pieces, holds only its beginning.
package struct TextSurvey {
    private let path: String
    private let request: TextRequest
    private var digest = DigestBuilder()
    private var head: [UInt8] = []
    private var isHeadWhole = true
    private var quotes = QuoteScan()
    private var inflater: Inflater?
    private var isBegun = false

    /// Of the content, unpacked: what a header and a first record fit into.
    private static let headSize = RecordReader.longest

    package init(path: String, request: TextRequest = TextRequest()) {
        self.path = path
        self.request = request
    }

    package mutating func take(_ piece: [UInt8]) throws(LabelledTextError) {
        digest.update(piece)
        try placed { (survey) throws(LabelledTextError.Problem) in
            if !survey.isBegun, !piece.isEmpty {
                survey.isBegun = true
                if piece.starts(with: Inflater.magic) { survey.inflater = try Inflater() }
            }
            guard let inflater = survey.inflater else { return survey.see(piece) }
            var unpacked: [[UInt8]] = []
            try inflater.unpack(piece) { unpacked.append($0) }
            for part in unpacked { survey.see(part) }
        }
    }

    private mutating func see(_ content: [UInt8]) {
        if isTSV { quotes.take(content) }
        // Two records are almost always within the first piece; only long ones need more.
        if head.count < 1 << 16 || head.count < Self.headSize && needsMore {
            head += content
        } else if !content.isEmpty {
            isHeadWhole = false
        }
    }

    private var needsMore: Bool {
        head.prefix(Self.headSize).count { $0 == Byte.lineFeed } < 2
    }

    /// The file's digest, and its layout but for the names of labels; `nil`: that of the first
    /// versions.
    package mutating func finish() throws(LabelledTextError) -> (
        digest: Digest, layout: TextLayout?
    ) {
        let digest = digest.finish()
        do throws(LabelledTextError.Problem) {
            try inflater?.finish()
            let format = try format()
            var reader = RecordReader(format)
            reader.append(head)
            if isHeadWhole { reader.end() }
            guard let first = try reader.next() else {
                throw isHeadWhole ? .emptyFile : .endlessRecord
            }
            let second = format.isJSON ? nil : try? reader.next()
            let layout = try LayoutFinder(
                format, isGzip: inflater != nil, request: request, first: first, second: second
            ).layout()
            return (digest, layout)
        } catch {
            throw LabelledTextError(file: path, line: 1, problem: error)
        }
    }

    private mutating func placed(
        _ body: (inout TextSurvey) throws(LabelledTextError.Problem) -> Void
    ) throws(LabelledTextError) {
        do throws(LabelledTextError.Problem) { try body(&self) } catch {
            throw LabelledTextError(file: path, line: 1, problem: error)
        }
    }

    // MARK: Formats

    private var name: String {
        let name = path.split(separator: "/").last.map { $0.lowercased() } ?? ""
        return name.hasSuffix(".gz") ? String(name.dropLast(3)) : name
    }

    /// Whether nothing but the quotes can say how it is written.
    private var isTSV: Bool {
        guard request.format == nil else { return false }
        return ![".json", ".jsonl", ".ndjson"].contains { name.hasSuffix($0) }
    }

    private func format() throws(LabelledTextError.Problem) -> TextLayout.Format {
        if let format = request.format { return format }
        if name.hasSuffix(".jsonl") || name.hasSuffix(".ndjson") { return .jsonl }
        if name.hasSuffix(".json") {
            // Hugging Face writes lines of objects under this name, too.
            let first = head.first { !Byte.isSpace($0) && ![0xEF, 0xBB, 0xBF].contains($0) }
            return first == UInt8(ascii: "{") ? .jsonl : .json
        }
        if name.hasSuffix(".csv"), let format = separated() { return format }
        if quotes.isMixed { throw .mixedQuotes }
        return quotes.isQuoted ? .quotedTSV : .tsv
    }

    /// By what stands most often in the first line outside of quotes; `nil`: tabs.
    private func separated() -> TextLayout.Format? {
        var counts: [UInt8: Int] = [:]
        var isQuoted = false
        for byte in head {
            if byte == Byte.quote { isQuoted.toggle() }
            if isQuoted { continue }
            if byte == Byte.lineFeed { break }
            counts[byte, default: 0] += 1
        }
        let comma = counts[UInt8(ascii: ",")] ?? 0
        let semicolon = counts[UInt8(ascii: ";")] ?? 0
        if comma == 0, semicolon == 0, (counts[Byte.tab] ?? 0) > 0 { return nil }
        return semicolon > comma ? .semicolonCSV : .csv
    }
}
