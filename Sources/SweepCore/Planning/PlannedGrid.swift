/// The points that a sweep's grid comes to, each result once, in the order capacity, learning
/// rate, attack, poison ratio, seed, epochs.
///
/// Shared by all points and runs that were planned together. A million of them are held as keys and
/// cell numbers; a training's spec is made when it is asked for.
public final class PlannedGrid: Sendable {
    public let sweep: SweepSpec
    public let keys: [PointKey]
    /// For each key the number of its cell: mixed radix, `epochs` the fastest.
    public let cells: [UInt32]
    /// What a worker has to load for its trainings.
    let affinity: WaitingQueue.Affinity

    /// The grid of a sweep that was planned before.
    public init(_ sweep: SweepSpec, keys: [PointKey], cells: [UInt32]) {
        precondition(keys.count == cells.count, "each key has a cell")
        self.sweep = sweep
        self.keys = keys
        self.cells = cells
        affinity = .init(
            backbone: sweep.backbone.digest, test: sweep.data.test.digest,
            needs: Set(sweep.needs), trainer: sweep.trainer)
    }

    /// Plans a sweep: each cell whose key no earlier cell has. At most 2³² cells.
    public convenience init(_ sweep: SweepSpec) {
        var planner = GridPlanner(sweep)
        planner.advance(sweep.grid.cellCount)
        self.init(sweep, keys: planner.keys, cells: planner.cells)
    }

    /// The training of the point at `place`, `0 ..< keys.count`.
    public func spec(at place: Int) -> TrainingSpec { sweep.spec(ofCell: Int(cells[place])) }

    var keep: Keepsakes { sweep.keep }

    /// Epochs of the point at `place`.
    func epochs(at place: Int) -> Int {
        sweep.grid.epochs[Int(cells[place]) % sweep.grid.epochs.count]
    }
}

/// Finds the points of a grid, some at a time.
struct GridPlanner: Sendable {
    let sweep: SweepSpec
    private var writer: PointKeyWriter
    private(set) var keys: [PointKey] = []
    private(set) var cells: [UInt32] = []
    /// The same as `keys`.
    private(set) var points = PointSet()
    /// Cells looked at so far.
    private(set) var cellsDone = 0

    init(_ sweep: SweepSpec) {
        self.sweep = sweep
        writer = PointKeyWriter(sweep)
        keys.reserveCapacity(sweep.grid.cellCount)
        cells.reserveCapacity(sweep.grid.cellCount)
    }

    var isDone: Bool { cellsDone == sweep.grid.cellCount }

    /// The points, once all cells have been looked at.
    var grid: PlannedGrid {
        precondition(isDone, "a grid that is not planned yet")
        return PlannedGrid(sweep, keys: keys, cells: cells)
    }

    /// Looks at the next `count` cells.
    mutating func advance(_ count: Int) {
        let end = min(sweep.grid.cellCount, cellsDone + count)
        while cellsDone < end {
            let key = writer.key(ofCell: cellsDone)
            if points.insert(key) {
                keys.append(key)
                cells.append(UInt32(cellsDone))
            }
            cellsDone += 1
        }
    }
}

extension PlannedGrid: Hashable {
    public static func == (left: PlannedGrid, right: PlannedGrid) -> Bool {
        left === right
            || left.sweep == right.sweep && left.keys == right.keys && left.cells == right.cells
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(keys.count)
        hasher.combine(keys.first)
    }
}

extension SweepSpec {
    /// The values of a cell of the grid, numbered in mixed radix with epochs the fastest.
    struct Cell {
        let capacity: Int
        let learningRate: Int
        let attack: Int
        let poisonRatio: Int
        let seed: Int
        let epochs: Int

        init(_ number: Int, of grid: Grid) {
            var rest = number
            func digit(_ radix: Int) -> Int {
                defer { rest /= radix }
                return rest % radix
            }
            epochs = digit(grid.epochs.count)
            seed = digit(grid.seeds.count)
            poisonRatio = digit(grid.poisonRatios.count)
            attack = digit(grid.attacks.count)
            learningRate = digit(grid.learningRates.count)
            capacity = digit(grid.capacities.count)
        }
    }

    /// The training of one cell.
    public func spec(ofCell number: Int) -> TrainingSpec {
        let cell = Cell(number, of: grid)
        let attack = grid.attacks[cell.attack]
        return TrainingSpec(
            backbone: backbone, data: data, capacity: grid.capacities[cell.capacity],
            attack: attack,
            poisonRatio: attack.usesPoisonRatio ? grid.poisonRatios[cell.poisonRatio] : 0,
            epochs: grid.epochs[cell.epochs], learningRate: grid.learningRates[cell.learningRate],
            seed: grid.seeds[cell.seed], settings: settings, trainer: trainer)
    }
}
