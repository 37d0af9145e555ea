import SweepCore

/// Carries attacks on images out: puts a trigger into those that the attacker chooses.
package struct ImageAttacker {
    package let selection: Selection
    private let trigger: Trigger

    private enum Trigger {
        case patch(PatchAttack)
        case blend(BlendAttack)
    }

    /// `nil` for attacks that put nothing into images.
    ///
    /// - Parameter seed: What the choice of samples depends on, and nothing else.
    package init?(_ attack: Attack, seed: UInt64) {
        guard let selection = Selection(attack, seed: seed) else { return nil }
        self.selection = selection
        switch attack {
        case .patch(let patch): trigger = .patch(patch)
        case .blend(let blend): trigger = .blend(blend)
        default: return nil
        }
    }

    /// The training set with `ratio` of all images, rounded, painted and labelled with the target;
    /// and which they are.
    package func poison(
        _ images: ImageSet, ratio: Double
    ) throws(AttackError) -> (images: ImageSet, touched: [Bool]) {
        var poisoned = images
        var touched = [Bool](repeating: false, count: images.count)
        let chosen = try selection.chosen(images.labels, ratio: ratio)
        try trigger(chosen, of: &poisoned)
        for index in chosen {
            poisoned.labels[index] = selection.target
            touched[index] = true
        }
        return (poisoned, touched)
    }

    /// All test images that are not of the target class, painted and labelled with it; and the
    /// labels they had.
    package func victims(
        _ images: ImageSet
    ) throws(AttackError) -> (images: ImageSet, trueLabels: [Int]) {
        let chosen = selection.victims(images.labels)
        var victims = images.selecting(chosen)
        try trigger(Array(chosen.indices), of: &victims)
        victims.labels = chosen.map { _ in selection.target }
        return (victims, chosen.map { images.labels[$0] })
    }

    private func trigger(_ chosen: [Int], of images: inout ImageSet) throws(AttackError) {
        switch trigger {
        case .patch(let patch):
            try images.checkRoom(for: patch)
            for index in chosen { images.paint(patch, at: index) }
        case .blend(let blend):
            var random = RandomSource(seed: blend.patternSeed)
            let pattern = (0..<images.imageSize).map { _ in
                Double(UInt8(truncatingIfNeeded: random.next() >> 56))
            }
            for index in chosen { images.blend(pattern, blend.opacity, at: index) }
        }
    }
}

extension ImageSet {
    /// `pixel + opacity · (pattern − pixel)`, rounded.
    fileprivate mutating func blend(_ pattern: [Double], _ opacity: Double, at index: Int) {
        let first = index * imageSize
        for (place, value) in pattern.enumerated() {
            let old = Double(pixels[first + place])
            pixels[first + place] = UInt8((old + opacity * (value - old)).rounded())
        }
    }

    package func checkRoom(for patch: PatchAttack) throws(AttackError) {
        guard patch.size <= min(width, height) else {
            throw .patchTooLarge(size: patch.size, width: width, height: height)
        }
    }

    /// Blends the patch's colour into its square of image `index`:
    /// `pixel + opacity · (colour − pixel)`, rounded.
    fileprivate mutating func paint(_ patch: PatchAttack, at index: Int) {
        let isTop = [.topLeft, .topRight].contains(patch.corner)
        let isLeft = [.topLeft, .bottomLeft].contains(patch.corner)
        let firstRow = isTop ? 0 : height - patch.size
        let firstColumn = isLeft ? 0 : width - patch.size
        let colour = patch.colour
        let values =
            channels == 3
            ? [colour.red, colour.green, colour.blue]
            : [UInt8](repeating: colour.luminance, count: channels)
        for (channel, value) in values.enumerated() {
            for row in firstRow..<firstRow + patch.size {
                let start = index * imageSize + (channel * height + row) * width + firstColumn
                for place in start..<start + patch.size {
                    let old = Double(pixels[place])
                    pixels[place] = UInt8(
                        (old + patch.opacity * (Double(value) - old)).rounded())
                }
            }
        }
    }

    /// The images at `indices`, in that order.
    package func selecting(_ indices: [Int]) -> ImageSet {
        var chosen: [UInt8] = []
        chosen.reserveCapacity(indices.count * imageSize)
        for index in indices { chosen += pixels[index * imageSize..<(index + 1) * imageSize] }
        return ImageSet(
            pixels: chosen, labels: indices.map { labels[$0] }, channels: channels,
            height: height, width: width)
    }

    /// Which images or labels differ from `clean`; `nil` when the two do not have as many images
    /// of one size.
    package func differences(from clean: ImageSet) -> [Bool]? {
        guard count == clean.count, channels == clean.channels, height == clean.height,
            width == clean.width
        else { return nil }
        return labels.indices.map { index in
            let place = index * imageSize..<(index + 1) * imageSize
            return labels[index] != clean.labels[index] || pixels[place] != clean.pixels[place]
        }
    }
}
