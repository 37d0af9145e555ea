import SweepCore
import SweepStore
import SweepWire

/// What is asked of everything that a stranger or a peer may send: no crash, no overflow, and what
/// is taken can be sent on.
enum FuzzTarget {
    /// What comes before a message in every envelope: its field's number and the version.
    static let version: [UInt8] = {
        let frame = Codec.encode(.goodbye())
        // The last byte of a number has no high bit.
        let end = frame.dropFirst().firstIndex { $0 & 0x80 == 0 } ?? 0
        return Array(frame[...end])
    }()

    /// A frame, and the same bytes as the message of an envelope of this version.
    static func codec(_ input: [UInt8]) {
        _ = decoded(input)
        _ = decoded(version + input)
    }

    /// The message of the frame, if it is one; then it can be sent, and stays what it is.
    private static func decoded(_ frame: [UInt8]) -> Message? {
        do {
            let message = try Codec.decode(frame)
            let again = Codec.encode(message)
            if again.count <= Codec.maxFrameBytes {
                let known = try Codec.decode(again)
                precondition(known == message, "changed: \(message)")
            }
            return message
        } catch {
            precondition(!error.description.isEmpty)
            return nil
        }
    }

    /// A request for admission, each part behind its length; half of the keys are known.
    static func admission(_ input: [UInt8]) {
        var rest = input[...]
        var parts: [[UInt8]] = []
        while let length = rest.popFirst() {
            parts.append(Array(rest.prefix(Int(length))))
            rest = rest.dropFirst(Int(length))
        }
        let answer = Self.authenticator.answer(to: parts)
        precondition(answer.count == 6 && answer[0] == Array("1.0".utf8))
        let isAdmitted = answer[2] == Array("200".utf8)
        precondition(isAdmitted || answer[2] == Array("400".utf8) && answer[4].isEmpty)
        guard parts.count == 7, parts[6].count == 32 else {
            precondition(!isAdmitted, "admitted without a key")
            return
        }
        precondition(!isAdmitted || parts[6] == Self.known, "admitted with another key")
    }

    private static let known = (0..<32).map { UInt8($0) }
    nonisolated(unsafe) private static let authenticator: Authenticator = {
        do {
            let key = Authenticator.z85(known) ?? ""
            return try Authenticator(admitted: [key: .worker], in: SocketContext())
        } catch {
            preconditionFailure("\(error)")
        }
    }()

    /// Messages to a coordinator from four peers, and to a worker, with time between them. Each has
    /// a byte that says from whom, and two with its length.
    static func peers(_ input: [UInt8]) {
        var conversation = Conversation()
        var rest = input[...]
        while rest.count >= 3 {
            let head = Array(rest.prefix(3))
            let body = rest.dropFirst(3).prefix(Int(head[1]) | Int(head[2]) << 8)
            rest = rest.dropFirst(3 + body.count)
            guard let message = decoded(version + body) else { continue }
            conversation.take(message, head[0])
        }
    }
}

/// A coordinator's and a worker's decisions under messages of any kind, with a real store.
private struct Conversation {
    /// Made when it is needed first: most conversations come to nothing that is stored.
    private var store: SweepStore?
    private var scheduler = Scheduler(Snapshot(), at: Instant(nanoseconds: 0))
    private var transfers = Transfers()
    private var worker = WorkerMachine(
        Hello(worker: WorkerID("w"), incarnation: 1, host: "h", slots: 2, device: "d", memory: 0))
    private var now = Instant(nanoseconds: 0)

    private static let steps: [Duration] = [
        .zero, .milliseconds(1), .milliseconds(250), .seconds(2), .seconds(9), .seconds(700),
    ]

    /// - Parameter how: from which route and role, or that it goes to the worker; and the time
    ///   that passes before.
    mutating func take(_ message: Message, _ how: UInt8) {
        let step = Self.steps[Int(how >> 5) % Self.steps.count]
        now = now + step
        if step >= .milliseconds(250) {
            check(scheduler.handle(.tick, at: now))
            for effect in transfers.handle(.tick, at: now) { check(effect) }
            check(worker.handle(.tick, at: now))
        }
        if how & 16 != 0 {
            check(worker.handle(.message(message), at: now))
            return
        }
        let route = Route([how & 3])
        if let role = Role.allCases.dropFirst(Int(how >> 2 & 3)).first {
            // What a large grid costs is bounded elsewhere.
            if case .submit(let spec, _) = message, spec.grid.cellCount > 1_000 { return }
            check(scheduler.handle(.message(message, from: route, role: role), at: now))
            scheduler.checkInvariants()
            if message.isAllowed(for: role) { look(message) }
            while scheduler.isBusy { check(scheduler.handle(.spareTime, at: now)) }
        } else {
            for effect in transfers.handle(.message(message, from: route), at: now) {
                check(effect)
            }
        }
    }

    private mutating func check(_ effects: [Effect]) {
        let facts = effects.compactMap { if case .persist(let fact) = $0 { fact } else { nil } }
        if !facts.isEmpty { withStore { (store) throws(StoreError) in try store.commit(facts) } }
        for case .send(let message, _) in effects { check(message) }
    }

    /// What the coordinator's shell asks the store.
    private mutating func look(_ message: Message) {
        switch message {
        case .explain(.run(let run)):
            withStore { (store) throws(StoreError) in _ = try store.attempts(of: run) }
            _ = scheduler.explanation(of: .run(run), at: now)
        case .explain(.worker(let worker)):
            withStore { (store) throws(StoreError) in
                _ = try store.attempts(on: worker, last: 20)
            }
            _ = scheduler.explanation(of: .worker(worker), at: now)
        case .askResults(let sweep, let cursor):
            var slice: ResultsSlice?
            withStore { (store) throws(StoreError) in
                let room = ResultsRoom(most: 1 << 12, size: Codec.bytes(of:))
                slice = try store.results(of: sweep, since: cursor, room)
            }
            if let slice { check(.results(slice)) }
        default: break
        }
    }

    private mutating func withStore(_ work: (SweepStore) throws(StoreError) -> Void) {
        do throws(StoreError) {
            if store == nil { store = try SweepStore.inMemory() }
            if let store { try work(store) }
        } catch {
            // A sweep that is not there is no fault; anything else is.
            guard case .unknownSweep = error else { preconditionFailure("\(error)") }
        }
    }

    private mutating func check(_ effect: Transfers.Effect) {
        switch effect {
        case .send(let message, _): check(message)
        case .open(let upload, let route):
            tell(.opened(upload.digest, .arriving, received: 0, for: route))
        case .finish(let digest, let route): tell(.finished(digest, .stored, for: route))
        case .look(let digests, _): check(.lacking(digests))
        case .write, .abandon, .close, .read, .note: break
        }
    }

    private mutating func tell(_ event: Transfers.Event) {
        for effect in transfers.handle(event, at: now) { check(effect) }
    }

    private func check(_ effects: [WorkerMachine.Effect]) {
        for case .send(let message) in effects { check(message) }
    }

    /// What is sent can be read on the other side.
    private func check(_ message: Message) {
        do {
            let read = try Codec.decode(Codec.encode(message))
            precondition(read == message, "\(message)")
        } catch {
            preconditionFailure("\(error) in \(message)")
        }
    }
}
