import SweepCore
import SweepWire

/// Reads files to know their digests, a piece at a time between other things: of a file that a
/// sweep names, before anybody gets it, and of the part of an upload that is there already.
final class FileChecks {
    /// A fetch that waits for the check of its file.
    struct Waiting: Hashable {
        let fetch: Fetch
        let route: Route
    }

    private struct Check {
        let path: String
        let stamp: LocalFile.Stamp
        var builder = DigestBuilder()
        var offset = 0
        var waiting: [Waiting] = []
    }

    enum Outcome {
        case source(Digest, path: String, LocalFile.Stamp, isRight: Bool, [Waiting])
        case part(Digest, IncomingFile, Upload, Route)
        case failed(Digest, String)
    }

    private var checks: [Digest: Check] = [:]
    private var parts: [Digest: (file: IncomingFile, upload: Upload, route: Route)] = [:]
    /// The files, in the order in which they are read.
    private var order: [Digest] = []

    private static let pieceBytes = 1 << 20
    /// Fetches of one file that wait; who asks beyond asks again.
    private static let mostWaiting = 1_024

    var isBusy: Bool { !order.isEmpty }

    /// - Parameter digest: what the sweep says that the file has.
    func check(_ path: String, _ stamp: LocalFile.Stamp, _ digest: Digest, for waiting: Waiting) {
        if checks[digest]?.stamp != stamp || checks[digest]?.path != path {
            if checks[digest] == nil { order.append(digest) }
            checks[digest] = Check(path: path, stamp: stamp, waiting: checks[digest]?.waiting ?? [])
        }
        guard let count = checks[digest]?.waiting.count, count < Self.mostWaiting,
            checks[digest]?.waiting.contains(waiting) == false
        else { return }
        checks[digest]?.waiting.append(waiting)
    }

    func read(_ file: IncomingFile, of upload: Upload, for route: Route) {
        order.append(upload.digest)
        parts[upload.digest] = (file, upload, route)
    }

    /// Nobody waits for the part any more.
    func drop(part digest: Digest) {
        guard parts.removeValue(forKey: digest) != nil else { return }
        if checks[digest] == nil { order.removeAll { $0 == digest } }
    }

    /// Reads one piece; what has come to an end by that.
    func goOn() -> Outcome? {
        guard let digest = order.first else { return nil }
        if let part = parts[digest] {
            do throws(WireError) {
                guard try part.file.readWhatIsThere(Self.pieceBytes) else { return nil }
                parts[digest] = nil
                removeFirstIfDone(digest)
                return .part(digest, part.file, part.upload, part.route)
            } catch {
                parts[digest] = nil
                removeFirstIfDone(digest)
                return .failed(digest, "\(error)")
            }
        }
        guard var check = checks.removeValue(forKey: digest) else {
            order.removeFirst()
            return nil
        }
        let piece = try? LocalFile.read(check.path, offset: check.offset, count: Self.pieceBytes)
        if let piece, !piece.isEmpty {
            check.builder.update(piece)
            check.offset += piece.count
            checks[digest] = check
            // In turn, so that a large file does not hold up small ones.
            order.append(order.removeFirst())
            return nil
        }
        removeFirstIfDone(digest)
        let isRight = piece != nil && check.builder.finish() == digest
        return .source(digest, path: check.path, check.stamp, isRight: isRight, check.waiting)
    }

    private func removeFirstIfDone(_ digest: Digest) {
        if checks[digest] == nil, parts[digest] == nil { order.removeFirst() }
    }
}
