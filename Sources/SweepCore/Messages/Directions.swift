// Everything that crosses a socket or a trainer's pipe, by who gets it: one message is one frame.

/// What workers and clients say to a coordinator.
public enum MessageToCoordinator: Hashable, Sendable {
    // From workers.
    indirect case hello(Hello)
    case heartbeat([AttemptProgress])
    indirect case report(Report)
    /// The reason tells why the worker can't go on; `nil` where it was asked to leave.
    case goodbye(reason: String? = nil)
    // From workers and clients.
    indirect case file(FileRequest)
    // From clients.
    /// `replaces`: a sweep of the same name may lose points by it.
    indirect case submit(SweepSpec, replaces: Bool = false)
    case askStatus
    /// What is new of a sweep's results. An empty name asks for the newest sweep.
    case askResults(sweep: String, since: ResultsCursor = .start)
    indirect case askArtifacts(AskArtifacts)
    /// Asks for `ended` as soon as nothing of the sweep is left to do.
    case watch(sweep: String)
    case control(Control)
    case explain(Subject)
}

/// What a coordinator says to a worker.
public enum MessageToWorker: Hashable, Sendable {
    case welcome(Welcome)
    case refused(String)
    /// Another worker that is there goes by this name: the worker comes back under a new one.
    case nameTaken(String)
    /// "I do not know you": the worker says `hello` again.
    case identify
    indirect case assign(Assignment)
    /// The worker need not keep reports of the attempt up to the sequence: they are stored, or the
    /// run is over without them.
    case acknowledge(AttemptID, upTo: UInt64)
    /// The attempt has lost its lease: stop it.
    case revoke(AttemptID)
    /// Hand everything back and go.
    case leave
    case rejected(String)
    indirect case file(FileAnswer)
}

/// What a coordinator answers a client.
public enum MessageToClient: Hashable, Sendable {
    indirect case submitted(Submission)
    case rejected(String)
    /// Also: the connection is worth nothing.
    case refused(String)
    indirect case status(StatusReport)
    indirect case results(ResultsSlice)
    /// What was asked has been done, in words.
    case done(String)
    case explanation([String])
    indirect case artifacts(ArtifactsSlice)
    /// Every run of the sweep is over; lost when the connection or the coordinator is.
    case ended(sweep: String)
    indirect case file(FileAnswer)
    /// Who fetches without a key has to say first that it is a worker.
    case identify
}

/// What a worker or client says about files.
public enum FileRequest: Hashable, Sendable {
    /// It has this file; what of it has arrived?
    case upload(Upload)
    case chunk(Chunk)
    case fetch(Fetch)
    /// Which of these are not there? Asked by clients alone.
    case look([Digest])
}

/// What a coordinator answers about files.
public enum FileAnswer: Hashable, Sendable {
    case progress(UploadProgress)
    case chunk(Chunk)
    /// There is no such file.
    case missing(Digest)
    /// Those of `look` that are not there.
    case lacking([Digest])
}

/// What a worker says to a trainer.
public enum MessageToTrainer: Hashable, Sendable {
    indirect case assign(Assignment)
    case revoke(AttemptID)
}

/// What a trainer says to its worker.
public enum MessageFromTrainer: Hashable, Sendable {
    /// It has shown that it can train, with this version of libtorch.
    case ready(libtorch: String)
    case progress(AttemptProgress)
    /// Without a sequence: the worker numbers reports.
    indirect case report(Report)
}

extension MessageToCoordinator {
    /// The most files that are asked for at once.
    public static let mostFiles = 4_096
    /// The longest time that is told: of runs, and until and since when.
    public static let mostSeconds = 1e12

    /// Whether somebody wants to know something, and would rather hear what is wrong than wait.
    public var isQuestion: Bool {
        switch self {
        case .askStatus, .askResults, .askArtifacts, .explain: true
        case .hello, .heartbeat, .report, .goodbye, .file, .submit, .watch, .control: false
        }
    }

    /// Who sends such messages.
    public var sender: Role { Role.allCases.last { isAllowed(for: $0) } ?? .client }

    /// What a peer is told whose role does not allow the message; `nil`: it does.
    func refusal(for role: Role) -> String? {
        isAllowed(for: role)
            ? nil
            : "the key of this access file has the role \(role.rawValue), which does not allow "
                + "this; use the access file of another role"
    }

    /// Whether a peer with this role may send the message.
    public func isAllowed(for role: Role) -> Bool {
        switch self {
        case .hello, .heartbeat, .report, .goodbye: role == .worker
        case .file(.look), .submit, .control, .askArtifacts: role == .client
        case .file: role == .worker || role == .client
        case .askStatus, .askResults, .watch, .explain: role == .client || role == .readOnly
        }
    }
}
