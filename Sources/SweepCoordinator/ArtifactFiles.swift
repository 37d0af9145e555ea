import SweepCore
import SweepWire

/// The coordinator's folder of artifacts: one file for each, named by its digest. Files of sweeps
/// that nobody has sent are read where the sweep says that they are, if that is on this host.
final class ArtifactFiles {
    /// What to send, and what the machine has to know.
    typealias Result = (answers: [Effect], outcome: Transfers.Outcome?)

    private let folder: String
    private var arriving: [Digest: IncomingFile] = [:]
    private let checks = FileChecks()
    private let isKept: (Digest) -> Bool

    /// What is left of uploads for so long is thrown away, when the coordinator starts and now and
    /// then.
    private static let secondsUntilForgotten = 3_600

    /// An upload that would leave less of the disk does not begin.
    private static let bytesForTheStore = 4 << 20

    /// Where files of sweeps lie, if not in the folder.
    private var sources: [Digest: String] = [:]
    /// Sources whose content was compared with their digest, as they were then.
    private var verified: [Digest: LocalFile.Stamp] = [:]

    /// - Parameters:
    ///   - kept: All artifacts of runs that the store knows of.
    ///   - sweeps: All sweeps of the store; what is neither theirs nor kept is left of a crash.
    ///   - isKept: Whether the store knows an artifact of a run.
    init(
        folder: String, kept: Set<Digest>, sweeps: [SweepSpec],
        isKept: @escaping (Digest) -> Bool
    ) {
        self.folder = folder
        self.isKept = isKept
        for spec in sweeps { serve(spec) }
        for name in LocalFile.names(in: folder) {
            let path = "\(folder)/\(name)"
            let isKept =
                Digest(hex: name).map { kept.contains($0) || sources[$0] != nil }
                ?? !name.hasSuffix(".part")
            if !isKept, LocalFile.age(path) ?? 0 > Self.secondsUntilForgotten {
                LocalFile.remove(path)
            }
        }
    }

    func path(of digest: Digest) -> String { "\(folder)/\(digest.hex)" }

    /// In bytes; `nil`: it is not there.
    func size(of digest: Digest) -> Int? { LocalFile.size(path(of: digest)) }

    /// A sweep may have the same file.
    func remove(_ digest: Digest) {
        if sources[digest] == nil { LocalFile.remove(path(of: digest)) }
    }

    /// From now on workers can have the sweep's files.
    func serve(_ spec: SweepSpec) {
        for file in spec.files { sources[file.digest] = file.path }
        let manifest = path(of: spec.backbone.digest)
        sources[spec.backbone.digest] = manifest
        guard let content = try? LocalFile.read(manifest, offset: 0, count: 1 << 20),
            let files = BackboneReference.files(inManifest: content)
        else { return }
        for (name, digest) in files { sources[digest] = "\(spec.backbone.path)/\(name)" }
    }

    /// Whether files are being read; `goOn` reads on.
    var isBusy: Bool { checks.isBusy }

    /// Reads a piece of the files that are checked; what to send and what came of it, if one is.
    func goOn() -> Result {
        switch checks.goOn() {
        case nil: return ([], nil)
        case .failed(let digest, let reason): return ([], .failed(digest, reason))
        case .part(let digest, let file, let upload, let route):
            guard file.received <= upload.size else {
                // More than the file has: it is not of this file.
                file.abandon()
                return ([], .failed(digest, "what had arrived of it is too large"))
            }
            arriving[digest] = file
            return ([], .opened(digest, .arriving, received: file.received, for: route))
        case .source(let digest, let path, let stamp, let isRight, let waiting):
            verified[digest] = isRight && LocalFile.stamp(path) == stamp ? stamp : nil
            let answers = waiting.map {
                Effect.answerFile(isRight ? read($0.fetch, path) : .missing(digest), to: $0.route)
            }
            return (answers, nil)
        }
    }

    /// What is left of uploads that nobody goes on with.
    private func removeLeftOvers() {
        for name in LocalFile.names(in: folder) where name.hasSuffix(".part") {
            let digest = Digest(hex: String(name.dropLast(5)))
            let path = "\(folder)/\(name)"
            guard digest.map({ arriving[$0] == nil }) ?? true,
                LocalFile.age(path) ?? 0 > Self.secondsUntilForgotten
            else { continue }
            LocalFile.remove(path)
        }
    }

    /// What to send, and what the machine has to know.
    func carryOut(_ effect: Transfers.Effect) -> Result {
        do throws(WireError) {
            switch effect {
            case .open(let upload, let route): return ([], try open(upload, for: route))
            case .write(let chunk): try arriving[chunk.digest]?.append(chunk.bytes)
            case .finish(let digest, let route):
                let file = arriving.removeValue(forKey: digest)
                let isWhole = try file?.finish(digest, as: path(of: digest)) ?? false
                return ([], .finished(digest, isWhole ? .stored : .damaged, for: route))
            case .abandon(let digest): arriving.removeValue(forKey: digest)?.abandon()
            case .close(let digest): close(digest)
            case .read(let fetch, let reader, let route):
                return (answer(fetch, by: reader, at: route).map { [$0] } ?? [], nil)
            case .look(let digests, let route):
                let lacking = digests.filter { LocalFile.size(path(of: $0)) == nil }
                return ([.answerFile(.lacking(lacking), to: route)], nil)
            case .clear: removeLeftOvers()
            }
            return ([], nil)
        } catch {
            guard let digest = effect.digest else { return ([], nil) }
            arriving[digest] = nil
            return ([], .failed(digest, "\(error)"))
        }
    }

    private func answer(
        _ fetch: Fetch, by reader: Transfers.Reader, at route: Route
    ) -> Effect? {
        guard reader == .worker || isKept(fetch.digest) else {
            return reader == .anyone
                ? .send(.identify, to: route) : .answerFile(.missing(fetch.digest), to: route)
        }
        return chunk(of: fetch, for: route).map { .answerFile($0, to: route) }
    }

    private func close(_ digest: Digest) {
        checks.drop(part: digest)
        let file = arriving.removeValue(forKey: digest)
        if file?.received == 0 { file?.abandon() }
    }

    /// `nil`: what has arrived before is read first.
    private func open(_ upload: Upload, for route: Route) throws(WireError) -> Transfers.Outcome? {
        let digest = upload.digest
        if let size = LocalFile.size(path(of: digest)) {
            let state: UploadProgress.State = size == upload.size ? .stored : .damaged
            return .opened(digest, state, received: 0, for: route)
        }
        try LocalFile.makeFolder(folder)
        let part = path(of: digest) + ".part"
        if let size = LocalFile.size(part), size > upload.size { LocalFile.remove(part) }
        let lacking = upload.size - (LocalFile.size(part) ?? 0)
        if let free = LocalFile.freeBytes(folder), free < lacking + Self.bytesForTheStore {
            throw .file(
                path: part,
                reason: "\(lacking) bytes are to come, and the disk has \(free) left of which "
                    + "the store needs some")
        }
        let file = try IncomingFile(part: part, isDurable: true)
        guard LocalFile.size(part) == 0 else {
            checks.read(file, of: upload, for: route)
            return nil
        }
        arriving[digest] = file
        return .opened(digest, .arriving, received: 0, for: route)
    }

    /// `nil`: the file is compared with its digest first.
    private func chunk(of fetch: Fetch, for route: Route) -> FileAnswer? {
        let own = path(of: fetch.digest)
        if LocalFile.size(own) != nil { return read(fetch, own) }
        guard let path = sources[fetch.digest], let stamp = LocalFile.stamp(path) else {
            return .missing(fetch.digest)
        }
        if verified[fetch.digest] == stamp { return read(fetch, path) }
        // Nobody gets what a sweep merely says to have a digest.
        checks.check(path, stamp, fetch.digest, for: .init(fetch: fetch, route: route))
        return nil
    }

    private func read(_ fetch: Fetch, _ path: String) -> FileAnswer {
        guard let size = LocalFile.size(path), fetch.offset <= size,
            let bytes = try? LocalFile.read(
                path, offset: fetch.offset, count: min(Chunk.mostBytes, size - fetch.offset))
        else { return .missing(fetch.digest) }
        return .chunk(
            Chunk(digest: fetch.digest, offset: fetch.offset, bytes: bytes, total: size))
    }
}

extension Transfers.Effect {
    /// The file that is written.
    fileprivate var digest: Digest? {
        switch self {
        case .open(let upload, _): upload.digest
        case .write(let chunk): chunk.digest
        case .finish(let digest, _): digest
        case .abandon, .close, .read, .look, .clear: nil
        }
    }
}
