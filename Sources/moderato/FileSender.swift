import Foundation
import SweepCore
import SweepWire

/// Sends the coordinator the files of a sweep that it does not have.
struct FileSender {
    enum Item {
        case file(FileReference)
        /// The list of a model's files.
        case manifest(String)

        var digest: Digest {
            switch self {
            case .file(let file): file.digest
            case .manifest(let text): Digest(ofText: text)
            }
        }

        var size: Int? {
            switch self {
            case .file(let file): LocalFile.size(file.path)
            case .manifest(let text): text.utf8.count
            }
        }

        func bytes(from offset: Int, count: Int) throws(WireError) -> [UInt8] {
            switch self {
            case .file(let file):
                try LocalFile.read(file.path, offset: offset, count: count)
            case .manifest(let text): Array(text.utf8.dropFirst(offset).prefix(count))
            }
        }

        var name: String {
            switch self {
            case .file(let file): (file.path as NSString).lastPathComponent
            case .manifest: "the list of the model's files"
            }
        }
    }

    let dialer: Dialer
    let digests: DigestCache
    private let progress = ProgressLine()

    init(dialer: Dialer, digests: DigestCache) {
        self.dialer = dialer
        self.digests = digests
    }

    private static let patience = Duration.seconds(60)

    /// The list of the model's files first, then the files.
    func model(of spec: SweepSpec) throws -> [Item] {
        let folder = spec.backbone.path
        var files: [String: Digest] = [:]
        for name in BackboneReference.relevantFiles(among: LocalFile.names(in: folder)) {
            files[name] = try digests.digest(of: "\(folder)/\(name)")
        }
        let items = files.sorted { $0.key < $1.key }.map {
            Item.file(FileReference(path: "\(folder)/\($0.key)", digest: $0.value))
        }
        return [.manifest(BackboneReference.manifest(ofFiles: files))] + items
    }

    func send(_ items: [Item]) throws {
        let question = MessageToCoordinator.file(.look(items.map(\.digest)))
        guard case .file(.lacking(let digests)) = try dialer.ask(question) else {
            throw failure("the coordinator gave an answer that does not fit", Exit.unavailable)
        }
        let lacking = Set(digests)
        let wanted = items.filter { lacking.contains($0.digest) }
        let total = wanted.reduce(0) { $0 + ($1.size ?? 0) }
        var done = 0
        for item in wanted {
            do {
                try send(item) { sent in
                    // Small ones are there before anybody could read it.
                    guard total > 20_000_000 else { return }
                    progress.show(
                        "sending \(item.name.shown) to the coordinator: "
                            + "\((done + sent) / 1_000_000) of \(total / 1_000_000) MB")
                }
            } catch let error as WireError {
                throw failure("\(error)", Exit.unavailable)
            }
            done += item.size ?? 0
        }
        if total > 20_000_000 { progress.finish() }
    }

    private func send(_ item: Item, show: (Int) -> Void) throws {
        guard let size = item.size else {
            throw failure("\(item.name) is gone since the sweep file was read", Exit.usage)
        }
        let digest = item.digest
        let start = ContinuousClock.now
        func now() -> Instant { Instant(nanoseconds: (ContinuousClock.now - start).nanoseconds) }
        var upload = FileUpload(Upload(digest: digest, size: size))
        while true {
            for step in upload.advance(at: now()) {
                switch step {
                case .ask(let question): _ = try dialer.send(.file(.upload(question)))
                case .sendChunk(let offset, let count):
                    let bytes = try item.bytes(from: offset, count: count)
                    guard bytes.count == count else {
                        throw failure("\(item.name) has become shorter; submit again", Exit.usage)
                    }
                    let chunk = Chunk(digest: digest, offset: offset, bytes: bytes, total: size)
                    _ = try dialer.send(.file(.chunk(chunk)))
                }
            }
            guard upload.silence(at: now()) < Self.patience else {
                throw failure(
                    "the coordinator has taken nothing of \(item.name) for a minute; is its "
                        + "disk full? Its log tells. With --leave-files workers read the files "
                        + "where they are", Exit.unavailable)
            }
            guard let progress = try nextProgress(of: digest) else { continue }
            switch upload.acceptProgress(progress, at: now()) {
            case .goesOn: show(upload.received)
            case .stored: return
            case .givenUp:
                if case .file(let file) = item { digests.forget(file.path) }
                throw failure(
                    "\(item.name) arrived three times as something else; has the file been "
                        + "changed since? Submit again", Exit.unavailable)
            }
        }
    }

    /// `nil` if nothing is heard of it for a moment.
    private func nextProgress(of digest: Digest) throws -> UploadProgress? {
        let deadline = ContinuousClock.now + .milliseconds(200)
        while ContinuousClock.now < deadline {
            let rest = deadline - ContinuousClock.now
            guard try Poll.readable([.socket(dialer.socket)], timeout: rest)[0] else { continue }
            switch try dialer.receive(as: MessageToClient.self) {
            case .file(.progress(let progress)) where progress.digest == digest: return progress
            case .rejected(let reason), .refused(let reason): throw WireError.rejected(reason)
            default: continue
            }
        }
        return nil
    }
}
