/// Clients that want to know when a sweep is over.
extension Scheduler {
    struct Watch: Sendable {
        var routes: [Route] = []
    }

    /// Clients that watch one sweep; beyond these, the earliest is forgotten.
    private static let mostWatchers = 64

    mutating func watch(_ name: String, from route: Route) {
        guard let sweep = sweeps.first(where: { $0.spec.name == name }) else {
            effects.append(.answer(.rejected("there is no sweep '\(name)'"), to: route))
            return
        }
        guard sweep.openRuns > 0 else {
            effects.append(.answer(.ended(sweep: name), to: route))
            return
        }
        if let words = wordsOfPause(sweep) {
            effects.append(.answer(.rejected(words), to: route))
            return
        }
        var watch = watches[sweep.id] ?? Watch()
        watch.routes.removeAll { $0 == route }
        watch.routes = watch.routes.suffix(Self.mostWatchers - 1) + [route]
        watches[sweep.id] = watch
    }

    /// Nobody answers these peers any more, and what they asked for is not begun.
    mutating func forgetWhatTheyAsked(_ routes: Set<Route>) {
        queued.removeAll { routes.contains($0.route) }
        statusPass?.routes.removeAll { routes.contains($0) }
        for id in watches.keys { watches[id]?.routes.removeAll { routes.contains($0) } }
    }

    /// A run is over; called once for each.
    mutating func runEnded(_ run: RunID) {
        intake?.ended.insert(run)
        for place in sweeps.indices where sweeps[place].openRuns > 0 {
            guard sweeps[place].contains(run) else { continue }
            sweeps[place].openRuns -= 1
            tellIfOver(place)
        }
    }

    /// The coordinator has paused the sweep by itself: nothing will end it.
    mutating func tellWatchers(of sweep: Sweep) {
        guard let words = wordsOfPause(sweep), let watch = watches.removeValue(forKey: sweep.id)
        else { return }
        for route in watch.routes { effects.append(.answer(.rejected(words), to: route)) }
    }

    private func wordsOfPause(_ sweep: Sweep) -> String? {
        sweep.condition.reason.map {
            "\(sweep.spec.name) is paused: \($0)\nOnce that is mended: moderato resume "
                + sweep.spec.name
        }
    }

    /// Tells those who watch the sweep, unless something of it is still to be done.
    mutating func tellIfOver(_ place: Int) {
        guard sweeps[place].openRuns <= 0,
            let watch = watches.removeValue(forKey: sweeps[place].id)
        else { return }
        for route in watch.routes {
            effects.append(.answer(.ended(sweep: sweeps[place].spec.name), to: route))
        }
    }
}
