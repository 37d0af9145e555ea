/// A file that a worker or client has for the coordinator; asks what of it has arrived before.
public struct Upload: Hashable, Sendable {
    public var digest: Digest
    /// In bytes.
    public var size: Int

    public init(digest: Digest, size: Int) {
        self.digest = digest
        self.size = size
    }
}

/// What the coordinator has of a file.
public struct UploadProgress: Hashable, Sendable {
    public enum State: String, Hashable, Sendable, CaseIterable {
        /// It waits for what comes after `received`.
        case arriving
        /// All of it is there, with the right digest, and on the disk.
        case stored
        /// What came does not have the digest, and was thrown away.
        case damaged
    }

    public var digest: Digest
    /// In bytes, from the beginning, without gaps.
    public var received: Int
    public var state: State

    public init(digest: Digest, received: Int, state: State) {
        self.digest = digest
        self.received = received
        self.state = state
    }
}

/// A piece of a file; empty only at the end of one, for a peer that has all of it.
public struct Chunk: Hashable, Sendable {
    /// The most bytes in one; all of a file's chunks but the last have as many.
    public static let mostBytes = 256 * 1_024

    public var digest: Digest
    public var offset: Int
    public var bytes: [UInt8]
    /// Bytes of the whole file.
    public var total: Int

    public init(digest: Digest, offset: Int, bytes: [UInt8], total: Int) {
        self.digest = digest
        self.offset = offset
        self.bytes = bytes
        self.total = total
    }
}

/// Asks for the chunk of a file that begins at `offset`.
public struct Fetch: Hashable, Sendable {
    public var digest: Digest
    public var offset: Int

    public init(digest: Digest, offset: Int) {
        self.digest = digest
        self.offset = offset
    }
}

/// What a run left behind, and what it was trained for.
public struct KeptArtifact: Hashable, Sendable {
    public let run: RunID
    public let spec: TrainingSpec
    public let artifact: Artifact

    public init(run: RunID, spec: TrainingSpec, artifact: Artifact) {
        self.run = run
        self.spec = spec
        self.artifact = artifact
    }
}

/// Asks for what the runs of a sweep left behind, or one run of any sweep.
public struct AskArtifacts: Hashable, Sendable {
    /// Empty: the newest sweep.
    public var sweep: String
    public var run: RunID?
    /// Of later runs than this alone.
    public var after: RunID

    public init(sweep: String = "", run: RunID? = nil, after: RunID = RunID(0)) {
        self.sweep = sweep
        self.run = run
        self.after = after
    }
}

/// A part of the answer to it: all of some runs, by run, kind and epoch.
public struct ArtifactsSlice: Hashable, Sendable {
    public var items: [KeptArtifact]
    /// The last run that was looked at.
    public var lastRun: RunID
    /// Whether later runs may have left something behind.
    public var goesOn: Bool

    public init(items: [KeptArtifact], lastRun: RunID, goesOn: Bool) {
        self.items = items
        self.lastRun = lastRun
        self.goesOn = goesOn
    }
}
