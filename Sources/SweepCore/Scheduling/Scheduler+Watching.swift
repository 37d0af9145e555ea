/// Clients that want to know when a sweep is over.
extension Scheduler {
    struct Watch: Sendable {
        /// Runs of the sweep that are not over.
        var openRuns: Int
        var routes: [Route]
    }

    /// Clients that watch one sweep; beyond these, the earliest is forgotten.
    private static let mostWatchers = 64

    mutating func watch(_ name: String, from route: Route) {
        guard let sweep = sweeps.first(where: { $0.spec.name == name }) else {
            effects.append(.send(.rejected("there is no sweep '\(name)'"), to: route))
            return
        }
        let open = openRuns(of: sweep)
        guard open > 0 else {
            effects.append(.send(.ended(sweep: name), to: route))
            return
        }
        if let words = wordsOfPause(sweep) {
            effects.append(.send(.rejected(words), to: route))
            return
        }
        var watch = watches[sweep.id] ?? Watch(openRuns: open, routes: [])
        watch.routes.removeAll { $0 == route }
        watch.routes = watch.routes.suffix(Self.mostWatchers - 1) + [route]
        watches[sweep.id] = watch
    }

    /// A run is over; called once for each.
    mutating func tellWatchers(of run: RunID) {
        if watches.isEmpty { return }
        for sweep in sweeps {
            guard watches[sweep.id] != nil, contains(run, sweep) else { continue }
            watches[sweep.id]?.openRuns -= 1
            tellIfOver(sweep)
        }
    }

    /// The coordinator has paused the sweep by itself: nothing will end it.
    mutating func tellWatchers(of sweep: Sweep) {
        guard let words = wordsOfPause(sweep), let watch = watches.removeValue(forKey: sweep.id)
        else { return }
        for route in watch.routes { effects.append(.send(.rejected(words), to: route)) }
    }

    private func wordsOfPause(_ sweep: Sweep) -> String? {
        sweep.condition.reason.map {
            "\(sweep.spec.name) is paused: \($0)\nOnce that is mended: moderato resume "
                + sweep.spec.name
        }
    }

    /// The sweep has other runs than before.
    mutating func countAgain(_ sweep: Sweep) {
        guard watches[sweep.id] != nil else { return }
        let open = openRuns(of: sweep)
        watches[sweep.id]?.openRuns = open
        tellIfOver(sweep)
    }

    private mutating func tellIfOver(_ sweep: Sweep) {
        guard let watch = watches[sweep.id], watch.openRuns <= 0 else { return }
        watches[sweep.id] = nil
        for route in watch.routes {
            effects.append(.send(.ended(sweep: sweep.spec.name), to: route))
        }
    }

    private func openRuns(of sweep: Sweep) -> Int {
        sweep.runs.count { runs[$0]?.isOver == false }
    }
}
