import SweepCore
import Testing

@Suite("A worker's files")
struct WorkerFilesTests {
    private let start = Instant(nanoseconds: 0)

    /// A welcome worker with one job.
    private struct Bench {
        @Checked var machine: WorkerMachine
        var now = Instant(nanoseconds: 0)

        init(checkpoint: Artifact? = nil) throws {
            machine = WorkerMachine(
                Hello(
                    worker: WorkerID("a"), incarnation: 1, host: "host", slots: 1,
                    device: "fake", memory: 0), readsFiles: false)
            let welcome = Welcome(heartbeat: .seconds(2), lease: .seconds(8))
            _ = machine.handle(.message(.welcome(welcome)), at: now)
            first = machine.handle(
                .message(.assign(try WorkerFilesTests.job(checkpoint))), at: now)
        }

        /// What came of the job.
        private(set) var first: [WorkerMachine.Effect] = []

        mutating func handle(_ event: WorkerMachine.Event) -> [WorkerMachine.Effect] {
            machine.handle(event, at: now)
        }

        mutating func report(_ event: Report.Event) -> [WorkerMachine.Effect] {
            handle(.report(AttemptID(1), event))
        }

        mutating func progress(
            _ artifact: Artifact, _ received: Int, _ state: UploadProgress.State = .arriving
        ) -> [WorkerMachine.Effect] {
            handle(
                .message(
                    .file(
                        .progress(
                            UploadProgress(
                                digest: artifact.file.digest, received: received, state: state)))))
        }
    }

    private static func job(_ checkpoint: Artifact? = nil) throws -> Assignment {
        let spec = try #require(Plan(Sample.sweep()).runs.first).spec
        return Assignment(
            attempt: AttemptID(1), run: RunID(1), spec: spec, checkpoint: checkpoint)
    }

    private func file(
        _ name: String, _ kind: Artifact.Kind = .state, epoch: Int = 0, chunks: Int = 1
    ) -> Artifact {
        Artifact(
            kind: kind, epoch: epoch,
            file: FileReference(path: "/\(name)", digest: Digest(ofText: name)),
            size: chunks * Chunk.mostBytes - 100, steps: 10)
    }

    private func upload(_ artifact: Artifact) -> WorkerMachine.Effect {
        .send(.file(.upload(Upload(digest: artifact.file.digest, size: artifact.size))))
    }

    private func report(_ sequence: UInt64, _ event: Report.Event) -> WorkerMachine.Effect {
        .send(.report(Report(attempt: AttemptID(1), sequence: sequence, event: event)))
    }

    private func offsets(_ effects: [WorkerMachine.Effect]) -> [Int] {
        effects.compactMap {
            if case .sendChunk(_, let offset, _) = $0 { offset / Chunk.mostBytes } else { nil }
        }
    }

    @Test("An artifact is reported when the coordinator has its file, and the file is removed")
    func uploading() throws {
        var bench = try Bench()
        let state = file("state")
        #expect(bench.report(.artifact(state)) == [upload(state)])
        #expect(
            bench.progress(state, 0) == [.sendChunk(state, offset: 0, count: state.size)])
        #expect(
            bench.progress(state, 0, .stored)
                == [report(1, .artifact(state)), .removeFile(path: "/state")])
    }

    @Test("Chunks wait for credit: a few at first, at most eight, fewer when answers are late")
    func credit() throws {
        var bench = try Bench()
        let state = file("state", chunks: 100)
        _ = bench.report(.artifact(state))
        #expect(offsets(bench.progress(state, 0)) == [0, 1])
        #expect(offsets(bench.progress(state, Chunk.mostBytes)) == [2, 3])
        var inFlight = 3
        for received in 2...20 {
            inFlight += offsets(bench.progress(state, received * Chunk.mostBytes)).count - 1
            #expect(inFlight <= 8)
        }
        #expect(inFlight == 8)
        bench.now = bench.now + .seconds(1)
        #expect(bench.progress(state, 21 * Chunk.mostBytes).isEmpty)
    }

    @Test("Epochs are reported while a file is sent; the end waits for it")
    func endWaits() throws {
        var bench = try Bench()
        let model = file("model", .checkpoint)
        _ = bench.report(.artifact(model))
        let epoch = Sample.epoch(1)
        #expect(bench.report(epoch) == [report(1, epoch)])
        let end = Report.Event.completed(seconds: 1)
        #expect(bench.report(end).isEmpty)
        _ = bench.progress(model, 0)
        #expect(
            bench.progress(model, 0, .stored)
                == [report(2, .artifact(model)), .removeFile(path: "/model"), report(3, end)])
    }

    @Test("States are not sent for a completed or revoked attempt")
    func statesOfTheDone() throws {
        let end = Report.Event.completed(seconds: 1)
        var completed = try Bench()
        _ = completed.report(.artifact(file("state")))
        #expect(completed.report(end) == [.removeFile(path: "/state"), report(1, end)])
        var revoked = try Bench()
        _ = revoked.report(.artifact(file("state")))
        let effects = revoked.handle(.message(.revoke(AttemptID(1))))
        #expect(effects == [.removeFile(path: "/state"), .stop(0, AttemptID(1))])
        #expect(revoked.report(.artifact(file("late"))) == [.removeFile(path: "/late")])
    }

    @Test("The state that a run ends with is sent before the end is told")
    func lastState() throws {
        var bench = try Bench()
        let end = Report.Event.completed(seconds: 1)
        let state = file("state", epoch: 1)
        _ = bench.report(.artifact(state))
        #expect(bench.report(end).isEmpty)
        _ = bench.progress(state, 0)
        #expect(
            bench.progress(state, 0, .stored)
                == [report(1, .artifact(state)), .removeFile(path: "/state"), report(2, end)])
    }

    @Test("A last state that can't be sent does not hold up the end of its run for long")
    func lastStateStuck() throws {
        var bench = try Bench()
        let end = Report.Event.completed(seconds: 1)
        _ = bench.report(.artifact(file("unreadable", epoch: 1)))
        #expect(bench.report(end).isEmpty)
        let unreadable = WorkerMachine.Event.fileUnreadable(Digest(ofText: "unreadable"), "gone")
        #expect(bench.handle(unreadable).contains(report(1, end)))

        bench = try Bench()
        _ = bench.report(.artifact(file("stuck", epoch: 1)))
        _ = bench.report(end)
        var waited = 0
        while !bench.handle(.tick).contains(report(1, end)) {
            bench.now = bench.now + .seconds(1)
            waited += 1
            try #require(waited <= 60)
        }
        #expect(waited == 30)
    }

    @Test("A newer state takes the place of one that is not being sent yet")
    func newerState() throws {
        var bench = try Bench()
        _ = bench.report(.artifact(file("first")))
        #expect(bench.report(.artifact(file("second"))).isEmpty)
        #expect(bench.report(.artifact(file("third"))) == [.removeFile(path: "/second")])
        #expect(bench.progress(file("first"), 0, .stored).contains(upload(file("third"))))
    }

    @Test("A worker that leaves sends its state before it hands the job back")
    func leaving() throws {
        var bench = try Bench()
        #expect(bench.handle(.drain) == [.stop(0, AttemptID(1))])
        let state = file("state", chunks: 3)
        #expect(bench.report(.artifact(state)) == [upload(state)])
        #expect(bench.report(.handedBack).isEmpty)
        for received in 0..<3 {
            // As long as something arrives it stays.
            bench.now = bench.now + .seconds(8)
            _ = bench.progress(state, received * Chunk.mostBytes)
        }
        let effects = bench.progress(state, state.size, .stored)
        #expect(effects.contains(report(2, .handedBack)))
        let last = bench.handle(.message(.acknowledge(AttemptID(1), upTo: 2)))
        #expect(last == [.send(.goodbye()), .leave(error: nil)])
    }

    @Test("It waits 25 s for a trainer to stop, then 10 s for a coordinator that says nothing")
    func silentCoordinator() throws {
        func leaves(_ bench: inout Bench, after seconds: Int) -> Bool {
            bench.now = bench.now + .seconds(seconds)
            return bench.handle(.tick).contains(.leave(error: nil))
        }
        var stuck = try Bench()
        _ = stuck.handle(.drain)
        #expect(!leaves(&stuck, after: 24))
        #expect(leaves(&stuck, after: 1))
        var silent = try Bench()
        _ = silent.handle(.drain)
        #expect(!leaves(&silent, after: 20))
        _ = silent.report(.artifact(file("state")))
        _ = silent.report(.handedBack)
        #expect(!leaves(&silent, after: 9))
        #expect(leaves(&silent, after: 1))
    }

    @Test("After a lost connection the upload goes on behind what has arrived")
    func lostConnection() throws {
        var bench = try Bench()
        let state = file("state", chunks: 4)
        _ = bench.report(.artifact(state))
        #expect(offsets(bench.progress(state, 0)) == [0, 1])
        bench.now = bench.now + .seconds(3)
        #expect(bench.handle(.tick).contains(upload(state)))
        // Of two chunks one had arrived.
        #expect(offsets(bench.progress(state, Chunk.mostBytes)) == [1, 2])
        let welcome = Welcome(heartbeat: .seconds(2), lease: .seconds(8))
        #expect(bench.handle(.message(.welcome(welcome))).contains(upload(state)))
    }

    @Test("A file that arrives damaged is sent again, and given up the third time")
    func damaged() throws {
        var bench = try Bench()
        let state = file("state")
        _ = bench.report(.artifact(state))
        for _ in 0..<2 {
            _ = bench.progress(state, 0)
            #expect(bench.progress(state, 0, .damaged) == [upload(state)])
        }
        _ = bench.progress(state, 0)
        let effects = bench.progress(state, 0, .damaged)
        #expect(effects.contains(.removeFile(path: "/state")))
        #expect(!effects.contains(upload(state)))
    }

    @Test("A file that can't be read is not kept, and holds nothing up")
    func unreadable() throws {
        var bench = try Bench()
        let model = file("model", .checkpoint)
        _ = bench.report(.artifact(model))
        let end = Report.Event.completed(seconds: 1)
        _ = bench.report(end)
        let effects = bench.handle(.fileUnreadable(model.file.digest, "gone"))
        #expect(effects == [.note("a file is not kept: gone"), report(1, end)])
    }

    // MARK: Fetching

    private func fetches(_ effects: [WorkerMachine.Effect]) -> [Int] {
        effects.compactMap {
            if case .send(.file(.fetch(let fetch))) = $0 {
                fetch.offset / Chunk.mostBytes
            } else {
                nil
            }
        }
    }

    private func chunk(_ artifact: Artifact, _ number: Int) -> Chunk {
        let offset = number * Chunk.mostBytes
        let count = min(Chunk.mostBytes, artifact.size - offset)
        return Chunk(
            digest: artifact.file.digest, offset: offset,
            bytes: Array(repeating: 1, count: count), total: artifact.size)
    }

    @Test("A job with a state is trained when the state has been fetched")
    func fetching() throws {
        let state = file("state", chunks: 10)
        var bench = try Bench(checkpoint: state)
        let digest = state.file.digest
        #expect(bench.first == [.findFile(.state(state))])
        #expect(bench.handle(.file(.absent(digest))) == [.openFile(.state(state))])
        // The first chunk tells how large the file is.
        #expect(fetches(bench.handle(.file(.opened(digest, received: 0)))) == [0])
        #expect(bench.handle(.message(.file(.chunk(chunk(state, 3))))).isEmpty, "behind a gap")
        var asking = 1
        for number in 0..<9 {
            let effects = bench.handle(.message(.file(.chunk(chunk(state, number)))))
            #expect(effects.first == .storeChunk(chunk(state, number)))
            asking += fetches(effects).count - 1
            #expect(asking <= 8)
        }
        #expect(
            bench.handle(.message(.file(.chunk(chunk(state, 9)))))
                == [.storeChunk(chunk(state, 9)), .finishFile(digest)])
        var job = try Self.job(state)
        job.checkpoint?.file.path = "/fetched"
        #expect(
            bench.handle(.file(.ready(digest, path: "/fetched"))) == [.train(0, job)])
        let end = Report.Event.completed(seconds: 1)
        #expect(bench.report(end).contains(.removeFile(path: "/fetched")))
    }

    @Test("Chunks that got lost are asked for again, one first, and less often each time")
    func lostChunks() throws {
        let state = file("state", chunks: 5)
        var bench = try Bench(checkpoint: state)
        _ = bench.handle(.file(.absent(state.file.digest)))
        _ = bench.handle(.file(.opened(state.file.digest, received: 0)))
        _ = bench.handle(.message(.file(.chunk(chunk(state, 0)))))
        bench.now = bench.now + .seconds(3)
        #expect(fetches(bench.handle(.tick)) == [1])
        bench.now = bench.now + .seconds(5)
        #expect(fetches(bench.handle(.tick)).isEmpty)
        bench.now = bench.now + .seconds(1)
        #expect(fetches(bench.handle(.tick)) == [1])
        #expect(fetches(bench.handle(.message(.file(.chunk(chunk(state, 1)))))) == [2, 3])
    }

    @Test("A state that can't be had is no reason not to train")
    func notToBeHad() throws {
        let state = file("state")
        for event in [
            WorkerMachine.Event.message(.file(.missing(state.file.digest))),
            .file(.failed(state.file.digest, "no room")),
        ] {
            var bench = try Bench(checkpoint: state)
            #expect(bench.handle(event).contains(.train(0, try Self.job())))
        }
    }

    @Test("A file whose size changes while it is fetched is not asked for without end")
    func anotherSize() throws {
        let state = file("state", chunks: 3)
        for (offset, count, total) in [
            (Chunk.mostBytes, 5, state.size), (Chunk.mostBytes, 1, Chunk.mostBytes + 1),
        ] {
            var bench = try Bench(checkpoint: state)
            _ = bench.handle(.file(.absent(state.file.digest)))
            _ = bench.handle(.file(.opened(state.file.digest, received: 0)))
            _ = bench.handle(.message(.file(.chunk(chunk(state, 0)))))
            let odd = Chunk(
                digest: state.file.digest, offset: offset,
                bytes: Array(repeating: 1, count: count), total: total)
            let effects = bench.handle(.message(.file(.chunk(odd))))
            #expect(effects.contains(.train(0, try Self.job())))
            #expect(effects.contains(.releaseFile(state.file.digest)))
        }
    }

    @Test("A job whose state is on its way is handed back at once")
    func drainedWhileFetching() throws {
        var bench = try Bench(checkpoint: file("state"))
        #expect(bench.handle(.drain) == [report(1, .handedBack)])
        let digest = file("state").file.digest
        #expect(bench.handle(.file(.ready(digest, path: "/x"))).isEmpty)
    }
}
