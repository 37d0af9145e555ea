/// What a plan builds on beside results: states to go on from, and files that are kept already.
public struct Groundwork {
    let leftBehind: LeftBehind
    /// Whether a point has a result, and not only a run that will bring it.
    let hasResult: (PointKey) -> Bool
    /// What the run leaves that is to finish the point, or to keep something of it; `nil`: there
    /// is none.
    let coming: (PointKey) -> Keepsakes?

    public init(
        _ leftBehind: LeftBehind, hasResult: @escaping (PointKey) -> Bool,
        coming: @escaping (PointKey) -> Keepsakes? = { _ in nil }
    ) {
        self.leftBehind = leftBehind
        self.hasResult = hasResult
        self.coming = coming
    }
}

/// Runs that go on from where earlier ones ended.
public struct Continuation: Hashable, Sendable {
    public var runs: Int
    /// That need not be trained again: in the run with the fewest, and in the one with the most.
    public var fewestEpochs: Int
    public var mostEpochs: Int
    /// That need not be trained again, of all runs together.
    public var steps: Int

    public init(runs: Int, fewestEpochs: Int, mostEpochs: Int, steps: Int) {
        self.runs = runs
        self.fewestEpochs = fewestEpochs
        self.mostEpochs = mostEpochs
        self.steps = steps
    }
}

/// A point whose epoch a run has measured that was not asked for it.
public struct MeasuredPoint: Hashable, Sendable {
    public let key: PointKey
    public let epoch: Int
    public let run: RunID

    public init(key: PointKey, epoch: Int, run: RunID) {
        self.key = key
        self.epoch = epoch
        self.run = run
    }
}

/// Says of each trajectory of a sweep what is left to do, given what earlier runs left behind.
struct TrajectoryPlanner: Sendable {
    struct Work {
        /// The place of the point where the run ends.
        let last: Int
        /// What it goes on from.
        let start: LastState?
    }

    private let grid: PlannedGrid
    private let keep: Keepsakes
    private var writer: PointKeyWriter
    /// Points without a result that need no training.
    private(set) var measured: [MeasuredPoint] = []
    private var measuredPlaces: Set<Int> = []
    /// Points with results whose epochs are trained again for what is to be kept.
    private(set) var retrained = 0
    /// Runs that wait or are in training and leave less than the sweep keeps.
    private(set) var unkept = 0

    init(_ sweep: SweepSpec, _ grid: PlannedGrid) {
        self.grid = grid
        keep = sweep.keep
        writer = PointKeyWriter(sweep)
    }

    /// Whether a run that went further has measured the epoch of the point, which then has its
    /// result from there. A run whose last state is there has measured all of its epochs.
    ///
    /// - Parameter groundwork: `nil`: there is none, and nothing is looked up.
    mutating func findMeasured(_ place: Int, on groundwork: Groundwork?) -> Bool {
        guard let groundwork, groundwork.leftBehind.hasStates else { return false }
        let trajectory = writer.trajectory(ofCell: Int(grid.cells[place]))
        guard
            let state = groundwork.leftBehind.state(of: trajectory, upTo: Int.max),
            grid.epochs(at: place) <= state.artifact.epoch
        else { return false }
        measuredPlaces.insert(place)
        measured.append(
            MeasuredPoint(key: grid.keys[place], epoch: grid.epochs(at: place), run: state.run))
        return true
    }

    /// - Parameters:
    ///   - places: Of all points of the trajectory.
    ///   - last: Where the run ends that brings the results that are lacking; `nil`: none is.
    /// - Returns: `nil` if there is nothing to do.
    mutating func work(
        on places: Range<Int>, until last: Int?, on groundwork: Groundwork?
    ) -> Work? {
        guard let groundwork, last != nil || keep != .none,
            let end = places.max(by: { grid.epochs(at: $0) < grid.epochs(at: $1) }),
            last != end || !groundwork.leftBehind.isEmpty
        else { return last.map { Work(last: $0, start: nil) } }
        let trajectory = writer.trajectory(ofCell: Int(grid.cells[end]))
        let lacking = lackingPieces(of: trajectory, at: end, groundwork)
        guard let newLast = lacking.isEmpty ? last : end else { return nil }
        let open = places.filter {
            !groundwork.hasResult(grid.keys[$0]) && !measuredPlaces.contains($0)
        }.map(grid.epochs(at:))
        func start(until last: Int, files: [LeftBehind.Piece]) -> LastState? {
            // The first result has to be measured; a file can be written of the state itself.
            let firstResult = open.min().map { $0 - 1 } ?? Int.max
            let firstFile = files.map(\.epoch).min() ?? Int.max
            return groundwork.leftBehind.state(
                of: trajectory, upTo: min(firstResult, firstFile, grid.epochs(at: last)))
        }
        func trained(_ work: Work?) -> ClosedRange<Int>? {
            guard let work else { return nil }
            let first = (work.start?.artifact.epoch ?? 0) + 1
            let last = grid.epochs(at: work.last)
            return first <= last ? first...last : nil
        }
        let work = Work(last: newLast, start: start(until: newLast, files: lacking))
        guard !lacking.isEmpty else { return work }
        let otherwise = trained(last.map { Work(last: $0, start: start(until: $0, files: [])) })
        let all = trained(work)
        retrained += places.count { place in
            let epochs = grid.epochs(at: place)
            return all?.contains(epochs) == true && otherwise?.contains(epochs) != true
                && groundwork.hasResult(grid.keys[place])
        }
        return work
    }

    /// What the sweep keeps of the trajectory that is not there and will not be.
    private mutating func lackingPieces(
        of trajectory: PointKey, at end: Int, _ groundwork: Groundwork
    ) -> [LeftBehind.Piece] {
        let lacking = keep.pieces(epochs: grid.epochs(at: end))
            .filter { !groundwork.leftBehind.has($0, of: trajectory) }
        guard !lacking.isEmpty, let coming = groundwork.coming(grid.keys[end]) else {
            return lacking
        }
        if !coming.covers(keep) { unkept += 1 }
        return []
    }
}
