import Foundation
import SweepTraining

/// Makes a small pretrained model of images, and tells how it goes.
struct Pretrain {
    static let options: Set = [
        "--data", "--train", "--test", "--output", "--features", "--classifier", "--image-size",
        "--pool", "--labels", "--epochs", "--learning-rate", "--batch-size", "--dropout", "--seed",
        "--threads", "--device",
    ]

    private let options: [String: String]

    init(_ options: [String: String]) { self.options = options }

    func run() {
        let output = needed(options, "--output")
        do {
            let files = try self.files()
            let pretraining = try Pretraining(
                train: files.train, test: files.test, modelOptions(),
                threads: count(options, "--threads", or: cores), device: device(options))
            show(
                "\(pretraining.trainingImages) training images, \(pretraining.testImages) test "
                    + "images")
            let epochs = modelOptions().epochs
            var start = ContinuousClock.now
            try pretraining.run(output: output) { progress in
                let seconds = (ContinuousClock.now - start) / .seconds(1)
                start = .now
                show(
                    String(
                        format: "epoch %d of %d: loss %.4f, accuracy %.2f %%, %.0f s",
                        progress.epoch, epochs, progress.loss, 100 * progress.accuracy, seconds))
            }
            show("\(output): config.json, model.safetensors")
        } catch {
            fail("\(error)", status: 1)
        }
    }

    private func files() throws(TrainingError) -> (train: [String], test: [String]) {
        if let folder = options["--data"] {
            guard options["--train"] == nil, options["--test"] == nil else {
                fail("--data names all files; leave --train and --test out, or --data")
            }
            return try Pretraining.files(in: folder)
        }
        return (paths("--train"), paths("--test"))
    }

    private func paths(_ name: String) -> [String] {
        needed(options, name).split(separator: ",").map(String.init)
    }

    private func modelOptions() -> Pretraining.Options {
        var made = Pretraining.Options()
        if let features = options["--features"] {
            made.features = features.split(separator: ",").map {
                $0 == "M" ? 0 : width($0, "--features", "widths and M, such as 32,M,64,M")
            }
        }
        if let classifier = options["--classifier"] {
            made.classifier = classifier.split(separator: ",").map {
                width($0, "--classifier", "widths, such as 128")
            }
        }
        made.imageSize = options["--image-size"].map { _ in count(options, "--image-size", or: 1) }
        made.pool = options["--pool"].map { _ in count(options, "--pool", or: 1) }
        made.labels = count(options, "--labels", or: made.labels)
        made.epochs = count(options, "--epochs", or: made.epochs)
        made.batchSize = count(options, "--batch-size", or: made.batchSize)
        made.learningRate = number("--learning-rate", or: made.learningRate)
        made.dropout = number("--dropout", or: made.dropout)
        if let text = options["--seed"] {
            guard let seed = UInt64(text) else { fail("--seed \(text): a whole number, 0 or more") }
            made.seed = seed
        }
        return made
    }

    private func width(_ text: Substring, _ name: String, _ wanted: String) -> Int {
        guard let width = Int(text), width >= 1 else { fail("\(name) \(text): \(wanted)") }
        return width
    }

    private func number(_ name: String, or other: Double) -> Double {
        guard let text = options[name] else { return other }
        guard let number = Double(text) else { fail("\(name) \(text): a number") }
        return number
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
