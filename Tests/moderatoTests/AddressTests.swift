import Foundation
import SweepCore
import Testing

@Suite("Addresses and places")
struct AddressTests {
    private static let grid = """
          capacity: lora
          epochs: [1, 2]
          learning-rate: 1e-3
          attack: word
          poison-ratio: 0.1
          seed: [1, 2]
        """

    @Test(
        "A sweep goes by IPv6 as by IPv4, by addresses and names",
        arguments: [
            ["--listen", "[::1]:0"], ["--listen", "[::]:0", "--advertise", "::1"],
            ["--listen", "[::]:0", "--advertise", "localhost"],
            ["--listen", "localhost:0"], ["--listen", "0.0.0.0:0", "--advertise", "127.0.0.1"],
        ])
    func sweep(listen: [String]) async throws {
        let stage = try Stage()
        let file = try stage.writeSmallSweep(grid: Self.grid)
        _ = try await stage.startCoordinator(listen)
        _ = try stage.startWorker("a", ["--fake-trainer", "seconds=0.01"])
        let ended = try stage.run(
            ["submit", "--fake", file, "--leave-files", "--wait", "--home", stage.home])
        #expect(ended.status == 0, "\(ended) \(stage.text(of: "coordinator"))")
        #expect(try stage.run(["status", "--home", stage.home]).output.contains("4/4 points"))
    }

    @Test("An address that can't be listened on is told in words, with the cure")
    func wrongListen() async throws {
        let stage = try Stage()
        func message(_ listen: String) throws -> String {
            let home = stage.path("other")
            let ended = try stage.run(["coordinator", "--home", home, "--listen", listen])
            #expect(ended.status == 69 || ended.status == 64)
            return ended.errors
        }
        _ = try await stage.startCoordinator(["--listen", "127.0.0.1:0"])
        let log = stage.text(of: "coordinator")
        let bound = try #require(log.firstMatch(of: /listening on tcp:\/\/([^,]+),/)?.1)
        #expect(try message(String(bound)).contains("another program uses this address"))
        #expect(try message("192.0.2.7:0").contains("this machine has no such address"))
        #expect(try message("[2001:db8::7]:0").contains("this machine has no such address"))
        #expect(try message("no-such-machine.invalid:0").contains("can't be resolved"))
        #expect(try message("::1:5757").contains("stands in brackets"))
        #expect(try message("5757").contains("such as 0.0.0.0:5757"))
    }

    @Test("A coordinator whose name nobody knows is told at once, not after ten seconds")
    func unknownName() async throws {
        let stage = try Stage()
        _ = try await stage.startCoordinator(["--advertise", "no-such-machine.invalid"])
        let began = Date()
        let ended = try stage.run(
            ["status", "--access", stage.home + "/client.access"])
        #expect(ended.status == 69)
        #expect(ended.errors.contains("'no-such-machine.invalid' can't be resolved"))
        #expect(Date().timeIntervalSince(began) < 8)
    }

    @Test("$HOME says where the home is, not the system's list of users")
    func homeFolder() async throws {
        let stage = try Stage()
        let ended = try stage.run(
            ["results"], in: ["env", "-u", "MODERATO_HOME", "HOME=" + stage.path("me")])
        #expect(ended.errors.contains(stage.path("me") + "/.moderato"), "\(ended.errors)")
    }

    @Test("The page is checked before training; links are followed, devices written to")
    func page() throws {
        let stage = try Stage()
        let file = try stage.writeSmallSweep(grid: Self.grid)
        let words = ["run", file, "--home", stage.home, "--fake-trainer", "seconds=0.01"]
        let missing = try stage.run(words + ["--html", stage.path("nowhere/page.html")])
        #expect(missing.status == 69 && missing.errors.contains("make it first"), "\(missing)")
        #expect(!FileManager.default.fileExists(atPath: stage.home + "/store.sqlite"))
        try stage.write("old", to: "target.html")
        try FileManager.default.createSymbolicLink(
            atPath: stage.path("link.html"), withDestinationPath: "target.html")
        #expect(try stage.run(words + ["--html", stage.path("link.html")]).status == 0)
        let target = try FileManager.default.destinationOfSymbolicLink(
            atPath: stage.path("link.html"))
        #expect(target == "target.html")
        let page = try String(contentsOfFile: stage.path("target.html"), encoding: .utf8)
        #expect(page.contains("<html"))
        #expect(try stage.run(words + ["--html", "/dev/null"]).status == 0)
        let full = try stage.run(words + ["--html", "/dev/full"])
        #expect(full.status == 69 && full.output.contains("CACC %"), "\(full)")
        #expect(full.errors.contains("/dev/full: can't be written"))
    }

    @Test("Sweeps of names that files can't have get a page of their own each")
    func names() throws {
        let stage = try Stage()
        let long = String(repeating: "很", count: 100)
        for (index, name) in ["lr 1e-3", "lr/1e-3", "lr-1e-3", long].enumerated() {
            let file = try stage.writeSmallSweep(
                name: "'\(name)'", file: "sweep\(index)", grid: Self.grid)
            let ended = try stage.run(
                ["run", file, "--home", stage.home, "--fake-trainer", "seconds=0.01"])
            #expect(ended.status == 0 && ended.output.contains("CACC %"), "\(ended)")
        }
        let pages = try FileManager.default.contentsOfDirectory(atPath: stage.home)
            .filter { $0.hasSuffix(".html") }
        #expect(pages.count == 4 && pages.contains("lr-1e-3.html"), "\(pages)")
    }

    /// Whether this account can give a process names of its own.
    private static func canBindNames() throws -> Bool {
        let inside = ["unshare", "--mount", "mount", "--bind", "/etc/hosts", "/etc/hosts"]
        return try Stage().call(inside).status == 0
    }

    @Test(
        "A name of both families is dialled by the one at which the coordinator is",
        .enabled(
            if: try canBindNames(), "this account can't give a process names of its own"),
        arguments: ["127.0.0.1:0", "[::1]:0"])
    func bothFamilies(listen: String) async throws {
        let stage = try Stage()
        let hosts = try stage.write("127.0.0.1 localhost both.test\n::1 both.test\n", to: "hosts")
        let inside = [
            "unshare", "--mount", "sh", "-c",
            "mount --bind '\(hosts)' /etc/hosts && exec \"$0\" \"$@\"",
        ]
        let file = try stage.writeSmallSweep(grid: Self.grid)
        _ = try await stage.startCoordinator(
            ["--listen", listen, "--advertise", "both.test"], in: inside)
        #expect(stage.text(of: "coordinator").contains("both.test"))
        _ = try stage.startWorker("a", ["--fake-trainer", "seconds=0.01"], in: inside)
        let access = ["--access", stage.home + "/client.access"]
        let ended = try stage.run(
            ["submit", "--fake", file, "--leave-files", "--wait"] + access, in: inside)
        #expect(ended.status == 0, "\(ended) \(stage.text(of: "a"))")
        #expect(try stage.run(["status"] + access, in: inside).output.contains("4/4 points"))
    }

    @Test("Metrics are served by IPv6 and IPv4", arguments: ["127.0.0.1", "::1"])
    func metrics(address: String) async throws {
        let stage = try Stage()
        _ = try await stage.startCoordinator()
        _ = try stage.start(
            "moderato", ["cluster", "metrics", "--port", "0", "--home", stage.home],
            log: "metrics")
        try await stage.wait(for: "metrics", log: "metrics") {
            stage.text(of: "metrics").contains("on port ")
        }
        let port = try #require(
            Int(stage.text(of: "metrics").split(whereSeparator: \.isWhitespace).last ?? ""))
        let ask =
            "exec 3<>/dev/tcp/\(address)/\(port); printf 'GET / HTTP/1.1\\r\\n\\r\\n' >&3; cat <&3"
        let asked = try stage.launch(["bash", "-c", ask], log: "answer")
        asked.waitUntilExit()
        let answer = stage.text(of: "answer")
        #expect(answer.contains("200 OK") && answer.contains("moderato_workers 0"), "\(answer)")
    }
}
