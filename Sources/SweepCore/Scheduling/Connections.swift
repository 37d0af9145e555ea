/// Decides which connections to the coordinator are cut off, so that no peer makes it hold more
/// than its share of memory and files. A pure value: the shell tells what happens to connections
/// and what the kernel counts on them, and cuts off.
///
/// A message is one frame. Of one that has not ended nothing can be read, but it takes memory, as
/// does an answer that nobody reads. The kernel counts the bytes of each connection, so what has
/// arrived and was not read is known, and what was sent and has not arrived.
public struct Connections: Sendable {
    public struct Limits: Sendable {
        /// Bytes of one connection, and of all, that have arrived and were not read.
        public var unread = 32 << 20
        public var unreadOfAll = 512 << 20
        /// Bytes to one connection, and to all, that were sent and have not arrived.
        public var unsent = 64 << 20
        public var unsentOfAll = 512 << 20
        /// Connections without a handshake from one address; older ones than `handshake` make
        /// room.
        public var unfinishedOfAnAddress = 256
        public var handshake = Duration.seconds(2)
        /// Connections that there is room for.
        public var connections = 4_096

        public init() {}
    }

    /// What is cut off, and why.
    public struct Cut: Hashable, Sendable {
        public let file: Int32
        public let address: String
        public let route: Route?
        public let why: String
    }

    private struct Connection: Sendable {
        var address: String
        let accepted: Instant
        var hasShakenHands = false
        var route: Route?
        /// As the kernel counted when it was last asked.
        var received: UInt64 = 0
        var acknowledged: UInt64 = 0
        var measured: Instant
        /// Since then, as they are on the wire.
        var heard = 0
        var sent = 0
        var unread = 0
        var unsent = 0
        /// Events of an earlier connection with this file that are still to come.
        var owedCloses = 0
        var isCut = false
    }

    private let limits: Limits
    private var connections: [Int32: Connection] = [:]
    private var files: [Route: Int32] = [:]
    /// Connections without a handshake, by their addresses.
    private var unfinished: [String: Int] = [:]
    /// Where to go on asking the kernel.
    private var nextMeasured: Int32 = -1

    /// What keeps a connection alive, and is no message, in bytes a second.
    private static let bytesToStayAlive = 64.0

    public init(_ limits: Limits = Limits()) { self.limits = limits }

    public var count: Int { connections.count }

    // MARK: What happens

    public mutating func accept(_ file: Int32, from address: String, at now: Instant) {
        // Its first message was faster than this.
        if connections[file]?.address.isEmpty == true {
            connections[file]?.address = address
            return
        }
        _ = forget(file)
        connections[file] = Connection(address: address, accepted: now, measured: now)
        unfinished[address, default: 0] += 1
    }

    public mutating func finishHandshake(_ file: Int32) {
        guard let connection = connections[file], !connection.hasShakenHands else { return }
        connections[file]?.hasShakenHands = true
        countFinished(connection)
    }

    private mutating func countFinished(_ connection: Connection) {
        guard let count = unfinished[connection.address] else { return }
        unfinished[connection.address] = count > 1 ? count - 1 : nil
    }

    private mutating func forget(_ file: Int32) -> Route? {
        guard let connection = connections.removeValue(forKey: file) else { return nil }
        if !connection.hasShakenHands { countFinished(connection) }
        // A peer may be on another connection already.
        guard let route = connection.route, files[route] == file else { return nil }
        files[route] = nil
        return route
    }

    /// - Returns: the peer that is gone.
    public mutating func close(_ file: Int32) -> Route? {
        if let owed = connections[file]?.owedCloses, owed > 0 {
            connections[file]?.owedCloses = owed - 1
            return nil
        }
        return forget(file)
    }

    /// A whole message has been read.
    ///
    /// - Parameter isOpen: Whether the file is a connection now; asked where none is known.
    /// - Returns: a peer that is gone: the file is another's now, or nobody's, as its end was told
    ///   before its messages were read.
    public mutating func hear(
        _ file: Int32, _ route: Route, bytes: Int, at now: Instant,
        isOpen: @autoclosure () -> Bool = true
    ) -> Route? {
        if connections[file] == nil, !isOpen() { return route }
        var gone: Route?
        if let earlier = connections[file]?.route, earlier != route {
            gone = earlier
            let owed = (connections[file]?.owedCloses ?? 0) + 1
            _ = forget(file)
            connections[file] = Connection(address: "", accepted: now, measured: now)
            connections[file]?.owedCloses = owed
        }
        if connections[file]?.route == nil {
            if connections[file] == nil {
                connections[file] = Connection(address: "", accepted: now, measured: now)
            }
            finishHandshake(file)
            connections[file]?.route = route
            files[route] = file
        }
        connections[file]?.heard += bytes
        return gone
    }

    public mutating func send(_ bytes: Int, to route: Route) {
        if let file = files[route] { connections[file]?.sent += bytes }
    }

    /// Traps with the state in words if the bookkeeping contradicts itself.
    public func checkInvariants() {
        for (file, connection) in connections {
            precondition(
                connection.route == nil || connection.hasShakenHands,
                "\(file) has a route before its handshake")
            precondition(
                connection.unread >= 0 && connection.unsent >= 0 && connection.owedCloses >= 0,
                "\(file) has less than nothing: \(connection)")
        }
        for (route, file) in files {
            precondition(connections[file]?.route == route, "\(route) is not at \(file)")
        }
        let counted = connections.values.filter { !$0.hasShakenHands }
            .reduce(into: [:]) { $0[$1.address, default: 0] += 1 }
        precondition(counted == unfinished, "\(unfinished) without a handshake, not \(counted)")
    }

    // MARK: What the kernel counts

    /// The files of connections to ask about next: all in turn, `count` at a time.
    public mutating func nextToMeasure(_ count: Int) -> [Int32] {
        if connections.count <= count { return connections.keys.sorted() }
        let sorted = connections.keys.sorted()
        let start = sorted.firstIndex { $0 > nextMeasured } ?? 0
        let chosen = (0..<count).map { sorted[(start + $0) % sorted.count] }
        nextMeasured = chosen.last ?? -1
        return chosen
    }

    /// - Parameters:
    ///   - received: Bytes that have arrived since the connection began.
    ///   - acknowledged: Bytes that the other end has received.
    ///   - wasDrained: Whether at some time since the last measurement no whole message was left
    ///     to be read.
    public mutating func measure(
        _ file: Int32, received: UInt64, acknowledged: UInt64, wasDrained: Bool, at now: Instant
    ) {
        guard var connection = connections[file] else { return }
        let arrived = Int(clamping: received &- min(received, connection.received))
        let taken = Int(clamping: acknowledged &- min(acknowledged, connection.acknowledged))
        let idle = (now - connection.measured).inSeconds * Self.bytesToStayAlive
        connection.unread = max(0, connection.unread + arrived - connection.heard - Int(idle))
        // Messages come one after the other: before the one that was heard nothing is left.
        if wasDrained, connection.heard > 0 { connection.unread = min(connection.unread, arrived) }
        connection.unsent = max(0, connection.unsent + connection.sent - taken)
        connection.received = received
        connection.acknowledged = acknowledged
        connection.measured = now
        connection.heard = 0
        connection.sent = 0
        connections[file] = connection
    }

    /// Who takes more than its share.
    public mutating func cutOff() -> [Cut] {
        var cuts: [Cut] = []
        for (file, connection) in connections.sorted(by: { $0.key < $1.key }) {
            if connection.unread > limits.unread {
                cuts += cut(
                    file,
                    "it sent \(connection.unread) bytes that are no whole message, or more "
                        + "than can be read")
            } else if connection.unsent > limits.unsent {
                cuts += cut(file, "it does not read \(connection.unsent) bytes of answers")
            }
        }
        cuts += cutLargest(\.unread, until: limits.unreadOfAll, "too much waits to be read")
        cuts += cutLargest(\.unsent, until: limits.unsentOfAll, "too many answers wait")
        return cuts
    }

    private mutating func cutLargest(
        _ share: KeyPath<Connection, Int>, until limit: Int, _ why: String
    ) -> [Cut] {
        var total = connections.values.reduce(0) { $0 + ($1.isCut ? 0 : $1[keyPath: share]) }
        guard total > limit else { return [] }
        let largest = connections.filter { !$0.value.isCut }.sorted {
            ($1.value[keyPath: share], $0.key) < ($0.value[keyPath: share], $1.key)
        }
        var cuts: [Cut] = []
        for (file, connection) in largest where total > limit {
            total -= connection[keyPath: share]
            cuts += cut(file, "\(why), of this connection \(connection[keyPath: share]) bytes")
        }
        return cuts
    }

    /// One that sent a message in parts.
    public mutating func cutOffForParts(_ file: Int32) -> [Cut] {
        cut(file, "it sent a message in parts; one frame is one message here")
    }

    /// Whose handshake takes so long that others need its place; called after new ones have come.
    public mutating func makeRoom(at now: Instant) -> [Cut] {
        var tooMany = max(0, connections.count { !$0.value.isCut } - limits.connections)
        let crowded = unfinished.filter { $0.value > limits.unfinishedOfAnAddress }
        guard tooMany > 0 || !crowded.isEmpty else { return [] }
        var surplus = crowded.mapValues { $0 - limits.unfinishedOfAnAddress }
        var cuts: [Cut] = []
        let oldest = connections.filter { !$0.value.hasShakenHands && !$0.value.isCut }
            .sorted { ($0.value.accepted, $0.key) < ($1.value.accepted, $1.key) }
        for (file, connection) in oldest {
            let isOld = connection.accepted + limits.handshake <= now
            let ofAddress = surplus[connection.address] ?? 0
            guard tooMany > 0 || ofAddress > 0 && isOld else { continue }
            cuts += cut(file, "it never said who it is, and others need its place")
            tooMany -= 1
            surplus[connection.address] = ofAddress - 1
        }
        guard tooMany > 0 else { return cuts }
        let newest = connections.filter { !$0.value.isCut }
            .sorted { ($1.value.accepted, $1.key) < ($0.value.accepted, $0.key) }
        for (file, _) in newest.prefix(tooMany) {
            cuts += cut(file, "there is no room for more connections")
        }
        return cuts
    }

    private mutating func cut(_ file: Int32, _ why: String) -> [Cut] {
        guard let connection = connections[file], !connection.isCut else { return [] }
        connections[file]?.isCut = true
        return [Cut(file: file, address: connection.address, route: connection.route, why: why)]
    }
}
