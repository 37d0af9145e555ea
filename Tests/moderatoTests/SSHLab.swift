import Foundation
import Testing

/// sshd on free ports of loopback, with keys of its own; they end with the stage.
final class SSHLab {
    private let daemons: [Process]
    let ports: [Int]
    /// For `--ssh-option`.
    let options: [String]

    fileprivate init(daemons: [Process], ports: [Int], options: [String]) {
        self.daemons = daemons
        self.ports = ports
        self.options = options
    }

    deinit { for daemon in daemons where daemon.isRunning { daemon.terminate() } }

    /// Runs a program until standard input ends or it is terminated. sshd closes all files that it
    /// was started with, among them the one by which Foundation notices the end of a process; and
    /// threads of a test have signals blocked, which it would inherit. Killed, it takes sshd along.
    fileprivate static let keeper = """
        sigprocmask(SIG_SETMASK, POSIX::SigSet->new()); my $daemon = fork();
        if (!$daemon) {
            open(STDIN, "<", "/dev/null");
            exec("setpriv", "--pdeathsig", "TERM", @ARGV) or exit(127);
        }
        $SIG{TERM} = sub { kill("TERM", $daemon); exit(0) };
        while (sysread(STDIN, my $byte, 1)) {} kill("TERM", $daemon);
        """

    /// All processes that came in through ssh.
    func guests() -> [pid_t] {
        daemons.flatMap { Self.descendants(of: $0.processIdentifier) }.filter {
            Self.words(of: $0).first?.contains("[listener]") == false
        }
    }

    /// The workers among them that go by a name beginning so.
    func workers(named name: String) -> [pid_t] {
        guests().filter { pid in
            let words = Self.words(of: pid)
            guard words.first?.hasSuffix("/bin/moderato") == true,
                let place = words.firstIndex(of: "--name")
            else { return false }
            return words[place + 1].hasPrefix(name)
        }
    }

    static func words(of pid: pid_t) -> [String] {
        let line = FileManager.default.contents(atPath: "/proc/\(pid)/cmdline") ?? Data()
        return line.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
    }

    static func descendants(of pid: pid_t) -> [pid_t] {
        let path = "/proc/\(pid)/task/\(pid)/children"
        let children =
            (try? String(contentsOfFile: path, encoding: .utf8))?
            .split(separator: " ").compactMap { pid_t($0) } ?? []
        return children + children.flatMap(descendants)
    }
}

extension Stage {
    /// Cancels the test where there is no sshd.
    ///
    /// - Parameter tools: a folder whose programs hide others of their name from who comes in.
    func makeSSH(daemons count: Int, tools: String? = nil) async throws -> SSHLab {
        let program = ["/usr/sbin/sshd", "/usr/local/sbin/sshd"].first {
            FileManager.default.isExecutableFile(atPath: $0)
        }
        guard let program, try launch(["sh", "-c", "command -v ssh"], log: "ssh").isThere() else {
            try Test.cancel("ssh: sshd is not installed (openssh-server)")
        }
        if geteuid() == 0 {
            // Where the daemon locks itself in; the system's start-up makes it otherwise.
            try FileManager.default.createDirectory(
                atPath: "/run/sshd", withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o755])
        }
        for key in ["host-key", "user-key"] {
            let maker = try launch(
                ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path(key)], log: key)
            maker.waitUntilExit()
            try #require(maker.terminationStatus == 0, "\(text(of: key))")
        }
        let ports = try (0..<count).map { _ in try freePort() }
        let hostKey = try String(contentsOfFile: path("host-key.pub"), encoding: .utf8)
        try write(ports.map { "[127.0.0.1]:\($0) \(hostKey)" }.joined(), to: "known-hosts")
        let programs = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        let environment = tools.map { ["-o", "SetEnv=PATH=\($0):\(programs)"] } ?? []
        let daemons = try ports.map { port in
            try launch(
                [
                    "perl", "-MPOSIX", "-e", SSHLab.keeper, program, "-D", "-e", "-f", "/dev/null",
                    "-p", "\(port)", "-h", path("host-key"),
                    "-o", "ListenAddress=127.0.0.1", "-o", "PidFile=none", "-o", "UsePAM=no",
                    "-o", "StrictModes=no", "-o", "PasswordAuthentication=no",
                    "-o", "PermitRootLogin=yes",
                    "-o", "AuthorizedKeysFile=\(path("user-key.pub"))",
                ] + environment, log: "sshd-\(port)")
        }
        for port in ports {
            try await wait(for: "sshd", log: "sshd-\(port)") {
                self.text(of: "sshd-\(port)").contains("Server listening")
            }
        }
        return SSHLab(
            daemons: daemons, ports: ports,
            options: [
                "IdentityFile=\(path("user-key"))", "IdentitiesOnly=yes",
                "UserKnownHostsFile=\(path("known-hosts"))", "GlobalKnownHostsFile=/dev/null",
            ])
    }

    /// A port that nobody listens on.
    func freePort() throws -> Int {
        let file = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(file) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(file, $0, size) == 0 && getsockname(file, $0, &size) == 0
            }
        }
        try #require(isBound)
        return Int(UInt16(bigEndian: address.sin_port))
    }
}

extension Process {
    /// Whether it ends well.
    fileprivate func isThere() -> Bool {
        waitUntilExit()
        return terminationStatus == 0
    }
}
