import SweepCore
import Testing

@Suite("Dialling")
struct DiallingTests {
    private func instant(_ seconds: Double) -> Instant {
        Instant(nanoseconds: Int64(seconds * 1e9))
    }

    @Test("Without a connection the endpoints are dialled in turn, five seconds each")
    func turns() {
        var dialling = Dialling(["a", "b", "c"])
        #expect(dialling.endpoint == "a")
        var dialled: [String] = []
        for second in 0...16 {
            dialled +=
                dialling.next(isConnected: false, at: instant(Double(second))).map { [$0] } ?? []
        }
        #expect(dialled == ["b", "c", "a"])
        #expect(dialling.roundTime == .seconds(10))
    }

    @Test("A connection is kept, and one that is lost is given time to come back")
    func connected() {
        var dialling = Dialling(["a", "b"])
        #expect(dialling.next(isConnected: false, at: instant(0)) == nil)
        #expect(dialling.next(isConnected: true, at: instant(4)) == nil)
        #expect(dialling.next(isConnected: true, at: instant(100)) == nil)
        #expect(dialling.next(isConnected: false, at: instant(101)) == nil)
        #expect(dialling.next(isConnected: false, at: instant(105.9)) == nil)
        #expect(dialling.next(isConnected: false, at: instant(106)) == "b")
    }

    @Test("Where the access file says it is now the coordinator is dialled at once")
    func moves() {
        var dialling = Dialling(["a", "b"])
        #expect(dialling.next(isConnected: false, at: instant(0)) == nil)
        #expect(dialling.move(to: ["a", "b"], at: instant(1)) == nil)
        #expect(dialling.move(to: [], at: instant(1)) == nil)
        #expect(dialling.move(to: ["c", "a"], at: instant(2)) == "c")
        #expect(dialling.endpoint == "c")
        #expect(dialling.next(isConnected: false, at: instant(6)) == nil)
        #expect(dialling.next(isConnected: false, at: instant(7)) == "a")
    }

    @Test("A single endpoint is dialled anew every five seconds")
    func single() {
        var dialling = Dialling(["a"])
        let dialled = (0...16).compactMap {
            dialling.next(isConnected: false, at: instant(Double($0)))
        }
        #expect(dialled == ["a", "a", "a"])
        #expect(dialling.roundTime == .zero)
    }
}
