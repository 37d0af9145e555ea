import Foundation
import Testing

/// Two network namespaces with a cable between them that can be cut. They are gone with the
/// processes that hold them, and those end with the stage.
struct Network {
    static let address = "10.77.0.1"

    /// What a program is started with to live on this or the other side.
    let near: [String]
    let far: [String]

    func cut() throws { try link(false) }
    func heal() throws { try link(true) }

    private func link(_ isUp: Bool) throws {
        try Self.call(far + [Self.ip, "link", "set", "cable", isUp ? "up" : "down"])
    }

    fileprivate static let ip =
        ["/usr/sbin/ip", "/sbin/ip", "/usr/bin/ip"].first {
            FileManager.default.isExecutableFile(atPath: $0)
        } ?? ""

    fileprivate init(near: pid_t, far: pid_t) throws {
        self.near = ["nsenter", "--net=/proc/\(near)/ns/net"]
        self.far = ["nsenter", "--net=/proc/\(far)/ns/net"]
        let cable = ["link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns"]
        try Self.call(self.near + [Self.ip] + cable + ["\(far)"])
        for (side, address) in [(self.near, Self.address), (self.far, "10.77.0.2")] {
            try Self.call(side + [Self.ip, "address", "add", "\(address)/24", "dev", "cable"])
            try Self.call(side + [Self.ip, "link", "set", "lo", "up"])
            try Self.call(side + [Self.ip, "link", "set", "cable", "up"])
        }
    }

    private static func call(_ command: [String]) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = command
        process.standardInput = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "\(command.joined(separator: " "))")
    }
}

/// A file system in memory that can be filled.
final class SmallDisk {
    private let folder: String

    /// `nil` where mounting is not permitted.
    fileprivate init?(on folder: String, megabytes: Int) {
        guard mount("moderato", folder, "tmpfs", 0, "size=\(megabytes)m,mode=700") == 0
        else { return nil }
        self.folder = folder
    }

    deinit { umount2(folder, Int32(MNT_DETACH)) }

    private var ballast: String { folder + "/ballast" }

    /// Writes until nothing more fits.
    func fill() {
        let file = open(ballast, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        defer { close(file) }
        var piece = [UInt8](repeating: 0, count: 1 << 20)
        while !piece.isEmpty {
            if write(file, piece, piece.count) <= 0 { piece.removeLast((piece.count + 1) / 2) }
        }
    }

    func free() { unlink(ballast) }
}

/// What a test needs and this machine does not have.
struct Lack: Error {
    let words: String
}

extension Stage {
    /// Cancels the test where it is not permitted.
    func makeNetwork() async throws -> Network {
        switch try await findNetwork() {
        case .success(let network): return network
        case .failure(let lack): try Test.cancel("\(lack.words)")
        }
    }

    func findNetwork() async throws -> Result<Network, Lack> {
        guard geteuid() == 0, !Network.ip.isEmpty else {
            return .failure(Lack(words: "network cuts need root and the program ip (iproute2)"))
        }
        let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/ns/net")
        let holders = try ["near", "far"].map {
            try launch(["unshare", "--net", "cat"], log: "network-\($0)")
        }
        func isApart(_ holder: Process) -> Bool {
            let link = "/proc/\(holder.processIdentifier)/ns/net"
            let space = try? FileManager.default.destinationOfSymbolicLink(atPath: link)
            return space != nil && space != own
        }
        try await wait(for: "network namespaces", log: "network-near") {
            holders.allSatisfy { isApart($0) || !$0.isRunning }
        }
        guard holders.allSatisfy(\.isRunning) else {
            return .failure(
                Lack(words: "network cuts: network namespaces are not permitted here"))
        }
        return .success(
            try Network(near: holders[0].processIdentifier, far: holders[1].processIdentifier))
    }

    /// Puts the home, which must not be there yet, on a disk of its own; cancels the test where
    /// that is not permitted.
    func putHomeOnSmallDisk(megabytes: Int) throws -> SmallDisk {
        switch try findSmallDisk(megabytes: megabytes) {
        case .success(let disk): return disk
        case .failure(let lack): try Test.cancel("\(lack.words)")
        }
    }

    func findSmallDisk(megabytes: Int) throws -> Result<SmallDisk, Lack> {
        try FileManager.default.createDirectory(
            atPath: home, withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700])
        guard let disk = SmallDisk(on: home, megabytes: megabytes) else {
            return .failure(Lack(words: "full disks: mounting is not permitted here"))
        }
        smallDisk = disk
        return .success(disk)
    }

    /// The trainers under a worker.
    func trainers(of worker: Process) -> [pid_t] {
        let pid = worker.processIdentifier
        let path = "/proc/\(pid)/task/\(pid)/children"
        return (try? String(contentsOfFile: path, encoding: .utf8))?
            .split(separator: " ").compactMap { pid_t($0) } ?? []
    }
}
