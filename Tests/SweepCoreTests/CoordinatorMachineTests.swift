import SweepCore
import Testing

@Suite("What a coordinator decides")
struct CoordinatorMachineTests {
    private typealias Peer = CoordinatorMachine.Peer

    private let start = Instant(nanoseconds: 0)
    private static let roles: [String: Role] = [
        "k-a": .worker, "k-b": .worker, "k-client": .client, "k-reader": .readOnly,
    ]

    private func machine(_ snapshot: Snapshot = Snapshot()) -> CoordinatorMachine {
        CoordinatorMachine(
            Scheduler(snapshot, at: start), folder: "/artifacts", roles: Self.roles,
            names: ["k-a": "node 7"])
    }

    private func peer(_ name: String) -> Peer { Peer(route: route(name), key: "k-\(name)") }

    private func route(_ name: String) -> Route { Route(Array(name.utf8)) }

    private func hello(_ name: String) -> MessageToCoordinator {
        .hello(
            Hello(
                worker: WorkerID(name), incarnation: 1, host: "host", slots: 1, device: "fake",
                memory: 0))
    }

    /// Answers all that was asked, turn by turn.
    private func answers(_ machine: inout CoordinatorMachine) -> [[Effect]] {
        var turns: [[Effect]] = []
        while machine.hasRequests {
            var effects = machine.handle(.turn, at: start)
            while machine.mayAnswer { effects += machine.handle(.answerNext, at: start) }
            turns.append(effects)
        }
        return turns
    }

    private func jobs(_ effects: [Effect]) -> [(job: Assignment, to: Route)] {
        effects.compactMap {
            if case .send(.assign(let job), let route) = $0 { (job, route) } else { nil }
        }
    }

    /// A sweep of one run that the worker `a` has.
    private func training(_ names: [String] = ["a"]) throws -> (CoordinatorMachine, Assignment) {
        @Checked var machine = machine()
        for name in names {
            _ = machine.handle(.message(hello(name), from: peer(name)), at: start)
        }
        let submit = MessageToCoordinator.submit(Sample.sweep())
        #expect(machine.handle(.message(submit, from: peer("client")), at: start).isEmpty)
        let job = try #require(jobs(answers(&machine).flatMap { $0 }).first)
        #expect(job.to == route("a"))
        return (machine, job.job)
    }

    @Test("What a key's role does not allow is refused with the cure, and told after a while")
    func roles() {
        @Checked var machine = machine()
        let cases: [(String, MessageToCoordinator)] = [
            ("a", .askStatus), ("reader", .submit(Sample.sweep())), ("client", hello("a")),
            ("reader", .file(.fetch(Fetch(digest: Digest(ofText: "x"), offset: 0)))),
            ("a", .file(.look([]))),
        ]
        for (name, message) in cases {
            let effects = machine.handle(.message(message, from: peer(name)), at: start)
            let words = effects.compactMap { effect -> String? in
                switch effect {
                case .send(.rejected(let words), _), .answer(.rejected(let words), _): words
                default: nil
                }
            }
            #expect(words.count == 1 && words[0].contains("the access file of another role"))
        }
        let told = machine.handle(.tick, at: start).filter {
            if case .warn(let text) = $0 {
                text.contains("a peer with the key 'node 7'")
            } else {
                false
            }
        }
        #expect(told.count == 1)
    }

    @Test("Without keys everyone may send everything")
    func withoutKeys() {
        @Checked var machine = machine()
        let anyone = Peer(route: route("x"), key: nil)
        let welcome = machine.handle(.message(hello("a"), from: anyone), at: start)
        #expect(welcome.contains { if case .send(.welcome, _) = $0 { true } else { false } })
        #expect(machine.handle(.message(.askStatus, from: anyone), at: start).isEmpty)
        #expect(machine.hasRequests)
    }

    @Test("A worker whose key is revoked is sent away, and its run goes to another")
    func revoked() throws {
        var (machine, job) = try training(["a", "b"])
        var roles = Self.roles
        roles["k-a"] = nil
        let effects = machine.handle(.admitted(roles, names: [:]), at: start)
        #expect(
            effects.contains { if case .send(.refused, route("a")) = $0 { true } else { false } })
        let next = try #require(jobs(effects).first)
        #expect(next.to == route("b") && next.job.run == job.run)
        // Whatever it still sends changes nothing.
        let late = Report(attempt: job.attempt, sequence: 1, event: .completed(seconds: 1))
        let answer = machine.handle(.message(.report(late), from: peer("a")), at: start)
        #expect(!answer.contains { if case .persist = $0 { true } else { false } })
        #expect(
            answer.contains { if case .send(.refused, route("a")) = $0 { true } else { false } })
        machine.checkInvariants()
    }

    @Test("What a client asked for before its key was revoked is not begun, and nobody answers it")
    func revokedClient() throws {
        @Checked var machine = machine()
        for message in [MessageToCoordinator.submit(Sample.sweep()), .askStatus] {
            _ = machine.handle(.message(message, from: peer("client")), at: start)
        }
        let effects = machine.handle(.admitted(["k-reader": .readOnly], names: [:]), at: start)
        #expect(!machine.hasRequests && !machine.isBusy)
        #expect(
            effects.filter { if case .send(.refused, route("client")) = $0 { true } else { false } }
                .count == 1)
    }

    @Test("Of two workers whose keys are revoked at once neither gets the other's run")
    func bothRevoked() throws {
        var (machine, _) = try training(["a", "b"])
        let effects = machine.handle(.admitted(["k-client": .client], names: [:]), at: start)
        #expect(jobs(effects).isEmpty)
        #expect(machine.scheduler.workerCount == 0)
        machine.checkInvariants()
    }

    @Test("In a turn each connection has one answer, however many it asks for")
    func turns() {
        @Checked var machine = machine()
        let digest = Digest(ofText: "x")
        let questions: [MessageToCoordinator] = [
            .explain(.run(RunID(1))), .file(.look([digest])), .explain(.run(RunID(1))),
        ]
        for question in questions {
            _ = machine.handle(.message(question, from: peer("client")), at: start)
        }
        _ = machine.handle(.message(.explain(.run(RunID(2))), from: peer("reader")), at: start)
        let turns = answers(&machine).map { effects in
            effects.compactMap { effect -> Route? in
                switch effect {
                case .read(_, let route), .file(.look(_, let route)): route
                default: nil
                }
            }
        }
        #expect(
            turns == [[route("client"), route("reader")], [route("client")], [route("client")]])
    }

    @Test("Who fetches is told by its key; without one a worker is who has said hello")
    func fetches() {
        @Checked var machine = machine()
        let fetch = Fetch(digest: Digest(ofText: "x"), offset: 0)
        func reader(_ peer: Peer) -> [Effect] {
            machine.handle(.message(.file(.fetch(fetch)), from: peer), at: start)
        }
        let anyone = Peer(route: route("x"), key: nil)
        #expect(reader(peer("a")) == [.file(.read(fetch, by: .worker, for: route("a")))])
        #expect(reader(peer("client")) == [.file(.read(fetch, by: .client, for: route("client")))])
        #expect(reader(anyone) == [.file(.read(fetch, by: .anyone, for: route("x")))])
        _ = machine.handle(.message(hello("x"), from: anyone), at: start)
        #expect(reader(anyone) == [.file(.read(fetch, by: .worker, for: route("x")))])
    }

    @Test("What could not be written is not acknowledged")
    func failedWrite() {
        @Checked var machine = machine()
        let bytes = [UInt8](repeating: 1, count: 10)
        let digest = Digest(of: bytes)
        func decide(_ request: FileRequest) -> [Effect] {
            machine.decide(.message(.file(request), from: peer("a")), at: start) { effect, _ in
                switch effect {
                case .file(.open(let upload, let route)):
                    .init(next: .file(.opened(upload.digest, .arriving, received: 0, for: route)))
                case .file(.write): .init(next: .file(.failed(digest, "the disk is full")))
                default: .init()
                }
            }
        }
        let progress = UploadProgress(digest: digest, received: 0, state: .arriving)
        #expect(
            decide(.upload(Upload(digest: digest, size: 20)))
                == [.answerFile(.progress(progress), to: route("a"))])
        let effects = decide(.chunk(Chunk(digest: digest, offset: 0, bytes: bytes, total: 20)))
        #expect(effects == [.note("\(digest.short) can't be stored: the disk is full")])
    }

    /// A state of the run, as its worker reports it.
    private func state(_ job: Assignment, epoch: Int, _ sequence: UInt64) -> Report {
        let file = FileReference(path: "/there", digest: Digest(ofText: "state \(epoch)"))
        return Report(
            attempt: job.attempt, sequence: sequence,
            event: .artifact(
                Artifact(kind: .state, epoch: epoch, file: file, size: 7, steps: epoch)))
    }

    @Test("An artifact lies where its file has arrived, with the size that it has there")
    func kept() throws {
        var (machine, job) = try training()
        let report = state(job, epoch: 1, 1)
        let asked = machine.handle(.message(.report(report), from: peer("a")), at: start)
        #expect(asked == [.weigh(report, from: route("a"))])
        let effects = machine.handle(.weighed(report, from: route("a"), size: 9), at: start)
        let kept = effects.compactMap { effect -> Artifact? in
            if case .persist(.artifactKept(_, let artifact)) = effect { artifact } else { nil }
        }
        let digest = Digest(ofText: "state 1")
        #expect(kept.map(\.size) == [9])
        #expect(kept.map(\.file.path) == ["/artifacts/\(digest.hex)"])
        // Of one that is gone nothing is kept, and the worker need not say it again.
        let gone = state(job, epoch: 2, 2)
        let late = machine.handle(.weighed(gone, from: route("a"), size: nil), at: start)
        #expect(!late.contains { if case .persist(.artifactKept) = $0 { true } else { false } })
        #expect(late.contains(.send(.acknowledge(job.attempt, upTo: 2), to: route("a"))))
        machine.checkInvariants()
    }

    @Test("A file that a worker was told is stored stays until it has reported it")
    func pledged() throws {
        var (machine, job) = try training()
        let digest = Digest(ofText: "state 1")
        let upload = MessageToCoordinator.file(.upload(Upload(digest: digest, size: 7)))
        #expect(machine.handle(.message(upload, from: peer("a")), at: start).count == 1)
        let stored = machine.handle(
            .file(.opened(digest, .stored, received: 0, for: route("a"))), at: start)
        let progress = UploadProgress(digest: digest, received: 0, state: .stored)
        #expect(stored == [.answerFile(.progress(progress), to: route("a"))])
        // Another run with the same content needs it no longer.
        let file = FileReference(path: "/artifacts/\(digest.hex)", digest: digest)
        let dropped = Fact.artifactDropped(
            RunID(99), Artifact(kind: .state, epoch: 1, file: file, size: 7))
        #expect(machine.handle(.committed([dropped]), at: start).isEmpty)
        let report = state(job, epoch: 1, 1)
        _ = machine.handle(.weighed(report, from: route("a"), size: 7), at: start)
        #expect(machine.handle(.committed([]), at: start) == [.sift([digest])])
        #expect(machine.handle(.sifted([digest]), at: start).isEmpty)
        #expect(machine.handle(.committed([]), at: start).isEmpty)
        machine.checkInvariants()
    }
}
