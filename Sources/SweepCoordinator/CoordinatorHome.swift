import FoundationEssentials
import Glibc
import SweepCore
import SweepWire

/// The folder of a coordinator: the store, the keys, and the access files it gives out.
///
/// `store.sqlite`, `coordinator.json` (its secret), `worker.access`, `client.access`,
/// `read-only.access`, `lock`, `artifacts`. Copying the folder moves the coordinator.
public struct CoordinatorHome: Sendable {
    public let path: String

    public init(path: String) { self.path = path }

    public var storePath: String { path + "/store.sqlite" }
    public var artifactsPath: String { path + "/artifacts" }
    public func accessPath(for role: Role) -> String { "\(path)/\(role.rawValue).access" }
    private var secretPath: String { path + "/coordinator.json" }

    /// What only the coordinator knows.
    public struct Secret: Codable, Sendable {
        public struct Admitted: Codable, Sendable {
            public var role: Role
            public var publicKey: String
            /// What `moderato keys` calls it; the first ones go by their role.
            public var name: String?

            public var label: String { name ?? role.rawValue }
        }

        /// The role of each key that may come in.
        public var roles: [String: Role] {
            Dictionary(admitted.map { ($0.publicKey, $0.role) }, uniquingKeysWith: { $1 })
        }

        public var names: [String: String] {
            Dictionary(admitted.map { ($0.publicKey, $0.label) }, uniquingKeysWith: { $1 })
        }

        public var keys: KeyPair
        public var admitted: [Admitted]
        /// Where it listened last; taken again if nothing else is asked for.
        public var endpoint: String?
        /// Under which names it told others to dial; kept until others are asked for.
        public var advertise: [String]?
    }

    /// Makes the folder if needed, and takes its lock until the process ends.
    ///
    /// - Returns: what others could read until now.
    @discardableResult
    public func lock() throws(CoordinatorError) -> [String] {
        try make()
        let tightened = try makePrivate()
        let file = open(path + "/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else {
            throw .home(
                path: path, problem: "can't be written: \(String(cString: strerror(errno)))")
        }
        // Who only looks whether it is taken (`isInUse`) has it for a moment.
        for _ in 0..<20 {
            if flock(file, LOCK_EX | LOCK_NB) == 0 {
                // SQLite makes its other files with the mode of this one.
                let store = open(storePath, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
                if store >= 0 { close(store) }
                return tightened
            }
            usleep(10_000)
        }
        close(file)
        throw .alreadyRunning(home: path)
    }

    /// Whether a coordinator uses it now.
    public var isInUse: Bool {
        let file = open(path + "/lock", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return false }
        defer { close(file) }
        return flock(file, LOCK_SH | LOCK_NB) != 0
    }

    /// Makes the folder if it is not there.
    public func make() throws(CoordinatorError) {
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700])
        } catch {
            throw .home(path: path, problem: "can't be made: \(error.localizedDescription)")
        }
    }

    /// What a home tells it tells its owner alone, also one that somebody made beforehand.
    private func makePrivate() throws(CoordinatorError) -> [String] {
        func mode(of path: String) throws(CoordinatorError) -> mode_t? {
            var status = stat()
            guard stat(path, &status) == 0 else { return nil }
            guard status.st_uid == geteuid() else {
                throw .home(
                    path: path,
                    problem: "belongs to another user; take a --home that is your own")
            }
            return status.st_mode & 0o7777
        }
        let store = ["", "-wal", "-shm"].map { storePath + $0 }
        var tightened: [String] = []
        for place in [path] + store + [path + "/lock", artifactsPath] {
            guard let mode = try mode(of: place), mode & 0o077 != 0 else { continue }
            guard chmod(place, mode & 0o700) == 0 else {
                throw .home(
                    path: place,
                    problem: "others may read it, and that can't be changed: "
                        + String(cString: strerror(errno)))
            }
            tightened.append(place)
        }
        return tightened
    }

    /// The keys of this home; made on first use, one access file for each role beside them.
    public func secret() throws(WireError) -> Secret {
        let isKnown = access(secretPath, F_OK) == 0
        var secret =
            isKnown
            ? try PrivateFile.read(Secret.self, from: secretPath)
            : Secret(keys: try .generate(), admitted: [])
        // An access file that was moved away stays valid, and the home gets a new one.
        let missing = Role.allCases.filter { access(accessPath(for: $0), F_OK) != 0 }
        if isKnown, missing.isEmpty { return secret }
        for role in missing {
            let keys = try KeyPair.generate()
            secret.admitted.append(.init(role: role, publicKey: keys.publicKey))
            let file = AccessFile(
                endpoints: [], serverKey: secret.keys.publicKey, role: role, keys: keys)
            try file.write(to: accessPath(for: role))
        }
        try PrivateFile.write(secret, to: secretPath)
        return secret
    }

    /// Changes when the secret does.
    public struct Stamp: Hashable, Sendable {
        let inode: UInt64
        let seconds: Int
        let nanoseconds: Int
    }

    public var stamp: Stamp? {
        var status = stat()
        guard stat(secretPath, &status) == 0 else { return nil }
        return Stamp(
            inode: UInt64(status.st_ino), seconds: status.st_mtim.tv_sec,
            nanoseconds: status.st_mtim.tv_nsec)
    }

    /// The keys of a home that has been used before.
    public func knownSecret() throws(WireError) -> Secret {
        try PrivateFile.read(Secret.self, from: secretPath)
    }

    /// Writes where the coordinator can be reached into its access files.
    ///
    /// - Parameters:
    ///   - bound: the endpoint it listens on.
    ///   - names: what it was told to advertise.
    ///   - endpoints: what others dial.
    ///   - isInsecure: whether they come in without a key.
    public func publish(
        _ secret: Secret, bound: String, names: [String], _ endpoints: [String], isInsecure: Bool
    ) throws(WireError) {
        for role in Role.allCases {
            let known = try AccessFile(reading: accessPath(for: role))
            var file = known
            file.endpoints = endpoints
            file.isInsecure = isInsecure
            if file != known { try file.write(to: accessPath(for: role)) }
        }
        guard secret.endpoint != bound || (secret.advertise ?? []) != names else { return }
        var secret = secret
        secret.endpoint = bound
        secret.advertise = names.isEmpty ? nil : names
        try PrivateFile.write(secret, to: secretPath)
    }
}

extension CoordinatorHome {
    /// Makes a key and its access file. A coordinator that runs takes it in at once.
    ///
    /// - Throws: `home` when the name is taken, or nobody has used this home.
    public func addKey(named name: String, role: Role, to file: String) throws {
        try changeSecret { secret in
            guard !secret.admitted.contains(where: { $0.label == name }) else {
                throw CoordinatorError.home(
                    path: path, problem: "a key goes by the name \(name) already")
            }
            let keys = try KeyPair.generate()
            var access = try AccessFile(reading: accessPath(for: role))
            access.keys = keys
            try access.write(to: file)
            secret.admitted.append(.init(role: role, publicKey: keys.publicKey, name: name))
        }
    }

    /// Nobody comes in with the key any more, and who is in is sent away.
    public func revokeKey(named name: String) throws {
        try changeSecret { secret in
            guard secret.admitted.contains(where: { $0.label == name }) else {
                let known = secret.admitted.map(\.label).joined(separator: ", ")
                throw CoordinatorError.home(
                    path: path, problem: "there is no key '\(name)'; there are: \(known)")
            }
            secret.admitted.removeAll { $0.label == name }
        }
    }

    private func changeSecret(_ change: (inout Secret) throws -> Void) throws {
        let file = open(path + "/keys.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0, flock(file, LOCK_EX) == 0 else {
            throw CoordinatorError.home(
                path: path, problem: "can't be written: \(String(cString: strerror(errno)))")
        }
        defer { close(file) }
        var secret = try knownSecret()
        try change(&secret)
        try PrivateFile.write(secret, to: secretPath)
    }
}

public enum CoordinatorError: Error, Hashable, CustomStringConvertible {
    case home(path: String, problem: String)
    case alreadyRunning(home: String)

    public var description: String {
        switch self {
        case .home(let path, let problem): "\(path): \(problem)"
        case .alreadyRunning(let home):
            "\(home): a coordinator uses this home already; give it work with "
                + "'moderato submit FILE --home \(home)', or take another --home"
        }
    }
}
