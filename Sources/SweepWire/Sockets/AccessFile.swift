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
public struct AccessFile: Hashable, Sendable, Codable {
    /// `tcp://host:port`
    public var endpoint: String
    public var serverKey: String
    public var role: Role
    public var keys: KeyPair

    public init(endpoint: String, serverKey: String, role: Role, keys: KeyPair) {
        self.endpoint = endpoint
        self.serverKey = serverKey
        self.role = role
        self.keys = keys
    }

    public init(reading path: String) throws(WireError) {
        self = try PrivateFile.read(AccessFile.self, from: path)
    }

    public func write(to path: String) throws(WireError) { try PrivateFile.write(self, to: path) }
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
            throw .accessFile(
                path: path,
                problem: "not a file that moderato wrote; copy it again from the coordinator's home"
            )
        }
    }

    private static func failure(_ path: String, _ what: String) -> WireError {
        .accessFile(path: path, problem: "\(what): \(String(cString: strerror(errno)))")
    }
}
