import SweepCore
import Testing

@Suite("When what died is started again")
struct RestartsTests {
    private static func at(_ seconds: Int64) -> Instant {
        Instant(nanoseconds: seconds * 1_000_000_000)
    }

    @Test("Pauses double from one second to a minute")
    func doubling() {
        var restarts = Restarts(startedAt: Self.at(0))
        var now = Self.at(0)
        var pauses: [Duration] = []
        for _ in 0..<8 {
            let next = restarts.ended(at: now)
            pauses.append(next - now)
            now = next
            restarts.started(at: now)
        }
        #expect(pauses == [1, 2, 4, 8, 16, 32, 60, 60].map { .seconds($0) })
    }

    @Test("Who has lived for a minute begins with a short pause again")
    func longLife() {
        var restarts = Restarts(startedAt: Self.at(0))
        for _ in 0..<5 { _ = restarts.ended(at: Self.at(0)) }
        restarts.started(at: Self.at(100))
        #expect(restarts.ended(at: Self.at(159)) == Self.at(159 + 32), "59 s are too short")
        restarts.started(at: Self.at(200))
        #expect(restarts.ended(at: Self.at(260)) == Self.at(261))
    }
}
