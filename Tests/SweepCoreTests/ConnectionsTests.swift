import SweepCore
import Testing

@Suite("Connections to the coordinator")
struct ConnectionsTests {
    private let start = Instant(nanoseconds: 0)
    private let route = Route([1])

    private func limits(_ change: (inout Connections.Limits) -> Void) -> Connections.Limits {
        var limits = Connections.Limits()
        limits.unread = 1_000
        limits.unreadOfAll = 10_000
        limits.unsent = 1_000
        limits.unsentOfAll = 10_000
        change(&limits)
        return limits
    }

    private func connected(_ file: Int32 = 5) -> Connections {
        @Checked var connections = Connections(limits { _ in })
        connections.accept(file, from: "a", at: start)
        connections.finishHandshake(file)
        #expect(connections.hear(file, route, bytes: 100, at: start) == nil)
        return connections
    }

    @Test("Bytes that come to no message cost the connection; messages do not")
    func unread() {
        @Checked var connections = connected()
        func measure(_ received: UInt64, heard: Int) -> [Connections.Cut] {
            if heard > 0 { _ = connections.hear(5, route, bytes: heard, at: start) }
            connections.measure(
                5, received: received, acknowledged: 0, wasDrained: true, at: start)
            return connections.cutOff()
        }
        #expect(measure(100, heard: 0).isEmpty)
        #expect(measure(5_100, heard: 5_000).isEmpty)
        #expect(measure(6_000, heard: 0).isEmpty)
        let cuts = measure(6_200, heard: 0)
        #expect(cuts.map(\.file) == [5] && cuts.first?.route == route)
        #expect(measure(9_000, heard: 0).isEmpty, "it is cut off once")
    }

    @Test("The end of an earlier connection is not that of a peer that is on a new one")
    func newConnection() {
        @Checked var connections = connected()
        connections.accept(6, from: "a", at: start)
        #expect(connections.hear(6, route, bytes: 100, at: start) == nil)
        #expect(connections.close(5) == nil)
        connections.send(1_001, to: route)
        connections.measure(6, received: 100, acknowledged: 0, wasDrained: true, at: start)
        #expect(connections.cutOff().map(\.file) == [6])
        #expect(connections.close(6) == route)
    }

    @Test("What keeps a connection alive for weeks is no unread message")
    func keepAlive() {
        @Checked var connections = connected()
        for day in 1...30 {
            connections.measure(
                5, received: UInt64(day) * 86_400 * 25, acknowledged: 0, wasDrained: true,
                at: start + .seconds(86_400 * day))
        }
        #expect(connections.cutOff().isEmpty)
    }

    @Test("Answers that nobody reads cost the connection; those that arrive do not")
    func unsent() {
        @Checked var connections = connected()
        for turn in 1...10 {
            connections.send(900, to: route)
            connections.measure(
                5, received: 100, acknowledged: UInt64(turn) * 900, wasDrained: true, at: start)
            #expect(connections.cutOff().isEmpty)
        }
        connections.send(900, to: route)
        connections.send(900, to: route)
        connections.measure(5, received: 100, acknowledged: 9_000, wasDrained: true, at: start)
        #expect(connections.cutOff().map(\.why) == ["it does not read 1800 bytes of answers"])
    }

    @Test("Of all together the largest go first")
    func together() {
        @Checked var connections = Connections(limits { $0.unreadOfAll = 1_500 })
        for file in Int32(1)...4 {
            connections.accept(file, from: "a", at: start)
            connections.measure(
                file, received: UInt64(file) * 200, acknowledged: 0, wasDrained: true, at: start)
        }
        #expect(connections.cutOff().map(\.file) == [4])
    }

    @Test("Silent connections make room for others, the oldest first")
    func handshakes() {
        @Checked var connections = Connections(limits { $0.unfinishedOfAnAddress = 3 })
        for file in Int32(1)...3 { connections.accept(file, from: "a", at: start) }
        connections.accept(9, from: "b", at: start)
        #expect(connections.makeRoom(at: start + .seconds(5)).isEmpty)
        connections.accept(4, from: "a", at: start + .seconds(5))
        #expect(connections.makeRoom(at: start + .seconds(1)).isEmpty, "they may still say it")
        #expect(connections.makeRoom(at: start + .seconds(5)).map(\.file) == [1])
        connections.finishHandshake(2)
        connections.accept(5, from: "a", at: start + .seconds(5))
        #expect(connections.makeRoom(at: start + .seconds(6)).map(\.file) == [3])
    }

    @Test("When there is no room at all, who has not said who it is goes, then the newest")
    func full() {
        @Checked var connections = Connections(limits { $0.connections = 3 })
        for file in Int32(1)...4 { connections.accept(file, from: "a", at: start) }
        for file in Int32(1)...3 { connections.finishHandshake(file) }
        #expect(connections.makeRoom(at: start).map(\.file) == [4])
        _ = connections.close(4)
        connections.accept(6, from: "c", at: start + .seconds(1))
        connections.finishHandshake(6)
        #expect(connections.makeRoom(at: start + .seconds(1)).map(\.file) == [6])
    }

    @Test("A peer whose connection ends is told, also when another has its file already")
    func gone() {
        @Checked var connections = connected()
        let other = Route([2])
        #expect(connections.hear(5, other, bytes: 10, at: start) == route)
        #expect(connections.close(5) == nil, "that was the first one's end")
        connections.accept(5, from: "a", at: start)
        #expect(connections.close(5) == other)
        #expect(connections.count == 0)
    }

    @Test("A peer whose end was told before its messages were read is gone once they are")
    func goneBefore() {
        @Checked var connections = Connections(limits { _ in })
        connections.accept(5, from: "a", at: start)
        connections.finishHandshake(5)
        #expect(connections.close(5) == nil, "nobody knows whose it was")
        #expect(connections.hear(5, route, bytes: 9, at: start, isOpen: false) == route)
        #expect(connections.count == 0)
        // A message that is faster than the word of its connection is of one that is open.
        #expect(connections.hear(6, route, bytes: 9, at: start, isOpen: true) == nil)
        #expect(connections.count == 1)
    }
}
