import Foundation
import SweepCore
import Testing

@Suite("The documents")
struct DocumentTests {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    private static let documents = [
        "README.md", "ARCHITECTURE.md", "SECURITY.md", "proto/README.md", "cluster/README.md",
        "Benchmarks/README.md", "Benchmarks/training/README.md", "Sources/SweepCore/README.md",
        "Sources/SweepTraining/README.md", "Sources/SweepReport/README.md",
    ]

    private static func text(_ path: String) throws -> String {
        try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
    }

    /// The anchors of a document's headings, as GitHub makes them.
    private static func anchors(in text: String) -> Set<String> {
        let headings = text.split(separator: "\n").filter { $0.hasPrefix("#") }
        return Set(
            headings.map { line in
                line.drop { $0 == "#" || $0 == " " }.lowercased()
                    .filter { $0.isLetter || $0.isNumber || $0 == " " || $0 == "-" }
                    .replacingOccurrences(of: " ", with: "-")
            })
    }

    @Test("ARCHITECTURE.md stays a map: at most 12 kB")
    func sizeOfTheMap() throws {
        #expect(try Self.text("ARCHITECTURE.md").utf8.count <= 12_000)
    }

    @Test(
        "Every link leads to a file of the checkout, and to a heading in it", arguments: documents)
    func links(_ document: String) throws {
        let text = try Self.text(document)
        let folder = Self.root.appendingPathComponent(document).deletingLastPathComponent()
        for match in text.matches(of: /\]\(([^)\s]+)\)/) {
            let target = String(match.1)
            if target.hasPrefix("http") { continue }
            let parts = target.split(separator: "#", omittingEmptySubsequences: false)
            let file =
                parts[0].isEmpty
                ? Self.root.appendingPathComponent(document)
                : folder.appendingPathComponent(String(parts[0]))
            let isThere = FileManager.default.fileExists(atPath: file.path)
            #expect(isThere, "\(document) links to \(target)")
            guard isThere, parts.count == 2 else { continue }
            let anchors = Self.anchors(in: try String(contentsOf: file, encoding: .utf8))
            #expect(anchors.contains(String(parts[1])), "\(document) links to \(target)")
        }
    }

    /// The words of all Swift code.
    private static func wordsOfCode() throws -> Set<String> {
        var words: Set<String> = []
        for folder in ["Sources", "Tests"] {
            let base = root.appendingPathComponent(folder)
            let found = try #require(FileManager.default.enumerator(atPath: base.path))
            for case let path as String in found where path.hasSuffix(".swift") {
                let file = base.appendingPathComponent(path)
                let text = try String(contentsOf: file, encoding: .utf8)
                let parts = text.utf8.split { !isWordCharacter($0) }
                for part in parts { words.insert(String(decoding: part, as: UTF8.self)) }
                words.insert(file.deletingPathExtension().lastPathComponent)
            }
        }
        return words
    }

    private static func isWordCharacter(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "_") || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte
            || UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte | 0x20
    }

    @Test("Every type, and every member of one, that a document of the code names is in the code")
    func names() throws {
        // A setting of Slurm's.
        let known = try Self.wordsOfCode().union(["KillWait"])
        for document in Self.documents where document != "README.md" {
            let text = try Self.text(document)
            // Such as `PointKey`, `Scheduler+Trial` or `Scheduler.handle(event, at: now)`.
            for match in text.matches(of: /`([A-Z][A-Za-z_]+)(?:[.+]([A-Za-z]+))?[^`\s]*`/) {
                let parts = [match.1, match.2].compactMap(\.self)
                let isKnown =
                    parts.allSatisfy { known.contains(String($0)) }
                    || known.contains(parts.joined(separator: "+"))
                #expect(isKnown, "\(document) names \(match.0)")
            }
        }
    }

    @Test("proto/README.md describes every message of the wire, and names this version")
    func wire() throws {
        let text = try Self.text("proto/README.md")
        #expect(text.contains("**\(protocolVersion)**"), "the version is \(protocolVersion)")
        let schema = try Self.text("proto/moderato.proto")
        let envelope = try #require(schema.firstMatch(of: /message Envelope \{[\s\S]*?\n\}/))
        let fields = envelope.0.matches(of: /(\w+) = \d+;/).map { String($0.1) }
        #expect(fields.count > 30)
        for field in fields { #expect(text.contains("`\(field)`"), "\(field) is not described") }
    }
}
