/// Sweeps on their way in. A grid may have two million cells: it is planned, and stored, in slices,
/// between other things.
extension Scheduler {
    /// Cells, or points, of a slice. A small grid is taken at once.
    static let mostCells = 2_000_000
    /// Sweeps that wait for the one on its way.
    private static let mostQueued = 64

    /// A sweep on its way in.
    struct Intake: Sendable {
        let id: SweepID
        let spec: SweepSpec
        /// Whether a sweep of the same name may lose points by it.
        let replaces: Bool
        /// Whether people asked to try again what is left of a sweep that is there.
        let isRetry: Bool
        let route: Route
        var cells: GridPlanner
        /// Of the sweep of the same name: points looked at, those that the grid lacks, and how many
        /// of these are finished.
        var compared = 0
        var lost = 0
        var lostFinished = 0
        /// Set when the grid is planned and nothing speaks against it.
        var runs: RunPlanner?
        let firstRun: RunID
        var created = 0
        /// Points that have a result.
        var finished = 0
        /// Runs of other sweeps, or earlier ones, that will finish a point.
        var shared: [RunID] = []
        /// Of these, the runs that have ended since.
        var ended: Set<RunID> = []
        /// Completed runs of the sweep of the same name that have finished a point, and how many of
        /// its runs have been looked at.
        var carried: [RunID] = []
        var looked = 0
        var lines: [WaitingQueue.Line] = []

        /// How far it is, 0 ... 1.
        var share: Double {
            let cellCount = Double(max(1, spec.grid.cellCount))
            let planned = Double(cells.cellsDone) / cellCount
            let created = runs.map { Double($0.place) / Double(max(1, $0.grid.keys.count)) } ?? 0
            return (planned + created) / 2
        }

        mutating func wait(for run: RunID, _ plan: PlannedRun) {
            let affinity = plan.grid.affinity
            let place =
                lines.firstIndex { $0.affinity == affinity }
                ?? {
                    lines.append(WaitingQueue.Line(of: id, affinity))
                    return lines.count - 1
                }()
            lines[place].insert(WaitingQueue.Entry(run: run, steps: plan.steps))
        }
    }

    /// What waits until a sweep has been taken in.
    struct Queued: Sendable {
        enum Request: Sendable {
            case submit(SweepSpec, replaces: Bool)
            case control(Control)
            case watch(sweep: String)
        }

        let request: Request
        let route: Route

        var name: String? {
            switch request {
            case .submit(let spec, _): spec.name
            case .control(let control): control.sweep
            case .watch(let name): name
            }
        }
    }

    /// Takes a sweep. Points whose results are known, or that a run will finish anyway, make no
    /// new run; so submitting the same sweep again resumes it, and a larger grid extends it.
    ///
    /// - Parameter replaces: Whether a sweep of the same name may lose points by it.
    mutating func submit(_ spec: SweepSpec, replaces: Bool, from route: Route) {
        guard spec.grid.cellCount <= Self.mostCells else {
            return reject(
                "the grid has \(spec.grid.cellCount) cells; \(Self.mostCells) is the most", route)
        }
        let samples = spec.grid.attacks.map { spec.sampleCount(for: $0) }.max() ?? 0
        let stepsOfRun =
            (Double(samples) / Double(max(1, spec.settings.batchSize)) + 1)
            * Double(spec.grid.epochs.max() ?? 1)
        guard stepsOfRun * Double(spec.grid.cellCount) < 1e12 else {
            return reject(
                "the grid comes to more than 10^12 training steps; make it smaller", route)
        }
        queueOrDo(Queued(request: .submit(spec, replaces: replaces), route: route))
    }

    /// Does at once what need not wait for a sweep that is on its way.
    mutating func queueOrDo(_ item: Queued) {
        let isAboutOneOnItsWay =
            intake.map { $0.spec.name == item.name } ?? false
            || queued.contains { $0.name == item.name }
        switch item.request {
        case .control(let control) where !isAboutOneOnItsWay || item.name == nil:
            return carryOut(control, from: item.route)
        case .watch(let name) where !isAboutOneOnItsWay: return watch(name, from: item.route)
        case .submit, .control, .watch: break
        }
        guard queued.count < Self.mostQueued else {
            return reject(
                "\(queued.count) sweeps are on their way already; try again later", item.route)
        }
        queued.append(item)
        if intake == nil { goOnWithIntake() }
    }

    var incoming: [StatusReport.Incoming] {
        let now = intake.map { [StatusReport.Incoming(name: $0.spec.name, share: $0.share)] } ?? []
        return now
            + queued.compactMap {
                if case .submit(let spec, _) = $0.request {
                    StatusReport.Incoming(name: spec.name, share: 0)
                } else {
                    nil
                }
            }
    }

    /// Goes on with the sweep that is on its way, and then with what waits for it.
    ///
    /// - Parameter share: Of a slice.
    mutating func goOnWithIntake(_ share: Double = 1) {
        var budget = max(1, Int(Double(configuration.itemsInASlice) * share))
        while budget > 0 {
            if var current = intake {
                // It is worked on alone, without a copy of it.
                intake = nil
                if goOn(&current, &budget) { intake = current }
                continue
            }
            guard !queued.isEmpty else { return }
            let item = queued.removeFirst()
            switch item.request {
            case .submit(let spec, let replaces):
                intake = intake(of: spec, replaces: replaces, isRetry: false, item.route)
            case .control(.retry(let name)):
                guard let sweep = sweeps.first(where: { $0.spec.name == name }) else {
                    reject(unknownSweep(name), item.route)
                    continue
                }
                intake = intake(of: sweep.spec, replaces: true, isRetry: true, item.route)
            case .control(let control): carryOut(control, from: item.route)
            case .watch(let name): watch(name, from: item.route)
            }
        }
    }

    /// Runs that have begun and that no sweep wants any more, whose work is given up. Those that
    /// have not begun have nothing to give up.
    mutating func cancelLeftOvers() {
        for id in begunRuns where !isWanted(id) && id < intake?.firstRun ?? RunID(.max) {
            if let run = runs[id], run.state == .waiting { putBack(id, run) }
        }
    }

    /// Runs that are not over and have an attempt or a state.
    var begunRuns: [RunID] { Set(attempts.values.map(\.run)).union(states.keys).sorted() }
}
