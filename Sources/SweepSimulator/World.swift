import SweepCore
import SweepWire

/// The real scheduler, worker machines and codec under virtual time: processes that crash, stop and
/// start again, connections that break, and a disk that commits all of a batch or nothing.
///
/// One seed decides everything. After every step the promises are checked; a broken one ends the
/// simulation with `violation`. Faults end at `faultsEnd`; then everything must come to an end.
public struct World {
    public let seed: UInt64
    public private(set) var events = 0
    /// How often each kind of fault happened.
    public private(set) var faults: [Fault: Int] = [:]
    /// The first promise that was broken.
    public private(set) var violation: String?
    /// A digest of everything that happened, in order.
    public private(set) var trace: UInt64 = 0xCBF2_9CE4_8422_2325

    enum Event {
        case toCoordinator(frame: [UInt8], connection: Int)
        case toWorker(name: Int, frame: [UInt8], connection: Int)
        case coordinatorTick
        case coordinatorStarts
        case coordinatorHasTime
        case workerTick(name: Int, process: Int)
        case workerStarts(name: Int)
        case epoch(name: Int, process: Int, AttemptID, Int)
        case trainerStops(name: Int, process: Int, AttemptID)
        case connectionEnds(Int)
        case answers
        case keysChanged
        case connectionHeals(name: Int)
        case fault
        case client(Int)
    }

    struct Worker {
        var machine: WorkerMachine
        /// Counts the processes that have gone by this name.
        var process: Int
        var isRunning = true
        /// Stopped until then (SIGSTOP), or not at all.
        var stoppedUntil = Instant(nanoseconds: 0)
        var connection: Int?
        /// The key that it comes in with; a later process may have another.
        var key: String
        /// What it has for the coordinator, by path, and what came from there.
        var outgoing: [String: [UInt8]] = [:]
        var disk = Disk()
        /// Reports on its disk.
        var spilled: [Report] = []
        var trainings: [AttemptID: (slot: Int, assignment: Assignment, isStopping: Bool)] = [:]
        /// Seconds an epoch takes here.
        var pace: Double
    }

    /// Told of everything that happens, for people who look for a mistake.
    public var listener: ((String) -> Void)?

    let plantedBug: PlantedBug?
    var random: RandomSource
    var now = Instant(nanoseconds: 0)
    var agenda = Agenda<Event>()
    var ledger = Ledger()
    var machine: CoordinatorMachine?
    var coordinatorDisk = Disk()
    /// Who may come in.
    var roles: [String: Role] = [World.clientKey: .client, World.strangerKey: .readOnly]
    var keys: [Int: String] = [World.clientConnection: World.clientKey]
    /// Answers are planned, and in their turn each connection has had so many.
    var areAnswersPlanned = false
    var answersInTurn: [Int: Int] = [:]
    /// Nonsense that was read, and since when, by connection.
    var nonsense: [Int: (count: Int, since: Instant)] = [:]
    var lastStateBytes = 0
    /// What the coordinator has been told of them.
    var knownRoles: [String: Role] = [:]
    var isSpareTimePlanned = false
    /// Sweeps are taken in over many events, or at once.
    let sliceSize: Int
    var coordinatorStoppedUntil = Instant(nanoseconds: 0)
    var workers: [Worker] = []
    var lastConnection = 0
    /// When the last frame of a connection arrives, each way: TCP keeps the order.
    var arrivals: [Int: (up: Instant, down: Instant)] = [:]
    var owners: [Int: Int] = [:]
    /// Trainer failures that were made happen, by run.
    var madeToFail: [RunID: Int] = [:]
    let faultsEnd = Instant(nanoseconds: 90_000_000_000)
    let end = Instant(nanoseconds: 1_200_000_000_000)

    static let clientConnection = -1
    /// Of one that asks and floods.
    static let strangerConnection = -2
    static let clientKey = "client"
    static let strangerKey = "stranger"
    /// An attempt that only liars speak of.
    static let inventedAttempt = AttemptID(1_000_000)

    public init(seed: UInt64, plantedBug: PlantedBug? = nil) {
        self.seed = seed
        self.plantedBug = plantedBug
        random = RandomSource(seed: seed)
        lastStateBytes = random.happens(0.5) ? 0 : Int.random(in: 5_000...100_000, using: &random)
        keys[Self.strangerConnection] = Self.strangerKey
        sliceSize = random.happens(0.7) ? Int.random(in: 1...5, using: &random) : 10_000
        for name in 0..<Int.random(in: 2...5, using: &random) {
            workers.append(
                Worker(
                    machine: WorkerMachine(Self.hello(name, incarnation: 1, slots: 1)),
                    process: 0, isRunning: false, key: "key-\(name)-0",
                    pace: random.happens(0.2) ? 0.01 : Double.random(in: 0.2...6, using: &random)))
            roles["key-\(name)-0"] = .worker
            agenda.plan(.workerStarts(name: name), at: now + random.duration(0...20))
        }
        agenda.plan(.coordinatorStarts, at: now)
        for number in 0..<Int.random(in: 1...3, using: &random) {
            agenda.plan(.client(number), at: now + random.duration(0.5...30))
        }
        agenda.plan(.fault, at: now + random.duration(1...5))
    }

    static func hello(_ name: Int, incarnation: UInt64, slots: Int) -> Hello {
        Hello(
            worker: WorkerID("worker-\(name)"), incarnation: incarnation, host: "host",
            slots: slots,
            device: "none", memory: 0)
    }

    /// Lives through everything. Gives whether all promises were kept.
    @discardableResult
    public mutating func run() -> Bool {
        while violation == nil, let (at, event) = agenda.next() {
            now = at
            if now > end {
                let why = unfinished.prefix(2).flatMap {
                    machine?.scheduler.explanation(of: .run($0), at: now)
                        ?? ["\($0): no coordinator"]
                }
                violation =
                    "not everything was over after \(Int((end - faultsEnd).inSeconds)) s "
                    + "without faults: \(unfinished); " + why.joined(separator: " ")
                break
            }
            events += 1
            addToTrace("\(at.nanoseconds) \(label(event))")
            happen(event)
            if now > faultsEnd, isOver { break }
        }
        if violation == nil { checkEnd() }
        return violation == nil
    }

    mutating func addToTrace(_ text: String) {
        for byte in text.utf8 { trace = (trace ^ UInt64(byte)) &* 0x100_0000_01B3 }
    }

    func tell(_ words: @autoclosure () -> String) {
        listener?("\(Double(now.nanoseconds) / 1e9) \(words())")
    }

    mutating func addFrameToTrace(_ frame: [UInt8]) {
        for byte in frame { trace = (trace ^ UInt64(byte)) &* 0x100_0000_01B3 }
    }

    mutating func count(_ fault: Fault) {
        faults[fault, default: 0] += 1
        tell("fault \(fault)")
    }

    mutating func require(_ holds: Bool, _ words: @autoclosure () -> String) {
        if !holds, violation == nil { violation = words() }
    }

    private func label(_ event: Event) -> String {
        switch event {
        case .toCoordinator(let frame, let connection): "up \(connection) \(frame.count)"
        case .toWorker(let name, let frame, let connection):
            "down \(name) \(connection) \(frame.count)"
        case .coordinatorTick: "tick"
        case .coordinatorHasTime: "spare time"
        case .coordinatorStarts: "coordinator"
        case .answers: "answers"
        case .keysChanged: "keys"
        case .workerTick(let name, let process): "tick \(name) \(process)"
        case .workerStarts(let name): "worker \(name)"
        case .epoch(let name, _, let attempt, let epoch): "epoch \(name) \(attempt) \(epoch)"
        case .trainerStops(let name, _, let attempt): "stops \(name) \(attempt)"
        case .connectionEnds(let connection): "ends \(connection)"
        case .connectionHeals(let name): "heals \(name)"
        case .fault: "fault"
        case .client(let number): "client \(number)"
        }
    }

    // MARK: What must be true

    /// What a run of this training measures: everywhere and always the same.
    static func metrics(_ spec: TrainingSpec, epoch: Int) -> EpochMetrics {
        let value = Double((spec.seed &* 31 &+ UInt64(epoch)) % 1_000) / 1_000
        return EpochMetrics(
            epoch: epoch, trainingLoss: value, testLoss: 1 - value, cacc: value, asr: value)
    }

    private var isOver: Bool {
        unfinished.isEmpty && violation == nil
    }

    /// Runs that a sweep still needs: the newest of each point without a result.
    private var unfinished: [RunID] {
        let runs = ledger.runs.sorted { $0.key < $1.key }
        var needed: Set<RunID> = []
        for sweep in ledger.sweeps.values where sweep.condition.state != .cancelled {
            var newest: [PointKey: RunID] = [:]
            for (id, run) in runs where id < sweep.firstLaterRun {
                for milestone in run.plan.milestones { newest[milestone.key] = id }
            }
            for key in sweep.keys where ledger.finished[key] == nil {
                guard let id = newest[key] else { continue }
                switch ledger.runs[id]?.state {
                case .waiting, .active: needed.insert(id)
                case .completed, .failed, .cancelled, nil: break
                }
            }
        }
        return needed.sorted()
    }

    private mutating func checkEnd() {
        for run in unfinished { require(false, "\(run) never ended") }
        for (id, run) in ledger.runs.sorted(by: { $0.key < $1.key }) {
            switch run.state {
            case .completed:
                for milestone in run.plan.milestones {
                    let expected = Self.metrics(run.plan.spec, epoch: milestone.epoch)
                    require(
                        ledger.finished[milestone.key] == expected,
                        "\(id) is completed with a wrong result after epoch \(milestone.epoch)")
                }
            case .failed:
                require(
                    (madeToFail[id] ?? 0) > 1, "\(id) has failed, but its trainers did not")
            case .waiting, .active, .cancelled: break
            }
        }
    }

    mutating func checkStep() {
        for violation in ledger.violations.prefix(1) { require(false, violation) }
        // A promise broken by a planted mistake leaves bookkeeping that contradicts itself.
        guard violation == nil else { return }
        machine?.checkInvariants()
        guard plantedBug != .forgetsUnacknowledged else { return }
        for worker in workers where worker.isRunning { worker.machine.checkInvariants() }
    }
}

/// What can go wrong in a simulation.
public enum Fault: String, CaseIterable, Sendable {
    case coordinatorKilled, killedBeforeCommit, killedAfterCommit, coordinatorStopped
    case workerKilled, workerStopped, workerDrained, connectionCut, halfOpen, trainerKilled
    case diskFull, nonsense, lie, staleFrame, fileDamaged, flood, keyRevoked
    /// No fault: a run goes on from a state that came from another worker.
    case resumed
}

/// Mistakes that can be planted to show that the simulation finds them.
public enum PlantedBug: String, CaseIterable, Sendable {
    /// The coordinator sends before it commits.
    case sendsBeforeCommit
    /// After a restart attempt numbers begin where the last run's did.
    case reusesAttempts
    /// A worker forgets its reports once they are sent.
    case forgetsUnacknowledged
    /// A restarted coordinator forgets runs that were in training.
    case forgetsActiveRuns
    /// An acknowledgement is for all reports up to any that came, whether those before it did.
    case acknowledgesGaps
    /// The coordinator takes a file without a look at its digest.
    case takesDamagedFiles
    /// It answers all that a connection asks before others.
    case answersFloods
    /// It reads on from who sends nonsense again and again.
    case readsNonsense
    /// It never hears that a key was revoked.
    case ignoresRevocations
}
