import SweepCore
import Testing

@Suite("Shares of the coordinator's time")
struct PeerSharesTests {
    private let a = Route([1])
    private let b = Route([2])

    private func instant(_ seconds: Double) -> Instant {
        Instant(nanoseconds: Int64(seconds * 1e9))
    }

    private func turn(_ shares: inout PeerShares) -> [Route] {
        shares.beginTurn()
        var routes: [Route] = []
        while let request = shares.next() { routes.append(request.route) }
        return routes
    }

    @Test("In a turn each connection gets one answer, however many it asks for")
    func turns() {
        @Checked var shares = PeerShares()
        for _ in 0..<3 { shares.add(.askStatus, from: a, .client, "a") }
        shares.add(.askStatus, from: b, .readOnly, "b")
        #expect(turn(&shares) == [a, b])
        #expect(turn(&shares) == [a])
        #expect(shares.hasRequests)
        #expect(turn(&shares) == [a])
        #expect(turn(&shares).isEmpty && !shares.hasRequests)
    }

    @Test("A turn that is cut off goes on with those who have waited longest")
    func interrupted() {
        @Checked var shares = PeerShares()
        for route in [a, b] { for _ in 0..<2 { shares.add(.askStatus, from: route, .client, "a") } }
        shares.beginTurn()
        #expect(shares.next()?.route == a)
        #expect(turn(&shares) == [b, a])
        #expect(turn(&shares) == [b])
    }

    @Test("A connection that ends in a turn leaves nobody a second answer")
    func endsInTurn() {
        @Checked var shares = PeerShares()
        for route in [a, a, b] { shares.add(.askStatus, from: route, .client, "a") }
        shares.beginTurn()
        #expect(shares.next()?.route == a)
        shares.forget(b)
        #expect(shares.next() == nil)
        #expect(turn(&shares) == [a])
    }

    @Test("Sixteen requests of a connection wait in their order, more are dropped and told")
    func waiting() {
        @Checked var shares = PeerShares()
        for number: UInt64 in 0..<20 {
            let cursor = ResultsCursor(change: number)
            shares.add(.askResults(sweep: "", since: cursor), from: a, .client, "a")
        }
        var asked: [UInt64] = []
        for _ in 0..<20 {
            shares.beginTurn()
            if case .askResults(_, let cursor) = shares.next()?.message {
                asked.append(cursor.change)
            }
        }
        #expect(asked == Array(0..<16))
        let complaints = shares.tick(at: instant(1))
        #expect(complaints.map(\.peer) == ["a"])
        #expect(complaints.first?.text == "4 requests dropped, as too many wait")
    }

    @Test("Who sends nonsense is not read for a while; others are, and it is told who it was")
    func nonsense() {
        @Checked var shares = PeerShares()
        _ = shares.tick(at: instant(0))
        var read = 0
        for _ in 0..<1_000 {
            guard shares.hears(a) else {
                shares.countUnread(a)
                continue
            }
            read += 1
            shares.countSenseless("no version", from: a, "a")
        }
        shares.countSenseless("no version", from: b, "b")
        #expect(read == 100)
        #expect(!shares.hears(a) && shares.hears(b))
        shares.countUnread(a)
        let complaints = shares.tick(at: instant(1))
        #expect(complaints.map(\.peer) == ["a", "b"])
        #expect(
            complaints[0].text
                == "100 messages dropped, the last: no version; "
                + "901 not read after too many of those"
        )
        // Patience comes back at ten a second, and half of it is enough.
        for (seconds, isAgain) in [(4.9, false), (5, true)] {
            _ = shares.tick(at: instant(seconds))
            #expect(shares.hears(a) == isAgain, "after \(seconds) s")
        }
    }

    @Test("Complaints come every ten seconds at most, and about the worst five")
    func complaints() {
        @Checked var shares = PeerShares()
        for number in 0..<8 {
            for _ in 0...number {
                shares.countSenseless("x", from: Route([UInt8(number)]), "\(number)")
            }
        }
        let first = shares.tick(at: instant(0))
        #expect(first.map(\.peer) == ["7", "6", "5", "4", "3"])
        var count = 0
        for quarter in 1...160 {
            shares.countSenseless("x", from: a, "a")
            count += shares.tick(at: instant(Double(quarter) / 4)).count
        }
        #expect(count == 4)
    }
}
