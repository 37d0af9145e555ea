import Foundation
import SweepCore
import SweepData

enum Fixture {
    /// The folder with Package.swift.
    static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// What `make_tokens.py` wrote.
    static let reference = root.appending(path: "Tests/SweepDataTests/Reference")

    /// A path under `.moderato`, which the set-up fills.
    static func setUp(_ path: String) throws -> URL {
        let url = root.appending(path: ".moderato/" + path)
        guard FileManager.default.fileExists(atPath: url.path) else {
            throw MissingSetUp(path: url.path)
        }
        return url
    }

    struct MissingSetUp: Error, CustomStringConvertible {
        let path: String
        var description: String { "\(path) is missing: run `cluster/setup` first" }
    }

    static func bytes(_ url: URL) throws -> [UInt8] { try FileContent.read(url.path) }

    /// The named files of a folder, as far as they are there.
    static func files(_ names: [String], in folder: URL) throws -> [String: [UInt8]] {
        var contents: [String: [UInt8]] = [:]
        for name in names {
            let url = folder.appending(path: name)
            if FileContent.exists(url.path) { contents[name] = try bytes(url) }
        }
        return contents
    }

    /// A new folder with these files.
    static func folder(_ files: [String: [UInt8]]) throws -> URL {
        let folder = FileManager.default.temporaryDirectory
            .appending(path: "moderato-tests-" + UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for (name, content) in files {
            try Data(content).write(to: folder.appending(path: name))
        }
        return folder
    }
}

/// What `body` throws, in words.
func message(_ body: () throws -> some Any) -> String {
    do {
        _ = try body()
        return "no error"
    } catch {
        return "\(error)"
    }
}
