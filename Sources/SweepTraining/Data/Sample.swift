import SweepCore

/// One sentence as token numbers, with its label.
struct Sample {
    let tokens: [Int32]
    let label: Int
}

/// What a run trains and is tested on, as tokens.
struct TaskData {
    let train: [Sample]
    /// The clean test set.
    let test: [Sample]
    /// Triggered test samples that were not of the target class, and the target; `nil` without an
    /// attack.
    let triggered: (samples: [Sample], target: Int)?
}

extension RandomSource {
    /// A number in `0 ..< bound`, each equally likely (Lemire, 2019).
    mutating func number(below bound: Int) -> Int {
        let bound = UInt64(bound)
        var product = next().multipliedFullWidth(by: bound)
        let reject = (0 &- bound) % bound
        while product.low < reject { product = next().multipliedFullWidth(by: bound) }
        return Int(product.high)
    }

    /// The numbers `0 ..< count` in random order (Fisher & Yates).
    mutating func permutation(_ count: Int) -> [Int] {
        var order = Array(0..<count)
        var index = count - 1
        while index > 0 {
            order.swapAt(index, number(below: index + 1))
            index -= 1
        }
        return order
    }
}
