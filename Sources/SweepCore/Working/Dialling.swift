/// Which endpoint of a coordinator is dialled: one at a time, and the next one if there is no
/// connection for a while. A pure value; the shell dials, and tells what came of it and the time.
///
/// The only endpoint is its own next one: libzmq does not try again where a key was refused, and
/// the key may be made known later.
public struct Dialling: Hashable, Sendable {
    public private(set) var endpoints: [String]
    private var place = 0
    /// Since when there is no connection.
    private var aloneSince: Instant?

    /// Enough for the handshake over a slow line.
    public static let patience = Duration.seconds(5)

    /// - Parameter endpoints: one or more.
    public init(_ endpoints: [String]) {
        precondition(!endpoints.isEmpty)
        self.endpoints = endpoints
    }

    public var endpoint: String { endpoints[place] }

    /// The time until the last endpoint is dialled.
    public var roundTime: Duration { Self.patience * (endpoints.count - 1) }

    /// The access file names these endpoints now: the coordinator may have moved.
    ///
    /// - Returns: the endpoint to dial anew; `nil`: they are the same.
    public mutating func move(to endpoints: [String], at now: Instant) -> String? {
        guard !endpoints.isEmpty, endpoints != self.endpoints else { return nil }
        self.endpoints = endpoints
        place = 0
        aloneSince = now
        return endpoint
    }

    /// The endpoint to dial anew; `nil`: there is nothing to change.
    public mutating func next(isConnected: Bool, at now: Instant) -> String? {
        guard !isConnected else {
            aloneSince = nil
            return nil
        }
        guard let since = aloneSince else {
            aloneSince = now
            return nil
        }
        guard since + Self.patience <= now else { return nil }
        place = (place + 1) % endpoints.count
        aloneSince = now
        return endpoint
    }
}
