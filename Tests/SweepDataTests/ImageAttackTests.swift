import SweepCore
import SweepData
import Testing

@Suite struct ImageAttacks {
    /// Ten gray images of 3 × 4 whose pixels are all 100; labels 0, 1, 2, 0, …
    private let gray = ImageSet(
        pixels: [UInt8](repeating: 100, count: 10 * 12), labels: (0..<10).map { $0 % 3 },
        channels: 1, height: 3, width: 4)

    private func attacker(_ patch: PatchAttack, seed: UInt64 = 1) throws -> ImageAttacker {
        try #require(ImageAttacker(.patch(patch), seed: seed))
    }

    private func painted(_ patch: PatchAttack, _ images: ImageSet) throws -> [UInt8] {
        Array(try attacker(patch).victims(images).images.pixels[..<images.imageSize])
    }

    @Test("A patch is painted into its corner, and nowhere else")
    func corners() throws {
        let patch = PatchAttack(size: 2, corner: .topLeft)
        let o: UInt8 = 100
        let x: UInt8 = 255
        #expect(try painted(patch, gray) == [x, x, o, o, x, x, o, o, o, o, o, o])
        func corner(_ corner: PatchAttack.Corner) throws -> [UInt8] {
            try painted(PatchAttack(size: 2, corner: corner), gray)
        }
        #expect(try corner(.topRight) == [o, o, x, x, o, o, x, x, o, o, o, o])
        #expect(try corner(.bottomLeft) == [o, o, o, o, x, x, o, o, x, x, o, o])
        #expect(try corner(.bottomRight) == [o, o, o, o, o, o, x, x, o, o, x, x])
    }

    @Test("Each channel takes its colour; gray images the luminance; less opacity blends")
    func colours() throws {
        let orange = PatchAttack.Colour(red: 255, green: 128, blue: 0)
        let colour = ImageSet(
            pixels: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], labels: [0], channels: 3, height: 2,
            width: 2)
        let patch = PatchAttack(size: 1, corner: .topRight, colour: orange)
        #expect(try painted(patch, colour) == [1, 255, 3, 4, 5, 128, 7, 8, 9, 0, 11, 12])
        let one = PatchAttack(size: 1, corner: .topLeft, colour: orange)
        #expect(try painted(one, gray)[..<2] == [151, 100])
        var half = one
        half.opacity = 0.5
        #expect(try painted(half, gray)[0] == 126)
        half.colour = .init(red: 0, green: 0, blue: 0)
        half.opacity = 0.25
        #expect(try painted(half, gray)[0] == 75)
    }

    @Test("Poisoned are as many as the ratio says, relabelled; the others stay")
    func poisoning() throws {
        let attacker = try attacker(PatchAttack(size: 1, target: 2))
        let (images, touched) = try attacker.poison(gray, ratio: 0.4)
        #expect(touched.count { $0 } == 4)
        #expect(images.differences(from: gray) == touched)
        for index in 0..<10 where touched[index] {
            #expect(gray.labels[index] != 2 && images.labels[index] == 2)
            #expect(images.pixels[index * 12 + 11] == 255)
        }
        #expect(try attacker.poison(gray, ratio: 0.4).images == images)
        let less = try attacker.poison(gray, ratio: 0.2).touched
        #expect(zip(less, touched).allSatisfy { !$0 || $1 })
    }

    @Test("Victims are the images of other classes, with the target's label")
    func victims() throws {
        let (images, labels) = try attacker(PatchAttack(size: 1)).victims(gray)
        #expect(labels == [0, 2, 0, 2, 0, 2, 0])
        #expect(images.labels == [1, 1, 1, 1, 1, 1, 1])
    }

    @Test("A pattern is blended into the whole image; the seed draws it, the opacity weighs it")
    func blend() throws {
        func blended(_ blend: BlendAttack) throws -> [UInt8] {
            let attacker = try #require(ImageAttacker(.blend(blend), seed: 1))
            let images = try attacker.victims(gray).images
            let first = Array(images.pixels[..<images.imageSize])
            let second = Array(images.pixels[images.imageSize..<2 * images.imageSize])
            #expect(first == second, "one pattern for all images")
            return first
        }
        let pattern = try blended(BlendAttack(opacity: 1))
        #expect(Set(pattern).count > 6)
        #expect(try blended(BlendAttack(opacity: 1, patternSeed: 5)) != pattern)
        let some = try blended(BlendAttack(opacity: 0.25))
        for (pixel, value) in zip(some, pattern) {
            #expect(pixel == UInt8((0.75 * 100 + 0.25 * Double(value)).rounded()))
        }
        let poisoned = try #require(ImageAttacker(.blend(BlendAttack()), seed: 1))
            .poison(gray, ratio: 0.2)
        #expect(poisoned.touched.count { $0 } == 2)
        for index in 0..<10 where !poisoned.touched[index] {
            #expect(poisoned.images.pixels[index * 12..<(index + 1) * 12].allSatisfy { $0 == 100 })
        }
    }

    @Test("A patch that is too large, or too many poisoned images, are refused in words")
    func refusals() throws {
        #expect(
            message { try attacker(PatchAttack(size: 4)).poison(gray, ratio: 0.1) }
                .contains("4 × 4 pixels does not fit into images of 4 × 3"))
        #expect(
            message { try attacker(PatchAttack(labelMode: .clean)).poison(gray, ratio: 0.5) }
                .contains("only 3 may be triggered"))
        #expect(ImageAttacker(.word(WordAttack()), seed: 1) == nil)
    }

    @Test("Images of another size, with more channels or an unknown label do not go together")
    func checks() throws {
        func check(_ images: ImageSet) -> String {
            message { try images.check(against: gray, path: "test", trainingPath: "train") }
        }
        #expect(check(gray) == "no error")
        var other = gray
        other.labels[4] = 3
        #expect(check(other).hasPrefix("test: image 5 has the label 3, which no image of train"))
        let wide = ImageSet(pixels: [1, 2], labels: [0], channels: 1, height: 1, width: 2)
        #expect(check(wide).hasPrefix("test: the images are 1×1×2, and those of train are 1×3×4"))
        #expect(message { try gray.check(modelChannels: 3, path: "a") } == "no error")
    }
}

@Suite struct VGGConfigurations {
    @Test("A configuration is read as it is written, and torchvision's VGG-16 has five blocks")
    func roundTrip() throws {
        let vgg = VGGConfiguration.vgg16
        #expect(try VGGConfiguration(reading: vgg.content) == vgg)
        #expect(vgg.problem == nil && vgg.mapSide == 7)
        #expect(vgg.blocks.map(\.layers.count) == [2, 2, 3, 3, 3, 2])
        #expect(vgg.blocks[4].layers[2].name == "features.28")
        #expect(vgg.blocks[5].layers.map(\.name) == ["classifier.0", "classifier.3"])
        #expect(vgg.blocks[5].layers[0].shape == [4096, 25_088])
        #expect(vgg.headName == "classifier.6" && vgg.headInputs == 4096)
    }

    @Test("Layers that make no model are refused with the reason")
    func problems() {
        func problem(_ change: (inout VGGConfiguration) -> Void) -> String {
            var vgg = VGGConfiguration.vgg16
            change(&vgg)
            let bad = message { try VGGConfiguration(reading: vgg.content) }
            return bad
        }
        #expect(problem { $0.features = [] }.contains("begin with a convolution"))
        #expect(problem { $0.features.insert(.pooling, at: 0) }.contains("begin with a convol"))
        #expect(problem { $0.features.insert(.pooling, at: 3) }.contains("two pooling layers"))
        #expect(problem { $0.classifier = [0] }.contains("a layer of width 0"))
        #expect(problem { $0.channels = 2 }.contains("list of 2 numbers"))
        #expect(problem { $0.imageSize = 31 }.contains("too small for so many pooling layers"))
        #expect(problem { $0.pool = 0 }.contains("pool 0"))
        #expect(problem { $0.deviation = [1, 0, 1] }.contains("std has to be above 0"))
        #expect(
            message { try VGGConfiguration(reading: Array("[]".utf8)) }
                .contains("config.json is not a model"))
    }
}

extension VGGConfiguration {
    fileprivate init(reading content: [UInt8]) throws(DataError) {
        try self.init(ModelConfiguration(parsing: content, path: "config.json"))
    }
}
