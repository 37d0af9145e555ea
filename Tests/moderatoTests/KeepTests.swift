import Foundation
import SweepCore
import SweepStore
import SweepWire
import Testing

@Suite("What runs leave behind", .serialized)
struct KeepTests {
    @Test("A sweep keeps hidden states and models; they are listed, projected and exported")
    func keeping() async throws {
        let stage = try Stage()
        let file = try stage.writeSmallSweep(
            grid: """
                  capacity: [lora, adapter]
                  epochs: 2
                  learning-rate: 1e-3
                  attack: word
                  poison-ratio: 0.1
                """)
        let text = try String(contentsOfFile: file, encoding: .utf8)
        try stage.write(
            text + "\nkeep: { model: yes, hidden-states: [1, 2] }\n", to: "small.yaml")
        let arguments = ["run", file, "--workers", "1", "--threads", "2", "--home", stage.home]
        let run = try stage.run(arguments)
        #expect(run.status == 0, "\(run.errors)")

        let listed = try stage.run(["artifacts", "--home", stage.home])
        #expect(listed.output.contains("run 1, epoch 2, checkpoint"), "\(listed)")
        #expect(listed.output.contains("run 2, epoch 1, hidden-states"))
        #expect(listed.output.contains("Adapter 24"))
        let paths = try stage.run(["artifacts", "--paths", "--home", stage.home]).output
            .split(separator: "\n").map(String.init)
        #expect(paths.count == 4)
        let json = try stage.run(["artifacts", "--json", "--home", stage.home]).output
        let rows = try #require(
            JSONSerialization.jsonObject(with: Data(json.utf8)) as? [[String: Any]])
        #expect(rows.count == 6)

        let charts = stage.path("charts")
        let project = try stage.run(
            ["project", "--method", "pca", "--out", charts] + paths.prefix(2))
        #expect(project.status == 0, "\(project.errors)")
        let written = try FileManager.default.contentsOfDirectory(atPath: charts)
        let names = ["run-1-epoch-1", "run-1-epoch-2"].flatMap {
            ["\($0)-pca.csv", "\($0)-pca.svg"]
        }
        #expect(written.sorted() == names.sorted())

        let model = stage.path("model")
        let lora = try #require(rows.first { $0["capacity"] as? String == "LoRA r=8" })
        let number = "\(try #require(lora["run"] as? Int))"
        let export = try stage.run(["export", number, "--out", model, "--home", stage.home])
        #expect(export.status == 0, "\(export.errors)")
        let files = try FileManager.default.contentsOfDirectory(atPath: model)
        #expect(Set(files).isSuperset(of: ["config.json", "model.safetensors", "vocab.txt"]))
        let again = try stage.run(["export", number, "--out", model, "--home", stage.home])
        #expect(again.status == 64 && again.errors.contains("not empty"))
        let unknown = try stage.run(["export", "99", "--out", model + "2", "--home", stage.home])
        #expect(unknown.status == 69 && unknown.errors.contains("left no model"))
        try await checkOverTheWire(stage, number)
    }

    /// The same from another machine, which has an access file and no home.
    private func checkOverTheWire(_ stage: Stage, _ number: String) async throws {
        _ = try await stage.startCoordinator()
        let access = ["--access", stage.home + "/client.access"]
        let listed = try stage.run(["artifacts", "--json"] + access)
        let local = try stage.run(["artifacts", "--json", "--home", stage.home])
        #expect(listed.status == 0 && listed.output == local.output, "\(listed)")
        let fetched = try stage.run(["artifacts", "--fetch", stage.path("kept")] + access)
        #expect(fetched.status == 0, "\(fetched)")
        let files = try FileManager.default.contentsOfDirectory(atPath: stage.path("kept"))
        #expect(files.count == 6 && files.contains("run-1-epoch-2-hidden-states.safetensors"))
        let export = try stage.run(["export", number, "--out", stage.path("far")] + access)
        #expect(export.status == 0, "\(export)")
        let weights = ["far", "model"].map {
            try? Data(contentsOf: URL(fileURLWithPath: stage.path("\($0)/model.safetensors")))
        }
        #expect(weights[0] != nil && weights[0] == weights[1])
        // Not what sweeps were trained on, though their digests are no secret.
        let data = try #require(stage.results().first?.spec.data.train.files.first?.digest)
        let dialer = try Dialer(AccessFile(reading: stage.home + "/client.access"))
        let answer = try dialer.request(.file(.fetch(Fetch(digest: data, offset: 0))))
        #expect(answer == .file(.missing(data)))
        for role in ["worker", "read-only"] {
            let refused = try stage.run(
                ["artifacts", "--access", stage.home + "/\(role).access"])
            #expect(refused.status == 77, "\(refused)")
        }
    }

    @Test("A model that can't be written leaves its point without a result; a retry makes both")
    func unwritable() async throws {
        let stage = try Stage()
        let file = try stage.writeSmallSweep(
            grid: """
                  capacity: lora
                  epochs: [1, 2]
                  learning-rate: 1e-3
                  attack: word
                  poison-ratio: 0.1
                """)
        let text = try String(contentsOfFile: file, encoding: .utf8)
        try stage.write(text + "\nkeep: { model: yes }\n", to: "small.yaml")
        _ = try await stage.startCoordinator()
        let folder = stage.path("artifacts")
        try stage.write("no folder", to: "artifacts")
        _ = try stage.startWorker("a", ["--threads", "2", "--artifacts", folder])
        #expect(try stage.run(["submit", file, "--home", stage.home]).status == 0)
        try await stage.waitUntilOver("small")
        let finished = try stage.results().filter { $0.metrics != nil }
        #expect(finished.compactMap(\.metrics?.epoch) == [1])

        try FileManager.default.removeItem(atPath: folder)
        let retry = try stage.run(["retry", "small", "--home", stage.home])
        #expect(retry.output.contains("small: 1 run is tried again"), "\(retry)")
        try await stage.wait(for: "the result") {
            try stage.results().allSatisfy { $0.metrics != nil }
        }
        try await stage.waitUntilOver("small")
        let listed = try stage.run(["artifacts", "--home", stage.home])
        #expect(listed.output.contains("epoch 2, checkpoint"), "\(listed)")
    }
}
