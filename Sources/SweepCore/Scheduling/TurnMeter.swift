/// How long the turns of the coordinator's loop take: while one lasts, everybody waits.
public struct TurnMeter: Sendable {
    /// A turn that takes longer is counted, and one that takes much longer is worth a line.
    public static let longTurn = Duration.milliseconds(50)
    public static let noteworthyTurn = Duration.milliseconds(200)
    /// How far back `longest` looks, at least; twice that at most.
    private static let window = Duration.seconds(60)

    private var turns = 0
    private var longTurns = 0
    private var longest = (now: Duration.zero, before: Duration.zero)
    private var windowBegan: Instant?

    public init() {}

    /// - Returns: a line for the log, if the turn took very long.
    public mutating func record(_ turn: Duration, _ what: String, at now: Instant) -> String? {
        let began = windowBegan ?? now
        windowBegan = began
        if began + Self.window <= now {
            longest = (.zero, longest.now)
            windowBegan = now
        }
        turns += 1
        longest.now = max(longest.now, turn)
        if turn > Self.longTurn { longTurns += 1 }
        guard turn > Self.noteworthyTurn else { return nil }
        let milliseconds = turn.nanoseconds / 1_000_000
        return "a turn of the loop took \(milliseconds) ms, and everybody waited: \(what)"
    }

    public var report: StatusReport.Loop {
        StatusReport.Loop(
            turns: turns, longTurns: longTurns,
            longestSeconds: max(longest.now, longest.before).inSeconds)
    }
}
