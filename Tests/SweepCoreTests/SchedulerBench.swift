import SweepCore
import Testing

/// What was said to a worker or a client, by the name of its route.
struct Said {
    let to: String
    var message: MessageToWorker?
    var answer: MessageToClient?

    init(to route: Route, message: MessageToWorker? = nil, answer: MessageToClient? = nil) {
        to = String(decoding: route.bytes, as: UTF8.self)
        self.message = message
        self.answer = answer
    }

    var isRejected: Bool {
        switch (message, answer) {
        case (.rejected?, _), (_, .rejected?): true
        default: false
        }
    }
}

/// A scheduler on the bench: events in, effects looked at, invariants checked after each.
struct SchedulerBench {
    @Checked var scheduler: Scheduler
    var now = Instant(nanoseconds: 0)
    /// Everything the scheduler wanted stored, in order.
    var facts: [Fact] = []

    init(_ snapshot: Snapshot = Snapshot(), _ configuration: Scheduler.Configuration = .init()) {
        scheduler = Scheduler(snapshot, configuration: configuration, at: now)
    }

    static func route(_ name: String) -> Route { Route(Array(name.utf8)) }

    @discardableResult
    mutating func handle(_ event: Event) -> [Said] {
        var sent: [Said] = []
        for effect in scheduler.handle(event, at: now) {
            switch effect {
            case .persist(let fact): facts.append(fact)
            case .send(let message, let route): sent.append(Said(to: route, message: message))
            case .answer(let answer, let route): sent.append(Said(to: route, answer: answer))
            case .note: break
            case .answerFile, .file, .weigh, .read, .serve, .sift, .warn:
                Issue.record("a scheduler does nothing with files: \(effect)")
            }
        }
        return sent
    }

    @discardableResult
    mutating func send(
        _ message: MessageToCoordinator, from name: String, as role: Role = .worker
    ) -> [Said] {
        handle(.message(message, from: Self.route(name), role: role))
    }

    @discardableResult
    mutating func submit(
        _ spec: SweepSpec, replaces: Bool = false
    ) -> [Said] {
        send(.submit(spec, replaces: replaces), from: "client", as: .client)
    }

    @discardableResult
    mutating func join(
        _ name: String, slots: Int = 1, incarnation: UInt64 = 1, attempts: [AttemptID] = [],
        route: String? = nil, secondsLeft: Double? = nil, keepsStates: Bool = true
    ) -> [Said] {
        let hello = Hello(
            worker: WorkerID(name), incarnation: incarnation, host: "host", slots: slots,
            device: "fake", memory: 0, secondsLeft: secondsLeft,
            keepsStates: keepsStates, attempts: attempts)
        return send(.hello(hello), from: route ?? name)
    }

    @discardableResult
    mutating func report(
        _ attempt: AttemptID, _ sequence: UInt64, _ event: Report.Event, from name: String
    ) -> [Said] {
        send(.report(Report(attempt: attempt, sequence: sequence, event: event)), from: name)
    }

    /// Reports every epoch of the assignment, and that it is completed.
    @discardableResult
    mutating func complete(
        _ assignment: Assignment, from name: String
    ) -> [Said] {
        var sent: [Said] = []
        var sequence: UInt64 = 0
        let before = assignment.checkpoint?.epoch ?? 0
        for epoch in 1...assignment.spec.epochs where epoch > before {
            sequence += 1
            sent += report(
                assignment.attempt, sequence,
                Sample.epoch(epoch),
                from: name)
        }
        return sent
            + report(
                assignment.attempt, sequence + 1,
                .completed(seconds: 1), from: name)
    }

    /// Lets time pass in quarters of a second, with a tick each.
    mutating func pass(
        _ duration: Duration, each: (inout SchedulerBench) -> Void = { _ in }
    ) -> [Said] {
        var sent: [Said] = []
        let end = now + duration
        while now < end {
            now = now + .milliseconds(250)
            each(&self)
            sent += handle(.tick)
        }
        return sent
    }

    var finishedPoints: [PointKey] {
        facts.compactMap { if case .pointFinished(let key, _, _, _, _) = $0 { key } else { nil } }
    }
}

extension [Said] {
    /// The jobs handed out, by the name of the route.
    var assignments: [(to: String, job: Assignment)] {
        compactMap { if case .assign(let job)? = $0.message { ($0.to, job) } else { nil } }
    }

    func contains(_ message: MessageToWorker, to name: String) -> Bool {
        contains { $0.to == name && $0.message == message }
    }

    func contains(_ answer: MessageToClient, to name: String) -> Bool {
        contains { $0.to == name && $0.answer == answer }
    }
}
