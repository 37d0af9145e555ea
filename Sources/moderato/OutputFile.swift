import Foundation
import SweepCore

/// A file that a command writes for a person, and that may be there already.
enum OutputFile {
    /// Why `path` can't be written, as far as it can be told before; `nil`: it can.
    static func problem(of path: String) -> String? {
        let target = target(of: absolute(path))
        var status = stat()
        if stat(target, &status) == 0 {
            if status.st_mode & S_IFMT == S_IFDIR { return "it is a folder; name a file in it" }
            return access(target, W_OK) == 0 ? nil : String(cString: strerror(errno))
        }
        let folder = (target as NSString).deletingLastPathComponent
        guard stat(folder, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            return "there is no folder \(folder); make it first"
        }
        let name = (target as NSString).lastPathComponent
        if name.utf8.count > 255 { return "the name is too long for a file" }
        return access(folder, W_OK) == 0 ? nil : String(cString: strerror(errno))
    }

    /// Throws in words unless it can be written; before work that takes long.
    static func check(_ path: String?) throws {
        guard let path, let problem = problem(of: path) else { return }
        throw failure("\(path): can't be written: \(problem)", Exit.unavailable)
    }

    /// All of it or nothing of it; but a link stays one, and a device is written to.
    static func write(_ text: String, to path: String) throws {
        let target = target(of: absolute(path))
        var status = stat()
        let isSpecial = stat(target, &status) == 0 && status.st_mode & S_IFMT != S_IFREG
        do {
            let data = Data(text.utf8)
            guard isSpecial else {
                return try data.write(to: URL(fileURLWithPath: target), options: .atomic)
            }
            let file = open(target, O_WRONLY | O_CLOEXEC)
            guard file >= 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
            defer { close(file) }
            if let number = data.withUnsafeBytes({ Streams.write($0, to: file) }) {
                throw POSIXError(POSIXErrorCode(rawValue: number) ?? .EIO)
            }
        } catch {
            let reason = problem(of: path) ?? error.localizedDescription
            throw failure("\(path): can't be written: \(reason)", Exit.unavailable)
        }
    }

    /// Where the links at `path` lead to, also if nothing is there yet.
    private static func target(of path: String) -> String {
        var path = path
        for _ in 0..<40 {
            guard let next = try? FileManager.default.destinationOfSymbolicLink(atPath: path)
            else { break }
            let folder = (path as NSString).deletingLastPathComponent
            path = next.hasPrefix("/") ? next : "\(folder)/\(next)"
        }
        return path
    }

    private static let mostBytes = 100

    /// A name for a file, made of what a person called something. No two names share one.
    static func name(for text: String) -> String {
        func isPlain(_ character: Character) -> Bool {
            character.isLetter || character.isNumber || "-_.".contains(character)
        }
        if text.allSatisfy(isPlain), !text.isEmpty, !text.hasPrefix("."),
            text.utf8.count <= mostBytes
        {
            return text
        }
        var name = ""
        for character in text where name.utf8.count + character.utf8.count <= mostBytes {
            name.append(isPlain(character) && !(name.isEmpty && character == ".") ? character : "-")
        }
        return "\(name)-\(Digest(ofText: text).short)"
    }
}
