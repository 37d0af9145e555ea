import DequeModule

/// The state that a run had after its last epoch. Longer runs of its trajectory go on from there.
public struct LastState: Hashable, Sendable {
    /// The key of its training without the end (`TrainingSpec.trajectory`).
    public let trajectory: PointKey
    public let run: RunID
    public let artifact: Artifact

    public init(trajectory: PointKey, run: RunID, artifact: Artifact) {
        self.trajectory = trajectory
        self.run = run
        self.artifact = artifact
    }

    /// A larger state is not kept when its run has finished: that of a small PET has about 1 MB.
    public static let mostBytes = 16 << 20

    /// What it takes of a disk at least, so that few bytes do not make many files.
    private static let leastBytes = 4_096

    var bytes: Int { max(artifact.size, Self.leastBytes) }
}

/// What runs have left behind that later ones build on: their last states, and which of the files
/// that sweeps keep are there.
public struct LeftBehind: Sendable {
    /// A file that a sweep keeps.
    public struct Piece: Hashable, Sendable {
        public let kind: Artifact.Kind
        /// After which it was written.
        public let epoch: Int

        public init(kind: Artifact.Kind, epoch: Int) {
            self.kind = kind
            self.epoch = epoch
        }
    }

    /// By trajectory, ascending by epochs; one for each number of epochs.
    private var states: [PointKey: [LastState]] = [:]
    /// The oldest one first; those that are no longer in `states` are passed over.
    private var ages = Deque<LastState>()
    /// Of all states together.
    private(set) var bytes = 0
    private var pieces: [PointKey: Set<Piece>] = [:]

    public init() {}

    /// What a store knows, for planning without a coordinator.
    public init(_ snapshot: Snapshot) {
        for state in snapshot.lastStates { add(state) }
        let plans = Dictionary(
            snapshot.runs.map { ($0.id, $0.plan) }, uniquingKeysWith: { first, _ in first })
        var keys = TrajectoryKeys()
        for (run, piece) in snapshot.pieces {
            if let plan = plans[run] { add(piece, of: keys.key(of: plan)) }
        }
    }

    var isEmpty: Bool { states.isEmpty && pieces.isEmpty }
    var hasStates: Bool { !states.isEmpty }

    func contains(_ state: LastState) -> Bool {
        states[state.trajectory]?.contains(state) ?? false
    }

    /// - Returns: what it takes the place of: an earlier one after as many epochs.
    @discardableResult
    mutating func add(_ state: LastState) -> LastState? {
        var known = states[state.trajectory] ?? []
        let replaced = known.firstIndex { $0.artifact.epoch == state.artifact.epoch }
            .map { known.remove(at: $0) }
        let place = known.firstIndex { $0.artifact.epoch > state.artifact.epoch } ?? known.count
        known.insert(state, at: place)
        states[state.trajectory] = known
        ages.append(state)
        bytes += state.bytes - (replaced?.bytes ?? 0)
        return replaced == state ? nil : replaced
    }

    /// Takes the oldest states out until the others have no more than `limit` bytes.
    mutating func removeOldest(over limit: Int) -> [LastState] {
        var removed: [LastState] = []
        while bytes > limit, let oldest = ages.popFirst() {
            guard let place = states[oldest.trajectory]?.firstIndex(of: oldest) else { continue }
            states[oldest.trajectory]?.remove(at: place)
            if states[oldest.trajectory]?.isEmpty == true { states[oldest.trajectory] = nil }
            bytes -= oldest.bytes
            removed.append(oldest)
        }
        return removed
    }

    /// The one with the most epochs, `upTo` at most.
    func state(of trajectory: PointKey, upTo epochs: Int) -> LastState? {
        states[trajectory]?.last { $0.artifact.epoch <= epochs }
    }

    mutating func add(_ piece: Piece, of trajectory: PointKey) {
        pieces[trajectory, default: []].insert(piece)
    }

    func has(_ piece: Piece, of trajectory: PointKey) -> Bool {
        pieces[trajectory]?.contains(piece) ?? false
    }
}

extension Keepsakes {
    /// What a run of so many epochs leaves.
    func pieces(epochs: Int) -> [LeftBehind.Piece] {
        hiddenStates.filter { $0 <= epochs }.map { .init(kind: .hiddenStates, epoch: $0) }
            + (model ? [.init(kind: .checkpoint, epoch: epochs)] : [])
    }

    func covers(_ other: Keepsakes) -> Bool {
        (model || !other.model) && Set(hiddenStates).isSuperset(of: other.hiddenStates)
    }
}

/// Keys of trajectories, with what the runs of a grid have in common written once.
struct TrajectoryKeys {
    private var writers: [ObjectIdentifier: PointKeyWriter] = [:]

    mutating func key(of plan: PlannedRun) -> PointKey {
        let cell = Int(plan.grid.cells[Int(plan.last)])
        return writers[ObjectIdentifier(plan.grid), default: PointKeyWriter(plan.grid.sweep)]
            .trajectory(ofCell: cell)
    }
}
