import Foundation
import Testing

@Suite("systemd units")
struct SystemdTests {
    @Test("systemd-analyze verifies both units, and finds what is wrong in a broken one")
    func verify() throws {
        let stage = try Stage()
        try stage.needTool("systemd-analyze", for: "systemd units")
        let program = Stage.programs.appendingPathComponent("moderato").path
        let folder = Stage.checkout.appendingPathComponent("cluster/systemd")
        for name in ["moderato-coordinator.service", "moderato-worker.service"] {
            let text = try String(
                contentsOf: folder.appendingPathComponent(name), encoding: .utf8)
            let adapted = text.replacingOccurrences(
                of: "/opt/moderato/bin/moderato", with: program)
            #expect(adapted != text)
            let good = try stage.call(
                ["systemd-analyze", "verify", try stage.write(adapted, to: name)])
            #expect(good.status == 0, "\(good.output)")
            #expect(!good.output.contains(name), "\(good.output)")
            let broken = adapted.replacingOccurrences(of: "Restart=", with: "Restrat=")
            let bad = try stage.call(
                ["systemd-analyze", "verify", try stage.write(broken, to: "broken-\(name)")])
            #expect(bad.output.contains("Restrat"), "\(bad.output)")
        }
    }

    private func command(of name: String, replacing words: [String: String]) throws -> [String] {
        let file = Stage.checkout.appendingPathComponent(
            "cluster/systemd/moderato-\(name).service")
        let text = try String(contentsOf: file, encoding: .utf8)
            .replacingOccurrences(of: "\\\n", with: " ")
        let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("ExecStart=") })
        let replaced = words.reduce(String(line)) {
            $0.replacingOccurrences(of: $1.key, with: $1.value)
        }
        return replaced.split(separator: " ").dropFirst().map(String.init)
    }

    @Test("The commands of the units start a coordinator, and a worker that joins it")
    func commands() async throws {
        let stage = try Stage()
        let coordinator = try command(
            of: "coordinator", replacing: ["0.0.0.0:5757": "127.0.0.1:0"])
        _ = try stage.start("moderato", coordinator + ["--home", stage.home], log: "coordinator")
        try await stage.wait(for: "the coordinator") {
            stage.text(of: "coordinator").contains("ready;")
        }
        let worker = try command(
            of: "worker",
            replacing: [
                "%H": "this-host", "${RUNTIME_DIRECTORY}": stage.home,
                "${STATE_DIRECTORY}": stage.path("state"),
                "${CACHE_DIRECTORY}": stage.path("cache"),
                "$MODERATO_WORKER_OPTIONS": "--fake-trainer seconds=1",
            ])
        _ = try stage.start("moderato", worker, log: "worker")
        try await stage.wait(for: "the worker", log: "worker") {
            try stage.run(["status", "--home", stage.home]).output.contains("this-host")
        }
    }
}
