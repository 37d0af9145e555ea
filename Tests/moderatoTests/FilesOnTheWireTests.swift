import Foundation
import SweepCore
import Testing

/// Workers that have no folder in common with whoever submitted the sweep.
@Suite("Models and data come over the wire")
struct FilesOnTheWireTests {
    private static let grid = """
          capacity: lora
          epochs: [1]
          learning-rate: [0.001, 0.003]
          attack: word
          poison-ratio: 0.2
        """

    /// A sweep with a model of its own.
    private func submit(on stage: Stage, isLong: Bool = false) throws {
        let file = try stage.writeSmallSweep(grid: Self.grid, isLong: isLong)
        let model = stage.path("model")
        try FileManager.default.copyItem(
            atPath: Stage.checkout.appendingPathComponent(".moderato/models/all-MiniLM-L6-v2")
                .path, toPath: model)
        let text = try String(contentsOfFile: file, encoding: .utf8)
        let moved = text.split(separator: "\n").map {
            $0.hasPrefix("model:") ? "model: \(model)" : String($0)
        }.joined(separator: "\n")
        try moved.write(toFile: file, atomically: true, encoding: .utf8)
        let submitted = try stage.run(["submit", file, "--home", stage.home])
        #expect(submitted.status == 0, "\(submitted.errors)")
    }

    /// A sweep whose files only the coordinator has once it is submitted.
    private func submitAndHideFiles(on stage: Stage) throws -> TrainingSpec {
        try submit(on: stage)
        for name in ["model", "train.tsv", "test.tsv"] {
            try FileManager.default.removeItem(atPath: stage.path(name))
        }
        return try #require(try stage.results().first).spec
    }

    private func worker(_ name: String, on stage: Stage, cache: String) throws -> Process {
        try stage.startWorker(
            name,
            [
                "--threads", "1", "--cache", stage.path(cache),
                "--artifacts", stage.path("\(name)-artifacts"),
            ])
    }

    private func entries(_ folder: String) -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: folder))?.sorted() ?? []
    }

    @Test("Two workers with the programs and an access file alone train a sweep, sharing a cache")
    func nothingInCommon() async throws {
        let stage = try Stage()
        _ = try await stage.startCoordinator()
        let spec = try submitAndHideFiles(on: stage)
        _ = try worker("one", on: stage, cache: "cache")
        _ = try worker("two", on: stage, cache: "cache")
        try await stage.waitUntilOver("small")
        for outcome in try stage.results() {
            #expect(outcome.metrics != nil, "\(stage.text(of: "one"))\(stage.text(of: "two"))")
        }
        let cache = stage.path("cache")
        let names = Set(entries(cache).filter { !$0.hasSuffix(".lock") })
        #expect(names == Set(([spec.backbone.digest] + spec.files.map(\.digest)).map(\.hex)))
        #expect(entries("\(cache)/\(spec.backbone.digest.hex)").contains("model.safetensors"))
    }

    @Test("A worker that is killed while it fetches a model goes on behind what it has")
    func resumed() async throws {
        let stage = try Stage()
        _ = try await stage.startCoordinator(Stage.shortLease)
        let spec = try submitAndHideFiles(on: stage)
        let first = try worker("first", on: stage, cache: "cache")
        func part() -> (name: String, size: Int)? {
            for name in entries(stage.path("cache")) where name.hasSuffix(".part") {
                let path = stage.path("cache/\(name)")
                let attributes = try? FileManager.default.attributesOfItem(atPath: path)
                if let size = attributes?[.size] as? Int, size > 5_000_000 { return (name, size) }
            }
            return nil
        }
        // A fast machine may have all of it between two looks.
        try await stage.wait(for: "some megabytes of the model", log: "first") {
            part() != nil || entries(stage.path("cache")).contains(spec.backbone.digest.hex)
        }
        kill(first.processIdentifier, SIGKILL)
        first.waitUntilExit()
        let before = part()?.size ?? 0
        _ = try worker("second", on: stage, cache: "cache")
        try await stage.waitUntilOver("small")
        #expect(try stage.results().allSatisfy { $0.metrics != nil })
        #expect(before > 0 || entries(stage.path("cache")).contains(spec.backbone.digest.hex))
    }

    @Test("A damaged file of the cache is fetched anew, and what is not used makes room")
    func damagedAndBounded() async throws {
        let stage = try Stage()
        _ = try await stage.startCoordinator()
        let spec = try submitAndHideFiles(on: stage)
        let cache = stage.path("cache")
        try FileManager.default.createDirectory(
            atPath: cache, withIntermediateDirectories: true)
        let damaged = "\(cache)/\(spec.files[0].digest.hex)"
        try "not this".write(toFile: damaged, atomically: true, encoding: .utf8)
        let old = "\(cache)/\(Digest(ofText: "old").hex)"
        try Data(count: 1_000_000).write(to: URL(fileURLWithPath: old))
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSince1970: 1_000_000)], ofItemAtPath: old)
        _ = try stage.startWorker(
            "worker",
            ["--threads", "1", "--cache", cache, "--cache-limit", "0", "--artifacts", cache + "-a"])
        try await stage.waitUntilOver("small")
        #expect(try stage.results().allSatisfy { $0.metrics != nil }, "\(stage.text(of: "worker"))")
        #expect(!FileManager.default.fileExists(atPath: old))
        #expect(try String(contentsOfFile: damaged, encoding: .utf8) != "not this")
    }

    @Test("A model that changes while it is in use is not read again as it is, but fetched")
    func changedInPlace() async throws {
        let stage = try Stage()
        _ = try await stage.startCoordinator()
        try submit(on: stage, isLong: true)
        let process = try worker("worker", on: stage, cache: "cache")
        try await stage.wait(for: "the first run", log: "worker") {
            stage.text(of: "worker").contains("slot 0: run")
        }
        // Still a model's file, but another one.
        let configuration = stage.path("model/config.json")
        try (String(contentsOfFile: configuration, encoding: .utf8) + "\n").write(
            toFile: configuration, atomically: true, encoding: .utf8)
        try await stage.waitUntilOver("small")
        #expect(try stage.results().allSatisfy { $0.metrics != nil }, "\(stage.text(of: "worker"))")
        #expect(try stage.attempts().count == 2)
        #expect(stage.text(of: "worker").contains("has changed since this worker read it"))
        let model = try #require(try stage.results().first).spec.backbone.digest.hex
        #expect(entries(stage.path("cache")).contains(model))
        #expect(process.isRunning)
    }

    @Test("What no coordinator has makes runs fail, and pauses their sweep with what to do")
    func gone() async throws {
        let stage = try Stage()
        _ = try await stage.startCoordinator()
        let spec = try submitAndHideFiles(on: stage)
        let artifact = "\(stage.home)/artifacts/\(spec.files[0].digest.hex)"
        try FileManager.default.removeItem(atPath: artifact)
        _ = try worker("worker", on: stage, cache: "cache")
        try await stage.wait(for: "the pause") {
            try stage.snapshot().sweeps.first?.condition.reason != nil
        }
        let reason = try stage.snapshot().sweeps.first?.condition.reason
        #expect(reason?.contains("submit the sweep again") == true, "\(reason ?? "")")
        let attempts = try stage.attempts()
        #expect(attempts.count <= 3 && attempts.allSatisfy { $0.outcome == "failed" })
    }
}
