import SweepCore
import SweepStore
import SweepWire

/// What is asked of everything that a stranger or a peer may send: no crash, no overflow, and what
/// is taken can be sent on.
enum FuzzTarget {
    /// What comes before a message in every envelope: its field's number and the version.
    static let version: [UInt8] = {
        let frame = Codec.encode(MessageToCoordinator.goodbye())
        // The last byte of a number has no high bit.
        let end = frame.dropFirst().firstIndex { $0 & 0x80 == 0 } ?? 0
        return Array(frame[...end])
    }()

    /// A frame, and the same bytes as the message of an envelope of this version.
    static func codec(_ input: [UInt8]) {
        decoded(input)
        decoded(version + input)
    }

    /// What the frame says to those who might get it; it can be sent, and stays what it is.
    @discardableResult
    private static func decoded(_ frame: [UInt8]) -> [AnyMessage] {
        let messages = AnyMessage.all(in: frame)
        for message in messages {
            let again = message.frame
            guard again.count <= Codec.maxFrameBytes else { continue }
            do {
                let known = try message.read(again)
                precondition(known == message, "changed: \(message)")
            } catch {
                preconditionFailure("\(error) in \(message)")
            }
        }
        return messages
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
            let frame = version + body
            decoded(frame)
            conversation.hear(frame, head[0])
        }
    }
}

/// A coordinator's and a worker's decisions under messages of any kind, with a real store.
private struct Conversation {
    /// Made when it is needed first: most conversations come to nothing that is stored.
    private var store: SweepStore?
    private var machine: CoordinatorMachine
    private var worker = WorkerMachine(
        Hello(worker: WorkerID("w"), incarnation: 1, host: "h", slots: 2, device: "d", memory: 0))
    private var now = Instant(nanoseconds: 0)

    private static let steps: [Duration] = [
        .zero, .milliseconds(1), .milliseconds(250), .seconds(2), .seconds(9), .seconds(700),
    ]
    private static let keys = ["worker", "client", "read-only", nil]

    init() {
        var roles: [String: Role] = [:]
        for role in Role.allCases { roles[role.rawValue] = role }
        machine = CoordinatorMachine(
            Scheduler(Snapshot(), at: Instant(nanoseconds: 0)), folder: "/f", roles: roles)
    }

    /// - Parameter how: from which route and key, or that it goes to the worker; and the time
    ///   that passes before.
    mutating func hear(_ frame: [UInt8], _ how: UInt8) {
        let step = Self.steps[Int(how >> 5) % Self.steps.count]
        now = now + step
        if step >= .milliseconds(250) {
            tell(.tick)
            check(worker.handle(.tick, at: now))
        }
        if how & 16 != 0 {
            if let message = try? Codec.decode(frame, as: MessageToWorker.self) {
                check(worker.handle(.message(message), at: now))
            }
            return
        }
        let route = Route([how & 3])
        guard machine.hears(route) else { return tell(.unread(route)) }
        let peer = CoordinatorMachine.Peer(route: route, key: Self.keys[Int(how >> 2 & 3)])
        if let message = try? Codec.decode(frame, as: MessageToCoordinator.self) {
            // What a large grid costs is bounded elsewhere.
            if case .submit(let spec, _) = message, spec.grid.cellCount > 1_000 { return }
            tell(.message(message, from: peer))
        } else {
            tell(.nonsense("no message", from: peer))
        }
        tell(.turn)
        while machine.mayAnswer { tell(.answerNext) }
        while machine.isBusy { tell(.spareTime) }
        machine.checkInvariants()
    }

    private mutating func tell(_ event: CoordinatorMachine.Event) {
        var asked: [StoredQuestion] = []
        let effects = machine.decide(event, at: now) { effect, _ in
            switch effect {
            case .file(.open(let upload, let route)):
                return .init(
                    next: .file(.opened(upload.digest, .arriving, received: 0, for: route)))
            case .file(.finish(let digest, let route)):
                return .init(next: .file(.finished(digest, .stored, for: route)))
            case .file(.look(let digests, let route)):
                return .init([.answerFile(.lacking(digests), to: route)])
            case .weigh(let report, let route):
                return .init(next: .weighed(report, from: route, size: 7))
            case .read(let question, _): asked.append(question)
            default: break
            }
            return .init()
        }
        check(effects)
        for question in asked { look(question) }
        let facts = effects.compactMap { if case .persist(let fact) = $0 { fact } else { nil } }
        guard !facts.isEmpty else { return }
        withStore { (store) throws(StoreError) in try store.commit(facts) }
        for case .sift(let digests) in machine.handle(.committed(facts), at: now) {
            _ = machine.handle(.sifted(digests), at: now)
        }
    }

    private func check(_ effects: [Effect]) {
        for effect in effects {
            switch effect {
            case .send(let message, _): check(.toWorker(message))
            case .answer(let message, _): check(.toClient(message))
            case .answerFile(let message, _): check(.toWorker(.file(message)))
            case .persist, .file, .weigh, .read, .serve, .sift, .note, .warn: break
            }
        }
    }

    /// What the coordinator's shell asks the store.
    private mutating func look(_ question: StoredQuestion) {
        switch question {
        case .history(.run(let run), _):
            withStore { (store) throws(StoreError) in _ = try store.attempts(of: run) }
        case .history(.worker(let worker), _):
            withStore { (store) throws(StoreError) in
                _ = try store.attempts(on: worker, last: 20)
            }
        case .results(let sweep, let cursor):
            var slice: ResultsSlice?
            withStore { (store) throws(StoreError) in
                let room = ResultsRoom(most: 1 << 12, size: Codec.bytes(of:))
                slice = try store.results(of: sweep, since: cursor, room)
            }
            if let slice { check(.toClient(.results(slice))) }
        case .artifacts(let question):
            guard let run = question.run else { break }
            withStore { (store) throws(StoreError) in _ = try store.artifacts(of: run) }
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

    private func check(_ effects: [WorkerMachine.Effect]) {
        for case .send(let message) in effects { check(.toCoordinator(message)) }
    }

    /// What is sent can be read on the other side.
    private func check(_ message: AnyMessage) {
        do {
            let read = try message.read(message.frame)
            precondition(read == message, "\(message)")
        } catch {
            preconditionFailure("\(error) in \(message)")
        }
    }
}
