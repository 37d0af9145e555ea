import ArgumentParser
import Foundation

struct PretrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pretrain",
        abstract: "Make a small pretrained model of images (a VGG) from one set of images.",
        discussion: """
            Examples:
              moderato pretrain --data .moderato/data/fashion-mnist --output my-vgg
              moderato pretrain --train data_batch_1.bin,data_batch_2.bin --test test_batch.bin \\
                                --output my-vgg --features 64,64,M,128,128,M,256,256,M --epochs 10

            All weights are trained from a random start, with AdamW and a linear decay. The folder
            gets config.json and model.safetensors, named as in torchvision; a sweep file names it
            under 'model'.
            """)

    @Option(
        help: ArgumentHelp(
            "Folder with MNIST's four files, unpacked, or CIFAR-10's binary ones.",
            valueName: "folder"))
    var data: String?

    @Option(
        help: ArgumentHelp(
            "Instead of --data: an IDX file of images and one of labels, or files of CIFAR-10.",
            valueName: "file,file"))
    var train: String?

    @Option(help: ArgumentHelp("As --train, for measuring the accuracy.", valueName: "file,file"))
    var test: String?

    @Option(help: ArgumentHelp("Folder to make; nothing is overwritten.", valueName: "folder"))
    var output: String

    @Option(help: "Widths of 3 × 3 convolutions, M for a pooling layer.")
    var features = "16,M,32,M,64,M"

    @Option(help: "Widths of hidden fully connected layers. Default: none.")
    var classifier: String?

    @Option(help: ArgumentHelp("Side of the images. Default: the data's.", valueName: "pixels"))
    var imageSize: Int?

    @Option(help: ArgumentHelp("Side of the last maps. Default: no averaging.", valueName: "side"))
    var pool: Int?

    @Option(help: ArgumentHelp("Number of classes.", valueName: "count"))
    var labels = 10

    @Option(help: ArgumentHelp("Epochs to train.", valueName: "count"))
    var epochs = 3

    @Option(help: ArgumentHelp("The first learning rate.", valueName: "rate"))
    var learningRate = 1e-3

    @Option(help: ArgumentHelp("Images in a step.", valueName: "count"))
    var batchSize = 64

    @Option(help: ArgumentHelp("After each hidden fully connected layer.", valueName: "share"))
    var dropout = 0.1

    @Option(help: ArgumentHelp("Of the start and the order of images.", valueName: "number"))
    var seed: UInt64 = 1

    @Option(help: ArgumentHelp("Default: all cores.", valueName: "count"))
    var threads: Int?

    @Option(help: ArgumentHelp("Where to compute: cpu, cuda or cuda:N.", valueName: "device"))
    var device = "cpu"

    @Option(
        help: ArgumentHelp("The trainer's program. Default: beside this one.", valueName: "file"))
    var trainer: String?

    func validate() throws {
        guard (data == nil) != (train == nil), (train == nil) == (test == nil) else {
            throw ValidationError("name --data, or both --train and --test")
        }
    }

    func run() throws {
        var arguments = [
            "pretrain", "--output", absolute(output), "--features", features, "--labels",
            "\(labels)", "--epochs", "\(epochs)", "--learning-rate", "\(learningRate)",
            "--batch-size", "\(batchSize)", "--dropout", "\(dropout)", "--seed", "\(seed)",
            "--device", device,
        ]
        func add(_ name: String, _ value: String?) {
            if let value { arguments += [name, value] }
        }
        add("--data", data.map(absolute))
        add("--train", train.map(absolutePaths))
        add("--test", test.map(absolutePaths))
        add("--classifier", classifier)
        add("--image-size", imageSize.map(String.init))
        add("--pool", pool.map(String.init))
        add("--threads", threads.map(String.init))
        try runTrainer(trainer, arguments)
    }

    private func absolutePaths(_ list: String) -> String {
        list.split(separator: ",").map { absolute(String($0)) }.joined(separator: ",")
    }
}
