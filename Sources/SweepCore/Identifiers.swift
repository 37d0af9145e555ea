/// The key of a point's result: SHA-256 over everything that changes it (`Planner`).
public struct PointKey: Hashable, Sendable, Codable, Comparable, CustomStringConvertible {
    public let digest: Digest

    public init(_ digest: Digest) { self.digest = digest }

    public var description: String { digest.short }

    public static func < (left: PointKey, right: PointKey) -> Bool { left.digest < right.digest }
}

/// Numbers one sweep of a store, from 1.
public struct SweepID: Hashable, Sendable, Codable, Comparable, CustomStringConvertible {
    public let number: UInt64
    public init(_ number: UInt64) { self.number = number }
    public var description: String { "sweep \(number)" }
    public static func < (left: SweepID, right: SweepID) -> Bool { left.number < right.number }
}

/// Numbers one run of a store, from 1.
public struct RunID: Hashable, Sendable, Codable, Comparable, CustomStringConvertible {
    public let number: UInt64
    public init(_ number: UInt64) { self.number = number }
    public var description: String { "run \(number)" }
    public static func < (left: RunID, right: RunID) -> Bool { left.number < right.number }
}

/// Numbers one execution of a run on one worker, from 1; never reused in a store.
public struct AttemptID: Hashable, Sendable, Codable, Comparable, CustomStringConvertible {
    public let number: UInt64
    public init(_ number: UInt64) { self.number = number }
    public var description: String { "attempt \(number)" }
    public static func < (left: AttemptID, right: AttemptID) -> Bool { left.number < right.number }
}

/// The name of one worker process: 1 to 100 characters, unique in a cluster.
public struct WorkerID: Hashable, Sendable, Codable, Comparable, CustomStringConvertible {
    public let name: String
    public init(_ name: String) { self.name = name }
    public var description: String { name }
    public static func < (left: WorkerID, right: WorkerID) -> Bool { left.name < right.name }
}

/// Where a peer's messages come from and go to: a connection, as the socket names it. A peer that
/// connects anew has a new route.
public struct Route: Hashable, Sendable, Comparable, CustomStringConvertible {
    public let bytes: [UInt8]
    public init(_ bytes: [UInt8]) { self.bytes = bytes }
    public var description: String { "route " + bytes.map { String($0, radix: 16) }.joined() }
    public static func < (left: Route, right: Route) -> Bool {
        left.bytes.lexicographicallyPrecedes(right.bytes)
    }
}

/// A moment of a monotonic clock: nanoseconds from an origin that only the process knows.
public struct Instant: Hashable, Sendable, Comparable {
    public let nanoseconds: Int64

    public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    public static func < (left: Instant, right: Instant) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    public static func + (left: Instant, right: Duration) -> Instant {
        Instant(nanoseconds: left.nanoseconds + right.nanoseconds)
    }

    /// The time from `right` to `left`.
    public static func - (left: Instant, right: Instant) -> Duration {
        .nanoseconds(left.nanoseconds - right.nanoseconds)
    }
}

extension Duration {
    /// Whole nanoseconds.
    public var nanoseconds: Int64 {
        components.seconds * 1_000_000_000 + components.attoseconds / 1_000_000_000
    }

    public var inSeconds: Double { Double(nanoseconds) / 1e9 }
}
