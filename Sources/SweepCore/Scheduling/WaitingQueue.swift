/// Waiting runs, the most urgent sweep's first, of these the longest; among equally long ones those
/// whose files a worker holds, then the one submitted first.
struct WaitingQueue: Sendable {
    /// What a worker has to load for a run.
    struct Affinity: Hashable, Sendable {
        let backbone: Digest
        let test: Digest
        /// Labels that the worker must have.
        let needs: Set<String>
        let trainer: TrainerKind

        /// Whether the worker may have such runs.
        func suits(_ hello: Hello) -> Bool {
            trainer == hello.trainer && needs.isSubset(of: hello.labels)
        }
    }

    struct Entry: Hashable, Sendable {
        let run: RunID
        let steps: Int
        let priority: Int8

        func comesBefore(_ other: Entry) -> Bool {
            (other.priority, other.steps, run) < (priority, steps, other.run)
        }

        func isAsUrgent(as other: Entry) -> Bool {
            priority == other.priority && steps == other.steps
        }
    }

    private var heaps: [[Entry]] = []
    /// Of the runs in each heap.
    private var affinities: [Affinity] = []
    private var places: [Affinity: Int] = [:]
    private(set) var count = 0

    mutating func insert(_ entry: Entry, affinity: Affinity) {
        let place: Int
        if let known = places[affinity] {
            place = known
        } else {
            place = heaps.count
            heaps.append([])
            affinities.append(affinity)
            places[affinity] = place
        }
        heaps[place].append(entry)
        siftUp(in: place)
        count += 1
    }

    /// Takes the best run for a worker that last trained with `affinity`.
    mutating func popFirst(preferring affinity: Affinity?, for hello: Hello) -> Entry? {
        var best: Int?
        let held = affinity.flatMap { places[$0] }
        for place in heaps.indices {
            guard let top = heaps[place].first, affinities[place].suits(hello) else { continue }
            guard let chosen = best, let bestTop = heaps[chosen].first else {
                best = place
                continue
            }
            if top.isAsUrgent(as: bestTop), held == place || held == chosen {
                if held == place { best = place }
            } else if top.comesBefore(bestTop) {
                best = place
            }
        }
        return best.map { removeTop(of: $0) }
    }

    /// How many come before the entry.
    func count(before entry: Entry) -> Int {
        heaps.reduce(0) { $0 + $1.count { $0.comesBefore(entry) } }
    }

    /// All entries, in no order that means anything.
    var entries: [Entry] { heaps.flatMap { $0 } }

    private mutating func removeTop(of place: Int) -> Entry {
        count -= 1
        let top = heaps[place][0]
        let last = heaps[place].removeLast()
        if !heaps[place].isEmpty {
            heaps[place][0] = last
            siftDown(in: place)
        }
        return top
    }

    private mutating func siftUp(in place: Int) {
        var child = heaps[place].count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard heaps[place][child].comesBefore(heaps[place][parent]) else { return }
            heaps[place].swapAt(child, parent)
            child = parent
        }
    }

    private mutating func siftDown(in place: Int) {
        var parent = 0
        while true {
            var first = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heaps[place].count {
                if heaps[place][child].comesBefore(heaps[place][first]) { first = child }
            }
            guard first != parent else { return }
            heaps[place].swapAt(first, parent)
            parent = first
        }
    }
}
