import HeapModule
import SweepCore

/// What is going to happen, in the order of time; at the same time, in the order it was planned.
struct Agenda<Item> {
    private struct Entry: Comparable {
        let at: Instant
        let number: UInt64
        let item: Item

        static func < (left: Entry, right: Entry) -> Bool {
            (left.at, left.number) < (right.at, right.number)
        }

        static func == (left: Entry, right: Entry) -> Bool { left.number == right.number }
    }

    private var heap = Heap<Entry>()
    private var planned: UInt64 = 0

    mutating func plan(_ item: Item, at time: Instant) {
        heap.insert(Entry(at: time, number: planned, item: item))
        planned += 1
    }

    mutating func next() -> (at: Instant, item: Item)? {
        heap.popMin().map { ($0.at, $0.item) }
    }
}

extension RandomSource {
    /// Whether something with this probability, `0 ... 1`, happens.
    mutating func happens(_ probability: Double) -> Bool {
        Double.random(in: 0..<1, using: &self) < probability
    }

    mutating func duration(_ seconds: ClosedRange<Double>) -> Duration {
        .nanoseconds(Int64(Double.random(in: seconds, using: &self) * 1e9))
    }
}
