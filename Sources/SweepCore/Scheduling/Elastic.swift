/// Decides how many workers are asked for from an engine that manages machines, such as Slurm.
///
/// Looks at what is to be done, at the workers that the coordinator knows, and at what the engine
/// holds. It never has more than are of use, asks anew for those that went, and asks less and less
/// often while the engine refuses, or while workers go before the coordinator has seen them.
public struct Elastic: Sendable {
    public struct Bounds: Hashable, Sendable {
        /// So many stay, even if they are idle.
        public var least: Int
        public var most: Int

        public init(least: Int, most: Int) {
            self.least = least
            self.most = most
        }
    }

    /// A worker that was asked for, as the engine sees it.
    public struct Place: Hashable, Sendable {
        public enum State: Hashable, Sendable {
            /// In the engine's queue.
            case waiting
            case running
            /// On its way out, or back to the queue.
            case ending
        }

        public var worker: WorkerID
        public var state: State

        public init(_ worker: WorkerID, _ state: State) {
            self.worker = worker
            self.state = state
        }
    }

    public enum Decision: Hashable, Sendable {
        case ask(Int)
        /// In the order given; the first are of the least use.
        case letGo([WorkerID])
        /// So many workers in a row went before the coordinator had seen them.
        case giveUp(Int)
    }

    /// A worker without runs is kept for so long, since more may come.
    public static let patienceWithIdle = Duration.seconds(10)
    /// A worker runs and the coordinator does not hear of it: it dials an earlier address.
    public static let patienceWithUnseen = Duration.seconds(120)
    /// It may come back to the queue; on a node that is gone it ends for ever.
    public static let patienceWithEnding = Duration.seconds(30)
    public static let firstPause = Duration.seconds(5)
    public static let longestPause = Duration.seconds(300)
    /// Rounds of workers that came to nothing, one after the other, until nothing more is asked.
    public static let mostFruitless = 5

    private let bounds: Bounds
    private var idleSince: [WorkerID: Instant] = [:]
    private var unseenSince: [WorkerID: Instant] = [:]
    private var endingSince: [WorkerID: Instant] = [:]
    /// Asked for and not over, and whether the coordinator has seen it.
    private var known: [WorkerID: Bool] = [:]
    private var dismissed: Set<WorkerID> = []
    private var nextAsk: Instant?
    private var pause = firstPause
    private var fruitless = 0

    public init(_ bounds: Bounds) { self.bounds = bounds }

    /// What to do now; called again and again.
    public mutating func decide(
        _ report: StatusReport, _ places: [Place], at now: Instant
    ) -> [Decision] {
        let places = stillThere(places, at: now).sorted { $0.worker < $1.worker }
        let seen = Dictionary(report.workers.map { ($0.id, $0) }, uniquingKeysWith: { $1 })
        let isFruitless = recordPlaces(places, seen: seen, at: now)
        if isFruitless, fruitless >= Self.mostFruitless { return [.giveUp(fruitless)] }

        let going = superfluous(places, seen, report, at: now)
        var decisions: [Decision] = []
        if !going.isEmpty {
            dismissed.formUnion(going)
            decisions.append(.letGo(going))
        }
        let there = places.count { !dismissed.contains($0.worker) }
        let lacking = wanted(report, places, seen) - there
        if lacking > 0, nextAsk.map({ now >= $0 }) ?? true { decisions.append(.ask(lacking)) }
        return decisions
    }

    private mutating func stillThere(_ places: [Place], at now: Instant) -> [Place] {
        let ending = places.filter { $0.state == .ending }.map(\.worker)
        endingSince = endingSince.filter { ending.contains($0.key) }
        for worker in ending where endingSince[worker] == nil { endingSince[worker] = now }
        return places.filter { place in
            endingSince[place.worker].map { now - $0 < Self.patienceWithEnding } ?? true
        }
    }

    /// The engine did not let them go: it is tried again.
    public mutating func kept(_ workers: [WorkerID]) { dismissed.subtract(workers) }

    /// The engine took what was asked for.
    public mutating func accepted(_ workers: [WorkerID]) {
        for worker in workers { known[worker] = false }
        nextAsk = nil
        if fruitless == 0 { pause = Self.firstPause }
    }

    /// The engine refused; the time until it is asked again.
    public mutating func refused(at now: Instant) -> Duration {
        let wait = pause
        holdOff(at: now)
        return wait
    }

    private mutating func holdOff(at now: Instant) {
        nextAsk = now + pause
        pause = min(pause * 2, Self.longestPause)
    }

    /// Traps with the state in words if the bookkeeping contradicts itself.
    public func checkInvariants() {
        for worker in dismissed.union(idleSince.keys).union(unseenSince.keys) {
            precondition(known[worker] != nil, "\(worker) is remembered, but was not asked for")
        }
        precondition(
            (Self.firstPause...Self.longestPause).contains(pause), "a pause of \(pause)")
    }

    /// Brings what it remembers up to date; whether workers went that were never seen.
    private mutating func recordPlaces(
        _ places: [Place], seen: [WorkerID: StatusReport.Worker], at now: Instant
    ) -> Bool {
        for place in places {
            let isSeen = seen[place.worker] != nil
            if isSeen {
                fruitless = 0
                pause = Self.firstPause
            }
            known[place.worker] = known[place.worker] == true || isSeen
            let isIdle = seen[place.worker]?.runs.isEmpty == true && place.state == .running
            idleSince[place.worker] = isIdle ? idleSince[place.worker] ?? now : nil
            let isUnseen = place.state == .running && !isSeen
            unseenSince[place.worker] = isUnseen ? unseenSince[place.worker] ?? now : nil
        }
        let here = Set(places.map(\.worker))
        let gone = known.filter { !here.contains($0.key) }
        let isFruitless = gone.contains { !$0.value && !dismissed.contains($0.key) }
        for worker in gone.keys {
            known[worker] = nil
            idleSince[worker] = nil
            unseenSince[worker] = nil
            dismissed.remove(worker)
        }
        if isFruitless {
            fruitless += 1
            holdOff(at: now)
        }
        return isFruitless
    }

    /// Never more than there are runs to do, each slot taking one.
    private func wanted(
        _ report: StatusReport, _ places: [Place], _ seen: [WorkerID: StatusReport.Worker]
    ) -> Int {
        let slots = places.compactMap { seen[$0.worker]?.slots }.max() ?? 1
        let runs = report.sweeps.reduce(0) { sum, sweep in
            sum + sweep.activeRuns + (sweep.condition.state == .active ? sweep.waitingRuns : 0)
        }
        return min((runs + slots - 1) / slots, bounds.most)
    }

    /// Those that wait in the queue for nothing, that nobody hears of, and that have been idle for
    /// long while nothing waits.
    private func superfluous(
        _ places: [Place], _ seen: [WorkerID: StatusReport.Worker], _ report: StatusReport,
        at now: Instant
    ) -> [WorkerID] {
        let staying = places.filter { !dismissed.contains($0.worker) }
        let lost = staying.filter { place in
            unseenSince[place.worker].map { now - $0 >= Self.patienceWithUnseen } ?? false
        }.map(\.worker)
        let wanted = wanted(report, places, seen)
        var surplus = staying.count - lost.count - max(wanted, min(bounds.least, bounds.most))
        guard surplus > 0 else { return lost }
        // The last of the queue first.
        let queued = staying.reversed().filter { $0.state == .waiting }.map(\.worker)
        let idle = staying.map(\.worker).filter { worker in
            idleSince[worker].map { now - $0 >= Self.patienceWithIdle } ?? false
        }
        var going = lost
        for worker in queued + idle where surplus > 0 {
            going.append(worker)
            surplus -= 1
        }
        return going
    }
}
