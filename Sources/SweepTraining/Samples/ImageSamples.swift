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
        if spec.attack.kindCase.only == .sentences {
            throw .badSpec(
                field: "attack",
                problem: "\(spec.attack.kind) is for sentences, not for images; use patch")
        }
        var own: [DataSet: ImageSet] = [:]
        if case .prepared(let attack) = spec.attack {
            own = [attack.train: try images(attack.train), attack.test: try tested(attack.test)]
        }
        let poisoned = try TrainingError.attacking { () throws(AttackError) in
            try PoisonedImages(
                spec.attack, ratio: spec.poisonRatio, seed: spec.settings.dataSeed,
                clean: (train, test), testPath: spec.data.test.labelPath
            ) { set in
                guard let images = own[set] else { preconditionFailure("\(set) is not read") }
                return images
            }
        }
        guard let poisoned else { return samples }
        samples.train = encode(poisoned.train)
        samples.touched = poisoned.touched
        samples.triggered = encode(poisoned.triggered)
        samples.trueLabels = poisoned.trueLabels
        return samples
    }

    private func encode(_ images: ImageSet) -> ImageSamples {
        ImageSamples(images: images, configuration: configuration)
    }
}
