import Testing

@testable import SweepCore

@Suite("What finished runs leave for later ones")
struct LeftBehindTests {
    private func state(_ name: String, epoch: Int, size: Int = 10_000) -> Artifact {
        Artifact(
            kind: .state, epoch: epoch,
            file: FileReference(path: "/\(name)", digest: Digest(ofText: name)), size: size,
            steps: 10 * epoch)
    }

    /// Trains a job to its end on "a", which leaves its last state and what it is to keep.
    @discardableResult
    private func train(
        _ job: Assignment, _ bench: inout SchedulerBench, size: Int = 10_000,
        leavesState: Bool = true
    ) -> [Said] {
        var sequence: UInt64 = 0
        func tell(_ event: Report.Event) -> [Said] {
            sequence += 1
            return bench.report(job.attempt, sequence, event, from: "a")
        }
        let end = job.spec.epochs
        let start = job.checkpoint?.epoch ?? 0
        for piece in job.keep.pieces(epochs: end) {
            guard piece.epoch > start || job.keepsAtStart && piece.epoch == start else { continue }
            let name = "\(job.run) \(piece.kind) \(piece.epoch)"
            let file = FileReference(path: "/\(name)", digest: Digest(ofText: name))
            _ = tell(.artifact(Artifact(kind: piece.kind, epoch: piece.epoch, file: file, size: 1)))
        }
        for epoch in 1...end where epoch > start { _ = tell(Sample.epoch(epoch)) }
        if leavesState, start < end {
            _ = tell(.artifact(state("\(job.run)", epoch: end, size: size)))
        }
        return tell(.completed(seconds: 1))
    }

    private func submission(_ sent: [Said]) throws -> Submission {
        try #require(
            sent.lazy.compactMap {
                if case .submitted(let submission) = $0.answer { submission } else { nil }
            }.first)
    }

    private func keeping(
        _ keep: Keepsakes, epochs: [Int], seeds: [UInt64] = [1]
    ) -> SweepSpec {
        var sweep = Sample.sweep(epochs: epochs, seeds: seeds)
        sweep.keep = keep
        return sweep
    }

    /// "a" has trained the sweep, and left what it left.
    private func bench(
        _ sweep: SweepSpec, _ configuration: Scheduler.Configuration = .init(),
        size: Int = 10_000, leavesStates: Bool = true
    ) -> SchedulerBench {
        var bench = SchedulerBench(Snapshot(), configuration)
        bench.join("a")
        var jobs = bench.submit(sweep).assignments
        while let next = jobs.popLast() {
            jobs += train(next.job, &bench, size: size, leavesState: leavesStates).assignments
        }
        return bench
    }

    private func dropped(_ bench: SchedulerBench) -> [String] {
        bench.facts.compactMap {
            if case .artifactDropped(_, let artifact) = $0 { artifact.file.path } else { nil }
        }
    }

    // MARK: More epochs

    @Test("More epochs go on from the last state, and only what is left counts")
    func growing() throws {
        var bench = bench(Sample.sweep(epochs: [1, 3, 10]))
        let sent = bench.submit(Sample.sweep(epochs: [1, 3, 10, 12]))
        let answer = try submission(sent)
        #expect((answer.points, answer.finished, answer.runs, answer.steps) == (4, 3, 1, 20))
        #expect(
            answer.continuation
                == Continuation(runs: 1, fewestEpochs: 10, mostEpochs: 10, steps: 100))
        let job = try #require(sent.assignments.first).job
        #expect(job.checkpoint == state("run 1", epoch: 10))
        #expect(job.spec.epochs == 12 && !job.keepsAtStart)
        let origin = LastState(
            trajectory: PointKey(of: job.spec.trajectory), run: RunID(1),
            artifact: state("run 1", epoch: 10))
        #expect(bench.facts.contains(.runContinued(RunID(2), from: origin)))
        let status = bench.scheduler.statusReport().sweeps[0]
        #expect(status.steps - status.stepsDone == 20)
        train(job, &bench)
        #expect(bench.finishedPoints.count == 4)
        let steps = bench.facts.compactMap { fact in
            if case .runCompleted(_, _, let steps, _) = fact { steps } else { nil }
        }
        #expect(steps == [100, 20])
        // And again, from the newest.
        let next = try #require(
            bench.submit(Sample.sweep(epochs: [1, 3, 10, 12, 20])).assignments.first)
        #expect(next.job.checkpoint?.epoch == 12)
    }

    @Test("What a run measured on its way is a result for who asks for it later")
    func measured() throws {
        var bench = bench(Sample.sweep(epochs: [1, 10]))
        let sent = bench.submit(Sample.sweep(epochs: [1, 5, 10, 12]))
        let answer = try submission(sent)
        #expect((answer.points, answer.finished, answer.runs, answer.steps) == (4, 3, 1, 20))
        #expect(sent.assignments.first?.job.checkpoint?.epoch == 10)
        let point = MeasuredPoint(
            key: Plan(Sample.sweep(epochs: [5])).grid.keys[0], epoch: 5, run: RunID(1))
        #expect(bench.facts.contains(.pointTaken(point)))
        train(try #require(sent.assignments.first).job, &bench)
        #expect(bench.scheduler.statusReport().sweeps[0].isOver)
    }

    @Test("Without a last state, a result in between is trained from the start")
    func between() throws {
        var bench = bench(Sample.sweep(epochs: [1, 10]), leavesStates: false)
        let sent = bench.submit(Sample.sweep(epochs: [1, 5, 10]))
        #expect(try submission(sent).continuation == nil)
        #expect(sent.assignments.first?.job.checkpoint == nil)
        #expect(sent.assignments.first?.job.spec.epochs == 5)
    }

    @Test("A schedule that looks at the end of training has no longer run to go on with")
    func otherTrajectory() throws {
        let settings = TrainingSettings(schedule: .linear(horizon: nil))
        var bench = bench(Sample.sweep(epochs: [10], settings: settings))
        let sent = bench.submit(Sample.sweep(epochs: [10, 12], settings: settings))
        #expect(try submission(sent).continuation == nil)
        #expect(sent.assignments.first?.job.checkpoint == nil)
        // With its horizon said it is the same one, which just goes on at the rate 0.
        let said = TrainingSettings(schedule: .linear(horizon: 12))
        bench.complete(try #require(sent.assignments.first).job, from: "a")
        let other = bench.submit(Sample.sweep("said", epochs: [11, 13], settings: said))
        #expect(other.assignments.first?.job.checkpoint == nil)
    }

    @Test("The key of a trajectory is that of its training without the end")
    func keys() throws {
        for schedule in [Schedule.constant, .linear(horizon: nil), .linear(horizon: 7)] {
            let sweep = Sample.sweep(
                epochs: [1, 2, 10], attacks: [.none, .word(WordAttack())],
                poisonRatios: [0.1, 0.2], seeds: [1, 2],
                settings: TrainingSettings(schedule: schedule))
            var writer = PointKeyWriter(sweep)
            for cell in 0..<sweep.grid.cellCount {
                let spec = sweep.spec(ofCell: cell)
                #expect(writer.trajectory(ofCell: cell) == PointKey(of: spec.trajectory))
            }
        }
    }

    // MARK: The bound

    @Test("The oldest states go when they are too many, and one that is too large at once")
    func bound() throws {
        var configuration = Scheduler.Configuration()
        configuration.lastStateBytes = 25_000
        var bench = bench(Sample.sweep(seeds: [1, 2, 3]), configuration)
        let first = try #require(dropped(bench).first)
        #expect(dropped(bench).count == 1)
        let answer = try submission(bench.submit(Sample.sweep(epochs: [1, 2], seeds: [1, 2, 3])))
        #expect(answer.runs == 3 && answer.continuation?.runs == 2)
        #expect(first == "/run 1")
        let large = self.bench(Sample.sweep(), size: LastState.mostBytes + 1)
        #expect(dropped(large) == ["/run 1"])
    }

    @Test("A run has its state for itself: it stays when the one it came from goes")
    func pinned() throws {
        var configuration = Scheduler.Configuration()
        configuration.lastStateBytes = 10_000
        var bench = bench(Sample.sweep(), configuration)
        let job = try #require(bench.submit(Sample.sweep(epochs: [1, 2])).assignments.first).job
        #expect(job.checkpoint == state("run 1", epoch: 1))
        // Another sweep's state takes its place.
        bench.join("b")
        let other = try #require(bench.submit(Sample.sweep("other", seeds: [7])).assignments.first)
        bench.report(other.job.attempt, 1, Sample.epoch(1), from: "b")
        bench.report(
            other.job.attempt, 2, .artifact(state("other", epoch: 1)), from: "b")
        bench.report(other.job.attempt, 3, .completed(seconds: 1), from: "b")
        #expect(dropped(bench) == ["/run 1"])
        let again = bench.join("a", incarnation: 2).assignments
        #expect(again.first?.job.checkpoint == state("run 1", epoch: 1))
    }

    @Test("A coordinator that starts with a smaller bound keeps to it")
    func smallerBound() {
        let states = (1...3).map { number in
            LastState(
                trajectory: PointKey(Digest(ofText: "\(number)")), run: RunID(UInt64(number)),
                artifact: state("\(number)", epoch: 1))
        }
        var configuration = Scheduler.Configuration()
        configuration.lastStateBytes = 0
        var bench = SchedulerBench(Snapshot(lastStates: states), configuration)
        bench.handle(.tick)
        #expect(dropped(bench) == ["/1", "/2", "/3"])
    }

    // MARK: Files that are kept later

    @Test("Files that are kept later come of the state, without training")
    func keptLater() throws {
        var bench = bench(Sample.sweep(epochs: [1, 3], seeds: [1, 2]))
        let wanted = keeping(
            Keepsakes(model: true, hiddenStates: [3]), epochs: [1, 3], seeds: [1, 2])
        let sent = bench.submit(wanted)
        let answer = try submission(sent)
        #expect((answer.runs, answer.steps, answer.retrained) == (2, 0, 0))
        #expect(answer.continuation?.runs == 2)
        let job = try #require(sent.assignments.first).job
        #expect(job.keepsAtStart && job.checkpoint?.epoch == 3 && job.spec.epochs == 3)
        // Asked again meanwhile, it is the same runs.
        let again = try submission(bench.submit(wanted))
        #expect((again.runs, again.unkept) == (0, 0))
        let next = try #require(train(job, &bench).assignments.first).job
        train(next, &bench)
        #expect(bench.scheduler.statusReport().sweeps[0].isOver)
        #expect(try submission(bench.submit(wanted)).runs == 0)
    }

    @Test("Where there is no state for a file that is kept later, it is said what is trained again")
    func keptLaterWithoutState() throws {
        var bench = bench(Sample.sweep(epochs: [1, 3]), leavesStates: false)
        let answer = try submission(
            bench.submit(keeping(Keepsakes(model: true), epochs: [1, 3])))
        #expect((answer.runs, answer.steps, answer.retrained) == (1, 30, 2))
        #expect(answer.continuation == nil)
        // A state beyond the epoch is of no use to its hidden states.
        bench = self.bench(Sample.sweep(epochs: [1, 3]))
        let early = try submission(
            bench.submit(keeping(Keepsakes(hiddenStates: [2]), epochs: [1, 3])))
        #expect((early.runs, early.steps, early.retrained) == (1, 30, 2))
    }

    @Test("Runs in training leave what they were begun for; who wants more is told")
    func keptWhileTraining() throws {
        var bench = SchedulerBench()
        bench.join("a")
        let job = try #require(bench.submit(Sample.sweep(epochs: [2])).assignments.first).job
        let wanted = keeping(Keepsakes(model: true), epochs: [2])
        let answer = try submission(bench.submit(wanted))
        #expect((answer.runs, answer.unkept) == (0, 1))
        train(job, &bench)
        let later = try submission(bench.submit(wanted))
        #expect((later.runs, later.steps, later.unkept) == (1, 0, 0))
    }

    @Test("What a sweep keeps already is not made again when it grows")
    func keptBefore() throws {
        let keep = Keepsakes(model: true, hiddenStates: [1])
        var bench = bench(keeping(keep, epochs: [1, 2]))
        #expect(try submission(bench.submit(keeping(keep, epochs: [1, 2]))).runs == 0)
        let sent = bench.submit(keeping(keep, epochs: [1, 2, 5]))
        let job = try #require(sent.assignments.first).job
        #expect(job.checkpoint?.epoch == 2 && !job.keepsAtStart)
        #expect(try submission(sent).retrained == 0)
    }

    // MARK: Restarts

    @Test("A worker that dies between its last state and its last word loses nothing")
    func diesBeforeTheEnd() throws {
        var bench = SchedulerBench()
        bench.join("a")
        let job = try #require(bench.submit(Sample.sweep(epochs: [2])).assignments.first).job
        bench.report(job.attempt, 1, Sample.epoch(1), from: "a")
        bench.report(job.attempt, 2, Sample.epoch(2), from: "a")
        bench.report(job.attempt, 3, .artifact(state("run 1", epoch: 2)), from: "a")
        let next = try #require(bench.join("a", incarnation: 2).assignments.first).job
        #expect(next.checkpoint == state("run 1", epoch: 2))
        bench.report(next.attempt, 1, .completed(seconds: 0), from: "a")
        let kept = bench.facts.contains {
            if case .lastStateKept(let last) = $0 { last.run == RunID(1) } else { false }
        }
        #expect(kept && dropped(bench).isEmpty)
        let larger = bench.submit(Sample.sweep(epochs: [2, 3]))
        #expect(larger.assignments.first?.job.checkpoint?.epoch == 2)
    }

    @Test("After a restart the scheduler knows states, files, and runs that are to leave some")
    func restart() throws {
        let keep = Keepsakes(model: true)
        let before = Sample.sweep(epochs: [2])
        let wanted = keeping(keep, epochs: [2])
        let plan = Plan(before)
        let run = try #require(plan.runs.first)
        let last = LastState(
            trajectory: PointKey(of: run.spec.trajectory), run: RunID(1),
            artifact: state("run 1", epoch: 2))
        let keeper = PlannedRun(
            grid: PlannedGrid(wanted), first: run.first, count: run.count, last: run.last,
            steps: run.steps)
        func snapshot(_ state: Snapshot.Run.State) -> Snapshot {
            Snapshot(
                sweeps: [.init(id: SweepID(1), spec: wanted, keys: plan.grid.keys)],
                runs: [
                    .init(id: RunID(1), plan: run, state: .completed, failures: []),
                    .init(id: RunID(2), plan: keeper, state: state, failures: []),
                ], finished: Set(plan.grid.keys), lastAttempt: AttemptID(1),
                states: state == .waiting ? [RunID(2): last.artifact] : [:], lastStates: [last],
                pieces: state == .completed
                    ? [(RunID(2), .init(kind: .checkpoint, epoch: 2))] : [])
        }
        var bench = SchedulerBench(snapshot(.waiting))
        let job = try #require(bench.join("a").assignments.first).job
        #expect(job.run == RunID(2) && job.checkpoint == last.artifact && job.keepsAtStart)
        #expect(try submission(bench.submit(wanted)).runs == 0)
        train(job, &bench)

        bench = SchedulerBench(snapshot(.completed))
        #expect(try submission(bench.submit(wanted)).runs == 0)
        #expect(
            try submission(bench.submit(Sample.sweep(epochs: [2, 3]))).continuation?.runs == 1)
    }
}
