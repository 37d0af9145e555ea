import SweepCore
import Testing

@Suite("What trainers read comes to the worker")
struct SuppliesTests {
    /// A welcome worker whose trainers read model and data, with a job for each of its slots.
    private struct Bench {
        @Checked var machine: WorkerMachine
        var now = Instant(nanoseconds: 0)
        let spec: TrainingSpec
        private(set) var first: [WorkerMachine.Effect] = []

        init(slots: Int = 1) throws {
            machine = WorkerMachine(
                Hello(
                    worker: WorkerID("a"), incarnation: 1, host: "host", slots: slots,
                    device: "fake", memory: 0))
            spec = try #require(Plan(Sample.sweep()).runs.first).spec
            let welcome = Welcome(heartbeat: .seconds(2), lease: .seconds(8))
            _ = machine.handle(.message(.welcome(welcome)), at: now)
            for slot in 0..<slots {
                first += machine.handle(.message(.assign(job(slot))), at: now)
            }
        }

        func job(_ slot: Int) -> Assignment {
            Assignment(attempt: AttemptID(UInt64(slot + 1)), run: RunID(1), spec: spec)
        }

        mutating func handle(_ event: WorkerMachine.Event) -> [WorkerMachine.Effect] {
            machine.handle(event, at: now)
        }

        mutating func file(_ event: WorkerMachine.FileEvent) -> [WorkerMachine.Effect] {
            handle(.file(event))
        }

        /// All data lie at `/data`; what came of the last.
        mutating func haveData() -> [WorkerMachine.Effect] {
            var effects: [WorkerMachine.Effect] = []
            for file in spec.files {
                effects = self.file(.ready(file.digest, path: "/data/\(file.digest.short)"))
            }
            return effects
        }

        /// One chunk, which is all of the file.
        mutating func receive(_ digest: Digest, count: Int = 3) -> [WorkerMachine.Effect] {
            _ = file(.opened(digest, received: 0))
            let bytes = [UInt8](repeating: 1, count: count)
            return handle(
                .message(
                    .file(.chunk(Chunk(digest: digest, offset: 0, bytes: bytes, total: count)))))
        }
    }

    private func trained(_ effects: [WorkerMachine.Effect]) -> [TrainingSpec] {
        effects.compactMap { if case .train(_, let job) = $0 { job.spec } else { nil } }
    }

    @Test("What is on the worker's host is looked for there, and used where it lies")
    func found() throws {
        var bench = try Bench()
        let wants = [Want.model(bench.spec.backbone)] + bench.spec.files.map { .file($0) }
        #expect(bench.first == wants.map { .findFile($0) })
        #expect(trained(bench.file(.ready(bench.spec.backbone.digest, path: "/model"))).isEmpty)
        let spec = try #require(trained(bench.haveData()).first)
        #expect(spec.backbone.path == "/model")
        #expect(spec.files.allSatisfy { $0.path == "/data/\($0.digest.short)" })
    }

    @Test("A model comes as the list of its files, then file by file, and is put together")
    func model() throws {
        var bench = try Bench()
        _ = bench.haveData()
        let model = bench.spec.backbone
        #expect(bench.file(.absent(model.digest)) == [.openFile(.model(model))])
        #expect(bench.receive(model.digest).last == .finishFile(model.digest))
        #expect(
            bench.file(.ready(model.digest, path: "/list"))
                == [.readManifest(model.digest, path: "/list")])
        let (config, weights) = (Digest(ofText: "config"), Digest(ofText: "weights"))
        let parts = ["config.json": config, "model.safetensors": weights]
        let looking = bench.file(.listed(model.digest, parts))
        #expect(
            Set(looking)
                == Set(
                    [config, weights].map { .findFile(.file(FileReference(path: "", digest: $0))) })
        )
        #expect(bench.file(.ready(config, path: "/c")).isEmpty)
        _ = bench.file(.absent(weights))
        #expect(bench.receive(weights).last == .finishFile(weights))
        #expect(
            bench.file(.ready(weights, path: "/w"))
                == [
                    .assembleModel(
                        model.digest, ["config.json": "/c", "model.safetensors": "/w"])
                ])
        let spec = try #require(
            trained(bench.file(.ready(model.digest, path: "/cache/model"))).first)
        #expect(spec.backbone.path == "/cache/model")
    }

    @Test("A model that has changed since it was found is looked for again before training begins")
    func outdated() throws {
        var bench = try Bench()
        let model = bench.spec.backbone
        _ = bench.file(.ready(model.digest, path: model.path))
        #expect(trained(bench.haveData()).count == 1)
        let again = bench.handle(.outdated(0, model.digest, "it has changed"))
        #expect(again.last == .findFile(.model(model)) && trained(again).isEmpty)
        #expect(bench.file(.absent(model.digest)) == [.openFile(.model(model))])
        _ = bench.receive(model.digest)
        _ = bench.file(.ready(model.digest, path: "/list"))
        _ = bench.file(.listed(model.digest, [:]))
        let spec = try #require(trained(bench.file(.ready(model.digest, path: "/cache"))).first)
        #expect(spec.backbone.path == "/cache")
    }

    @Test("All slots share what comes, one file at a time")
    func shared() throws {
        var bench = try Bench(slots: 3)
        #expect(bench.first.count == 1 + bench.spec.files.count)
        let opened = bench.spec.files.flatMap { bench.file(.absent($0.digest)) }
        #expect(opened == [.openFile(.file(bench.spec.files[0]))])
        _ = bench.receive(bench.spec.files[0].digest)
        #expect(
            bench.file(.ready(bench.spec.files[0].digest, path: "/0"))
                == [.openFile(.file(bench.spec.files[1]))])
        _ = bench.file(.ready(bench.spec.backbone.digest, path: "/model"))
        #expect(trained(bench.haveData()).count == 3)
    }

    @Test("Without a file the attempt fails in words, and the next one looks for it again")
    func missing() throws {
        var bench = try Bench()
        let file = bench.spec.files[0]
        _ = bench.file(.absent(file.digest))
        let effects = bench.handle(.message(.file(.missing(file.digest))))
        let errors = effects.compactMap { effect -> String? in
            guard case .send(.report(let report)) = effect, case .failed(let why) = report.event
            else { return nil }
            return why
        }
        #expect(errors.count == 1)
        #expect(errors.first?.contains(file.path) == true)
        #expect(errors.first?.contains("submit the sweep again") == true)
        #expect(effects.contains(.releaseFile(file.digest)))
        var job = bench.job(0)
        job.attempt = AttemptID(9)
        #expect(bench.handle(.message(.assign(job))).contains(.findFile(.file(file))))
    }

    @Test("What another process of the host fetches is waited for")
    func elsewhere() throws {
        var bench = try Bench()
        let file = bench.spec.files[0]
        #expect(bench.file(.absent(file.digest)) == [.openFile(.file(file))])
        #expect(bench.file(.busy(file.digest)).isEmpty)
        #expect(!bench.handle(.tick).contains(.findFile(.file(file))))
        bench.now = bench.now + .seconds(1)
        #expect(bench.handle(.tick).contains(.findFile(.file(file))))
    }

    @Test("What no job needs any more is let go when the next one comes with other needs")
    func letGo() throws {
        var bench = try Bench()
        _ = bench.file(.ready(bench.spec.backbone.digest, path: "/model"))
        _ = bench.haveData()
        _ = bench.handle(
            .report(AttemptID(1), .completed(seconds: 1)))
        var other = bench.job(1)
        other.spec.backbone.digest = Digest(ofText: "another model")
        let effects = bench.handle(.message(.assign(other)))
        #expect(effects.contains(.releaseFile(bench.spec.backbone.digest)))
        #expect(effects.contains(.findFile(.model(other.spec.backbone))))
        #expect(!effects.contains(.findFile(.file(bench.spec.files[0]))), "it is here")
    }

    @Test("A manifest that names files elsewhere, or is none, is refused")
    func manifests() {
        let digest = Digest(ofText: "x").hex
        func files(_ text: String) -> [String: Digest]? {
            BackboneReference.files(inManifest: Array(text.utf8))
        }
        let good = ["config.json": Digest(ofText: "x"), "a b": Digest(ofText: "y")]
        #expect(files(BackboneReference.manifest(ofFiles: good)) == good)
        for bad in [
            "", "config.json", "../x \(digest)", "/etc/x \(digest)", ".ssh \(digest)",
            "a/b \(digest)", "a\u{0} \(digest)", " \(digest)", "config.json \(digest.dropLast())",
        ] {
            #expect(files(bad) == nil, "\(bad)")
        }
        #expect(BackboneReference.files(inManifest: [0xFF, 0x20]) == nil)
    }
}
