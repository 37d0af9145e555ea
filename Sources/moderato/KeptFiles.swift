import Foundation
import SweepCore
import SweepStore
import SweepWire

/// What runs left behind, here in the home or with a coordinator elsewhere.
struct KeptFiles {
    private enum Place {
        case store(SweepStore)
        case coordinator(Dialer)
    }

    private let place: Place

    /// Without --access the store of the home is read, whether a coordinator works or not.
    init(_ access: AccessOption) throws {
        if access.access != nil {
            place = .coordinator(try access.dial())
            return
        }
        do {
            place = .store(try SweepStore.reading(path: access.home.folder.storePath))
        } catch {
            throw failure("\(error)", Exit.unavailable)
        }
    }

    /// All but the states that runs go on from.
    func list(sweep: String = "", run: RunID? = nil) throws -> [KeptArtifact] {
        switch place {
        case .store(let store):
            do {
                if let run { return try store.artifacts(of: run) }
                let id = try store.sweep(named: sweep)
                let scheduler = Scheduler(try store.snapshot(), at: Instant(nanoseconds: 0))
                return try store.artifacts(after: RunID(0), limit: Int.max) {
                    scheduler.serves($0, id)
                }.items
            } catch {
                throw failure("\(error)", Exit.unavailable)
            }
        case .coordinator(let dialer):
            var items: [KeptArtifact] = []
            var last = RunID(0)
            while true {
                let question = AskArtifacts(sweep: sweep, run: run, after: last)
                guard case .artifacts(let slice) = try dialer.ask(.askArtifacts(question)) else {
                    throw failure(
                        "the coordinator gave an answer that does not fit", Exit.unavailable)
                }
                items += slice.items
                guard slice.goesOn, slice.lastRun > last else { return items }
                last = slice.lastRun
            }
        }
    }

    /// Copies the file to `path`; nothing is there unless all of it is, with the right digest.
    func copy(_ artifact: Artifact, to path: String) throws {
        let part = path + ".part"
        defer { unlink(part) }
        guard FileManager.default.createFile(atPath: part, contents: nil),
            let file = FileHandle(forWritingAtPath: part)
        else { throw failure("\(part): can't be written", Exit.unavailable) }
        defer { try? file.close() }
        var builder = DigestBuilder()
        var offset = 0
        repeat {
            let bytes = try piece(of: artifact, at: offset)
            builder.update(bytes)
            offset += bytes.count
            do { try file.write(contentsOf: bytes) } catch {
                throw failure(
                    "\(part): can't be written: \(error.localizedDescription)", Exit.unavailable)
            }
        } while offset < artifact.size
        guard builder.finish() == artifact.file.digest else {
            throw failure("\(path): what arrived is another file; try again", Exit.unavailable)
        }
        guard rename(part, path) == 0 else {
            throw failure(
                "\(path): can't be written: \(String(cString: strerror(errno)))", Exit.unavailable)
        }
    }

    private func piece(of artifact: Artifact, at offset: Int) throws -> [UInt8] {
        let digest = artifact.file.digest
        let bytes: [UInt8]
        switch place {
        case .store:
            do throws(WireError) {
                bytes = try LocalFile.read(
                    artifact.file.path, offset: offset, count: Chunk.mostBytes)
            } catch {
                throw failure(
                    "\(error); from another machine name the coordinator with --access",
                    Exit.unavailable)
            }
        case .coordinator(let dialer):
            guard
                case .file(.chunk(let chunk)) = try dialer.ask(
                    .file(.fetch(Fetch(digest: digest, offset: offset)))),
                chunk.digest == digest, chunk.offset == offset
            else {
                throw failure("the coordinator does not have the file \(digest)", Exit.unavailable)
            }
            bytes = chunk.bytes
        }
        guard !bytes.isEmpty || artifact.size == 0 else {
            throw failure("the file \(digest) is shorter than it was", Exit.unavailable)
        }
        return bytes
    }
}

extension KeptArtifact {
    /// `run-3-epoch-5-hidden-states.safetensors`.
    var fileName: String {
        "run-\(run.number)-epoch-\(artifact.epoch)-\(artifact.kind.rawValue).safetensors"
    }
}
