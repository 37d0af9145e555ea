/// The runs of a store by their numbers, which are given out from 1 without gaps.
///
/// A million runs are mostly waiting, so what a run has only while it is executed is not in here
/// twice: one array, no hash table.
struct RunTable: Sendable {
    private var runs: [Scheduler.Run?] = []

    /// The number of the newest run.
    var last: RunID { RunID(UInt64(runs.count)) }

    subscript(id: RunID) -> Scheduler.Run? {
        get {
            // People may ask about any number.
            let place = Int(clamping: id.number) - 1
            return runs.indices.contains(place) ? runs[place] : nil
        }
        _modify {
            let place = Int(clamping: id.number) - 1
            precondition(place >= 0, "runs are numbered from 1")
            while runs.count <= place { runs.append(nil) }
            yield &runs[place]
        }
    }

    mutating func reserveCapacity(_ count: Int) { runs.reserveCapacity(count) }

    /// In ascending order.
    var all: some Sequence<(RunID, Scheduler.Run)> {
        runs.lazy.enumerated().compactMap { place, run in
            run.map { (RunID(UInt64(place + 1)), $0) }
        }
    }
}

/// Workers that may have a free slot, the one free for longest first.
struct FreeWorkers: Sendable {
    private var queue: [WorkerID] = []
    private var head = 0
    private var members: Set<WorkerID> = []

    var count: Int { members.count }

    func contains(_ id: WorkerID) -> Bool { members.contains(id) }

    /// At the end; one that is in already keeps its place.
    mutating func append(_ id: WorkerID) {
        if members.insert(id).inserted { queue.append(id) }
    }

    /// Before all others.
    mutating func prepend(_ ids: [WorkerID]) {
        guard !ids.isEmpty else { return }
        queue.removeSubrange(..<head)
        head = 0
        queue.insert(contentsOf: ids.filter { members.insert($0).inserted }, at: 0)
    }

    mutating func popFirst() -> WorkerID? {
        while head < queue.count {
            let id = queue[head]
            head += 1
            // Those that have been removed stay in the queue until here.
            if members.remove(id) != nil {
                if head > 1_024, head * 2 > queue.count {
                    queue.removeSubrange(..<head)
                    head = 0
                }
                return id
            }
        }
        queue.removeAll(keepingCapacity: true)
        head = 0
        return nil
    }

    mutating func remove(_ id: WorkerID) {
        guard members.remove(id) != nil else { return }
        queue.removeSubrange(..<head)
        head = 0
        queue.removeAll { $0 == id }
    }
}
