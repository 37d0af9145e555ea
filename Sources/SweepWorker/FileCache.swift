import Glibc
import SweepCore
import SweepWire

/// The models and data that workers of one host have fetched, one entry for each, named by its
/// digest: a file, or a model's folder. What has not been used for longest makes room.
///
/// Several processes may share the folder. Who makes an entry holds the lock beside it, who uses
/// one a shared lock on it; only an entry that nobody uses is removed.
final class FileCache {
    private let folder: String
    /// In bytes.
    private let limit: Int
    private var inUse: [Digest: Int32] = [:]
    private var arriving: [Digest: IncomingFile] = [:]
    /// Of entries that are being made.
    private var locks: [Digest: Int32] = [:]

    /// What is left of a fetch that nobody goes on with is removed after a week.
    private static let secondsUntilForgotten = 7 * 86_400

    init(folder: String, limit: Int) {
        self.folder = folder
        self.limit = limit
    }

    func path(of digest: Digest) -> String { "\(folder)/\(digest.hex)" }

    /// Where the list of a model's files is until the model is put together.
    func list(of digest: Digest) -> String { path(of: digest) + ".list" }

    private func part(of digest: Digest) -> String { path(of: digest) + ".part" }

    /// Keeps an entry from being removed, and notes that it is used.
    func hold(_ digest: Digest) {
        guard inUse[digest] == nil else { return }
        let file = open(path(of: digest), O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return }
        flock(file, LOCK_SH)
        futimens(file, nil)
        inUse[digest] = file
    }

    /// No longer used, or no longer made: what there is of it may be gone on with.
    func release(_ digest: Digest) {
        if let file = inUse.removeValue(forKey: digest) { close(file) }
        arriving[digest] = nil
        if let lock = locks.removeValue(forKey: digest) { close(lock) }
    }

    /// Begins to make an entry, and tells how much of its file is there; `nil`: another process
    /// makes it, or has made it by now.
    func openPart(of digest: Digest) throws(WireError) -> Int? {
        if let known = arriving[digest] { return known.received }
        try LocalFile.makeFolder(folder)
        let lock = open(path(of: digest) + ".lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard lock >= 0 else { throw LocalFile.failure(path(of: digest) + ".lock") }
        var status = stat()
        guard flock(lock, LOCK_EX | LOCK_NB) == 0, stat(path(of: digest), &status) != 0 else {
            close(lock)
            return nil
        }
        locks[digest] = lock
        let file = try IncomingFile(part: part(of: digest), isDurable: false)
        while try !file.readWhatIsThere() {}
        arriving[digest] = file
        return file.received
    }

    func append(_ chunk: Chunk) throws(WireError) {
        try arriving[chunk.digest]?.append(chunk.bytes)
    }

    /// `false`: it came with another digest, and was thrown away.
    func finish(_ digest: Digest, as place: String) throws(WireError) -> Bool {
        guard let file = arriving.removeValue(forKey: digest),
            try file.finish(digest, as: place)
        else { return false }
        if place == path(of: digest) {
            hold(digest)
            if let lock = locks.removeValue(forKey: digest) { close(lock) }
        }
        makeRoom()
        return true
    }

    /// Throws away what is there of a file that can't be had.
    func abandon(_ digest: Digest) {
        arriving[digest]?.abandon()
        release(digest)
    }

    /// Makes a model's folder of files that are entries here. They are part of it from then on.
    func assemble(_ digest: Digest, _ files: [String: String]) throws(WireError) {
        let place = path(of: digest)
        let fresh = "\(place).\(getpid()).new"
        Self.remove(fresh)
        try LocalFile.makeFolder(fresh)
        for (name, path) in files {
            let isMade = link(path, "\(fresh)/\(name)") == 0
            guard isMade else { throw LocalFile.failure("\(fresh)/\(name)") }
        }
        guard rename(fresh, place) == 0 else { throw LocalFile.failure(place) }
        hold(digest)
        if let lock = locks.removeValue(forKey: digest) { close(lock) }
        unlink(list(of: digest))
        for path in files.values {
            if let part = Digest(hex: String(path.suffix(64))) { release(part) }
            unlink(path)
        }
    }

    /// Removes a damaged entry.
    func discard(_ digest: Digest) {
        release(digest)
        Self.remove(path(of: digest))
    }

    func releaseAll() {
        for digest in Array(locks.keys) + Array(inUse.keys) { release(digest) }
    }

    /// Removes what has not been used for longest until the rest is within the limit.
    private func makeRoom() {
        var entries: [(digest: Digest, age: Int, size: Int)] = []
        for name in LocalFile.names(in: folder) {
            let path = "\(folder)/\(name)"
            let age = LocalFile.age(path) ?? 0
            if let digest = Digest(hex: name) {
                entries.append((digest, age, Self.size(path)))
            } else if Digest(hex: String(name.prefix(64))) != nil, age > Self.secondsUntilForgotten
            {
                Self.remove(path)
            }
        }
        var total = entries.reduce(0) { $0 + $1.size }
        for entry in entries.sorted(by: { $0.age > $1.age }) where total > limit {
            let file = open(path(of: entry.digest), O_RDONLY | O_CLOEXEC)
            guard file >= 0 else { continue }
            if flock(file, LOCK_EX | LOCK_NB) == 0 {
                Self.remove(path(of: entry.digest))
                total -= entry.size
            }
            close(file)
        }
    }

    /// Of a file or of the files in a folder, in bytes.
    private static func size(_ path: String) -> Int {
        if let size = LocalFile.size(path) { return size }
        return LocalFile.names(in: path).reduce(0) {
            $0 + (LocalFile.size("\(path)/\($1)") ?? 0)
        }
    }

    /// A file, or a folder with files.
    private static func remove(_ path: String) {
        if unlink(path) == 0 { return }
        for name in LocalFile.names(in: path) { unlink("\(path)/\(name)") }
        rmdir(path)
    }
}
