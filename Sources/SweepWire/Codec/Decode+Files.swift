import CSweepProto
import SweepCore

extension Codec {
    /// The largest file that is sent: 1 TiB.
    private static let mostFileBytes = 1 << 40

    static func askArtifacts(
        _ pointer: UnsafeMutablePointer<Moderato__AskArtifacts>?
    ) throws(WireError) -> AskArtifacts {
        let value = try Decoding.part(pointer, "request for artifacts")
        return AskArtifacts(
            sweep: try Decoding.text(
                value.sweep, "name of the sweep", maxBytes: Decoding.maxNameBytes),
            run: value.has_run == 0
                ? nil : RunID(try Decoding.identifier(value.run, "run")),
            after: RunID(
                value.has_after == 0 ? 0 : try Decoding.identifier(value.after, "run")))
    }

    static func artifacts(
        _ pointer: UnsafeMutablePointer<Moderato__Artifacts>?
    ) throws(WireError) -> ArtifactsSlice {
        let value = try Decoding.part(pointer, "artifacts")
        return ArtifactsSlice(
            items: try Decoding.list(value.items, value.n_items, keptArtifact),
            lastRun: RunID(
                value.last_run == 0 ? 0 : try Decoding.identifier(value.last_run, "run")),
            goesOn: value.goes_on != 0)
    }

    private static func keptArtifact(
        _ value: Moderato__KeptArtifact
    ) throws(WireError) -> KeptArtifact {
        KeptArtifact(
            run: RunID(try Decoding.identifier(value.run, "run")),
            spec: try trainingSpec(try Decoding.part(value.spec, "spec")),
            artifact: try artifact(value.artifact))
    }

    static func artifact(
        _ pointer: UnsafeMutablePointer<Moderato__Artifact>?
    ) throws(WireError) -> Artifact {
        let value = try Decoding.part(pointer, "artifact")
        guard let kind = Artifact.Kind(rawValue: try Decoding.text(value.kind, "kind")) else {
            throw .malformed("an artifact of a kind this version does not know")
        }
        // A state may be of a run that is still in its first epoch.
        let epoch = kind == .state && value.epoch == 0 ? 0 : try epochs(value.epoch)
        return Artifact(
            kind: kind, epoch: epoch, file: try file(value.file),
            size: try size(value.size, atLeast: 0),
            steps: value.has_steps == 0 ? 0 : try Decoding.integer(value.steps, "steps"))
    }

    static func upload(
        _ pointer: UnsafeMutablePointer<Moderato__Upload>?
    ) throws(WireError) -> Upload {
        let value = try Decoding.part(pointer, "upload")
        return Upload(
            digest: try Decoding.digest(value.digest, "digest"),
            size: try size(value.size, atLeast: 0))
    }

    static func uploadProgress(
        _ pointer: UnsafeMutablePointer<Moderato__UploadProgress>?
    ) throws(WireError) -> UploadProgress {
        let value = try Decoding.part(pointer, "progress of an upload")
        let word = try Decoding.text(value.state, "state")
        guard let state = UploadProgress.State(rawValue: word) else {
            throw .malformed("an upload in a state this version does not know")
        }
        return UploadProgress(
            digest: try Decoding.digest(value.digest, "digest"),
            received: try size(value.received, atLeast: 0), state: state)
    }

    static func chunk(
        _ pointer: UnsafeMutablePointer<Moderato__Chunk>?
    ) throws(WireError) -> Chunk {
        let value = try Decoding.part(pointer, "chunk")
        let count = value.content.len
        let offset = try size(value.offset, atLeast: 0)
        let total = try size(value.total, atLeast: 0)
        // One without bytes says how large the file is to a peer that has all of it.
        guard count <= Chunk.mostBytes, offset <= total, count <= total - offset,
            count > 0 || offset == total
        else { throw .malformed("a chunk of \(count) bytes at \(offset) of \(total)") }
        return Chunk(
            digest: try Decoding.digest(value.digest, "digest"),
            offset: offset, bytes: Decoding.values(value.content.data, count), total: total)
    }

    static func fetch(
        _ pointer: UnsafeMutablePointer<Moderato__Fetch>?
    ) throws(WireError) -> Fetch {
        let value = try Decoding.part(pointer, "fetch")
        return Fetch(
            digest: try Decoding.digest(value.digest, "digest"),
            offset: try size(value.offset, atLeast: 0))
    }

    static func digests(
        _ pointer: UnsafeMutablePointer<Moderato__Digests>?
    ) throws(WireError) -> [Digest] {
        let value = try Decoding.part(pointer, "digests")
        guard value.n_digests <= MessageToCoordinator.mostFiles else {
            throw .malformed("\(value.n_digests) digests")
        }
        var digests: [Digest] = []
        for data in Decoding.values(value.digests, value.n_digests) {
            digests.append(try Decoding.digest(data, "digest"))
        }
        return digests
    }

    private static func size(_ value: UInt64, atLeast least: Int) throws(WireError) -> Int {
        try Decoding.integer(value, "bytes of a file", in: least...mostFileBytes)
    }
}
