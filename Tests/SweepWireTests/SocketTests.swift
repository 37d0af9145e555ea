import Foundation
import SweepCore
import SweepWire
import Testing

@Suite("Sockets with CURVE")
struct SocketTests {
    private let server: KeyPair
    private let client: KeyPair
    private let listener: Listener

    init() throws {
        server = try KeyPair.generate()
        client = try KeyPair.generate()
        listener = try Listener(
            endpoint: "tcp://127.0.0.1:*", keys: server, admitted: [client.publicKey: .client])
    }

    private func access(keys: KeyPair? = nil, serverKey: String? = nil) throws -> AccessFile {
        AccessFile(
            endpoints: [try listener.endpoint()], serverKey: serverKey ?? server.publicKey,
            role: .client, keys: keys ?? client)
    }

    /// Sends again until something arrives or the time is over, answering the authenticator.
    private func exchange(_ dialer: Dialer, seconds: Double) throws -> Listener.Arrival? {
        let deadline = Date().addingTimeInterval(seconds)
        var isSent = false
        while Date() < deadline {
            if !isSent { isSent = try dialer.send(.askStatus) }
            _ = try dialer.look()
            let sources: [Poll.Source] = [
                .socket(listener.socket), .socket(listener.authenticator.socket),
            ]
            _ = try Poll.readable(sources, timeout: .milliseconds(5))
            try listener.authenticator.answerAll()
            if let arrival = try listener.receive() { return arrival }
        }
        return nil
    }

    @Test("A known key comes in with its role, and is answered")
    func knownKey() throws {
        let dialer = try Dialer(try access())
        let arrival = try #require(try exchange(dialer, seconds: 20))
        #expect(arrival.key == client.publicKey)
        #expect(try Codec.decode(arrival.frame) == MessageToCoordinator.askStatus)
        #expect(try listener.send(Codec.encode(MessageToWorker.identify), to: arrival.route))
        _ = try Poll.readable([.socket(dialer.socket)], timeout: .seconds(20))
        #expect(try dialer.receive() == MessageToWorker.identify)
    }

    @Test("A stranger's key, and a key for another coordinator, do not come in")
    func strangers() throws {
        let stranger = try Dialer(try access(keys: try KeyPair.generate()))
        #expect(try exchange(stranger, seconds: 0.5) == nil)
        #expect(listener.authenticator.refusals > 0)
        let lost = try Dialer(try access(serverKey: try KeyPair.generate().publicKey))
        #expect(try exchange(lost, seconds: 0.5) == nil)
    }

    @Test("A key that was revoked is known by what it brings")
    func revoked() throws {
        let dialer = try Dialer(try access())
        _ = try #require(try exchange(dialer, seconds: 20))
        listener.authenticator.admitted = [:]
        #expect(try exchange(dialer, seconds: 20)?.key == client.publicKey)
    }

    @Test("A peer whose key is made known after it was refused comes in by itself")
    func admittedLater() throws {
        let late = try KeyPair.generate()
        let dialer = try Dialer(try access(keys: late))
        #expect(try exchange(dialer, seconds: 0.5) == nil)
        #expect(listener.authenticator.refusals > 0)
        listener.authenticator.admitted[late.publicKey] = .worker
        let arrival = try #require(try exchange(dialer, seconds: 30))
        #expect(arrival.key == late.publicKey)
    }

    @Test("Of several endpoints the one that is there is found")
    func endpoints() throws {
        // Nobody listens on a port that was free a moment ago.
        let nowhere = try Listener(endpoint: "tcp://127.0.0.1:*", keys: server, admitted: [:])
            .endpoint()
        var file = try access()
        file.endpoints.insert(nowhere, at: 0)
        let dialer = try Dialer(file)
        #expect(dialer.endpoint == nowhere)
        let arrival = try #require(try exchange(dialer, seconds: 30))
        #expect(try Codec.decode(arrival.frame) == MessageToCoordinator.askStatus)
        #expect(dialer.endpoint == file.endpoints[1])
    }

    @Test("Without keys everyone comes in, and no key gets out of loopback")
    func insecure() throws {
        let open = try Listener(
            endpoint: "tcp://127.0.0.1:*", keys: server, admitted: [:], isInsecure: true)
        var file = try access(keys: try KeyPair.generate())
        file.endpoints = [try open.endpoint()]
        file.isInsecure = true
        let dialer = try Dialer(file)
        _ = try Poll.readable([.socket(open.socket)], timeout: .zero)
        while try !dialer.send(.askStatus) { usleep(1_000) }
        _ = try Poll.readable([.socket(open.socket)], timeout: .seconds(20))
        let arrival = try #require(try open.receive())
        #expect(arrival.key == nil)

        let other = WireError.insecure(endpoint: "tcp://192.0.2.1:5757")
        file.endpoints.append("tcp://192.0.2.1:5757")
        #expect(throws: other) { try Dialer(file) }
        #expect(throws: WireError.insecure(endpoint: "tcp://0.0.0.0:*")) {
            try Listener(endpoint: "tcp://0.0.0.0:*", keys: server, admitted: [:], isInsecure: true)
        }
        #expect("\(other)".contains("start it without --insecure"))
    }

    @Test("A secure coordinator takes nobody without keys, a secure peer talks to none without")
    func downgrade() throws {
        var file = try access()
        file.isInsecure = true
        #expect(try exchange(try Dialer(file), seconds: 0.5) == nil)
        let open = try Listener(
            endpoint: "tcp://127.0.0.1:*", keys: server, admitted: [:], isInsecure: true)
        file = try access()
        file.endpoints = [try open.endpoint()]
        #expect(try exchange(try Dialer(file), seconds: 0.5) == nil)
        #expect(try open.receive() == nil)
    }

    @Test("A request without an answer ends with the cure in words")
    func noAnswer() throws {
        let dialer = try Dialer(try access())
        let error = #expect(throws: WireError.self) {
            try dialer.request(.askStatus, timeout: .milliseconds(200))
        }
        #expect("\(try #require(error))".contains("is it running"))
    }
}

@Suite("Access files")
struct AccessFileTests {
    private let path = NSTemporaryDirectory() + "moderato-\(UUID().uuidString).access"

    private func file() throws -> AccessFile {
        AccessFile(
            endpoints: ["tcp://127.0.0.1:5757"], serverKey: try KeyPair.generate().publicKey,
            role: .worker, keys: try KeyPair.generate())
    }

    @Test("Written for the owner alone, and read back")
    func roundTrip() throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        let file = try file()
        try file.write(to: path)
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions]
        #expect(mode as? Int == 0o600)
        #expect(try AccessFile(reading: path) == file)
    }

    @Test("Several endpoints, and files that ask for no keys, are read; a missing mark means keys")
    func variants() throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        var file = try file()
        file.isInsecure = true
        file.endpoints.append("tcp://[::1]:1")
        try file.write(to: path)
        #expect(try AccessFile(reading: path) == file)
        file.isInsecure = false
        file.endpoints.removeLast()
        let unmarked = """
            {"endpoints": ["\(file.endpoints[0])"], "role": "worker",
            "serverKey": "\(file.serverKey)",
            "keys": {"publicKey": "\(file.keys.publicKey)", "secretKey": "\(file.keys.secretKey)"}}
            """
        try Data(unmarked.utf8).write(to: URL(fileURLWithPath: path))
        chmod(path, 0o600)
        #expect(try AccessFile(reading: path) == file)
    }

    @Test("Refused when others can read it")
    func readableByOthers() throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        try file().write(to: path)
        chmod(path, 0o644)
        let error = #expect(throws: WireError.self) { try AccessFile(reading: path) }
        #expect("\(try #require(error))".contains("chmod 600"))
    }

    @Test("A file that is none, or not there, is an error that names it")
    func broken() throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        let missing = #expect(throws: WireError.self) { try AccessFile(reading: path) }
        #expect("\(try #require(missing))".contains(path))
        try PrivateFile.write(["a": 1], to: path)
        #expect(throws: WireError.self) { try AccessFile(reading: path) }
        for key in ["", "abc", String(repeating: " ", count: 40)] {
            var file = try file()
            file.keys.secretKey = key
            try file.write(to: path)
            let damaged = #expect(throws: WireError.self) { try AccessFile(reading: path) }
            #expect("\(try #require(damaged))".contains("copy it again"))
        }
    }
}
