import SweepCore
import SweepStore
import SweepWire

/// What peers say: who decides on it, and what people are answered.
extension Coordinator {
    /// The least time after which what is asked for waits for the next turn of the loop.
    static let longestAnswers = Duration.milliseconds(20)

    /// For people.
    private func name(of arrival: Listener.Arrival) -> String {
        let worker = scheduler.worker(at: arrival.route).map { "worker \($0)" }
        switch arrival.sender {
        case .known(let key, _), .revoked(let key):
            return (worker ?? "a peer") + " with the key '\(keyNames[key] ?? key)'"
        case .anyone: return worker ?? "a peer"
        }
    }

    func handle(_ arrival: Listener.Arrival) -> [Effect] {
        guard shares.isHeard(arrival.route) else { return [] }
        let known: Role?
        switch arrival.sender {
        case .known(_, let role): known = role
        case .anyone: known = nil
        case .revoked:
            shares.noteSenseless("its key was revoked", from: arrival.route, name(of: arrival))
            return sendAway(arrival.route)
        }
        do {
            let message = try Codec.decode(arrival.frame)
            let role = known ?? message.sender ?? .readOnly
            guard message.isAllowed(for: role) else {
                let reason = "not allowed for the role \(role.rawValue)"
                shares.noteSenseless(reason, from: arrival.route, name(of: arrival))
                return scheduler.handle(
                    .message(message, from: arrival.route, role: role), at: now)
            }
            if case .fetch(let fetch) = message,
                let refusal = refusal(of: fetch, to: arrival.route, known)
            {
                return [.send(refusal, to: arrival.route)]
            }
            if message.isAboutFiles {
                return files.handle(.message(message, from: arrival.route), at: now)
            }
            if message.isAllowed(for: .client) {
                shares.add(message, from: arrival.route, role, name(of: arrival))
                return []
            }
            if case .hello = message { remember(arrival) }
            if case .report(let report) = message, case .artifact(let artifact) = report.event {
                return take(artifact, report, from: arrival, role)
            }
            return scheduler.handle(
                .message(message, from: arrival.route, role: role), at: now)
        } catch .versionMismatch(let theirs, let ours) {
            let reason = "of protocol version \(theirs)"
            shares.noteSenseless(reason, from: arrival.route, name(of: arrival))
            let text = "\(WireError.versionMismatch(theirs: ours, ours: theirs))"
            return [.send(.refused(text), to: arrival.route)]
        } catch {
            shares.noteSenseless("\(error)", from: arrival.route, name(of: arrival))
            return [.send(.rejected("\(error)"), to: arrival.route)]
        }
    }

    /// What was asked for, as far as this turn of the loop allows.
    func answerRequests() -> [Effect] {
        let begin = now
        var effects: [Effect] = []
        shares.beginTurn()
        while now - begin < Self.longestAnswers, let request = shares.next() {
            if case .askResults(let sweep, let cursor) = request.message {
                effects.append(.send(results(of: sweep, since: cursor), to: request.route))
            } else if case .askArtifacts(let question) = request.message {
                effects.append(.send(artifacts(question), to: request.route))
            } else if case .explain(let subject) = request.message {
                effects.append(.send(explanation(of: subject), to: request.route))
            } else {
                effects += scheduler.handle(
                    .message(request.message, from: request.route, role: request.role), at: now)
            }
        }
        return effects
    }

    /// A worker reports an artifact once its file has arrived: that is where it lies now.
    private func take(
        _ artifact: Artifact, _ report: Report, from arrival: Listener.Arrival, _ role: Role
    ) -> [Effect] {
        let digest = artifact.file.digest
        var artifact = artifact
        artifact.file.path = files.path(of: digest)
        // What is there counts, and not what somebody says of it.
        artifact.size = files.size(of: digest) ?? artifact.size
        var report = report
        report.event = .artifact(artifact)
        let effects = scheduler.handle(
            .message(.report(report), from: arrival.route, role: role), at: now)
        // A report that does not count yet comes again, and needs its file then.
        if effects.contains(where: { $0.acknowledges(report) }) { questionable.insert(digest) }
        return effects
    }

    /// Clients may have what runs left behind, and none of the data that others submitted. Without
    /// keys a worker is who has said hello: one that comes by a new connection is asked to.
    private func refusal(of fetch: Fetch, to route: Route, _ role: Role?) -> Message? {
        let isWorker = role.map { $0 == .worker } ?? (scheduler.worker(at: route) != nil)
        if isWorker || isKept(fetch.digest) { return nil }
        return role == nil ? .identify : .missing(fetch.digest)
    }

    private func isKept(_ digest: Digest) -> Bool { (try? store.kept([digest]))?.isEmpty == false }

    private func artifacts(_ question: AskArtifacts) -> Message {
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
    private func explanation(of subject: Subject) -> Message {
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
        let state = scheduler.explanation(of: subject, at: now)
        if state == nil, history.isEmpty { return .rejected("there is no \(words)") }
        return .explanation((state ?? ["It is not connected now."]) + history.map(\.line))
    }
}
