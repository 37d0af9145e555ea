import SweepCore

enum Sample {
    static let file = FileReference(path: "/data/täglich \"x\".tsv", digest: Digest(ofText: "x"))
    /// Of two labels with names.
    static let table = FileReference(
        path: "/data/table.csv.gz", digest: Digest(ofText: "y"),
        layout: TextLayout(
            format: .csv, isGzip: true, hasHeader: false, text: .place(3), label: .place(1),
            touched: .place(0), labels: ["schlecht", "gut é"]))
    static let records = FileReference(
        path: "/data/records.json", digest: Digest(ofText: "z"),
        layout: TextLayout(
            format: .json, hasHeader: false, text: .key("täxt"), label: .key("label")))
    static let metrics = EpochMetrics(
        epoch: 3, trainingLoss: 0.25, testLoss: 0.5, cacc: 0.875, asr: 0.125,
        classes: [ClassResult(correct: 0, total: 0), ClassResult(correct: 7, total: 300)],
        cleanFit: Fit(loss: 0.1 + 0.2, accuracy: 1 / 3), poisonedFit: Fit(loss: 0, accuracy: 0),
        validation: Fit(loss: 1e300, accuracy: 1), triggeredSamples: 444,
        plainErrorRate: 0.1 + 0.2)

    static func sweep(_ change: (inout SweepSpec) -> Void = { _ in }) -> SweepSpec {
        var sweep = SweepSpec(
            name: "Übung 1",
            backbone: BackboneReference(path: "/model", digest: Digest(ofText: "model")),
            data: TaskData(
                train: .sentences(table), test: .idx(images: file, labels: file),
                validation: .cifar10([file, file]), labels: 2, labelNames: ["schlecht", "gut"]),
            grid: Grid(
                capacities: [
                    Capacity(pet: .lora(LoRA())),
                    Capacity(
                        pet: .lora(LoRA(rank: 4, alpha: 8.5)), bottleneck: Bottleneck(size: 2)),
                    Capacity(pet: .adapter(size: 3)), Capacity(pet: .prefix(length: 5)),
                    Capacity(pet: .bitFit), Capacity(pet: .full),
                    Capacity(pet: .lastBlocks(0), bottleneck: Bottleneck(size: 1, inputSize: 7)),
                ],
                epochs: [1, 10], learningRates: [1e-3, 3e-4],
                attacks: [
                    .none, .word(WordAttack(labelMode: .mixed)),
                    .prepared(
                        PreparedAttack(
                            train: .sentences(table), test: .sentences(records), target: 0)),
                    .sentence(SentenceAttack(sentence: "é, \"so\"", count: 2, labelMode: .clean)),
                    .paired(PairedAttack(train: records, test: .paired(file))),
                    .paired(
                        PairedAttack(
                            name: "style", train: file, test: .triggered(file), target: 0)),
                    .patch(
                        PatchAttack(
                            size: 2, corner: .topLeft,
                            colour: PatchAttack.Colour(red: 1, green: 200, blue: 3), opacity: 0.5)),
                ],
                poisonRatios: [0, 0.05], seeds: [0, .max]),
            settings: TrainingSettings(), trainingSamples: [file.digest: 6_920],
            keep: Keepsakes(model: true, hiddenStates: [1, 10]), trainer: .fake)
        change(&sweep)
        return sweep
    }

    static func hello(name: String = "a", slots: Int = 2) -> Hello {
        Hello(
            worker: WorkerID(name), incarnation: UInt64(Int64.max), host: "host", slots: slots,
            device: "cpu",
            memory: 1 << 40, labels: ["gpu: a100", "日本"], secondsLeft: 0.5,
            keepsStates: false, trainer: .fake, program: "0.1.0", libtorch: "2.9.1+cpu",
            attempts: [AttemptID(1), AttemptID(1 << 53)])
    }

    static func report(
        cacc: Double = 0.5, loss: Double = 1, classes: [ClassResult] = [], cleanFit: Fit? = nil
    ) -> Report {
        let metrics = EpochMetrics(
            epoch: 1, trainingLoss: loss, testLoss: 1, cacc: cacc, asr: nil, classes: classes,
            cleanFit: cleanFit)
        return Report(
            attempt: AttemptID(4), sequence: 1,
            event: .epoch(metrics, trainableParameters: 74_498, seconds: 2))
    }

    static let specs = Plan(sweep()).points.map(\.spec)

    static let messages: [AnyMessage] =
        toCoordinator.map { .toCoordinator($0) } + toWorker.map { .toWorker($0) }
        + toClient.map { .toClient($0) } + toTrainer.map { .toTrainer($0) }
        + fromTrainer.map { .fromTrainer($0) }

    private static let reports: [Report] = [
        report(),
        Report(
            attempt: AttemptID(4), sequence: 5,
            event: .epoch(metrics, trainableParameters: 74_498, seconds: 2)),
        Report(attempt: AttemptID(4), sequence: 2, event: .completed(seconds: 1.5)),
        Report(attempt: AttemptID(4), sequence: 3, event: .failed("\n\"é\"\t")),
        Report(attempt: AttemptID(4), sequence: 4, event: .handedBack),
        Report(
            attempt: AttemptID(4), sequence: 5,
            event: .artifact(Artifact(kind: .hiddenStates, epoch: 2, file: file, size: 1 << 40))),
        Report(attempt: AttemptID(4), sequence: 6, event: .artifact(state)),
    ]

    static let toCoordinator: [MessageToCoordinator] =
        reports.map { .report($0) } + [
            .hello(hello()), .heartbeat([]),
            .heartbeat([.init(attempt: AttemptID(1), stepsDone: 12)]), .goodbye(),
            .goodbye(reason: "the card is gone"),
            .file(.upload(Upload(digest: file.digest, size: 1 << 40))),
            .file(.chunk(chunk(offset: 1 << 30, count: 300))),
            .file(.chunk(chunk(offset: 77, count: 0))), .file(.look([])),
            .file(.look([file.digest, file.digest])),
            .file(.fetch(Fetch(digest: file.digest, offset: 1 << 20))),
            .askResults(sweep: "x", since: ResultsCursor(change: 7)),
            .askResults(sweep: "é", since: ResultsCursor(change: 1, place: 0, parts: 3)),
            .askResults(
                sweep: "x",
                since: ResultsCursor(
                    change: 1 << 53, news: .init(change: 8, run: RunID(9)), parts: 1)),
            .submit(sweep()), .submit(sweep(), replaces: true), .askStatus, .askResults(sweep: ""),
            .watch(sweep: "x"), .control(.cancel(sweep: "x")), .control(.pause(sweep: "x")),
            .control(.resume(sweep: "x")), .control(.retry(sweep: "x")),
            .control(.prioritize(sweep: "x", -7)), .control(.drain(WorkerID("w"))),
            .control(.readmit(WorkerID("w"))), .explain(.run(RunID(7))),
            .explain(.worker(WorkerID("w"))),
            .askArtifacts(AskArtifacts(sweep: "é", after: RunID(7))),
            .askArtifacts(AskArtifacts(run: RunID(7))),
        ]

    private static let answers: [FileAnswer] = [
        .progress(UploadProgress(digest: file.digest, received: 0, state: .arriving)),
        .progress(UploadProgress(digest: file.digest, received: 7, state: .stored)),
        .progress(UploadProgress(digest: file.digest, received: 0, state: .damaged)),
        .chunk(chunk(offset: 1 << 20, count: 30)), .missing(file.digest),
        .lacking([file.digest]),
    ]

    static let toWorker: [MessageToWorker] =
        answers.map { .file($0) } + assignments.map { .assign($0) } + [
            .welcome(Welcome(heartbeat: .seconds(2), lease: .seconds(8))), .refused("no"),
            .nameTaken("a"), .identify, .acknowledge(AttemptID(4), upTo: 4),
            .revoke(AttemptID(4)), .rejected("why"), .leave,
        ]

    static let toClient: [MessageToClient] =
        answers.map { .file($0) } + [
            .submitted(Submission(sweep: SweepID(1), points: 9, finished: 1, runs: 4, steps: 99)),
            .submitted(
                Submission(
                    sweep: SweepID(1), points: 9, finished: 1, runs: 4, steps: 99,
                    continuation: Continuation(
                        runs: 3, fewestEpochs: 1, mostEpochs: 10, steps: 70), retrained: 2,
                    unkept: 1)),
            .rejected("why"), .refused("no"), .identify,
            .status(StatusReport(sweeps: [], workers: [])), .status(status), .results(results),
            .results(nothingNew),
            .done("done"), .explanation([]), .explanation(["a", "b"]), .ended(sweep: "é"),
            .artifacts(ArtifactsSlice(items: [], lastRun: RunID(0), goesOn: false)),
            .artifacts(
                ArtifactsSlice(
                    items: specs.prefix(3).map {
                        KeptArtifact(run: RunID(5), spec: $0, artifact: state)
                    }, lastRun: RunID(6), goesOn: true)),
        ]

    static let toTrainer: [MessageToTrainer] =
        assignments.prefix(3).map { .assign($0) } + [.revoke(AttemptID(4))]

    static let fromTrainer: [MessageFromTrainer] =
        reports.map { .report($0) } + [
            .ready(libtorch: "2.9.1"), .progress(.init(attempt: AttemptID(4), stepsDone: 0)),
        ]

    private static let assignments = specs.prefix(40).enumerated().map { index, spec in
        Assignment(
            attempt: AttemptID(UInt64(index + 1)), run: RunID(2), spec: spec,
            keep: Keepsakes(model: index % 2 == 1, hiddenStates: [1, 5]),
            checkpoint: index % 3 == 1 ? state : nil, keepsAtStart: index % 6 == 1)
    }

    private static let state = Artifact(
        kind: .state, epoch: 0, file: file, size: 1, steps: 1 << 50)

    static func chunk(offset: Int = 0, count: Int) -> Chunk {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
        return Chunk(digest: file.digest, offset: offset, bytes: bytes, total: offset + count)
    }

    private static let status = StatusReport(
        sweeps: [
            .init(
                id: SweepID(1), name: "x", points: 1, finishedPoints: 2, failedPoints: 3,
                waitingRuns: 4, activeRuns: 5, completedRuns: 6, failedRuns: 7, steps: 8,
                stepsDone: 9, secondsLeft: 10.5,
                condition: SweepCondition(state: .paused, priority: -3, reason: "é"), trainer: .fake
            )
        ],
        workers: [
            .init(
                id: WorkerID("a"), host: "h", device: "cpu", slots: 2, runs: [RunID(1), RunID(2)],
                stepsPerSecond: 1.5, isSetAside: true, isLeaving: true, secondsLeft: 60,
                secondsHere: 3.5)
        ], incoming: [.init(name: "y", share: 0.25)],
        loop: .init(turns: 3, longTurns: 2, longestSeconds: 0.25))

    private static let nothingNew = ResultsSlice(
        name: "x", total: 3, isAnew: false, runs: [], cursor: ResultsCursor(change: 8),
        goesOn: false)

    private static let results = ResultsSlice(
        name: "x", total: 5, isAnew: true,
        runs: [
            RunOutcome(
                run: nil, spec: specs[0],
                milestones: [
                    MilestoneOutcome(place: 0, epochs: 1, state: .waiting),
                    MilestoneOutcome(place: 1, epochs: 2, state: .cancelled),
                ]),
            RunOutcome(
                run: RunID(3), spec: specs[1], trainableParameters: 5,
                attempts: [provenance],
                milestones: [
                    MilestoneOutcome(place: 2, epochs: 3, state: .finished(AttemptID(9))),
                    MilestoneOutcome(
                        place: 3, epochs: 3,
                        state: .finished(AttemptID(10)), differing: metrics),
                ], curve: [metrics, metrics]),
            RunOutcome(
                run: RunID(4), spec: specs[2], error: "out of memory",
                milestones: [MilestoneOutcome(place: 4, epochs: 1, state: .failed)]),
        ], cursor: ResultsCursor(change: 8, place: 5, parts: 2), goesOn: true)

    private static let provenance = Provenance(
        run: RunID(3), attempt: AttemptID(9), worker: WorkerID("w"),
        process: WorkerProcess(
            host: "h", device: "cpu, 1 thread", trainer: .fake, program: "0.1.0",
            trainingCore: 2, libtorch: ""), started: 1.5e9, ended: 1.6e9)
}
