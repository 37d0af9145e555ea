import SweepCore

/// Where a file is written that arrives, and the files that have arrived: what survives a process.
struct Disk {
    private(set) var files: [Digest: [UInt8]] = [:]
    private(set) var parts: [Digest: [UInt8]] = [:]
    /// Of what is written next one byte turns out as another.
    var damagesNext = false

    /// Bytes of it that are there.
    mutating func open(_ digest: Digest) -> Int {
        let part = parts[digest] ?? []
        parts[digest] = part
        return part.count
    }

    mutating func append(_ bytes: [UInt8], at offset: Int, to digest: Digest) {
        guard parts[digest]?.count == offset else { return }
        parts[digest]? += bytes
        guard damagesNext, !bytes.isEmpty else { return }
        damagesNext = false
        parts[digest]?[offset] ^= 0xFF
    }

    /// Whether all of it is there and right; a wrong one is thrown away.
    ///
    /// - Parameter isChecked: `false` is a planted mistake.
    mutating func finish(_ digest: Digest, isChecked: Bool = true) -> Bool {
        guard let bytes = parts.removeValue(forKey: digest) else { return false }
        guard !isChecked || Digest(of: bytes) == digest else { return false }
        files[digest] = bytes
        return true
    }

    mutating func remove(_ digest: Digest) { files[digest] = nil }

    mutating func removePart(_ digest: Digest) { parts[digest] = nil }

    /// A process or machine ends: of what was being written the end may be lost.
    mutating func crash(_ random: inout RandomSource) {
        for digest in parts.keys.sorted() {
            let count = parts[digest]?.count ?? 0
            parts[digest] = parts[digest].map {
                Array($0.prefix(Int.random(in: 0...count, using: &random)))
            }
        }
    }
}

extension World {
    /// What a run of this training has after an epoch: everywhere and always the same. Few take
    /// more than one chunk, as each is hashed.
    static func state(of spec: TrainingSpec, epoch: Int) -> [UInt8] {
        let text = Array("the state of seed \(spec.seed) after \(epoch) epochs".utf8)
        guard (spec.seed &* 7 &+ UInt64(epoch)) % 19 == 0 else { return text }
        return Array(repeatElement(text, count: 12_000).joined())
    }

    // MARK: The coordinator's files

    func carryOut(_ effect: Effect, _ disk: inout Disk) -> CoordinatorMachine.Done {
        switch effect {
        case .file(.open(let upload, let route)):
            if let file = disk.files[upload.digest] {
                let state: UploadProgress.State = file.count == upload.size ? .stored : .damaged
                return .init(next: .file(.opened(upload.digest, state, received: 0, for: route)))
            }
            let count = disk.open(upload.digest)
            return .init(
                next: .file(.opened(upload.digest, .arriving, received: count, for: route)))
        case .file(.write(let chunk)):
            disk.append(chunk.bytes, at: chunk.offset, to: chunk.digest)
            return .init()
        case .file(.finish(let digest, let route)):
            let isWhole = disk.finish(digest, isChecked: plantedBug != .takesDamagedFiles)
            return .init(
                next: .file(.finished(digest, isWhole ? .stored : .damaged, for: route)))
        case .file(.abandon(let digest)):
            disk.removePart(digest)
            return .init()
        case .file(.read(let fetch, _, let route)):
            guard let file = disk.files[fetch.digest], fetch.offset <= file.count else {
                return .init([.answerFile(.missing(fetch.digest), to: route)])
            }
            let bytes = Array(file.dropFirst(fetch.offset).prefix(Chunk.mostBytes))
            let chunk = Chunk(
                digest: fetch.digest, offset: fetch.offset, bytes: bytes, total: file.count)
            return .init([.answerFile(.chunk(chunk), to: route)])
        case .weigh(let report, let route):
            guard case .artifact(let artifact) = report.event else { return .init() }
            let size = disk.files[artifact.file.digest]?.count
            return .init(next: .weighed(report, from: route, size: size))
        case .read(.history(_, let state), let route):
            return .init([.answer(.explanation(state ?? []), to: route)])
        case .file, .read, .persist, .send, .answer, .answerFile, .serve, .sift, .note, .warn:
            return .init()
        }
    }

    mutating func sift(_ digests: [Digest]) {
        let known = ledger.artifacts
        for digest in digests where !known.contains(digest) { coordinatorDisk.remove(digest) }
        handleLater(.sifted(digests))
    }

    /// What the store says is kept has to be there, and right.
    mutating func checkFiles(of facts: [Fact]) {
        for case .artifactKept(let run, let artifact) in facts {
            let file = coordinatorDisk.files[artifact.file.digest]
            require(
                file.map { Digest(of: $0) } == artifact.file.digest,
                "\(run) keeps a file that is not there as it was")
        }
    }

    // MARK: A worker's files

    /// What came of it, if the machine has to know.
    mutating func carryOut(
        _ effect: WorkerMachine.Effect, at name: Int
    ) -> WorkerMachine.Event? {
        switch effect {
        case .sendChunk(let artifact, let offset, let count):
            guard let file = workers[name].outgoing[artifact.file.path] else {
                return .fileUnreadable(artifact.file.digest, "it is gone")
            }
            let chunk = Chunk(
                digest: artifact.file.digest, offset: offset,
                bytes: Array(file[offset..<offset + count]), total: file.count)
            send(.file(.chunk(chunk)), from: name)
        case .findFile(let want):
            return .file(
                workers[name].disk.files[want.digest] == nil
                    ? .absent(want.digest) : .ready(want.digest, path: want.digest.hex))
        case .openFile(let want):
            let count = workers[name].disk.open(want.digest)
            return .file(.opened(want.digest, received: count))
        case .storeChunk(let chunk):
            workers[name].disk.append(chunk.bytes, at: chunk.offset, to: chunk.digest)
        case .finishFile(let digest):
            return .file(
                workers[name].disk.finish(digest)
                    ? .ready(digest, path: digest.hex) : .failed(digest, "it came as another"))
        case .releaseFile(let digest): workers[name].disk.remove(digest)
        case .removeFile(let path): workers[name].outgoing[path] = nil
        // Its trainers read no models.
        case .readManifest, .assembleModel: break
        case .send, .train, .stop, .spill, .clearSpill, .renameSpill, .note, .leave, .abandon:
            preconditionFailure("\(effect) is not about files")
        }
        return nil
    }

    /// A trainer writes the state after an epoch.
    mutating func writeState(_ spec: TrainingSpec, epoch: Int, _ attempt: AttemptID, at name: Int) {
        let content = Self.state(of: spec, epoch: epoch)
        let digest = Digest(of: content)
        let path = "/worker-\(name)/\(digest.hex)"
        workers[name].outgoing[path] = content
        let artifact = Artifact(
            kind: .state, epoch: epoch, file: FileReference(path: path, digest: digest),
            size: content.count, steps: epoch * 10)
        work(name, .report(attempt, .artifact(artifact)))
    }

    /// Whether what a trainer begins with is the state of its own training.
    mutating func checkState(_ assignment: Assignment, at name: Int) {
        guard let state = assignment.checkpoint else { return }
        require(
            workers[name].disk.files[state.file.digest]
                == Self.state(of: assignment.spec, epoch: state.epoch),
            "\(assignment.run) goes on from what is no state of it")
        count(.resumed)
    }
}
