import Foundation
import SweepCore
import SweepWire

/// Digests of large files that were read before, so that a model is not read again as long as the
/// file system says that nothing about it has changed: path, device, inode, size, and both times.
///
/// It is private to the user. A file that changed within two seconds before it was read could
/// change again without a trace, so its digest holds for this process alone.
final class DigestCache {
    private struct Entry {
        let stamp: LocalFile.Stamp
        let digest: Digest
        /// Whether later processes may trust it.
        let lasts: Bool
    }

    private let path: String
    private let now: () -> Int
    private var entries: [String: Entry] = [:]
    /// Of files, to find their digests.
    private(set) var bytesRead = 0

    /// Smaller files are read faster than looked up.
    static let leastBytes = 1 << 20
    private static let secondsUntilTrusted = 2
    private static let mostEntries = 1_000
    private static let mostBytes = 4 << 20
    private static let title = "moderato digests 1"

    /// - Parameters:
    ///   - path: Of the cache. One that is damaged, or that others may write, is passed over.
    ///   - now: Seconds since 1970.
    init(path: String, now: @escaping () -> Int = { time(nil) }) {
        self.path = path
        self.now = now
        for (file, entry) in Self.read(path) { entries[file] = entry }
    }

    /// The one of the user.
    convenience init() { self.init(path: userCacheFolder() + "/digests") }

    func digest(of file: String) throws(WireError) -> Digest {
        let stamp = LocalFile.stamp(file)
        if let stamp, let known = entries[file], known.stamp == stamp { return known.digest }
        let digest = try LocalFile.digest(file)
        bytesRead += LocalFile.size(file) ?? 0
        guard let stamp, LocalFile.stamp(file) == stamp else { return digest }
        let lasts =
            stamp.size >= Self.leastBytes && !file.contains("\n")
            && stamp.lastChange < now() - Self.secondsUntilTrusted
        entries[file] = Entry(stamp: stamp, digest: digest, lasts: lasts)
        if lasts { save() }
        return digest
    }

    /// Its content was not what its digest says.
    func forget(_ file: String) {
        if entries.removeValue(forKey: file)?.lasts == true { save() }
    }

    // MARK: The file

    /// What can't be written is found out again next time.
    private func save() {
        if let slash = path.lastIndex(of: "/") {
            try? LocalFile.makeFolder(String(path[..<slash]))
        }
        let lines = entries.filter(\.value.lasts).sorted {
            ($1.value.stamp.lastChange, $0.key) < ($0.value.stamp.lastChange, $1.key)
        }.prefix(Self.mostEntries).map { file, entry in
            "\(entry.digest.hex) \(entry.stamp) \(file)\n"
        }
        let text = Self.title + "\n" + lines.joined()
        let draft = "\(path).\(getpid()).draft"
        unlink(draft)
        let descriptor = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return }
        let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        let isWritten = (try? handle.write(contentsOf: Data((text + Self.seal(text)).utf8))) != nil
        guard isWritten, rename(draft, path) == 0 else {
            unlink(draft)
            return
        }
    }

    /// The last line: a file that is damaged does not end with it.
    private static func seal(_ text: String) -> String { Digest(ofText: text).hex + "\n" }

    private static func read(_ path: String) -> [(String, Entry)] {
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
            status.st_uid == geteuid(), status.st_mode & 0o022 == 0, status.st_size <= mostBytes,
            let content = FileManager.default.contents(atPath: path),
            let whole = String(data: content, encoding: .utf8), whole.utf8.count > 65
        else { return [] }
        let text = String(whole.dropLast(65))
        guard text.hasPrefix(title + "\n"), whole == text + seal(text) else { return [] }
        return text.split(separator: "\n").dropFirst().compactMap { line in
            let words = line.split(separator: " ", maxSplits: 8, omittingEmptySubsequences: false)
            guard words.count == 9, let digest = Digest(hex: String(words[0])),
                let stamp = LocalFile.Stamp(words[1...7].joined(separator: " "))
            else { return nil }
            return (String(words[8]), Entry(stamp: stamp, digest: digest, lasts: true))
        }
    }
}
