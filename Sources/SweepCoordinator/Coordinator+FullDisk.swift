import SweepCore
import SweepStore
import SweepWire

/// What happens while the store takes nothing: nothing is acknowledged or assigned, what workers
/// say waits, and people are told why.
extension Coordinator {
    /// Messages of workers that wait here; more wait in their sockets.
    private static let mostDelayed = 10_000
    private static let mostDelayedBytes = 64 << 20

    private var canDelay: Bool {
        delayed.count < Self.mostDelayed && delayedBytes < Self.mostDelayedBytes
    }

    /// What arrived first of what was not taken yet.
    func nextArrival() throws(WireError) -> Listener.Arrival? {
        if let first = delayed.popFirst() {
            delayedBytes -= first.frame.count
            return first
        }
        delayed = []
        return try listener.receive()
    }

    /// Tries again until there is room. `false`: stopped before that.
    func commit(_ facts: [Fact], until stop: Int32) throws -> Bool {
        var isFirst = true
        while true {
            do {
                try store.commit(facts)
                if !isFirst { logger.info("the store takes data again") }
                return true
            } catch {
                if isFirst { logger.error("\(error); waiting, with nothing acknowledged") }
                isFirst = false
                guard try wait(.milliseconds(500), because: error, until: stop) else {
                    return false
                }
            }
        }
    }

    private func wait(
        _ time: Duration, because error: StoreError, until stop: Int32
    ) throws -> Bool {
        let clock = ContinuousClock()
        let end = clock.now + time
        while clock.now < end {
            var sources: [Poll.Source] = [.file(stop), .socket(listener.authenticator.socket)]
            if canDelay { sources.append(.socket(listener.socket)) }
            if try Poll.readable(sources, timeout: end - clock.now)[0] { return false }
            try listener.authenticator.answerAll()
            // What was begun by those who went meanwhile is looked after later.
            awaited += try observeConnections()
            while canDelay, let arrival = try listener.receive() {
                if isQuestion(arrival) {
                    let frame = Codec.encode(MessageToClient.rejected("\(error)"))
                    _ = try listener.send(frame, to: arrival.route)
                } else {
                    delayed.append(arrival)
                    delayedBytes += arrival.frame.count
                }
            }
        }
        return true
    }

    /// Somebody wants to know something, and would rather hear what is wrong than wait.
    private func isQuestion(_ arrival: Listener.Arrival) -> Bool {
        guard let message = try? Codec.decode(arrival.frame, as: MessageToCoordinator.self) else {
            return false
        }
        return machine.isQuestion(message, from: arrival.peer)
    }
}
