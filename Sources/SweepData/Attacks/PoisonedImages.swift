import SweepCore

/// What an attack makes of the images of a task.
package struct PoisonedImages {
    /// The training set, and where known, which images were touched.
    package let train: ImageSet
    package let touched: [Bool]?
    /// Triggered test images that were not of the target class, labelled with it.
    package let triggered: ImageSet
    /// Labels before the attack, where they are known.
    package let trueLabels: (train: [Int]?, triggered: [Int]?)

    /// `nil` for attacks that do nothing to images.
    ///
    /// - Parameters:
    ///   - ratio: Share of the training set to poison, `0 ... 1`.
    ///   - seed: What the choice of images depends on.
    ///   - clean: The task's own images.
    ///   - testPath: Where those for testing come from, for errors.
    ///   - read: Gives a set of images of the attack itself.
    package init?(
        _ attack: Attack, ratio: Double, seed: UInt64, clean: (train: ImageSet, test: ImageSet),
        testPath: String, read: (DataSet) -> ImageSet
    ) throws(AttackError) {
        if case .prepared(let prepared) = attack {
            train = read(prepared.train)
            touched = train.differences(from: clean.train)
            triggered = read(prepared.test)
            let isPaired = train.count == clean.train.count
            trueLabels = (isPaired ? clean.train.labels : nil, nil)
            if let index = triggered.labels.firstIndex(where: { $0 != prepared.target }) {
                throw .notTarget(
                    path: prepared.test.labelPath, sample: index + 1,
                    label: triggered.labels[index], target: prepared.target)
            }
            return
        }
        guard let attacker = ImageAttacker(attack, seed: seed) else { return nil }
        let poisoned = try attacker.poison(clean.train, ratio: ratio)
        (train, touched) = (poisoned.images, .some(poisoned.touched))
        let victims = try attacker.victims(clean.test)
        guard victims.images.count > 0 else {
            throw .noVictims(path: testPath, target: attacker.selection.target)
        }
        triggered = victims.images
        trueLabels = (clean.train.labels, victims.trueLabels)
    }
}
