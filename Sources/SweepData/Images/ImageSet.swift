/// Images of one size with their labels.
package struct ImageSet: Hashable, Sendable {
    /// In the order image, channel, row, column; 0 is dark.
    package var pixels: [UInt8]
    /// One for each image.
    package var labels: [Int]
    package let channels: Int
    package let height: Int
    package let width: Int

    package var count: Int { labels.count }
    /// Pixels of one image, all channels.
    package var imageSize: Int { channels * height * width }

    package init(pixels: [UInt8], labels: [Int], channels: Int, height: Int, width: Int) {
        precondition(
            channels > 0 && height > 0 && width > 0
                && pixels.count == labels.count * channels * height * width,
            "\(pixels.count) pixels are not \(labels.count) of \(channels)×\(height)×\(width)")
        self.pixels = pixels
        self.labels = labels
        self.channels = channels
        self.height = height
        self.width = width
    }
}

/// What the readers and writers of images check alike.
struct ImageFile {
    let path: String
    let content: [UInt8]

    func bad(_ problem: String) -> DataError { .badImages(path: path, problem: problem) }

    func checkNotCompressed() throws(DataError) {
        if content.starts(with: [0x1F, 0x8B]) {
            throw bad("the file is compressed; unpack it with gunzip, and name what it gives")
        }
    }

    /// - Parameter number: Of the image in its file, from 1.
    func check(label: UInt8, of number: Int, classes: Int) throws(DataError) {
        guard Int(label) < classes else {
            throw bad(
                "image \(number) has the label \(label), which is not one of 0 to \(classes - 1); "
                    + "correct it, or the number of labels of the task")
        }
    }
}

extension ImageSet {
    /// Labels as the bytes that both formats hold.
    func labelBytes(path: String) throws(DataError) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count)
        for (index, label) in labels.enumerated() {
            guard let byte = UInt8(exactly: label) else {
                throw .badImages(
                    path: path,
                    problem: "image \(index + 1) has the label \(label), and this format holds "
                        + "labels of 0 to 255 only; use fewer labels")
            }
            bytes.append(byte)
        }
        return bytes
    }
}
