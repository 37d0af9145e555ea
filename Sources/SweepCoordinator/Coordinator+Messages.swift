import SweepCore
import SweepStore
import SweepWire

/// Frames become events, and what the machine wants to know at once is looked up.
extension Coordinator {
    /// The least time after which what is asked for waits for the next turn of the loop.
    private static let longestAnswers = Duration.milliseconds(20)
    /// The most bytes of results in an answer, so that few are held for a peer that does not read.
    private static let bytesInAnAnswer = 256 * 1_024

    func hear(_ arrival: Listener.Arrival) -> [Effect] {
        guard machine.hears(arrival.route) else { return decide(.unread(arrival.route)) }
        let peer = CoordinatorMachine.Peer(route: arrival.route, key: arrival.key)
        do {
            return decide(.message(try Codec.decode(arrival.frame), from: peer))
        } catch .versionMismatch(let theirs, let ours) {
            let words = "\(WireError.versionMismatch(theirs: ours, ours: theirs))"
            return decide(.foreign(version: theirs, words: words, from: peer))
        } catch .malformed(let what) {
            return decide(.nonsense(what, from: peer))
        } catch {
            return decide(.nonsense("\(error)", from: peer))
        }
    }

    /// What was asked for, as far as this turn of the loop allows.
    func answerRequests() -> [Effect] {
        let begin = now
        var effects = decide(.turn)
        while machine.mayAnswer, now - begin < Self.longestAnswers {
            effects += decide(.answerNext)
        }
        return effects
    }

    func decide(_ event: CoordinatorMachine.Event) -> [Effect] {
        decide(event) { [self] effect, machine in
            switch effect {
            case .file(let request): return done(files.carryOut(request))
            case .weigh(let report, let route):
                let digest = report.artifact?.file.digest
                let size = digest.flatMap { files.size(of: $0) }
                return .init(next: .weighed(report, from: route, size: size))
            case .read(let question, let route):
                return .init([.answer(answer(question, machine.scheduler), to: route)])
            case .persist, .send, .answer, .answerFile, .serve, .sift, .note, .warn:
                preconditionFailure("\(effect) is for later")
            }
        }
    }

    private func done(_ result: ArtifactFiles.Result) -> CoordinatorMachine.Done {
        .init(result.answers, next: result.outcome.map { .file($0) })
    }

    /// Reads a piece of the files that are checked.
    func readFilesOn() -> [Effect] {
        let done = done(files.goOn())
        return done.answers + (done.next.map(decide) ?? [])
    }

    private func answer(
        _ question: StoredQuestion, _ scheduler: Scheduler
    ) -> MessageToClient {
        switch question {
        case .results(let sweep, let offset, let epoch):
            epoch == 0
                ? results(of: sweep, from: offset) : restOfCurve(sweep, at: offset, after: epoch)
        case .artifacts(let question): artifacts(question, scheduler)
        case .history(let subject, let state): explanation(of: subject, state: state)
        }
    }

    /// As many points as fit into an answer, and are read soon.
    private func results(of sweep: String, from offset: Int) -> MessageToClient {
        let begin = now
        do {
            var whole = try store.results(of: sweep, offset: offset, limit: 1)
            var bytes = Codec.encode(MessageToClient.results(whole)).count
            if bytes > Self.bytesInAnAnswer { return restOfCurve(sweep, at: offset, after: 0) }
            while now - begin < Self.longestAnswers, offset + whole.points.count < whole.total {
                let room = (Self.bytesInAnAnswer - bytes) / max(1, bytes / whole.points.count)
                let limit = min(room / 2, 2 * whole.points.count, 100)
                guard limit > 0 else { break }
                let more = try store.results(
                    of: whole.name, offset: offset + whole.points.count, limit: limit)
                let added = Codec.encode(MessageToClient.results(more)).count
                guard !more.points.isEmpty, bytes + added <= Self.bytesInAnAnswer else { break }
                whole.append(more)
                bytes += added
            }
            return .results(whole)
        } catch {
            return .rejected("\(error)")
        }
    }

    /// One point, with as much of its curve as fits.
    private func restOfCurve(_ sweep: String, at offset: Int, after epoch: Int) -> MessageToClient {
        do {
            var slice = try store.results(of: sweep, offset: offset, limit: 1)
            guard var point = slice.points.first else { return .results(slice) }
            let rest = point.curve.drop { $0.epoch <= epoch }
            var count = rest.count
            while true {
                point.curve = rest.prefix(count)
                slice.points = [point]
                slice.curveGoesOn = count < rest.count
                let message = MessageToClient.results(slice)
                let bytes = Codec.encode(message).count
                if bytes <= Self.bytesInAnAnswer || count <= 1 { return message }
                count = max(1, min(count / 2, count * Self.bytesInAnAnswer / bytes))
            }
        } catch {
            return .rejected("\(error)")
        }
    }

    private func artifacts(
        _ question: AskArtifacts, _ scheduler: Scheduler
    ) -> MessageToClient {
        do {
            if let run = question.run {
                return .artifacts(
                    ArtifactsSlice(
                        items: try store.artifacts(of: run), lastRun: run, goesOn: false))
            }
            let sweep = try store.sweep(named: question.sweep)
            return .artifacts(
                try store.artifacts(after: question.after, limit: 100) {
                    scheduler.serves($0, sweep)
                })
        } catch {
            return .rejected("\(error)")
        }
    }

    /// What the scheduler knows now, and what the store remembers.
    private func explanation(of subject: Subject, state: [String]?) -> MessageToClient {
        let words: String
        let history: [StoredAttempt]
        do {
            switch subject {
            case .run(let id):
                words = "\(id)"
                history = try store.attempts(of: id)
            case .worker(let id):
                words = "worker '\(id)'"
                history = try store.attempts(on: id, last: 20)
            }
        } catch {
            return .rejected("\(error)")
        }
        if state == nil, history.isEmpty { return .rejected("there is no \(words)") }
        return .explanation((state ?? ["It is not connected now."]) + history.map(\.line))
    }
}
