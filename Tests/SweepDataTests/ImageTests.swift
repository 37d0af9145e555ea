import SweepData
import Testing

@Suite struct ImageFiles {
    private let colour = ImageSet(
        pixels: (0..<3 * 3072).map { UInt8(truncatingIfNeeded: $0 * 7) }, labels: [9, 0, 3],
        channels: 3, height: 32, width: 32)
    private let gray = ImageSet(
        pixels: (0..<2 * 6).map { UInt8($0) }, labels: [1, 0], channels: 1, height: 2, width: 3)

    private func idx(_ images: [UInt8], _ labels: [UInt8], classes: Int = 2) throws -> ImageSet {
        try ImageSet(idxImages: ("images", images), labels: ("labels", labels), classes: classes)
    }

    @Test("CIFAR-10's files are read one after the other, and written as one")
    func cifar() throws {
        let content = try colour.cifarContent(path: "out.bin")
        #expect(content.count == 3 * 3073)
        #expect(content[0] == 9 && Array(content[1..<4]) == [0, 7, 14] && content[3073] == 0)
        #expect(try ImageSet(cifar: [("a", content)], labels: 10) == colour)
        let parts = [("a", Array(content[..<3073])), ("b", Array(content[3073...]))]
        #expect(try ImageSet(cifar: parts, labels: 10) == colour)
    }

    @Test("CIFAR-10 files that are cut, empty or mislabelled are refused by their name")
    func badCIFAR() throws {
        let good = try colour.cifarContent(path: "out.bin")
        func problem(_ content: [UInt8], labels: Int = 10) -> String {
            message { try ImageSet(cifar: [("good", good), ("b.bin", content)], labels: labels) }
        }
        #expect(problem(good) == "no error")
        for count in [0, 1, 3072, 3074] {
            let text = problem(Array(good.prefix(count)))
            #expect(text.hasPrefix("b.bin: the file has \(count) bytes, no multiple of the 3073"))
        }
        var wrong = good
        wrong[3073] = 10
        #expect(problem(wrong).hasPrefix("b.bin: image 2 has the label 10"))
        #expect(problem(good, labels: 9).hasPrefix("good: image 1 has the label 9"))
        #expect(problem([0x1F, 0x8B, 8]).contains("gunzip"))
        #expect(message { try gray.cifarContent(path: "out") }.contains("1×2×3"))
        var many = colour
        many.labels[1] = 256
        #expect(
            message { try many.cifarContent(path: "out") }.contains("image 2 has the label 256"))
    }

    @Test("IDX files are read and written")
    func idxFiles() throws {
        let images = try gray.idxImageContent(path: "images")
        let labels = try gray.idxLabelContent(path: "labels")
        #expect(
            images == [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 3] + (0..<12).map { UInt8($0) })
        #expect(labels == [0, 0, 8, 1, 0, 0, 0, 2, 1, 0])
        #expect(try idx(images, labels) == gray)
    }

    @Test("IDX files that are cut, too long, absurd or do not belong together are refused")
    func badIDX() throws {
        let images = try gray.idxImageContent(path: "images")
        let labels = try gray.idxLabelContent(path: "labels")
        func problem(_ images: [UInt8], _ labels: [UInt8], classes: Int = 2) -> String {
            message { try idx(images, labels, classes: classes) }
        }
        for count in 0..<images.count {
            #expect(problem(Array(images.prefix(count)), labels).hasPrefix("images: "))
        }
        for count in 0..<labels.count {
            #expect(problem(images, Array(labels.prefix(count))).hasPrefix("labels: "))
        }
        #expect(problem(images + [0], labels).contains("which are too many"))
        #expect(problem(images, Array(labels.dropLast())).contains("which are too few"))
        #expect(problem(labels, images).contains("not exchanged"))
        #expect(problem(images, labels, classes: 1).hasPrefix("labels: image 1 has the label 1"))
        let three: [UInt8] = [0, 0, 8, 1, 0, 0, 0, 3, 0, 0, 0]
        #expect(problem(images, three).contains("3 labels for the 2 images of images"))
        #expect(problem([0x1F, 0x8B, 8], labels).contains("gunzip"))
        let absurd = [0, 0, 8, 3] + [UInt8](repeating: 255, count: 12)
        #expect(problem(absurd, labels).contains("are not those of images"))
        let none: [UInt8] = [0, 0, 8, 3, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 3]
        #expect(problem(none, labels).contains("are not those of images"))
        #expect(message { try colour.idxImageContent(path: "out") }.contains("3×32×32"))
        var many = gray
        many.labels[0] = -1
        #expect(message { try many.idxLabelContent(path: "out") }.contains("the label -1"))
    }
}
