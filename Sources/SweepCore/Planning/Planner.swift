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

    /// A run that an earlier version planned.
    public init(spec: TrainingSpec, milestones: [Milestone], steps: Int, keep: Keepsakes) {
        precondition(!milestones.isEmpty, "a run without points")
        let specs = milestones.map { milestone in
            var point = spec
            point.epochs = milestone.epoch
            return point
        }
        self.init(
            grid: PlannedGrid(
                .list(specs, keep), keys: milestones.map(\.key),
                cells: milestones.indices.map(UInt32.init)),
            first: 0, count: UInt32(specs.count), last: UInt32(specs.count - 1), steps: steps)
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
    /// Runs of before that wait or are in training and leave less than the sweep keeps.
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
        let grid = PlannedGrid(sweep)
        let cost = Cost(sweep)
        var planner = TrajectoryPlanner(sweep, grid, groundwork)
        var starts: [Int: LastState] = [:]
        var stepsKept = 0
        var longest = 0
        let sharesEpochs =
            sweep.settings.schedule.horizon(epochs: 1)
            == sweep.settings.schedule.horizon(epochs: 2)
        var runs: [PlannedRun] = []
        var finished = 0
        var steps = 0
        var stepsWithoutSharing = 0
        var first = 0
        let epochCount = sweep.grid.epochs.count
        while first < grid.keys.count {
            // Prefix sharing: cells that differ only in epochs are one run where the schedule does
            // not look at the end of training.
            var end = first + 1
            if sharesEpochs {
                let trajectory = Int(grid.cells[first]) / epochCount
                while end < grid.keys.count, Int(grid.cells[end]) / epochCount == trajectory {
                    end += 1
                }
            }
            var last: Int?
            for place in first..<end {
                guard !isFinished(grid.keys[place]), !planner.takeMeasured(place) else {
                    finished += 1
                    continue
                }
                stepsWithoutSharing += cost.steps(ofCell: Int(grid.cells[place]))
                if last.map({ grid.epochs(at: $0) < grid.epochs(at: place) }) ?? true {
                    last = place
                }
            }
            if let work = planner.work(on: first..<end, until: last) {
                let cell = Int(grid.cells[work.last])
                if last == nil { stepsWithoutSharing += cost.steps(ofCell: cell) }
                let needed = cost.steps(ofCell: cell)
                let kept = cost.steps(ofCell: cell, epochs: work.start?.artifact.epoch ?? 0)
                if let start = work.start { starts[runs.count] = start }
                stepsKept += kept
                steps += needed - kept
                longest = max(longest, needed - kept)
                runs.append(
                    PlannedRun(
                        grid: grid, first: UInt32(first), count: UInt32(end - first),
                        last: UInt32(work.last), steps: needed))
            }
            first = end
        }
        continuation = Continuation(
            epochs: starts.values.map(\.artifact.epoch), steps: stepsKept)
        self.starts = starts
        longestSteps = longest
        measured = planner.measured
        retrained = planner.retrained
        unkept = planner.unkept
        self.grid = grid
        self.finished = finished
        self.runs = runs
        self.steps = steps
        self.stepsWithoutSharing = stepsWithoutSharing
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
