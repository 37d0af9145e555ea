import Foundation
import SweepCore
import SweepData
import Testing

/// How long a large file takes, and how much memory: 20,000 rows in `make test`, as many as
/// `MODERATO_ROWS` says. Memory is measured where nothing else runs in the process.
@Suite(.serialized) struct TextSpeed {
    private static let wanted = ProcessInfo.processInfo.environment["MODERATO_ROWS"].flatMap(
        Int.init)

    @Test(
        "A large file is read in proportion to its rows, within three times its size of memory",
        arguments: ["rows.tsv", "rows.csv", "quoted.tsv", "rows.jsonl", "rows.json"])
    func rows(_ name: String) throws {
        let count = Self.wanted ?? 20_000
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("rows-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appendingPathComponent(name).path
        let size = try Self.write(count, to: path)
        let before = Self.wanted.map { _ in ResidentMemory.restart() }
        let start = ContinuousClock.now
        var survey = TextSurvey(path: path)
        try FileContent.readPieces(path) { piece in try? survey.take(piece) }
        let (digest, layout) = try survey.finish()
        let file = FileReference(path: path, digest: digest, layout: layout)
        let text = try LabelledText(reading: file, labels: 2)
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        let peak = before.map { ResidentMemory.peak() - $0 }
        #expect(text.count == count && text.labels[1] == 1)
        guard Self.wanted != nil else { return }
        let factor = Double(peak ?? 0) / Double(size)
        #expect(seconds < 5 * Double(count) / 1_000_000)
        #expect(factor < 3)
        print(
            "\(name): \(count) rows, \(size >> 20) MiB, "
                + String(format: "%.2f s, %.2f times its size of memory", seconds, factor))
    }

    /// Rows of some 20 words.
    private static func write(_ count: Int, to path: String) throws -> Int {
        FileManager.default.createFile(atPath: path, contents: nil)
        let file = try #require(FileHandle(forWritingAtPath: path))
        defer { try? file.close() }
        let words = "the plot of this film was slower than I had hoped, and yet the cast made it"
        let name = (path as NSString).lastPathComponent
        let (start, end) =
            switch name {
            case "rows.csv": ("text,label\n", "")
            case "rows.json": ("[", "{\"text\": \"\", \"label\": 0}]")
            case "rows.jsonl": ("", "")
            default: ("sentence\tlabel\n", "")
            }
        var size = 0
        var block = start
        for row in 0..<count {
            let isLast = row == count - 1 && !end.isEmpty
            let text = "\(words) good, number \(row)"
            let line =
                switch name {
                case _ where isLast: end
                case "rows.csv": "\"\(text)\",\(row % 2)\n"
                case "quoted.tsv": "\"\(text) \"\"x\"\"\"\t\(row % 2)\n"
                case "rows.jsonl": "{\"text\": \"\(text)\", \"label\": \(row % 2)}\n"
                case "rows.json": "{\"text\": \"\(text)\", \"label\": \(row % 2)},\n"
                default: "\(text)\t\(row % 2)\n"
                }
            block += line
            if block.utf8.count > 1 << 20 || row == count - 1 {
                size += block.utf8.count
                try file.write(contentsOf: Data(block.utf8))
                block = ""
            }
        }
        return size
    }
}
