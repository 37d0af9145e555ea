import CZeroMQ
import FoundationEssentials
import Glibc
import SweepCore

/// A CURVE key pair, each key as 40 characters of Z85.
public struct KeyPair: Hashable, Sendable, Codable {
    public var publicKey: String
    public var secretKey: String

    public init(publicKey: String, secretKey: String) {
        self.publicKey = publicKey
        self.secretKey = secretKey
    }

    /// Whether both are keys as `generate` makes them.
    var isWellFormed: Bool { KeyPair.isKey(publicKey) && KeyPair.isKey(secretKey) }

    static func isKey(_ text: String) -> Bool {
        var key = [UInt8](repeating: 0, count: 32)
        return text.utf8.count == 40 && zmq_z85_decode(&key, text) != nil
    }

    public static func generate() throws(WireError) -> KeyPair {
        var publicKey = [CChar](repeating: 0, count: 41)
        var secretKey = [CChar](repeating: 0, count: 41)
        guard zmq_curve_keypair(&publicKey, &secretKey) == 0 else {
            throw Socket.error("making a CURVE key pair (is libzmq built with CURVE?)")
        }
        func text(_ key: [CChar]) -> String {
            String(decoding: key.prefix(40).map(UInt8.init(bitPattern:)), as: UTF8.self)
        }
        return KeyPair(publicKey: text(publicKey), secretKey: text(secretKey))
    }
}

/// What a worker or client needs to reach a coordinator: where it is, its public key, and a key
/// pair of one's own. Readable by its owner only.
public struct AccessFile: Hashable, Sendable {
    /// `tcp://host:port`, all of the same coordinator; dialled one at a time.
    public var endpoints: [String]
    public var serverKey: String
    public var role: Role
    public var keys: KeyPair
    /// The coordinator was started with `--insecure`: no keys are asked for, on loopback alone.
    public var isInsecure: Bool

    public init(
        endpoints: [String], serverKey: String, role: Role, keys: KeyPair, isInsecure: Bool = false
    ) {
        self.endpoints = endpoints
        self.serverKey = serverKey
        self.role = role
        self.keys = keys
        self.isInsecure = isInsecure
    }

    public init(reading path: String) throws(WireError) {
        self = try PrivateFile.read(AccessFile.self, from: path)
        guard KeyPair.isKey(serverKey), keys.isWellFormed else {
            throw PrivateFile.damaged(path)
        }
    }

    public func write(to path: String) throws(WireError) { try PrivateFile.write(self, to: path) }
}

extension AccessFile: Codable {
    private enum Key: String, CodingKey {
        case endpoints
        case insecure
        case keys
        case role
        case serverKey
    }

    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: Key.self)
        endpoints = try values.decode([String].self, forKey: .endpoints)
        serverKey = try values.decode(String.self, forKey: .serverKey)
        role = try values.decode(Role.self, forKey: .role)
        keys = try values.decode(KeyPair.self, forKey: .keys)
        isInsecure = try values.decodeIfPresent(Bool.self, forKey: .insecure) ?? false
    }

    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: Key.self)
        try values.encode(endpoints, forKey: .endpoints)
        try values.encode(serverKey, forKey: .serverKey)
        try values.encode(role, forKey: .role)
        try values.encode(keys, forKey: .keys)
        if isInsecure { try values.encode(true, forKey: .insecure) }
    }
}

/// JSON files with secrets in them: mode 0600, and refused when others can read them.
public enum PrivateFile {
    public static func write(_ value: some Encodable, to path: String) throws(WireError) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(value) else {
            preconditionFailure("\(type(of: value)) can be encoded")
        }
        let fresh = "\(path).\(getpid()).new"
        unlink(fresh)
        let file = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw failure(path, "can't be written") }
        let bytes = Array(data) + [UInt8(ascii: "\n")]
        let isWritten = Glibc.write(file, bytes, bytes.count) == bytes.count && fsync(file) == 0
        close(file)
        guard isWritten, rename(fresh, path) == 0 else {
            let error = failure(path, "can't be written")
            unlink(fresh)
            throw error
        }
    }

    public static func read<T: Decodable>(_ type: T.Type, from path: String) throws(WireError) -> T
    {
        var status = stat()
        guard stat(path, &status) == 0 else {
            throw failure(path, "can't be read")
        }
        guard status.st_mode & 0o077 == 0 else {
            throw .accessFile(
                path: path,
                problem: "others can read this file, and it holds a secret key; "
                    + "run: chmod 600 \(path)")
        }
        guard let data = FileManager.default.contents(atPath: path) else {
            throw failure(path, "can't be read")
        }
        do {
            return try JSONDecoder().decode(type, from: data)
        } catch {
            throw damaged(path)
        }
    }

    static func damaged(_ path: String) -> WireError {
        .accessFile(
            path: path,
            problem: "not a file that moderato wrote; copy it again from the coordinator's home")
    }

    private static func failure(_ path: String, _ what: String) -> WireError {
        .accessFile(path: path, problem: "\(what): \(String(cString: strerror(errno)))")
    }
}
