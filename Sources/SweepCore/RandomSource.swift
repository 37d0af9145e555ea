/// xoshiro256** seeded by SplitMix64 (Blackman & Vigna, 2018): the same sequence for a seed on
/// every machine, so poisoned sets, data orders and simulated faults can be replayed.
public struct RandomSource: RandomNumberGenerator, Sendable, Hashable {
    private var state: (UInt64, UInt64, UInt64, UInt64)

    public init(seed: UInt64) {
        var mixer = seed
        func next() -> UInt64 {
            mixer &+= 0x9E37_79B9_7F4A_7C15
            var value = mixer
            value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
            value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
            return value ^ (value >> 31)
        }
        state = (next(), next(), next(), next())
    }

    /// Where the sequence is: four words.
    public var position: [UInt64] { [state.0, state.1, state.2, state.3] }

    /// Goes on from a position; `nil` unless there are four words, not all 0.
    public init?(position: [UInt64]) {
        guard position.count == 4, position.contains(where: { $0 != 0 }) else { return nil }
        state = (position[0], position[1], position[2], position[3])
    }

    public mutating func next() -> UInt64 {
        func rotate(_ value: UInt64, by bits: UInt64) -> UInt64 {
            (value << bits) | (value >> (64 - bits))
        }
        let result = rotate(state.1 &* 5, by: 7) &* 9
        let shifted = state.1 << 17
        state.2 ^= state.0
        state.3 ^= state.1
        state.1 ^= state.2
        state.0 ^= state.3
        state.2 ^= shifted
        state.3 = rotate(state.3, by: 45)
        return result
    }

    public static func == (left: RandomSource, right: RandomSource) -> Bool {
        left.state == right.state
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(state.0)
        hasher.combine(state.1)
        hasher.combine(state.2)
        hasher.combine(state.3)
    }
}
