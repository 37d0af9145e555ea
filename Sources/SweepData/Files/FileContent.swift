import Glibc
import SweepCore

/// Whole files from and to disk.
package enum FileContent {
    package static func read(_ path: String) throws(DataError) -> [UInt8] {
        let (file, size) = try open(path)
        defer { close(file) }
        var content = [UInt8](repeating: 0, count: size)
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

    /// Hands over the content in pieces of 1 MiB.
    package static func readPieces(
        _ path: String, _ take: ([UInt8]) -> Void
    ) throws(DataError) {
        let (file, _) = try open(path)
        defer { close(file) }
        while true {
            var problem: DataError?
            let piece = [UInt8](unsafeUninitializedCapacity: 1 << 20) { buffer, filled in
                guard let start = buffer.baseAddress else { return }
                var count = readSome(file, start, buffer.count)
                while count < 0, errno == EINTR { count = readSome(file, start, buffer.count) }
                if count < 0 { problem = unreadable(path) }
                filled = max(count, 0)
            }
            if let problem { throw problem }
            if piece.isEmpty { return }
            take(piece)
        }
    }

    /// The first bytes of a file, `most` of them at most.
    static func readStart(_ path: String, most: Int) throws(DataError) -> [UInt8] {
        let (file, size) = try open(path)
        defer { close(file) }
        var problem: DataError?
        let start = [UInt8](unsafeUninitializedCapacity: min(most, size)) { buffer, filled in
            guard let base = buffer.baseAddress else { return }
            while filled < buffer.count {
                let count = readSome(file, base + filled, buffer.count - filled)
                if count < 0 && errno == EINTR { continue }
                if count < 0 { problem = unreadable(path) }
                if count <= 0 { return }
                filled += count
            }
        }
        if let problem { throw problem }
        return start
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

    /// Puts `content` in the place of the file at `path`, which is whole at every moment.
    package static func write(_ content: [UInt8], to path: String) throws(DataError) {
        let draft = "\(path).\(getpid()).draft"
        let file = Glibc.open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw unwritable(path) }
        var written = 0
        while written < content.count {
            let count = content.withUnsafeBytes {
                writeSome(file, $0.baseAddress! + written, $0.count - written)
            }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else {
                let error = unwritable(path)
                close(file)
                unlink(draft)
                throw error
            }
            written += count
        }
        guard fsync(file) == 0, close(file) == 0, rename(draft, path) == 0 else {
            let error = unwritable(path)
            unlink(draft)
            throw error
        }
    }

    package static func digest(of content: [UInt8]) -> Digest {
        var builder = DigestBuilder()
        builder.update(content)
        return builder.finish()
    }

    /// Makes the folder, and those above it, unless it is there.
    package static func makeFolder(_ path: String) throws(DataError) {
        var status = stat()
        if stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR { return }
        if let slash = path.lastIndex(of: "/"), slash > path.startIndex {
            try makeFolder(String(path[..<slash]))
        }
        guard mkdir(path, 0o755) == 0 || errno == EEXIST else { throw unwritable(path) }
    }

    package static func exists(_ path: String) -> Bool { access(path, R_OK) == 0 }

    /// Names of what lies in a folder, in no order.
    package static func names(in folder: String) throws(DataError) -> [String] {
        guard let stream = opendir(folder),
            let nameOffset = MemoryLayout<dirent>.offset(of: \.d_name)
        else { throw unreadable(folder) }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            // Not `d_name` itself: an entry is shorter than the array that is declared.
            let bytes = UnsafeRawBufferPointer(start: entry, count: Int(entry.pointee.d_reclen))
            let name = String(
                decoding: bytes[nameOffset...].prefix { $0 != 0 }, as: UTF8.self)
            if name != "." && name != ".." { names.append(name) }
        }
        return names
    }

    /// An open file, which the caller closes, and its size in bytes.
    static func open(_ path: String) throws(DataError) -> (file: Int32, size: Int) {
        let file = Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw unreadable(path) }
        var status = stat()
        guard fstat(file, &status) == 0 else {
            let error = unreadable(path)
            close(file)
            throw error
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            close(file)
            throw .unreadable(path: path, reason: "it is not a file")
        }
        return (file, Int(status.st_size))
    }

    static func unreadable(_ path: String) -> DataError {
        .unreadable(path: path, reason: String(cString: strerror(errno)))
    }

    private static func unwritable(_ path: String) -> DataError {
        .unwritable(path: path, reason: String(cString: strerror(errno)))
    }
}

// `read(2)` and `write(2)`, by names that the functions above do not hide.

private func readSome(_ file: Int32, _ to: UnsafeMutableRawPointer, _ count: Int) -> Int {
    read(file, to, count)
}

private func writeSome(_ file: Int32, _ from: UnsafeRawPointer, _ count: Int) -> Int {
    write(file, from, count)
}
