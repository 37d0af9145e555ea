/// A point of a sweep: one cell of the grid.
public struct PlannedPoint: Sendable {
    let grid: PlannedGrid
    let place: Int

    public var key: PointKey { grid.keys[place] }
    public var spec: TrainingSpec { grid.spec(at: place) }
}

/// The epoch of a run after which a point's result is known.
public struct Milestone: Hashable, Sendable, Codable {
    public let epoch: Int
    public let key: PointKey

    public init(epoch: Int, key: PointKey) {
        self.epoch = epoch
        self.key = key
    }
}

/// A training trajectory that serves one or more points: neighbours in their grid.
public struct PlannedRun: Hashable, Sendable {
    public let grid: PlannedGrid
    /// Places of its points in the grid: `first ..< first + count`.
    public let first: UInt32
    public let count: UInt32
    /// Where it ends: the place of the point with the most epochs among those that were still to
    /// be trained.
    public let last: UInt32
    /// Training steps of the whole run; 0 if the sweep does not say how many samples there are.
    public let steps: Int

    public init(grid: PlannedGrid, first: UInt32, count: UInt32, last: UInt32, steps: Int) {
        precondition(
            count > 0 && first <= last && last < first + count
                && Int(first) + Int(count) <= grid.keys.count, "a run has places of its grid")
        self.grid = grid
        self.first = first
        self.count = count
        self.last = last
        self.steps = steps
    }

    var places: Range<Int> { Int(first)..<Int(first) + Int(count) }

    /// Of all its points, finished before or not, and those beyond its end.
    var keys: ArraySlice<PointKey> { grid.keys[places] }

    /// Of the point where it ends.
    var lastKey: PointKey { grid.keys[Int(last)] }

    public var epochs: Int { grid.epochs(at: Int(last)) }

    /// What is trained: `epochs` epochs, with a schedule that says where it ends.
    public var spec: TrainingSpec {
        var spec = grid.spec(at: Int(last))
        spec.settings.schedule = spec.settings.schedule.resolved(epochs: spec.epochs)
        return spec
    }

    public var keep: Keepsakes { grid.keep }

    /// Ascending by epoch, never empty.
    public var milestones: [Milestone] {
        let end = epochs
        return places.map { Milestone(epoch: grid.epochs(at: $0), key: grid.keys[$0]) }
            .filter { $0.epoch <= end }
            .sorted { $0.epoch < $1.epoch }
    }

    public static func == (left: PlannedRun, right: PlannedRun) -> Bool {
        (left.first, left.count, left.last, left.steps)
            == (right.first, right.count, right.last, right.steps)
            && left.grid == right.grid
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(first)
        hasher.combine(last)
        hasher.combine(grid.keys[Int(last)])
    }
}

/// Splits a sweep's grid into points, and points into runs.
public struct Plan: Sendable {
    public let grid: PlannedGrid
    /// Points whose result is known already.
    public let finished: Int
    /// What is left to train, in grid order of each run's first point.
    public let runs: [PlannedRun]
    /// Steps of `runs` together, without those that states have behind them.
    public let steps: Int
    /// What runs go on from, by their places in `runs`; the others train from the start.
    public let starts: [Int: LastState]
    /// That the longest run has left.
    public let longestSteps: Int
    /// `nil`: no run goes on from a state.
    public let continuation: Continuation?
    /// Points that have their results from the curves of runs that went further.
    public let measured: [MeasuredPoint]
    /// Points with results that are trained again for what the sweep keeps.
    public let retrained: Int
    /// Earlier runs that wait or are in training and leave less than the sweep keeps.
    public let unkept: Int
    /// Steps if each unfinished point were trained on its own.
    public let stepsWithoutSharing: Int

    /// All points of the sweep in grid order, each once.
    public var points: [PlannedPoint] {
        grid.keys.indices.map { PlannedPoint(grid: grid, place: $0) }
    }

    /// - Parameters:
    ///   - groundwork: What it can build on beside results; `nil`: nothing.
    ///   - isFinished: Whether the store has the result of a point.
    public init(
        _ sweep: SweepSpec, on groundwork: Groundwork? = nil,
        isFinished: (PointKey) -> Bool = { _ in false }
    ) {
        var planner = RunPlanner(PlannedGrid(sweep), of: sweep)
        var runs: [PlannedRun] = []
        var starts: [Int: LastState] = [:]
        while let next = planner.next(on: groundwork, isFinished: isFinished) {
            starts[runs.count] = next.start
            runs.append(next.run)
        }
        grid = planner.grid
        finished = planner.finished
        self.runs = runs
        self.starts = starts
        steps = planner.steps
        longestSteps = planner.longestSteps
        continuation = planner.continuation
        measured = planner.trajectories.measured
        retrained = planner.trajectories.retrained
        unkept = planner.trajectories.unkept
        stepsWithoutSharing = planner.stepsWithoutSharing
    }

    /// What is stored when a sweep is submitted for the first time, and nothing of it is known.
    ///
    /// - Parameter first: The number that its first run gets.
    public func facts(
        _ id: SweepID, _ sweep: SweepSpec, from first: RunID = RunID(1)
    ) -> [Fact] {
        let created: [Fact] = runs.isEmpty ? [] : [.runsCreated(first, runs)]
        return [.pointsPlanned(grid, 0..<grid.keys.count)] + created + [
            .sweepSubmitted(
                id, sweep,
                Submitted(points: grid.keys.count, firstRun: first, runs: runs.count))
        ]
    }
}

/// Splits the points of a grid into runs, one at a time, in grid order.
struct RunPlanner: Sendable {
    struct Next {
        let run: PlannedRun
        /// `nil`: from the start.
        let start: LastState?
    }

    let grid: PlannedGrid
    private(set) var trajectories: TrajectoryPlanner
    private let cost: Cost
    private let cellsOfATrajectory: Int
    /// The place of the first point that has not been looked at.
    private(set) var place = 0
    /// Points looked at whose result is known.
    private(set) var finished = 0
    /// Steps of the runs so far, without those that states have behind them.
    private(set) var steps = 0
    /// That the longest run has left.
    private(set) var longestSteps = 0
    /// `nil`: no run goes on from a state.
    private(set) var continuation: Continuation?
    /// Steps if each unfinished point were trained on its own.
    private(set) var stepsWithoutSharing = 0

    init(_ grid: PlannedGrid, of sweep: SweepSpec) {
        self.grid = grid
        trajectories = TrajectoryPlanner(sweep, grid)
        cost = Cost(sweep)
        cellsOfATrajectory = sweep.cellsOfATrajectory
    }

    var isDone: Bool { place == grid.keys.count }

    /// The next run; `nil`: nothing up to the end, or `limit`, is left to train.
    ///
    /// - Parameters:
    ///   - limit: Looks at no trajectory that begins there or later.
    ///   - groundwork: What it can build on beside results; `nil`: nothing.
    ///   - isFinished: Whether a point needs no training.
    mutating func next(
        before limit: Int = Int.max, on groundwork: Groundwork? = nil,
        isFinished: (PointKey) -> Bool
    ) -> Next? {
        while place < min(limit, grid.keys.count) {
            let places = place..<endOfTrajectory
            place = places.upperBound
            var last: Int?
            for place in places {
                guard !isFinished(grid.keys[place]),
                    !trajectories.findMeasured(place, on: groundwork)
                else {
                    finished += 1
                    continue
                }
                stepsWithoutSharing += cost.steps(ofCell: Int(grid.cells[place]))
                if last.map({ grid.epochs(at: $0) < grid.epochs(at: place) }) ?? true {
                    last = place
                }
            }
            guard let work = trajectories.work(on: places, until: last, on: groundwork)
            else { continue }
            let cell = Int(grid.cells[work.last])
            let needed = cost.steps(ofCell: cell)
            if last == nil { stepsWithoutSharing += needed }
            countSteps(needed, of: cell, work.start)
            let run = PlannedRun(
                grid: grid, first: UInt32(places.lowerBound), count: UInt32(places.count),
                last: UInt32(work.last), steps: needed)
            return Next(run: run, start: work.start)
        }
        return nil
    }

    private mutating func countSteps(_ needed: Int, of cell: Int, _ start: LastState?) {
        let saved = start.map { cost.steps(ofCell: cell, epochs: $0.artifact.epoch) } ?? 0
        steps += needed - saved
        longestSteps = max(longestSteps, needed - saved)
        guard let epoch = start?.artifact.epoch else { return }
        var all =
            continuation
            ?? Continuation(runs: 0, fewestEpochs: epoch, mostEpochs: epoch, steps: 0)
        all.runs += 1
        all.fewestEpochs = min(all.fewestEpochs, epoch)
        all.mostEpochs = max(all.mostEpochs, epoch)
        all.steps += saved
        continuation = all
    }

    private var endOfTrajectory: Int {
        var end = place + 1
        let trajectory = Int(grid.cells[place]) / cellsOfATrajectory
        while end < grid.keys.count, Int(grid.cells[end]) / cellsOfATrajectory == trajectory {
            end += 1
        }
        return end
    }

    /// Training steps of the cells of a grid.
    private struct Cost {
        let grid: Grid
        /// For each attack.
        let stepsOfAnEpoch: [Int]

        init(_ sweep: SweepSpec) {
            grid = sweep.grid
            let batch = max(1, sweep.settings.batchSize)
            stepsOfAnEpoch = sweep.grid.attacks.map {
                (sweep.sampleCount(for: $0) + batch - 1) / batch
            }
        }

        /// - Parameter epochs: `nil`: all of the cell.
        func steps(ofCell number: Int, epochs: Int? = nil) -> Int {
            let cell = SweepSpec.Cell(number, of: grid)
            return stepsOfAnEpoch[cell.attack] * (epochs ?? grid.epochs[cell.epochs])
        }
    }
}

extension TrainingSpec {
    /// The same training without its end: equal for points that one run can serve.
    public var trajectory: TrainingSpec {
        var spec = self
        spec.settings.schedule = settings.schedule.resolved(epochs: epochs)
        spec.epochs = 0
        return spec
    }
}
