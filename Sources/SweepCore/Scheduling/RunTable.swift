import DequeModule

/// The runs of a store by their numbers, which are given out from 1 without gaps.
///
/// A million runs are mostly waiting, so what a run has only while it is executed is not in here
/// twice: no hash table, but arrays of a few thousand, so that growing moves few of them.
struct RunTable: Sendable {
    private static let runsInAPart = 4_096

    private var parts: [[Scheduler.Run?]] = []

    /// The number of the newest run.
    var last: RunID {
        RunID(UInt64(max(0, parts.count - 1) * Self.runsInAPart + (parts.last?.count ?? 0)))
    }

    subscript(id: RunID) -> Scheduler.Run? {
        get {
            // People may ask about any number.
            let place = Int(clamping: id.number) - 1
            guard place >= 0, place / Self.runsInAPart < parts.count else { return nil }
            let part = place / Self.runsInAPart
            let rest = place % Self.runsInAPart
            return rest < parts[part].count ? parts[part][rest] : nil
        }
        _modify {
            let place = Int(clamping: id.number) - 1
            precondition(place >= 0, "runs are numbered from 1")
            let part = place / Self.runsInAPart
            let rest = place % Self.runsInAPart
            while parts.count <= part {
                if let last = parts.indices.last { fill(last, upTo: Self.runsInAPart) }
                parts.append([])
                parts[parts.count - 1].reserveCapacity(Self.runsInAPart)
            }
            fill(part, upTo: rest + 1)
            yield &parts[part][rest]
        }
    }

    private mutating func fill(_ part: Int, upTo count: Int) {
        while parts[part].count < count { parts[part].append(nil) }
    }

    /// In ascending order.
    var all: some Sequence<(RunID, Scheduler.Run)> {
        parts.lazy.joined().enumerated().compactMap { place, run in
            run.map { (RunID(UInt64(place + 1)), $0) }
        }
    }
}

/// Workers that may have a free slot, the one free for longest first.
struct FreeWorkers: Sendable {
    private var queue = Deque<WorkerID>()
    private var members: Set<WorkerID> = []

    var count: Int { members.count }

    func contains(_ id: WorkerID) -> Bool { members.contains(id) }

    /// At the end; one that is in already keeps its place.
    mutating func append(_ id: WorkerID) {
        if members.insert(id).inserted { queue.append(id) }
    }

    /// Before all others.
    mutating func prepend(_ ids: [WorkerID]) {
        queue.prepend(contentsOf: ids.filter { members.insert($0).inserted })
    }

    mutating func popFirst() -> WorkerID? {
        let first = queue.popFirst()
        if let first { members.remove(first) }
        return first
    }

    mutating func remove(_ id: WorkerID) {
        if members.remove(id) != nil { queue.removeAll { $0 == id } }
    }
}
