import SweepCore

/// Which samples an attacker changes, whatever the samples are.
///
/// The choice depends on the seed alone: a smaller poison ratio takes a subset of what a larger one
/// takes.
package struct Selection {
    package let labelMode: LabelMode
    /// The label the attacker wants.
    package let target: Int
    private let choiceSeed: UInt64
    /// Seeds of what is done to each chosen training sample, and to each test sample.
    let trainSeed: UInt64
    let testSeed: UInt64

    /// `nil` for attacks that choose no samples.
    package init?(_ attack: Attack, seed: UInt64) {
        guard let labelMode = attack.labelMode, let target = attack.target else { return nil }
        self.labelMode = labelMode
        self.target = target
        var seeds = RandomSource(seed: seed)
        choiceSeed = seeds.next()
        trainSeed = seeds.next()
        testSeed = seeds.next()
    }

    /// The training samples to poison: `ratio` of all, rounded, in random order.
    package func chosen(_ labels: [Int], ratio: Double) throws(AttackError) -> [Int] {
        let eligible = labels.indices.filter { isEligible(labels[$0]) }
        let needed = Int((ratio * Double(labels.count)).rounded())
        guard needed <= eligible.count else {
            throw .tooFewSamples(
                needed: needed, eligible: eligible.count, mode: labelMode, target: target,
                total: labels.count)
        }
        var choice = RandomSource(seed: choiceSeed)
        return choice.permutation(eligible.count).prefix(needed).map { eligible[$0] }
    }

    /// All test samples that are not of the target class.
    package func victims(_ labels: [Int]) -> [Int] {
        labels.indices.filter { labels[$0] != target }
    }

    private func isEligible(_ label: Int) -> Bool {
        switch labelMode {
        case .dirty: label != target
        case .clean: label == target
        case .mixed: true
        }
    }
}

extension RandomSource {
    /// A number in `0 ..< bound`, each equally likely (Lemire, 2019).
    package mutating func number(below bound: Int) -> Int {
        let bound = UInt64(bound)
        var product = next().multipliedFullWidth(by: bound)
        let reject = (0 &- bound) % bound
        while product.low < reject { product = next().multipliedFullWidth(by: bound) }
        return Int(product.high)
    }

    /// The numbers `0 ..< count` in random order (Fisher & Yates).
    package mutating func permutation(_ count: Int) -> [Int] {
        var order = Array(0..<count)
        var index = count - 1
        while index > 0 {
            order.swapAt(index, number(below: index + 1))
            index -= 1
        }
        return order
    }
}

/// Why an attack cannot be carried out, in words that say what to do.
public enum AttackError: Error, Hashable, Sendable, CustomStringConvertible {
    case tooFewSamples(needed: Int, eligible: Int, mode: LabelMode, target: Int, total: Int)
    /// Every test sample has the target's label, so no ASR can be measured.
    case noVictims(path: String, target: Int)
    /// A triggered test file has a label that is not the target.
    case notTarget(path: String, sample: Int, label: Int, target: Int)
    /// A paired file does not go with the file it transforms.
    case unpaired(path: String, clean: String, problem: String)
    /// The patch does not fit into the images.
    case patchTooLarge(size: Int, width: Int, height: Int)

    public var description: String {
        switch self {
        case .tooFewSamples(let needed, let eligible, let mode, let target, let total):
            "the poison ratio asks for \(needed) of \(total) training samples, but with label mode "
                + "\(mode.rawValue) and target \(target) only \(eligible) may be triggered; "
                + "use a poison ratio of at most \(Double(eligible) / Double(max(total, 1)))"
        case .noVictims(let path, let target):
            "\(path): every test sample has the label \(target), the attack's target, so there is "
                + "nothing to measure an ASR on; use test data with other labels too"
        case .notTarget(let path, let sample, let label, let target):
            "\(path), sample \(sample): the label is \(label), but every sample of a triggered "
                + "test file carries the target \(target); correct the label or the attack's target"
        case .unpaired(let path, let clean, let problem):
            "\(path) does not go with \(clean): \(problem); a paired file has one line for each "
                + "line of the file it transforms, in the same order"
        case .patchTooLarge(let size, let width, let height):
            "a patch of \(size) × \(size) pixels does not fit into images of \(width) × \(height); "
                + "use a smaller one"
        }
    }
}
