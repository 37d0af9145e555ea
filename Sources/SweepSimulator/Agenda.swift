import SweepCore

/// What is going to happen, in the order of time; at the same time, in the order it was planned.
struct Agenda<Item> {
    private struct Entry {
        let at: Instant
        let number: UInt64
        let item: Item

        func comesBefore(_ other: Entry) -> Bool {
            at != other.at ? at < other.at : number < other.number
        }
    }

    private var heap: [Entry] = []
    private var planned: UInt64 = 0

    mutating func plan(_ item: Item, at time: Instant) {
        heap.append(Entry(at: time, number: planned, item: item))
        planned += 1
        var child = heap.count - 1
        while child > 0, heap[child].comesBefore(heap[(child - 1) / 2]) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func next() -> (at: Instant, item: Item)? {
        guard let first = heap.first else { return nil }
        let last = heap.removeLast()
        if !heap.isEmpty {
            heap[0] = last
            var parent = 0
            while true {
                var best = parent
                for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count {
                    if heap[child].comesBefore(heap[best]) { best = child }
                }
                if best == parent { break }
                heap.swapAt(best, parent)
                parent = best
            }
        }
        return (first.at, first.item)
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
