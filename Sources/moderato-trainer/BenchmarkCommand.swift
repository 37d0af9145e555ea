import ArgumentParser
import Foundation
import SweepCore
import SweepTraining

/// Training steps per second of LoRA on clean sentences, and Swift's share of their time.
struct BenchmarkCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "benchmark", abstract: "Measure the training of LoRA on sentences, as JSON.",
        discussion: """
            Prints training steps per second, and the share of their time that is Swift's and not
            libtorch's.
            """)

    @Option(help: ArgumentHelp("In Hugging Face layout.", valueName: "folder"))
    var model: String

    @Option(help: ArgumentHelp("Sentences, as sweep files name them.", valueName: "file"))
    var train: String

    @Option(help: ArgumentHelp("Training steps to time. Default: 100.", valueName: "count"))
    var steps: Count?

    @Option(help: ArgumentHelp("Default: none.", valueName: "size"))
    var bottleneck: Count?

    @OptionGroup var compute: ComputeOptions

    func run() {
        let steps = steps?.value ?? 100
        do {
            let speed = try TrainingSpeed(
                of: try spec(), threads: compute.threadCount, steps: steps, device: compute.device)
            print(
                #"{"steps_per_second": \#(String(format: "%.3f", speed.stepsPerSecond)), "#
                    + #""swift_share": \#(String(format: "%.4f", speed.swiftShare)), "#
                    + #""steps": \#(steps), "threads": \#(compute.threadCount)}"#)
        } catch {
            fail("\(error)", status: 1)
        }
    }

    /// Nothing compares the model's digest with the content of its files, so it is of the path.
    private func spec() throws -> TrainingSpec {
        let file = FileReference(
            path: train, digest: Digest(of: try Data(contentsOf: URL(fileURLWithPath: train))))
        return TrainingSpec(
            backbone: BackboneReference(path: model, digest: Digest(ofText: model)),
            data: TaskData(train: .sentences(file), test: .sentences(file), labels: 2),
            capacity: Capacity(
                pet: .lora(LoRA()), bottleneck: bottleneck.map { Bottleneck(size: $0.value) }),
            attack: .none, poisonRatio: 0, epochs: 10, learningRate: 3e-4, seed: 1,
            settings: TrainingSettings())
    }
}
