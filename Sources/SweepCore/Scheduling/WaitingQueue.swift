import HeapModule

/// Waiting runs, the most urgent sweep's first, of these the longest; among equally long ones those
/// whose files a worker holds, then the one submitted first.
///
/// A run stands in the line of each sweep that wants it, so that a sweep can be paused, or made
/// urgent, at once. When it is taken from one line, it stays in the others, and who takes it there
/// has to see that it waits no more.
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

    struct Entry: Hashable, Comparable, Sendable {
        let run: RunID
        let steps: Int

        /// Whether the left one comes first.
        static func < (left: Entry, right: Entry) -> Bool {
            (right.steps, left.run) < (left.steps, right.run)
        }
    }

    /// Runs of one sweep that need the same of a worker.
    struct Line: Sendable {
        let sweep: SweepID
        let affinity: Affinity
        /// Larger is earlier; `nil`: held.
        fileprivate(set) var priority: Int8?
        fileprivate(set) var heap = Heap<Entry>()

        /// In no order that means anything.
        var entries: [Entry] { heap.unordered }

        init(of sweep: SweepID, _ affinity: Affinity) {
            self.sweep = sweep
            self.affinity = affinity
        }
    }

    /// A run as it was taken from its line.
    struct Taken {
        let entry: Entry
        let sweep: SweepID
        let priority: Int8
        let affinity: Affinity
    }

    private(set) var lines: [Line] = []
    /// Entries of lines that are not held; those count whose runs wait no more.
    private(set) var count = 0

    mutating func insert(_ entry: Entry, of sweep: SweepID, _ affinity: Affinity, _ priority: Int8?)
    {
        let place: Int
        if let known = lines.firstIndex(where: { $0.sweep == sweep && $0.affinity == affinity }) {
            place = known
        } else {
            place = lines.count
            lines.append(Line(of: sweep, affinity))
            lines[place].priority = priority
        }
        lines[place].insert(entry)
        if lines[place].priority != nil { count += 1 }
    }

    /// Takes the best run for a worker that last trained with `affinity`.
    mutating func popFirst(preferring affinity: Affinity?, for hello: Hello) -> Taken? {
        var best: (place: Int, priority: Int8, top: Entry)?
        for place in lines.indices {
            guard let priority = lines[place].priority, let top = lines[place].heap.min,
                lines[place].affinity.suits(hello)
            else { continue }
            guard let chosen = best else {
                best = (place, priority, top)
                continue
            }
            let isHeld = lines[place].affinity == affinity
            let isBetter =
                if (priority, top.steps) != (chosen.priority, chosen.top.steps) {
                    (priority, top.steps) > (chosen.priority, chosen.top.steps)
                } else if isHeld != (lines[chosen.place].affinity == affinity) {
                    isHeld
                } else {
                    top.run < chosen.top.run
                }
            if isBetter { best = (place, priority, top) }
        }
        guard let best else { return nil }
        let taken = Taken(
            entry: best.top, sweep: lines[best.place].sweep, priority: best.priority,
            affinity: lines[best.place].affinity)
        lines[best.place].heap.removeMin()
        count -= 1
        if lines[best.place].heap.isEmpty {
            lines.swapAt(best.place, lines.count - 1)
            lines.removeLast()
        }
        return taken
    }

    /// Back where it was.
    mutating func insert(_ taken: Taken) {
        insert(taken.entry, of: taken.sweep, taken.affinity, taken.priority)
    }

    /// The lines of a sweep, in place of those it had.
    mutating func replace(_ sweep: SweepID, with new: [Line], _ priority: Int8?) {
        remove(sweep)
        lines += new.filter { !$0.heap.isEmpty }
        setPriority(of: sweep, priority)
    }

    mutating func remove(_ sweep: SweepID) {
        setPriority(of: sweep, nil)
        lines.removeAll { $0.sweep == sweep }
    }

    mutating func setPriority(of sweep: SweepID, _ priority: Int8?) {
        for place in lines.indices where lines[place].sweep == sweep {
            if lines[place].priority != nil { count -= lines[place].heap.count }
            lines[place].priority = priority
            if priority != nil { count += lines[place].heap.count }
        }
    }

    /// How many come before the entry.
    func count(before entry: Entry, _ priority: Int8) -> Int {
        lines.reduce(0) { sum, line in
            guard let other = line.priority, other >= priority else { return sum }
            return sum
                + (other > priority
                    ? line.heap.count : line.heap.unordered.count { $0 < entry })
        }
    }
}

extension WaitingQueue.Line {
    mutating func insert(_ entry: WaitingQueue.Entry) { heap.insert(entry) }
}
