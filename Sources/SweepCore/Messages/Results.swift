/// How far somebody has read the results of a sweep: who asks sends back what the last answer had.
/// It holds after a restart of the coordinator too.
public struct ResultsCursor: Hashable, Sendable {
    /// All that the store knew after so many changes has been told.
    public var change: UInt64
    /// A list of all points goes on at this place of the grid.
    public var place: Int?
    /// A list of what is new goes on after this run of this change, or with the rest of it.
    public var news: News?
    /// Of that run, or of the points at `place`, so many figures and milestones have been told: all
    /// of it is too large for one answer.
    public var parts: Int

    public struct News: Hashable, Sendable {
        public var change: UInt64
        public var run: RunID

        public init(change: UInt64, run: RunID) {
            self.change = change
            self.run = run
        }
    }

    public init(change: UInt64, place: Int? = nil, news: News? = nil, parts: Int = 0) {
        self.change = change
        self.place = place
        self.news = news
        self.parts = parts
    }

    /// Nothing has been told.
    public static let start = ResultsCursor(change: 0)
}

/// A point: what is known of a run after one of its epochs.
public struct MilestoneOutcome: Hashable, Sendable {
    public enum State: Hashable, Sendable {
        case waiting
        /// Its sweep was cancelled, and nothing trains it.
        case cancelled
        /// The attempt that measured it.
        case finished(AttemptID)
        /// With the error of its run.
        case failed
    }

    /// Where it stands in the sweep's grid.
    public var place: Int
    public var epochs: Int
    public var state: State
    /// Its figures where they are not those of the run's curve, because an earlier attempt has
    /// measured the epoch too.
    public var differing: EpochMetrics? {
        get { box?.value }
        set { box = newValue.map { Shared($0) } }
    }
    /// There are many milestones, and few of these.
    private var box: Shared<EpochMetrics>?

    public init(place: Int, epochs: Int, state: State, differing: EpochMetrics? = nil) {
        self.place = place
        self.epochs = epochs
        self.state = state
        box = differing.map { Shared($0) }
    }
}

/// What is known of a run, as far as a sweep asks for it.
public struct RunOutcome: Hashable, Sendable {
    /// `nil`: no run has begun that serves these points.
    public var run: RunID?
    /// Up to the last point that the sweep asks for.
    public var spec: TrainingSpec {
        get { PointOutcome.joined(endless, epochs) }
        set { (endless, epochs) = PointOutcome.split(newValue) }
    }
    /// As in its points, which share it.
    private(set) var endless: Shared<TrainingSpec>
    public private(set) var epochs: Int
    public var trainableParameters: Int?
    /// Why it failed.
    public var error: String?
    /// The attempts that measured its milestones.
    public var attempts: [Provenance]
    /// In the order of the grid.
    public var milestones: [MilestoneOutcome]
    /// The figures after each epoch, ascending. An answer has those that are new.
    public var curve: [EpochMetrics]

    public init(
        run: RunID?, spec: TrainingSpec, trainableParameters: Int? = nil, error: String? = nil,
        attempts: [Provenance] = [], milestones: [MilestoneOutcome], curve: [EpochMetrics] = []
    ) {
        self.run = run
        (endless, epochs) = PointOutcome.split(spec)
        self.trainableParameters = trainableParameters
        self.error = error
        self.attempts = attempts
        self.milestones = milestones
        self.curve = curve
    }

    /// Figures of epochs and milestones.
    public var parts: Int { curve.count + milestones.count }

    /// Of its parts, some in a row: figures come first, and milestones after them.
    func parts(_ range: Range<Int>) -> RunOutcome {
        let own = range.clamped(to: 0..<parts)
        let border = curve.count
        var part = self
        part.curve = Array(curve[own.clamped(to: 0..<border)])
        let rest = own.clamped(to: border..<parts)
        part.milestones = Array(milestones[rest.lowerBound - border..<rest.upperBound - border])
        return part
    }
}

extension [RunOutcome] {
    public var parts: Int { reduce(0) { $0 + $1.parts } }

    /// Of the parts of all, some in a row.
    public func parts(_ range: Range<Int>) -> [RunOutcome] {
        var begin = 0
        var cut: [RunOutcome] = []
        for run in self {
            let own = range.clamped(to: begin..<begin + run.parts)
            if !own.isEmpty {
                cut.append(run.parts(own.lowerBound - begin..<own.upperBound - begin))
            }
            begin += run.parts
        }
        return cut
    }
}

/// An answer about a sweep's results.
public struct ResultsSlice: Hashable, Sendable {
    public var name: String
    /// Points of the whole sweep.
    public var total: Int
    /// What was told before does not hold any more: the sweep is another one now, or this is the
    /// first answer.
    public var isAnew: Bool
    public var runs: [RunOutcome]
    /// With which to ask again, at once if more is to come.
    public var cursor: ResultsCursor
    public var goesOn: Bool

    public init(
        name: String, total: Int, isAnew: Bool, runs: [RunOutcome], cursor: ResultsCursor,
        goesOn: Bool
    ) {
        self.name = name
        self.total = total
        self.isAnew = isAnew
        self.runs = runs
        self.cursor = cursor
        self.goesOn = goesOn
    }
}

/// The results of a sweep, put together from answers.
///
/// A place that is told again has what was told last, and belongs to the run that it was told with;
/// so has an epoch of a run.
public struct GatheredResults: Hashable, Sendable {
    public private(set) var name: String
    /// Points of the whole sweep.
    public private(set) var total = 0
    public private(set) var cursor = ResultsCursor.start
    /// Whether the last answer said that more is to come.
    public private(set) var goesOn = true
    /// In the order in which they were told first; those that have lost all milestones are empty.
    private var told: [RunOutcome] = []
    private var placeOfRun: [RunID: Int] = [:]
    /// For each place of the grid the one that serves it, in `told`.
    private var servedBy: [Int: Int] = [:]

    /// - Parameter name: empty for the sweep submitted last.
    public init(of name: String) { self.name = name }

    /// Those that serve a point.
    public var runs: [RunOutcome] { told.filter { !$0.milestones.isEmpty } }

    /// The question for what is not known yet.
    public var question: MessageToCoordinator { .askResults(sweep: name, since: cursor) }

    public mutating func add(_ slice: ResultsSlice) {
        if slice.isAnew {
            told = []
            placeOfRun = [:]
            servedBy = [:]
        }
        name = slice.name
        total = slice.total
        cursor = slice.cursor
        goesOn = slice.goesOn
        for run in slice.runs { add(run) }
    }

    private mutating func add(_ run: RunOutcome) {
        let known = place(of: run)
        let place = known ?? told.count
        if known == nil {
            var run = run
            if let last = told.last { run.share(with: last) }
            told.append(run)
            if let id = run.run { placeOfRun[id] = place }
        } else {
            told[place].update(with: run)
        }
        for milestone in run.milestones {
            let before = servedBy.updateValue(place, forKey: milestone.place)
            if let before, before != place {
                told[before].milestones.removeAll { $0.place == milestone.place }
            }
        }
    }

    /// Points that no run has begun to serve are known by their places.
    private func place(of run: RunOutcome) -> Int? {
        if let id = run.run { return placeOfRun[id] }
        let place = run.milestones.first.flatMap { servedBy[$0.place] }
        return place.flatMap { told[$0].run == nil ? $0 : nil }
    }
}

extension RunOutcome {
    fileprivate mutating func update(with news: RunOutcome) {
        epochs = max(epochs, news.epochs)
        trainableParameters = news.trainableParameters ?? trainableParameters
        error = news.error
        for attempt in news.attempts {
            if let place = attempts.firstIndex(where: { $0.attempt == attempt.attempt }) {
                attempts[place] = attempt
            } else {
                attempts.append(attempt)
            }
        }
        milestones.update(with: news.milestones, by: \.place)
        curve.update(with: news.curve, by: \.epoch)
    }
}

extension Array {
    /// Both are in ascending order of the number; where both have one, the news count.
    fileprivate mutating func update(with news: [Element], by number: (Element) -> Int) {
        guard let first = news.first else { return }
        guard let last, number(last) >= number(first) else {
            self += news
            return
        }
        var merged: [Element] = []
        merged.reserveCapacity(count + news.count)
        var rest = news[...]
        for own in self {
            while let next = rest.first, number(next) < number(own) {
                merged.append(next)
                rest = rest.dropFirst()
            }
            if let next = rest.first, number(next) == number(own) { continue }
            merged.append(own)
        }
        self = merged + rest
    }
}

extension RunOutcome {
    /// Keeps what both have once: a hundred thousand specs differ in little.
    fileprivate mutating func share(with neighbour: RunOutcome) {
        let other = neighbour.endless.value
        var own = endless.value
        if own.backbone == other.backbone { own.backbone = other.backbone }
        if own.data == other.data { own.data = other.data }
        if own.attack == other.attack { own.attack = other.attack }
        if own.settings == other.settings { own.settings = other.settings }
        endless = Shared(own)
    }
}
