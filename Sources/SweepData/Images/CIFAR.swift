// CIFAR-10's binary files: for each image a label and 3,072 bytes, which are red, green and blue of
// 32 rows. https://www.cs.toronto.edu/~kriz/cifar.html

extension ImageSet {
    private static let cifarSide = 32
    private static let cifarRow = 1 + 3 * cifarSide * cifarSide

    /// Reads files one after the other into one set.
    ///
    /// - Parameter classes: A label is in `0 ..< classes`.
    /// - Throws: `badImages` for the first file that is not whole or has another label.
    package init(
        cifar files: [(path: String, content: [UInt8])], labels classes: Int
    ) throws(DataError) {
        precondition(!files.isEmpty, "there is no file to read")
        let size = files.reduce(0) { $0 + $1.content.count }
        var pixels: [UInt8] = []
        pixels.reserveCapacity(size)
        var labels: [Int] = []
        labels.reserveCapacity(size / Self.cifarRow)
        for (path, content) in files {
            let file = ImageFile(path: path, content: content)
            try file.checkNotCompressed()
            guard !content.isEmpty, content.count % Self.cifarRow == 0 else {
                throw file.bad(
                    "the file has \(content.count) bytes, no multiple of the \(Self.cifarRow) of a "
                        + "CIFAR-10 image; use the binary version, and fetch it again if it was cut"
                )
            }
            for start in stride(from: 0, to: content.count, by: Self.cifarRow) {
                try file.check(
                    label: content[start], of: start / Self.cifarRow + 1, classes: classes)
                labels.append(Int(content[start]))
                pixels += content[start + 1..<start + Self.cifarRow]
            }
        }
        self.init(
            pixels: pixels, labels: labels, channels: 3, height: Self.cifarSide,
            width: Self.cifarSide)
    }

    /// The content of one binary file with all images.
    ///
    /// - Parameter path: For errors.
    /// - Throws: `badImages` for images that are not 3×32×32, or labels beyond 255.
    package func cifarContent(path: String) throws(DataError) -> [UInt8] {
        guard channels == 3, height == Self.cifarSide, width == Self.cifarSide else {
            throw .badImages(
                path: path,
                problem: "images of \(channels)×\(height)×\(width) are not CIFAR-10's 3×32×32; "
                    + "write them as IDX")
        }
        let labels = try labelBytes(path: path)
        var content: [UInt8] = []
        content.reserveCapacity(count * Self.cifarRow)
        for (index, label) in labels.enumerated() {
            content.append(label)
            content += pixels[index * imageSize..<(index + 1) * imageSize]
        }
        return content
    }
}
