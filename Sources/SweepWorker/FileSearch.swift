import SweepCore
import SweepWire

/// Finds out which files of this host have the digests that are looked for, some megabytes at a
/// time, so that heartbeats do not wait for it.
struct FileSearch {
    private struct Job {
        let want: Want
        let candidates: [Candidate]
        var next = 0
        /// What was in the cache under this digest has another.
        var isDamaged = false
    }

    /// A place to look at: a file, or the files of a model by their names.
    private struct Candidate {
        let place: String
        let files: [(name: String, path: String)]
        let isModel: Bool
    }

    private struct Reading {
        let path: String
        let stamp: LocalFile.Stamp
        var offset = 0
        var builder = DigestBuilder()
    }

    private var jobs: [Job] = []
    private var reading: Reading?
    private var known: [LocalFile.Stamp: Digest] = [:]

    private static let bytesAtOnce = 32 << 20

    var isIdle: Bool { jobs.isEmpty }

    /// - Parameter cached: Where it lies if it was fetched before.
    mutating func look(for want: Want, cached: String) {
        var candidates: [Candidate] = []
        switch want {
        case .state: candidates = [Self.file(cached)]
        case .file(let file):
            candidates = [Self.file(cached)]
            if !file.path.isEmpty { candidates.append(Self.file(file.path)) }
        case .model(let model): candidates = [Self.model(cached), Self.model(model.path)]
        }
        jobs.append(Job(want: want, candidates: candidates))
    }

    private static func file(_ path: String) -> Candidate {
        Candidate(place: path, files: [("", path)], isModel: false)
    }

    private static func model(_ folder: String) -> Candidate {
        let names = BackboneReference.relevantFiles(among: LocalFile.names(in: folder))
        return Candidate(
            place: folder, files: names.map { ($0, "\(folder)/\($0)") }, isModel: true)
    }

    struct Outcome {
        let want: Want
        /// `nil`: it is not on this host.
        let place: String?
        /// Of the files there, by their paths, when they were compared.
        var stamps: [String: LocalFile.Stamp] = [:]
        var isDamaged = false
    }

    /// Goes on for a while, and tells what is settled now.
    mutating func goOn() -> [Outcome] {
        var settled: [Outcome] = []
        var budget = Self.bytesAtOnce
        while budget > 0, var job = jobs.first {
            guard job.next < job.candidates.count else {
                jobs.removeFirst()
                settled.append(Outcome(want: job.want, place: nil, isDamaged: job.isDamaged))
                continue
            }
            let candidate = job.candidates[job.next]
            var stamps: [String: LocalFile.Stamp] = [:]
            switch digest(of: candidate, &stamps, &budget) {
            case nil: return settled
            case job.want.digest:
                jobs.removeFirst()
                settled.append(
                    Outcome(want: job.want, place: candidate.place, stamps: stamps))
            case let other?:
                if job.next == 0, other != nil { job.isDamaged = true }
                job.next += 1
                jobs[0] = job
            }
        }
        return settled
    }

    /// `nil`: not known yet.
    private mutating func digest(
        of candidate: Candidate, _ stamps: inout [String: LocalFile.Stamp], _ budget: inout Int
    ) -> Digest?? {
        var digests: [String: Digest] = [:]
        for (name, path) in candidate.files {
            guard let stamp = LocalFile.stamp(path) else { return .some(nil) }
            stamps[path] = stamp
            if known[stamp] == nil {
                guard read(path, stamp, &budget) else { return .some(nil) }
            }
            guard let digest = known[stamp] else { return nil }
            digests[name] = digest
        }
        if digests.isEmpty { return .some(nil) }
        return .some(
            candidate.isModel ? BackboneReference.digest(ofFiles: digests) : digests[""])
    }

    /// Reads as much as the budget allows; `false` if it can't be read.
    private mutating func read(
        _ path: String, _ stamp: LocalFile.Stamp, _ budget: inout Int
    ) -> Bool {
        var current = reading ?? Reading(path: path, stamp: stamp)
        if current.path != path || current.stamp != stamp {
            current = Reading(path: path, stamp: stamp)
        }
        while budget > 0 {
            guard let piece = try? LocalFile.read(path, offset: current.offset, count: 1 << 20)
            else {
                reading = nil
                return false
            }
            if piece.isEmpty {
                known[stamp] = current.builder.finish()
                reading = nil
                return true
            }
            current.builder.update(piece)
            current.offset += piece.count
            budget -= piece.count
        }
        reading = current
        return true
    }
}
