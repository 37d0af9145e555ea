import SweepCore
import SweepStore
import SweepWire

/// Frames become events, and what the machine wants to know at once is looked up.
extension Coordinator {
    /// The least time after which what is asked for waits for the next turn of the loop; one answer
    /// takes as much at most.
    static let longestAnswers = Duration.milliseconds(10)

    func hear(_ arrival: Listener.Arrival) -> [Effect] {
        guard machine.hears(arrival.route) else { return decide(.unread(arrival.route)) }
        let peer = arrival.peer
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
        case .results(let sweep, let cursor): results(of: sweep, since: cursor)
        case .artifacts(let question): artifacts(question, scheduler)
        case .history(let subject, let state): explanation(of: subject, state: state)
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
