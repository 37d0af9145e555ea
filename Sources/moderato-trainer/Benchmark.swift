import Foundation
import SweepCore
import SweepTraining

/// Training steps per second of LoRA on clean sentences, and Swift's share of their time.
struct Benchmark {
    let model: String
    let train: String
    let threads: Int
    let device: Device
    let steps: Int
    let bottleneck: Int?

    func run() {
        do {
            let speed = try TrainingSpeed(
                of: try spec(), threads: threads, steps: steps, device: device)
            print(
                #"{"steps_per_second": \#(String(format: "%.3f", speed.stepsPerSecond)), "#
                    + #""swift_share": \#(String(format: "%.4f", speed.swiftShare)), "#
                    + #""steps": \#(steps), "threads": \#(threads)}"#)
        } catch {
            fail("\(error)", status: 1)
        }
    }

    private func spec() throws -> TrainingSpec {
        let names = try FileManager.default.contentsOfDirectory(atPath: model)
        var digests: [String: Digest] = [:]
        for name in BackboneReference.relevantFiles(among: names) {
            digests[name] = try digest("\(model)/\(name)")
        }
        let backbone = BackboneReference(
            path: model, digest: BackboneReference.digest(ofFiles: digests))
        let file = FileReference(path: train, digest: try digest(train))
        return TrainingSpec(
            backbone: backbone,
            data: TaskData(train: .sentences(file), test: .sentences(file), labels: 2),
            capacity: Capacity(
                pet: .lora(LoRA()), bottleneck: bottleneck.map { Bottleneck(size: $0) }),
            attack: .none, poisonRatio: 0, epochs: 10, learningRate: 3e-4, seed: 1,
            settings: TrainingSettings())
    }

    private func digest(_ path: String) throws -> Digest {
        Digest(of: try Data(contentsOf: URL(fileURLWithPath: path)))
    }
}
