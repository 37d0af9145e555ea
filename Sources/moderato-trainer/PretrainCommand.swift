import ArgumentParser
import Foundation
import SweepTraining

/// Makes a small pretrained model of images, and tells how it goes.
struct PretrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pretrain", abstract: "Make a small pretrained model of images (a VGG).",
        discussion: "'moderato pretrain --help' says what each option does.")

    @Option(help: ArgumentHelp("Names all files.", valueName: "folder"))
    var data: String?

    @Option(help: ArgumentHelp("Instead of --data.", valueName: "file,file"))
    var train: String?

    @Option(help: ArgumentHelp("Instead of --data.", valueName: "file,file"))
    var test: String?

    @Option(help: ArgumentHelp("Folder to make.", valueName: "folder"))
    var output: String

    @Option(help: "Widths of convolutions, M for pooling, such as 32,M,64,M.")
    var features: String?

    @Option(help: "Widths of hidden fully connected layers, such as 128.")
    var classifier: String?

    @Option(help: ArgumentHelp("Side of the images.", valueName: "pixels"))
    var imageSize: Count?

    @Option(help: ArgumentHelp("Side of the last maps.", valueName: "side"))
    var pool: Count?

    @Option(help: ArgumentHelp("Number of classes.", valueName: "count"))
    var labels: Count?

    @Option(help: ArgumentHelp("Epochs to train.", valueName: "count"))
    var epochs: Count?

    @Option(help: ArgumentHelp("The first learning rate.", valueName: "rate"))
    var learningRate: Double?

    @Option(help: ArgumentHelp("Images in a step.", valueName: "count"))
    var batchSize: Count?

    @Option(help: ArgumentHelp("After each hidden fully connected layer.", valueName: "share"))
    var dropout: Double?

    @Option(help: ArgumentHelp("Of the start and the order of images.", valueName: "number"))
    var seed: UInt64?

    @OptionGroup var compute: ComputeOptions

    func validate() throws {
        guard (data == nil) != (train == nil), (train == nil) == (test == nil) else {
            throw ValidationError("name --data, or both --train and --test")
        }
        _ = try options()
    }

    func run() {
        do {
            let options = try self.options()
            let files = try self.files()
            let pretraining = try Pretraining(
                train: files.train, test: files.test, options, threads: compute.threadCount,
                device: compute.device)
            show(
                "\(pretraining.trainingImages) training images, \(pretraining.testImages) test "
                    + "images")
            var start = ContinuousClock.now
            try pretraining.run(output: output) { progress in
                let seconds = (ContinuousClock.now - start) / .seconds(1)
                start = .now
                show(
                    String(
                        format: "epoch %d of %d: loss %.4f, accuracy %.2f %%, %.0f s",
                        progress.epoch, options.epochs, progress.loss, 100 * progress.accuracy,
                        seconds))
            }
            show("\(output): config.json, model.safetensors")
        } catch {
            fail("\(error)", status: 1)
        }
    }

    private func files() throws(TrainingError) -> (train: [String], test: [String]) {
        if let data { return try Pretraining.files(in: data) }
        func paths(_ list: String?) -> [String] {
            (list ?? "").split(separator: ",").map(String.init)
        }
        return (paths(train), paths(test))
    }

    private func options() throws -> Pretraining.Options {
        var made = Pretraining.Options()
        if let features {
            made.features = try features.split(separator: ",").map {
                try $0 == "M" ? 0 : width($0, "--features", "widths and M, such as 32,M,64,M")
            }
        }
        if let classifier {
            made.classifier = try classifier.split(separator: ",").map {
                try width($0, "--classifier", "widths, such as 128")
            }
        }
        made.imageSize = imageSize?.value
        made.pool = pool?.value
        made.labels = labels?.value ?? made.labels
        made.epochs = epochs?.value ?? made.epochs
        made.batchSize = batchSize?.value ?? made.batchSize
        made.learningRate = learningRate ?? made.learningRate
        made.dropout = dropout ?? made.dropout
        made.seed = seed ?? made.seed
        return made
    }

    private func width(_ text: Substring, _ name: String, _ wanted: String) throws -> Int {
        guard let width = Int(text), width >= 1 else {
            throw ValidationError("\(name) \(text): \(wanted)")
        }
        return width
    }

    /// A line at once, also into a pipe.
    private func show(_ line: String) {
        print(line)
        guard fflush(nil) == 0 else {
            let reason = String(cString: strerror(errno))
            fail("standard output can't be written: \(reason)", status: 74)
        }
    }
}
