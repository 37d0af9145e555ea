/// When a process that ended by itself is started again. A pure value; the shell starts it, and
/// tells the time.
///
/// The first pause is short, and each one after it twice as long as the one before. Who has lived
/// for as long as the longest pause begins anew.
public struct Restarts: Hashable, Sendable {
    public static let firstPause = Duration.seconds(1)
    public static let longestPause = Duration.seconds(60)

    private var pause = Restarts.firstPause
    private var began: Instant

    public init(startedAt now: Instant) { began = now }

    public mutating func started(at now: Instant) { began = now }

    /// It ended; the time at which to start it again.
    public mutating func ended(at now: Instant) -> Instant {
        if now - began >= Self.longestPause { pause = Self.firstPause }
        defer { pause = min(pause * 2, Self.longestPause) }
        return now + pause
    }
}
