// IDX, the format of MNIST and Fashion-MNIST: two zero bytes, 8 for unsigned bytes, the number of
// dimensions, each dimension as 4 bytes (big-endian), then the values, the last dimension fastest.

extension ImageSet {
    /// Reads a file of images (idx3-ubyte) and the file of their labels (idx1-ubyte).
    ///
    /// - Parameter classes: A label is in `0 ..< classes`.
    /// - Throws: `badImages` for what is no such file, is cut, or does not belong together.
    package init(
        idxImages images: (path: String, content: [UInt8]),
        labels: (path: String, content: [UInt8]), classes: Int
    ) throws(DataError) {
        let imageFile = ImageFile(path: images.path, content: images.content)
        let (extents, pixels) = try imageFile.idx(dimensions: 3, of: "images")
        let labelFile = ImageFile(path: labels.path, content: labels.content)
        let (counts, numbers) = try labelFile.idx(dimensions: 1, of: "labels")
        guard counts[0] == extents[0] else {
            throw labelFile.bad(
                "there are \(counts[0]) labels for the \(extents[0]) images of \(images.path); "
                    + "use the two files that belong together")
        }
        for (index, label) in numbers.enumerated() {
            try labelFile.check(label: label, of: index + 1, classes: classes)
        }
        self.init(
            pixels: Array(pixels), labels: numbers.map { Int($0) }, channels: 1,
            height: extents[1], width: extents[2])
    }

    /// The content of the file of images.
    ///
    /// - Parameter path: For errors.
    /// - Throws: `badImages` for images of several channels, or of more than IDX can count.
    package func idxImageContent(path: String) throws(DataError) -> [UInt8] {
        guard channels == 1, [count, height, width].allSatisfy({ $0 <= UInt32.max }) else {
            throw .badImages(
                path: path,
                problem: "images of \(channels)×\(height)×\(width) are not the gray ones that IDX "
                    + "holds; write colour images of 32×32 as CIFAR-10's binary files")
        }
        return Self.idxHeader([count, height, width]) + pixels
    }

    /// The content of the file of labels.
    package func idxLabelContent(path: String) throws(DataError) -> [UInt8] {
        Self.idxHeader([count]) + (try labelBytes(path: path))
    }

    private static func idxHeader(_ extents: [Int]) -> [UInt8] {
        [0, 0, 8, UInt8(extents.count)]
            + extents.flatMap { extent in
                [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: extent >> $0) }
            }
    }
}

extension ImageFile {
    /// The extents and the values of a file with `dimensions` of them, none of which is 0.
    fileprivate func idx(
        dimensions: Int, of what: String
    ) throws(DataError) -> (extents: [Int], values: ArraySlice<UInt8>) {
        try checkNotCompressed()
        let start = 4 + 4 * dimensions
        guard content.count >= start, content.starts(with: [0, 0, 8, UInt8(dimensions)]) else {
            throw bad(
                "this is no IDX file of \(what) (idx\(dimensions)-ubyte); "
                    + "check that images and labels are not exchanged, or fetch the file again")
        }
        let extents = stride(from: 4, to: start, by: 4).map { offset in
            content[offset..<offset + 4].reduce(0) { $0 << 8 | Int($1) }
        }
        var size = 1
        for extent in extents {
            let (product, overflow) = size.multipliedReportingOverflow(by: extent)
            guard extent > 0, !overflow else {
                throw bad("the extents \(extents) are not those of \(what); fetch the file again")
            }
            size = product
        }
        guard content.count - start == size else {
            let difference = content.count - start < size ? "too few" : "too many"
            throw bad(
                "the extents \(extents) need \(size) bytes, and the file has "
                    + "\(content.count - start), which are \(difference); fetch the file again")
        }
        return (extents, content[start...])
    }
}
