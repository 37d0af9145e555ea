import SweepCore
import SweepData

extension SweepFiles {
    mutating func sentences(
        _ entry: Entry, _ request: TextRequest? = nil
    ) throws(SweepFileError) -> (reference: FileReference, text: LabelledText) {
        try sentences(
            at: absolute(try entry.text("the path of a file")), entry, request ?? self.request)
    }

    /// The sentences of the file at `path`, which has to do with `entry`.
    mutating func sentences(
        at path: String, _ entry: Entry, _ request: TextRequest
    ) throws(SweepFileError) -> (reference: FileReference, text: LabelledText) {
        let key = SentenceKey(path: path, request: request)
        if let file = knownSentences[key] { return file }
        let (digest, surveyed) = try survey(path, request, at: entry)
        var layout = surveyed
        var (text, found) = try load(path, layout, at: entry)
        let names: [String]
        do throws(LabelNames.Problem) {
            names = try labelNames.reading(found)
        } catch {
            throw entry.mistake(
                in: LabelledTextError(file: path, line: error.line, problem: error.problem))
        }
        if names.isEmpty {
            text.labels = text.labels.map { Int(found[$0].text) ?? 0 }
        } else {
            let isFirst = layout == nil
            if isFirst, text.poisoned != nil {
                layout = TextLayout(format: .tsv, touched: .place(2), labels: names)
            }
            layout = layout ?? TextLayout(format: .tsv)
            layout?.labels = names
            // Read anew where another layout than the first one reads lines otherwise.
            if isFirst { (text, found) = try load(path, layout, at: entry) }
            let codes = found.map { names.firstIndex(of: $0.text) ?? 0 }
            text.labels = text.labels.map { codes[$0] }
        }
        let file = (
            reference: FileReference(path: path, digest: digest, layout: layout), text: text
        )
        remember(file, as: key)
        return file
    }

    private func survey(
        _ path: String, _ request: TextRequest, at entry: Entry
    ) throws(SweepFileError) -> (digest: Digest, layout: TextLayout?) {
        var survey = TextSurvey(path: path, request: request)
        try hand(path, at: entry) { (piece) throws(LabelledTextError) in try survey.take(piece) }
        do throws(LabelledTextError) { return try survey.finish() } catch {
            throw entry.mistake(in: error)
        }
    }

    private func load(
        _ path: String, _ layout: TextLayout?, at entry: Entry
    ) throws(SweepFileError) -> (text: LabelledText, found: [(text: String, line: Int)]) {
        var loader: TextLoader
        do throws(LabelledTextError) {
            loader = try TextLoader(path: path, layout: layout, labels: .found)
        } catch {
            throw entry.mistake(in: error)
        }
        try hand(path, at: entry) { (piece) throws(LabelledTextError) in try loader.take(piece) }
        do throws(LabelledTextError) { return try loader.finish() } catch {
            throw entry.mistake(in: error)
        }
    }

    /// Hands over the content of a file, until `take` finds a mistake in it.
    private func hand(
        _ path: String, at entry: Entry, _ take: ([UInt8]) throws(LabelledTextError) -> Void
    ) throws(SweepFileError) {
        var mistake: LabelledTextError?
        do throws(FileProblem) {
            try readPieces(path: path) { piece in
                if mistake != nil { return }
                do throws(LabelledTextError) { try take(piece) } catch { mistake = error }
            }
        } catch {
            throw entry.mistake("\(path): \(error.explanation)")
        }
        if let mistake { throw entry.mistake(in: mistake) }
    }
}

extension Entry {
    /// A mistake in the file of sentences that is named here.
    fileprivate func mistake(in error: LabelledTextError) -> SweepFileError {
        .data(error, file: file, line: line, key: key)
    }
}
