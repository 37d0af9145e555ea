import Glibc
import SweepCore

/// Whole files from disk.
package enum FileContent {
    package static func read(_ path: String) throws(DataError) -> [UInt8] {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw unreadable(path) }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0 else { throw unreadable(path) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw .unreadable(path: path, reason: "it is not a file")
        }
        var content = [UInt8](repeating: 0, count: Int(status.st_size))
        var filled = 0
        while filled < content.count {
            let count = content.withUnsafeMutableBytes {
                readSome(file, $0.baseAddress! + filled, $0.count - filled)
            }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw unreadable(path) }
            guard count > 0 else {
                throw .unreadable(path: path, reason: "it became shorter while it was read")
            }
            filled += count
        }
        return content
    }

    /// The content, checked against the digest in `file`.
    package static func read(_ file: FileReference) throws(DataError) -> [UInt8] {
        let content = try read(file.path)
        let found = digest(of: content)
        guard found == file.digest else {
            throw .wrongDigest(path: file.path, expected: file.digest, found: found)
        }
        return content
    }

    package static func digest(of content: [UInt8]) -> Digest {
        var builder = DigestBuilder()
        builder.update(content)
        return builder.finish()
    }

    package static func exists(_ path: String) -> Bool { access(path, R_OK) == 0 }

    /// Names of what lies in a folder, in no order.
    package static func names(in folder: String) throws(DataError) -> [String] {
        guard let stream = opendir(folder) else { throw unreadable(folder) }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names
    }

    private static func unreadable(_ path: String) -> DataError {
        .unreadable(path: path, reason: String(cString: strerror(errno)))
    }
}

/// `read(2)`, by a name that the functions above do not hide.
private func readSome(_ file: Int32, _ to: UnsafeMutableRawPointer, _ count: Int) -> Int {
    read(file, to, count)
}
