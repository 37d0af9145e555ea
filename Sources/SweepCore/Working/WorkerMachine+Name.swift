/// A worker whose name another one has comes back under a new name.
extension WorkerMachine {
    private static let mostCharacters = 80

    /// What it was given under the old name goes to others; so do results that were not taken yet.
    mutating func rename(because reason: String, at now: Instant, _ effects: inout [Effect]) {
        for attempt in Set(outboxes.keys).union(backlog.map(\.attempt)).sorted() {
            outboxes[attempt]?.unacknowledged = []
            revoke(attempt, at: now, &effects)
        }
        spill = Spill()
        timesRenamed += 1
        let mark = String(hello.incarnation % 60_466_176, radix: 36)
        let suffix = timesRenamed == 1 ? mark : "\(mark)-\(timesRenamed)"
        let name = WorkerID("\(firstName.prefix(Self.mostCharacters))-\(suffix)")
        effects.append(.note("\(reason); it goes on as \(name)"))
        effects.append(.renameSpill(name))
        hello.worker = name
        greet(at: now, &effects)
    }
}
