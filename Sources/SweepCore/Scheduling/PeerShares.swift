import DequeModule

/// How much of a coordinator one connection can take for itself. A pure value; the shell asks it
/// before it reads and answers, and passes the time.
///
/// Messages are received from all connections in turn, and most cost little. What people ask for
/// may cost much, so in a turn of the coordinator's loop each connection gets one answer, and
/// further requests wait. Who sends what is no message, or what its key does not allow, again and
/// again is not read for a while. What waits or is not read is counted, and told now and then.
public struct PeerShares: Sendable {
    public struct Request: Hashable, Sendable {
        public let message: MessageToCoordinator
        public let role: Role
        public let route: Route
    }

    /// What is said of one connection.
    public struct Complaint: Hashable, Sendable {
        public let peer: String
        public let text: String
    }

    private struct Conduct: Sendable {
        /// Messages without sense that are put up with; grows with time.
        var patience = PeerShares.mostPatience
        var isIgnored = false
        /// For people.
        var peer = ""
        var senseless = 0
        var lastReason = ""
        var unread = 0
        var dropped = 0

        var weight: Int { senseless + unread + dropped }

        var words: String {
            var words: [String] = []
            if senseless > 0 {
                words.append("\(senseless) messages dropped, the last: \(lastReason)")
            }
            if unread > 0 { words.append("\(unread) not read after too many of those") }
            if dropped > 0 { words.append("\(dropped) requests dropped, as too many wait") }
            return words.joined(separator: "; ")
        }
    }

    private var conducts: [Route: Conduct] = [:]
    private var requests: [Route: Deque<Request>] = [:]
    /// The connections with requests, the one that has waited longest first.
    private var order = Deque<Route>()
    private var leftInTurn = 0
    private var lastTick: Instant?
    private var lastComplaint: Instant?

    /// Requests of one connection that wait; those beyond are dropped.
    static let mostWaiting = 16
    /// Messages without sense that are read at once, and by how many that grows in a second.
    public static let mostPatience = 100.0
    public static let patiencePerSecond = 10.0
    /// How often there are complaints, and about how many connections.
    static let complaintInterval = Duration.seconds(10)
    static let mostComplaints = 5

    public init() {}

    /// Whether what comes from there is worth reading.
    public func hears(_ route: Route) -> Bool {
        // Nearly always.
        conducts.isEmpty || conducts[route]?.isIgnored != true
    }

    public mutating func countUnread(_ route: Route) { conducts[route]?.unread += 1 }

    /// A message made no sense; the reason and who it was are for the complaint.
    public mutating func countSenseless(_ reason: String, from route: Route, _ peer: String) {
        var conduct = conducts[route] ?? Conduct()
        conduct.peer = peer
        conduct.senseless += 1
        conduct.lastReason = reason
        conduct.patience -= 1
        if conduct.patience <= 0 { conduct.isIgnored = true }
        conducts[route] = conduct
    }

    public mutating func add(
        _ message: MessageToCoordinator, from route: Route, _ role: Role, _ peer: String
    ) {
        var waiting = requests[route] ?? []
        guard waiting.count < Self.mostWaiting else {
            var conduct = conducts[route] ?? Conduct()
            conduct.peer = peer
            conduct.dropped += 1
            conducts[route] = conduct
            return
        }
        if waiting.isEmpty { order.append(route) }
        waiting.append(Request(message: message, role: role, route: route))
        requests[route] = waiting
    }

    /// The connection has ended: nobody waits for answers.
    public mutating func forget(_ route: Route) {
        requests[route] = nil
        guard let place = order.firstIndex(of: route) else { return }
        order.remove(at: place)
        if place < leftInTurn { leftInTurn -= 1 }
    }

    /// Traps with the state in words if the bookkeeping contradicts itself.
    public func checkInvariants() {
        precondition(
            Set(order) == Set(requests.keys) && order.count == requests.count,
            "\(order.count) connections are in line, and \(requests.count) wait")
        precondition(
            requests.values.allSatisfy { (1...Self.mostWaiting).contains($0.count) },
            "a connection has no request that waits, or too many")
        precondition(
            (0...order.count).contains(leftInTurn),
            "\(leftInTurn) of \(order.count) connections are left in the turn")
        for (route, conduct) in conducts {
            precondition(conduct.patience <= Self.mostPatience, "\(route): \(conduct.patience)")
            precondition(
                conduct.isIgnored || conduct.patience > 0, "\(route) is heard without patience")
        }
    }

    public var hasRequests: Bool { !order.isEmpty }

    /// Whether `next` has one in this turn.
    public var mayAnswer: Bool { leftInTurn > 0 && !order.isEmpty }

    /// From now on each connection gets one answer more.
    public mutating func beginTurn() { leftInTurn = order.count }

    /// The request to answer next; `nil`: none, or the turn is over.
    public mutating func next() -> Request? {
        guard leftInTurn > 0, let route = order.popFirst() else { return nil }
        leftInTurn -= 1
        guard var waiting = requests[route], let request = waiting.popFirst() else { return nil }
        requests[route] = waiting.isEmpty ? nil : waiting
        if !waiting.isEmpty { order.append(route) }
        return request
    }

    /// Time has passed; called several times a second. Who behaves is forgotten.
    public mutating func tick(at now: Instant) -> [Complaint] {
        let seconds = lastTick.map { (now - $0).inSeconds } ?? 0
        lastTick = now
        for (route, conduct) in conducts {
            let patience = conduct.patience + seconds * Self.patiencePerSecond
            conducts[route]?.patience = min(Self.mostPatience, patience)
            if patience >= Self.mostPatience / 2 { conducts[route]?.isIgnored = false }
        }
        defer {
            conducts = conducts.filter {
                $0.value.patience < Self.mostPatience || $0.value.weight > 0
            }
        }
        if let lastComplaint, now - lastComplaint < Self.complaintInterval { return [] }
        let blamed = conducts.filter { $0.value.weight > 0 }
        guard !blamed.isEmpty else { return [] }
        lastComplaint = now
        for route in blamed.keys {
            conducts[route]?.senseless = 0
            conducts[route]?.unread = 0
            conducts[route]?.dropped = 0
        }
        let worst = blamed.sorted { left, right in
            if left.value.weight != right.value.weight {
                return left.value.weight > right.value.weight
            }
            return left.key < right.key
        }
        return worst.prefix(Self.mostComplaints).map {
            Complaint(peer: $0.value.peer, text: $0.value.words)
        }
    }
}
