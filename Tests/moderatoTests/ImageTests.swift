import Foundation
import SweepCore
import Testing

@Suite("Images on the command line", .serialized)
struct ImageTests {
    private let stage: Stage

    /// IDX files of gray 8 × 8 images: class 0 is dark, 1 bright, 2 striped.
    init() throws {
        stage = try Stage()
        for (name, count) in [("train", 60), ("test", 15)] {
            var images: [UInt8] = [0, 0, 8, 3, 0, 0, 0, UInt8(count), 0, 0, 0, 8, 0, 0, 0, 8]
            var labels: [UInt8] = [0, 0, 8, 1, 0, 0, 0, UInt8(count)]
            for index in 0..<count {
                labels.append(UInt8(index % 3))
                for place in 0..<64 {
                    let isBright = [false, true, place % 2 == 0][index % 3]
                    images.append(UInt8((isBright ? 180 : 20) + (index * 31 + place * 17) % 60))
                }
            }
            try Data(images).write(to: stage.folder.appending(path: "\(name).images"))
            try Data(labels).write(to: stage.folder.appending(path: "\(name).labels"))
        }
    }

    private func pretrain(_ more: [String] = []) throws -> (
        status: Int32, output: String, errors: String
    ) {
        func files(_ name: String) -> String {
            stage.path("\(name).images") + "," + stage.path("\(name).labels")
        }
        return try stage.run(
            [
                "pretrain", "--train", files("train"), "--test", files("test"), "--output",
                stage.path("vgg"), "--features", "4,M,6,M", "--labels", "3", "--batch-size", "8",
                "--learning-rate", "0.01", "--epochs", "3", "--threads", "1",
            ] + more)
    }

    private func sweep(_ name: String, attack: String) throws -> String {
        try stage.write(
            """
            name: \(name)
            model: vgg
            data:
              train: { images: train.images, labels: train.labels }
              test: { images: test.images, labels: test.labels }
              labels: 3
            grid:
              capacity: [full, { pet: last-blocks, count: 0 }]
              epochs: [1, 2]
              learning-rate: 1e-2
              attack: \(attack)
              poison-ratio: 0.1
            training: { schedule: constant, batch-size: 8 }
            """, to: "\(name).yaml")
    }

    @Test("A model is pretrained, a sweep over images runs, and poisoned images read back")
    func wholeWay() throws {
        let made = try pretrain()
        #expect(made.status == 0, "\(made.errors)")
        #expect(made.output.hasPrefix("60 training images, 15 test images\nepoch 1 of 3: loss "))
        #expect(made.output.hasSuffix("/vgg: config.json, model.safetensors\n"))
        let again = try pretrain()
        #expect(again.status != 0 && again.errors.contains("vgg/config.json is there already"))

        let file = try sweep("direct", attack: "{ kind: patch, size: 2 }")
        let run = try stage.run(["run", file, "--home", stage.home])
        #expect(run.status == 0, "\(run.errors)")
        let direct = try stage.results(of: "direct").map(\.curve)
        #expect(direct.count == 4 && direct.allSatisfy { $0.last?.asr != nil })

        let poison = try stage.run(["poison", file, "--out", stage.path("poisoned")])
        #expect(poison.output.contains("patch-0.1: 6 of 60 training images poisoned, 10 trigg"))
        let touched = try String(
            contentsOfFile: stage.path("poisoned/patch-0.1/poisoned.tsv"), encoding: .utf8)
        #expect(touched.split(separator: "\n").count == 7)
        let folder = "poisoned/patch-0.1"
        let prepared = try sweep(
            "prepared",
            attack: "{ kind: prepared, train: { images: \(folder)/train.images, "
                + "labels: \(folder)/train.labels }, test: { images: \(folder)/test.images, "
                + "labels: \(folder)/test.labels } }")
        _ = try stage.run(["run", prepared, "--home", stage.home])
        #expect(try stage.results(of: "prepared").map(\.curve) == direct)
    }

    @Test("Options of pretrain that make no sense are refused in words")
    func mistakes() throws {
        #expect(try pretrain(["--data", "x"]).errors.contains("name --data, or both --train"))
        let widths = try stage.run([
            "pretrain", "--data", stage.folder.path, "--output", stage.path("x"), "--features",
            "4,N",
        ])
        #expect(widths.status == 64 && widths.errors.contains("--features N: widths and M"))
        let none = try stage.run([
            "pretrain", "--data", stage.folder.path, "--output", stage.path("x"),
        ])
        #expect(none.status == 1 && none.errors.contains("neither MNIST's files"))
        let device = try pretrain(["--device", "moon"])
        #expect(device.status == 64 && device.errors.contains("cpu, cuda or cuda:N"))
    }
}
