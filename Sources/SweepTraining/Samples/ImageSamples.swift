import SweepCore
import SweepData

/// Images as a VGG takes them in.
struct ImageSamples: SampleSet {
    let images: ImageSet
    let configuration: VGGConfiguration

    var labels: [Int] { images.labels }

    /// All cost the same.
    func cost(_ index: Int) -> Int { 1 }

    func batch(_ runs: [[Int]], device: Device) throws(TrainingError) -> Batch {
        let chosen = images.selecting(Array(runs.joined()))
        let (labels, runOffsets) = try labelTensors(runs, device: device)
        let content = try Tensor.images(
            chosen.pixels, shape: [chosen.count, chosen.channels, chosen.height, chosen.width],
            mean: configuration.mean, deviation: configuration.deviation,
            side: configuration.imageSize, device: device)
        return Batch(
            content: .images(content), labels: labels, count: chosen.count,
            runOffsets: runOffsets)
    }
}

/// Reads images and carries a run's attack out on them.
struct ImageReader {
    let configuration: VGGConfiguration

    /// - Parameter read: Gives the images of a set; it may remember them.
    func samples(
        for spec: TrainingSpec, read: (DataSet) throws(TrainingError) -> ImageSet
    ) throws(TrainingError) -> TaskSamples {
        func images(_ set: DataSet) throws(TrainingError) -> ImageSet {
            guard set.isImages else {
                throw .badSpec(
                    field: "model", problem: "it reads images, but \(set.path) holds sentences")
            }
            let images = try read(set)
            try TrainingError.reading { () throws(DataError) in
                try images.check(modelChannels: configuration.channels, path: set.path)
            }
            return images
        }
        let train = try images(spec.data.train)
        func tested(_ set: DataSet) throws(TrainingError) -> ImageSet {
            let images = try images(set)
            try TrainingError.reading { () throws(DataError) in
                try images.check(
                    against: train, path: set.labelPath, trainingPath: spec.data.train.path)
            }
            return images
        }
        let test = try tested(spec.data.test)
        var samples = TaskSamples(train: encode(train), test: encode(test))
        if let validation = spec.data.validation {
            samples.validation = encode(try tested(validation))
        }
        switch spec.attack {
        case .none: break
        case .word, .sentence, .paired:
            throw .badSpec(
                field: "attack",
                problem: "\(spec.attack.kind) is for sentences, not for images; use patch")
        case .prepared(let attack):
            let poisoned = try images(attack.train)
            samples.train = encode(poisoned)
            samples.touched = poisoned.differences(from: train)
            if poisoned.count == train.count { samples.trueLabels.train = train.labels }
            samples.triggered = try triggered(
                tested(attack.test), path: attack.test.labelPath, target: attack.target)
        case .patch: try poison(&samples, spec, train: train, test: test)
        }
        return samples
    }

    private func poison(
        _ samples: inout TaskSamples, _ spec: TrainingSpec, train: ImageSet, test: ImageSet
    ) throws(TrainingError) {
        guard let attacker = ImageAttacker(spec.attack, seed: spec.settings.dataSeed) else {
            preconditionFailure("\(spec.attack.kind) paints no patch")
        }
        let (poisoned, victims) = try TrainingError.attacking { () throws(AttackError) in
            (try attacker.poison(train, ratio: spec.poisonRatio), try attacker.victims(test))
        }
        guard victims.images.count > 0 else {
            throw .attack(
                .noVictims(path: spec.data.test.labelPath, target: attacker.selection.target))
        }
        samples.train = encode(poisoned.images)
        samples.touched = poisoned.touched
        samples.trueLabels = (train.labels, victims.trueLabels)
        samples.triggered = encode(victims.images)
    }

    private func triggered(
        _ images: ImageSet, path: String, target: Int
    ) throws(TrainingError) -> ImageSamples {
        if let index = images.labels.firstIndex(where: { $0 != target }) {
            throw .attack(
                .notTarget(
                    path: path, sample: index + 1, label: images.labels[index], target: target))
        }
        return encode(images)
    }

    private func encode(_ images: ImageSet) -> ImageSamples {
        ImageSamples(images: images, configuration: configuration)
    }
}
