import SweepCore
import SweepFile
import Testing

@Suite("A sweep file about images")
struct ImageFileTests {
    let folder: Folder

    init() throws {
        folder = try Folder()
        try folder.addImages()
    }

    @Test("names IDX files, patches and blocks")
    func complete() throws {
        try folder.writeImages("victims", labels: [2, 2])
        let spec = try folder.read(
            """
            name: images
            model: vgg
            data:
              train: { images: train.images, labels: train.labels }
              test: { images: test.images, labels: test.labels }
              validation: { images: test.images, labels: test.labels }
              labels: 3
            grid:
              capacity:
                - full
                - { pet: last-blocks, count: 2 }
                - { pet: last-blocks, count: 0, bottleneck: 2 }
              epochs: 1
              learning-rate: 1e-3
              attack:
                - patch
                - none
                - { kind: patch, size: 2, corner: top-left, colour: '#ff8000', opacity: 0.5,
                    labels: clean, target: 2 }
                - { kind: patch, colour: black }
                - kind: prepared
                  train: { images: train.images, labels: train.labels }
                  test: { images: victims.images, labels: victims.labels }
                  target: 2
              poison-ratio: 0.1
            """)
        #expect(
            spec.grid.capacities == [
                Capacity(pet: .full), Capacity(pet: .lastBlocks(2)),
                Capacity(pet: .lastBlocks(0), bottleneck: Bottleneck(size: 2)),
            ])
        let orange = PatchAttack.Colour(red: 255, green: 128, blue: 0)
        let black = PatchAttack.Colour(red: 0, green: 0, blue: 0)
        #expect(
            Array(spec.grid.attacks.prefix(4)) == [
                .patch(PatchAttack()), .none,
                .patch(
                    PatchAttack(
                        size: 2, corner: .topLeft, colour: orange, opacity: 0.5,
                        labelMode: .clean, target: 2)),
                .patch(PatchAttack(colour: black)),
            ])
        #expect(
            spec.data.train.files.map(\.path)
                == [folder.path + "/train.images", folder.path + "/train.labels"])
        #expect(spec.data.validation == spec.data.test)
        #expect(spec.trainingSamples[spec.data.train.digest] == 20)
        guard case .prepared(let prepared) = spec.grid.attacks[4] else {
            Issue.record("the last attack is prepared")
            return
        }
        #expect(prepared.test.files.count == 2 && prepared.target == 2)
    }

    @Test("names CIFAR-10's files, and has ten labels if it does not say how many")
    func cifar() throws {
        try folder.addImages(channels: 3)
        let spec = try folder.read(
            """
            name: cifar
            model: vgg
            data: { train: { cifar10: [cifar.bin, cifar.bin] }, test: { cifar10: cifar.bin } }
            grid: { capacity: full, epochs: 1, learning-rate: 1e-3, attack: none }
            """)
        #expect(spec.data.labels == 10)
        #expect(spec.data.train.files.count == 2 && spec.data.test.files.count == 1)
        #expect(spec.trainingSamples.values.first == 4)
    }

    @Test("needs a config.json beside weights that are not those of torchvision's VGG-16")
    func withoutConfiguration() throws {
        try folder.delete("vgg/config.json")
        #expect(
            folder.message(imageSweep()).hasPrefix(
                "sweep.yaml, line 2, model: vgg is no model's folder: config.json is missing"))
    }

    @Test("A mistake is one message with the line, the key and the cure", arguments: imageMistakes)
    func mistakes(_ mistake: Mistake) {
        #expect(folder.message(imageSweep(line: mistake.line, mistake.text)) == mistake.message)
    }

    @Test("Files that do not go together, or are cut, are named")
    func files() throws {
        try folder.writeImages("test", labels: [0, 1], side: 5)
        #expect(
            folder.message(imageSweep())
                == "sweep.yaml, line 5, data.test: test.labels: the images are 1×5×5, and those of "
                + "train.images are 1×4×4; use files of one size")
        try folder.writeImages("train", labels: [0, 0, 1, 1])
        try folder.writeImages("test", labels: [1, 2])
        #expect(
            folder.message(imageSweep())
                == "sweep.yaml, line 5, data.test: test.labels: image 2 has the label 2, which no "
                + "image of train.images has; leave that class out, or train on it too")
        try folder.write(
            "train.images", bytes: [0, 0, 8, 3, 0, 0, 0, 9, 0, 0, 0, 4, 0, 0, 0, 4, 1])
        #expect(
            folder.message(imageSweep())
                == "sweep.yaml, line 4, data.train: train.images: the extents [9, 4, 4] need 144 "
                + "bytes, and the file has 1, which are too few; fetch the file again")
    }

    @Test("Images and sentences are not mixed up")
    func sentences() {
        let images = "  train: { images: train.images, labels: train.labels }"
        #expect(
            folder.message(sweep(line: 4, images))
                == "sweep.yaml, line 4, data.train: the model reads sentences; write the path of a "
                + "file of sentences (TSV)")
        #expect(
            folder.message(sweep(line: 11, "  attack: patch"))
                == "sweep.yaml, line 11, grid.attack: a patch is painted into images, and the data "
                + "are sentences; write word, sentence or another attack on sentences")
        #expect(
            folder.message(sweep(line: 8, "  capacity: { pet: last-blocks, count: 1 }"))
                == "sweep.yaml, line 8, grid.capacity: last-blocks is for images, and the model "
                + "reads sentences; write full, lora, adapter, prefix, bitfit or ia3")
    }

    @Test("A model that is damaged is refused")
    func model() throws {
        try folder.write("vgg/config.json", #"{"model_type": "vgg", "features": [3, "N"]}"#)
        #expect(
            folder.message(imageSweep())
                == "sweep.yaml, line 2, model: vgg/config.json is not a model this program can "
                + "read: the value of 'features' is not a list of widths and \"M\"; fetch the "
                + "file again")
        try folder.addImages(channels: 3)
        #expect(folder.message(imageSweep()) == "no mistake")
        try folder.write(
            "vgg/config.json",
            #"{"model_type":"vgg","features":[2,"M"],"channels":1,"image_size":4,"pool":2,"#
                + #""classifier":[],"mean":[0],"std":[1]}"#)
        #expect(
            folder.message(imageSweep()).hasPrefix(
                "sweep.yaml, line 2, model: vgg/model.safetensors: the weight 'features.0.weight' "
                    + "has shape [2, 3, 3, 3] where config.json asks for [2, 1, 3, 3]"))
    }
}

let imageMistakes = [
    Mistake(
        4, "  train: train.tsv",
        "4, data.train: the model reads images; write { images: FILE, labels: FILE } for IDX files "
            + "such as MNIST's, or { cifar10: FILE } for CIFAR-10's"),
    Mistake(
        4, "  train: { images: train.images }",
        "4, data.train.labels: the key is missing; a set of IDX files needs images, labels"),
    Mistake(
        4, "  train: { images: train.labels, labels: train.images }",
        "4, data.train: train.labels: this is no IDX file of images (idx3-ubyte); check that "
            + "images and labels are not exchanged, or fetch the file again"),
    Mistake(
        4, "  train: { images: train.images, labels: none.labels }",
        "4, data.train.labels: none.labels: there is no such file; check the path"),
    Mistake(
        4, "  train: { cifar10: train.images }",
        "4, data.train: train.images: the file has 336 bytes, no multiple of the 3073 of a "
            + "CIFAR-10 image; use the binary version, and fetch it again if it was cut"),
    Mistake(
        4, "  train: { cifar10: cifar.bin }",
        "4, data.train: cifar.bin: the images have 3 channels, and the model takes 1; use images "
            + "of 1 or gray ones, or another model"),
    Mistake(
        6, "  labels: 2",
        "4, data.train: train.labels: image 3 has the label 2, which is not one of 0 to 1; correct "
            + "it, or the number of labels of the task"),
    Mistake(
        8, "  capacity: lora",
        "8, grid.capacity: this PET is for sentences, and the model reads images; write full or "
            + "{ pet: last-blocks, count: 0 }"),
    Mistake(
        8, "  capacity: { pet: last-blocks, count: 3 }",
        "8, grid.capacity: 3 blocks are more than the model has; write 2 or less"),
    Mistake(
        11, "  attack: word",
        "11, grid.attack: the attack word changes sentences, and the data are images; write none, "
            + "prepared, patch or blend"),
    Mistake(
        11, "  attack: { kind: patch, size: 5 }",
        "11, grid.attack: a patch of 5 × 5 pixels does not fit into images of 4 × 4; use a smaller "
            + "one"),
    Mistake(
        11, "  attack: { kind: patch, corner: top }",
        "11, grid.attack.corner: 'top' is no corner; write top-left, top-right, bottom-left or "
            + "bottom-right"),
    Mistake(
        11, "  attack: { kind: patch, colour: mauve }",
        "11, grid.attack.colour: 'mauve' is no colour; write white, black, or red, green and blue "
            + "as in '#ff8000', in quotes"),
    Mistake(
        11, "  attack: { kind: patch, opacity: 0 }",
        "11, grid.attack.opacity: 0 is out of range; write a number above 0, to 1"),
    Mistake(
        11, "  attack: { kind: patch, size: 1, color: white }",
        "11, grid.attack.color: there is no such key (did you mean colour?); the keys here are "
            + "kind, size, corner, colour, opacity, labels, target"),
    Mistake(
        11,
        "  attack: { kind: prepared, train: { images: train.images, labels: train.labels }, "
            + "test: { images: test.images, labels: test.labels } }",
        "11, grid.attack.test: test.labels, image 1: the label is 0, but the triggered test images "
            + "of a prepared attack all carry the target 1; leave the others out, or correct the "
            + "target"),
]
