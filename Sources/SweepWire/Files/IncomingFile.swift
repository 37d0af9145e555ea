import Glibc
import SweepCore

/// A file that arrives piece by piece: written beside its place, and put there once it is whole.
public final class IncomingFile {
    /// Bytes that are there, from the beginning.
    public private(set) var received = 0
    private let path: String
    private let file: Int32
    private let isDurable: Bool
    private var builder = DigestBuilder()
    private var unsynced = 0

    /// What is written is brought to the disk in portions, so that nobody waits long at the end.
    private static let bytesBetweenSyncs = 4 << 20

    /// Opens the part, to go on behind what is in it once `readWhatIsThere` has read that.
    ///
    /// - Parameters:
    ///   - path: The part; its folder is made if need be.
    ///   - isDurable: Whether the file must survive a power cut once it is finished.
    public init(part path: String, isDurable: Bool) throws(WireError) {
        if let slash = path.lastIndex(of: "/") { try LocalFile.makeFolder(String(path[..<slash])) }
        let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw LocalFile.failure(path) }
        self.path = path
        self.file = file
        self.isDurable = isDurable
    }

    /// Reads so many bytes of what is in the part.
    ///
    /// - Returns: whether all of it has been read.
    public func readWhatIsThere(_ most: Int = 1 << 20) throws(WireError) -> Bool {
        let piece = try LocalFile.read(file, path, offset: received, count: most)
        builder.update(piece)
        received += piece.count
        return piece.count < most
    }

    deinit { close(file) }

    public func append(_ bytes: [UInt8]) throws(WireError) {
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes {
                pwrite(
                    file, $0.baseAddress! + written, $0.count - written, received + written)
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw LocalFile.failure(path) }
            written += count
        }
        builder.update(bytes)
        received += bytes.count
        unsynced += bytes.count
        guard isDurable, unsynced >= Self.bytesBetweenSyncs else { return }
        unsynced = 0
        guard fdatasync(file) == 0 else { throw LocalFile.failure(path) }
    }

    /// Puts the file in its place. `false`: it has another digest, and is thrown away.
    public func finish(_ digest: Digest, as place: String) throws(WireError) -> Bool {
        guard builder.finish() == digest else {
            abandon()
            return false
        }
        guard !isDurable || fsync(file) == 0, rename(path, place) == 0 else {
            throw LocalFile.failure(path)
        }
        if isDurable, let slash = place.lastIndex(of: "/") {
            let folder = open(String(place[..<slash]), O_RDONLY | O_CLOEXEC)
            if folder >= 0 {
                fsync(folder)
                close(folder)
            }
        }
        return true
    }

    /// Throws away what is there.
    public func abandon() { unlink(path) }
}

/// Files of this host that are sent, or have arrived.
public enum LocalFile {
    /// In bytes; `nil` if it is not there.
    public static func size(_ path: String) -> Int? {
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        return Int(status.st_size)
    }

    /// Bytes that a user without privileges may still write where the folder is; `nil`: unknown.
    public static func freeBytes(_ folder: String) -> Int? {
        var status = statvfs()
        guard statvfs(folder, &status) == 0 else { return nil }
        return Int(clamping: UInt64(status.f_bavail).multipliedClamping(by: status.f_frsize))
    }

    /// Seconds since the file was written; `nil` if it is not there.
    public static func age(_ path: String) -> Int? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        return time(nil) - status.st_mtim.tv_sec
    }

    public static func digest(_ path: String) throws(WireError) -> Digest {
        let file = try openToRead(path)
        defer { close(file) }
        var builder = DigestBuilder()
        var offset = 0
        while true {
            let piece = try read(file, path, offset: offset, count: 1 << 20)
            if piece.isEmpty { return builder.finish() }
            builder.update(piece)
            offset += piece.count
        }
    }

    /// Up to `count` bytes from `offset` on; fewer at the end of the file.
    public static func read(
        _ path: String, offset: Int, count: Int
    ) throws(WireError) -> [UInt8] {
        let file = try openToRead(path)
        defer { close(file) }
        return try read(file, path, offset: offset, count: count)
    }

    public static func remove(_ path: String) { unlink(path) }

    /// Names in a folder, in no order; none if it is not there.
    public static func names(in folder: String) -> [String] {
        guard let stream = opendir(folder),
            let nameOffset = MemoryLayout<dirent>.offset(of: \.d_name)
        else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            // Not `d_name` itself: an entry is shorter than the array that is declared.
            let bytes = UnsafeRawBufferPointer(start: entry, count: Int(entry.pointee.d_reclen))
            let name = bytes[nameOffset...].prefix { $0 != 0 }
            names.append(String(decoding: name, as: UTF8.self))
        }
        return names
    }

    /// Makes the folder, and those above it, unless it is there.
    public static func makeFolder(_ path: String) throws(WireError) {
        var status = stat()
        if path.isEmpty || stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR { return }
        if let slash = path.lastIndex(of: "/") { try makeFolder(String(path[..<slash])) }
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw failure(path) }
    }

    static func read(
        _ file: Int32, _ path: String, offset: Int, count: Int
    ) throws(WireError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var filled = 0
        while filled < count {
            let got = bytes.withUnsafeMutableBytes {
                pread(file, $0.baseAddress! + filled, count - filled, offset + filled)
            }
            if got < 0 && errno == EINTR { continue }
            guard got >= 0 else { throw failure(path) }
            if got == 0 { break }
            filled += got
        }
        return filled == count ? bytes : Array(bytes.prefix(filled))
    }

    private static func openToRead(_ path: String) throws(WireError) -> Int32 {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw failure(path) }
        return file
    }

    public static func failure(_ path: String) -> WireError {
        .file(path: path, reason: String(cString: strerror(errno)))
    }
}

extension UInt64 {
    fileprivate func multipliedClamping(by other: UInt) -> UInt64 {
        let (product, overflow) = multipliedReportingOverflow(by: UInt64(other))
        return overflow ? .max : product
    }
}
