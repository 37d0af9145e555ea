import Foundation
import Testing

@Suite("The house rules")
struct TidyTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    private struct SourceFile {
        let target: String
        let path: String
        let lines: [String]
    }

    private static func files(in folder: String) throws -> [SourceFile] {
        let base = root.appendingPathComponent(folder)
        let found = try #require(FileManager.default.enumerator(atPath: base.path))
        return try found.compactMap { $0 as? String }.filter { $0.hasSuffix(".swift") }.sorted()
            .map { path in
                let text = try String(
                    contentsOf: base.appendingPathComponent(path), encoding: .utf8)
                return SourceFile(
                    target: String(path.prefix { $0 != "/" }), path: "\(folder)/\(path)",
                    lines: text.split(separator: "\n", omittingEmptySubsequences: false)
                        .map(String.init))
            }
    }

    /// Rows of ARCHITECTURE.md such as: | `SweepCore` | what lives there | `Crypto`, … |
    private static func allowedImports() throws -> [String: Set<String>] {
        let text = try String(
            contentsOf: root.appendingPathComponent("ARCHITECTURE.md"), encoding: .utf8)
        var allowed: [String: Set<String>] = [:]
        for line in text.split(separator: "\n") where line.hasPrefix("| `") {
            let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            guard cells.count == 3 else { continue }
            let imports = cells[2].split(separator: ",").map {
                $0.trimmingCharacters(in: CharacterSet(charactersIn: " `"))
            }
            allowed[cells[0].trimmingCharacters(in: CharacterSet(charactersIn: "`"))] = Set(imports)
        }
        return allowed
    }

    @Test("Every target imports only what ARCHITECTURE.md allows it")
    func imports() throws {
        let allowed = try Self.allowedImports()
        let files = try Self.files(in: "Sources")
        #expect(Set(files.map(\.target)).isSubset(of: Set(allowed.keys)))
        for file in files {
            for line in file.lines {
                let words = line.split(separator: " ").drop { $0.hasPrefix("@") }
                guard words.first == "import", let module = words.dropFirst().first
                else { continue }
                let isAllowed = allowed[file.target]?.contains(String(module)) == true
                #expect(isAllowed, "\(file.path) imports \(module)")
            }
        }
    }

    @Test("Files fit a sitting (400 lines) and lines 100 columns")
    func sizes() throws {
        for file in try Self.files(in: "Sources") + Self.files(in: "Tests") {
            #expect(file.lines.count <= 401, "\(file.path) has \(file.lines.count) lines")
            for (index, line) in file.lines.enumerated() where line.count > 100 {
                Issue.record("\(file.path):\(index + 1) has \(line.count) columns")
            }
        }
    }

    /// The last line of what begins there; `nil` where it has no body. The formatter puts the end
    /// below the beginning, and everything between to the right, but for the end of a signature.
    private static func end(of first: Int, indent: String, in lines: [String]) -> Int? {
        for index in (first + 1)..<lines.count {
            let line = lines[index]
            if line.isEmpty || line.hasPrefix(indent + " ") { continue }
            guard line.hasPrefix(indent), let mark = line.dropFirst(indent.count).first else {
                return nil
            }
            if mark == "}" { return index }
            guard mark == ")" || mark == "{" else { return nil }
        }
        return nil
    }

    @Test("Functions fit a screen (70 lines)")
    func functions() throws {
        let begin = #/^( *)(?:[@a-z]\S* )*(?:func \S|init[?(<]|deinit |subscript[(<])/#
        var count = 0
        for file in try Self.files(in: "Sources") + Self.files(in: "Tests") {
            for (index, line) in file.lines.enumerated() where !line.hasSuffix("}") {
                guard let indent = line.firstMatch(of: begin)?.1,
                    let end = Self.end(of: index, indent: String(indent), in: file.lines)
                else { continue }
                count += 1
                let lines = end - index + 1
                #expect(lines <= 70, "\(file.path):\(index + 1) has \(lines) lines")
            }
        }
        #expect(count > 1_000, "the functions are found")
    }

    @Test("Nothing is left unfinished")
    func unfinishedWork() throws {
        let unfinished = ["TO" + "DO", "FIX" + "ME", "fatalError(\"not"]
        for file in try Self.files(in: "Sources") {
            for (index, line) in file.lines.enumerated() {
                for word in unfinished where line.contains(word) {
                    Issue.record("\(file.path):\(index + 1) says \(word)")
                }
            }
        }
    }

    @Test("All commands write through the checked writer, and none past it")
    func checkedWriter() throws {
        let past = [
            "Swift.print(", " print(\"", "FileHandle.standardError", "FileHandle.standardOutput",
        ]
        for file in try Self.files(in: "Sources") where file.target == "moderato" {
            for (index, line) in file.lines.enumerated() {
                for word in past where line.contains(word) && !line.contains("python3 -c") {
                    Issue.record("\(file.path):\(index + 1) writes with \(word)")
                }
            }
        }
    }
}
