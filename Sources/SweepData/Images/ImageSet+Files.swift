import SweepCore

extension ImageSet {
    /// Reads the files of `set`, checked against their digests.
    ///
    /// - Parameter classes: A label is in `0 ..< classes`.
    package init(reading set: DataSet, classes: Int) throws(DataError) {
        var contents: [[UInt8]] = []
        for file in set.files { contents.append(try FileContent.read(file)) }
        try self.init(set, contents: contents, classes: classes)
    }

    /// - Parameters:
    ///   - set: Files of images.
    ///   - contents: What is in them, in the order of `set.files`.
    package init(_ set: DataSet, contents: [[UInt8]], classes: Int) throws(DataError) {
        switch set {
        case .sentences(let file):
            throw .badImages(
                path: file.path,
                problem: "the file holds sentences, not images; name files of CIFAR-10 or IDX")
        case .cifar10(let files):
            try self.init(
                cifar: zip(files, contents).map { ($0.path, $1) }, labels: classes)
        case .idx(let images, let labels):
            try self.init(
                idxImages: (images.path, contents[0]), labels: (labels.path, contents[1]),
                classes: classes)
        }
    }

    /// Whether these images can be looked at beside the training set: they have its size, and no
    /// label that it lacks.
    ///
    /// - Parameters:
    ///   - path: Of these images, for errors.
    ///   - trainingPath: Of the training set, for errors.
    package func check(
        against training: ImageSet, path: String, trainingPath: String
    ) throws(DataError) {
        guard channels == training.channels, height == training.height, width == training.width
        else {
            throw .badImages(
                path: path,
                problem: "the images are \(shape), and those of \(trainingPath) are "
                    + "\(training.shape); use files of one size")
        }
        let known = Set(training.labels)
        if let index = labels.firstIndex(where: { !known.contains($0) }) {
            throw .badImages(
                path: path,
                problem: "image \(index + 1) has the label \(labels[index]), which no image of "
                    + "\(trainingPath) has; leave that class out, or train on it too")
        }
    }

    /// Whether a model of `modelChannels` can look at these images: gray ones are repeated.
    package func check(modelChannels: Int, path: String) throws(DataError) {
        guard channels == modelChannels || channels == 1 else {
            throw .badImages(
                path: path,
                problem: "the images have \(channels) channels, and the model takes "
                    + "\(modelChannels); use images of \(modelChannels) or gray ones, or another "
                    + "model")
        }
    }

    /// Such as `3×32×32`: channels, height, width.
    package var shape: String { "\(channels)×\(height)×\(width)" }
}

/// Where a folder has a set of images, by the usual names.
package enum ImageFolder {
    /// The files for training and testing: MNIST's names (`train-images-idx3-ubyte`, …,
    /// `t10k-labels-idx1-ubyte`) or CIFAR-10's (`data_batch_1.bin`, …, `test_batch.bin`).
    ///
    /// - Returns: Paths, as `DataSet` orders them.
    package static func files(
        in folder: String
    ) throws(DataError) -> (train: [String], test: [String]) {
        let names = Set(try FileContent.names(in: folder))
        let train = ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"]
        let test = ["t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"]
        func paths(_ names: [String]) -> [String] { names.map { "\(folder)/\($0)" } }
        if names.isSuperset(of: train + test) { return (paths(train), paths(test)) }
        let batches = names.filter { $0.hasPrefix("data_batch_") && $0.hasSuffix(".bin") }.sorted()
        if !batches.isEmpty, names.contains("test_batch.bin") {
            return (paths(batches), paths(["test_batch.bin"]))
        }
        throw .badImages(
            path: folder,
            problem: "the folder has neither MNIST's files (train-images-idx3-ubyte, "
                + "train-labels-idx1-ubyte, t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte, "
                + "unpacked) nor CIFAR-10's (data_batch_1.bin, test_batch.bin); name the files "
                + "themselves")
    }
}

extension ImageSet {
    /// Reads files by their paths: an IDX file of images and one of labels, or CIFAR-10's files.
    ///
    /// - Parameter classes: A label is in `0 ..< classes`.
    package init(paths: [String], classes: Int) throws(DataError) {
        precondition(!paths.isEmpty, "there is no file to read")
        var contents: [[UInt8]] = []
        for path in paths { contents.append(try FileContent.read(path)) }
        let files = zip(paths, contents).map {
            FileReference(path: $0, digest: Digest(of: $1))
        }
        // IDX begins with two zero bytes and 8; CIFAR-10 with a label and a red pixel.
        let isIDX = files.count == 2 && contents.allSatisfy { $0.starts(with: [0, 0, 8]) }
        let set = isIDX ? DataSet.idx(images: files[0], labels: files[1]) : .cifar10(files)
        try self.init(set, contents: contents, classes: classes)
    }

    /// Mean and standard deviation of each channel over 255; a deviation is at least 1/255.
    package var moments: (mean: [Double], deviation: [Double]) {
        var sums = [Int](repeating: 0, count: channels)
        var squares = sums
        let plane = height * width
        for start in stride(from: 0, to: pixels.count, by: plane) {
            let channel = start / plane % channels
            for pixel in pixels[start..<start + plane] {
                sums[channel] += Int(pixel)
                squares[channel] += Int(pixel) * Int(pixel)
            }
        }
        let total = Double(count * plane)
        let mean = sums.map { Double($0) / total / 255 }
        let deviation = zip(squares, mean).map { square, mean in
            max(1, Double(square) / total - 255 * 255 * mean * mean).squareRoot() / 255
        }
        return (mean, deviation)
    }
}
