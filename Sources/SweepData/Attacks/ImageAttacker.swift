import SweepCore

/// Carries attacks on images out: paints a patch into those that the attacker chooses.
package struct ImageAttacker {
    package let selection: Selection
    private let patch: PatchAttack

    /// `nil` for attacks that paint nothing into images.
    ///
    /// - Parameter seed: What the choice of samples depends on, and nothing else.
    package init?(_ attack: Attack, seed: UInt64) {
        guard case .patch(let patch) = attack, let selection = Selection(attack, seed: seed) else {
            return nil
        }
        self.selection = selection
        self.patch = patch
    }

    /// The training set with `ratio` of all images, rounded, painted and labelled with the target;
    /// and which they are.
    package func poison(
        _ images: ImageSet, ratio: Double
    ) throws(AttackError) -> (images: ImageSet, touched: [Bool]) {
        try images.checkRoom(for: patch)
        var poisoned = images
        var touched = [Bool](repeating: false, count: images.count)
        for index in try selection.chosen(images.labels, ratio: ratio) {
            poisoned.paint(patch, at: index)
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
        try images.checkRoom(for: patch)
        let chosen = selection.victims(images.labels)
        var victims = images.selecting(chosen)
        for index in chosen.indices { victims.paint(patch, at: index) }
        victims.labels = chosen.map { _ in selection.target }
        return (victims, chosen.map { images.labels[$0] })
    }
}

extension ImageSet {
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
