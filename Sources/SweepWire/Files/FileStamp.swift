import Glibc

extension LocalFile {
    /// What the file system says of a file; changes when the file does.
    public struct Stamp: Hashable, Sendable {
        let device: UInt64
        let inode: UInt64
        public let size: Int
        /// When the content was written, and when anything about the file changed. A program can
        /// set the first back, but not the second.
        let written: Time
        let changed: Time

        struct Time: Hashable, Sendable {
            let seconds: Int
            let nanoseconds: Int
        }

        /// Seconds since 1970.
        public var lastChange: Int { max(written.seconds, changed.seconds) }
    }

    /// `nil` if it is not there, or no file.
    public static func stamp(_ path: String) -> Stamp? {
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        return Stamp(
            device: UInt64(status.st_dev), inode: UInt64(status.st_ino),
            size: Int(status.st_size),
            written: .init(
                seconds: status.st_mtim.tv_sec, nanoseconds: status.st_mtim.tv_nsec),
            changed: .init(
                seconds: status.st_ctim.tv_sec, nanoseconds: status.st_ctim.tv_nsec))
    }
}

extension LocalFile.Stamp: LosslessStringConvertible {
    /// Seven numbers.
    public var description: String {
        "\(device) \(inode) \(size) \(written.seconds) \(written.nanoseconds) "
            + "\(changed.seconds) \(changed.nanoseconds)"
    }

    public init?(_ description: String) {
        let words = description.split(separator: " ", omittingEmptySubsequences: false)
        let numbers = words.dropFirst(2).compactMap { Int($0) }
        guard words.count == 7, numbers.count == 5, let device = UInt64(words[0]),
            let inode = UInt64(words[1])
        else { return nil }
        self.init(
            device: device, inode: inode, size: numbers[0],
            written: .init(seconds: numbers[1], nanoseconds: numbers[2]),
            changed: .init(seconds: numbers[3], nanoseconds: numbers[4]))
    }
}
