import Foundation
import SweepCore
import SweepStore
import Testing

/// A cluster whose processes end again and again, and are started anew, while two sweeps go on:
/// `fake` for the fake trainer, and `real` where a real one can run.
final class Chaos {
    /// A worker, or the coordinator; what has ended is started anew.
    final class Member {
        let name: String
        fileprivate let command: () throws -> Process
        fileprivate(set) var process: Process?
        fileprivate var startAt = Date.distantPast
        /// A fault has ended it, or told it to end.
        var isToEnd = false
        var isStopped = false
        /// Under this process.
        var trainersKilled = 0

        fileprivate init(_ name: String, _ command: @escaping () throws -> Process) {
            self.name = name
            self.command = command
        }

        var isRunning: Bool { process?.isRunning == true }

        func signal(_ number: Int32) {
            if let process, process.isRunning { kill(process.processIdentifier, number) }
        }
    }

    let stage: Stage
    /// Takes the same sweeps, and nothing happens to it.
    let calm: Stage
    let network: Network?
    let hasRealTrainers: Bool
    private(set) var coordinator: Member
    private(set) var workers: [Member] = []
    /// What faults are undone by, and when.
    var repairs: [(at: Date, repair: () throws -> Void)] = []
    var isDiskFull = false
    var isNetworkCut = false
    /// A coordinator may end by itself where it is started on a full disk.
    private var lastFullDisk = Date.distantPast
    private var random: RandomSource
    private var seeds = ["fake": 0, "real": 0]
    private var submission: (process: Process, sweep: String, seeds: Int, file: String)?
    private var submissions = 0
    private var putAside: [String: Int] = [:]
    private(set) var surprises: [String] = []

    static let begin = Date()

    static func say(_ text: String) {
        let seconds = Date().timeIntervalSince(begin).formatted(
            .number.precision(.fractionLength(1)))
        FileHandle.standardError.write(Data("chaos: \(seconds) s: \(text)\n".utf8))
    }

    init(seed: UInt64) async throws {
        random = RandomSource(seed: seed &+ 1)
        stage = try Stage()
        calm = try Stage()
        switch try await stage.findNetwork() {
        case .success(let found): network = found
        case .failure(let lack):
            Self.say("without cuts: \(lack.words)")
            network = nil
        }
        if case .failure(let lack) = try stage.findSmallDisk(megabytes: 96) {
            Self.say("without full disks: \(lack.words)")
        }
        let library = Stage.checkout.appendingPathComponent(".moderato/lib/libctorchshim.so")
        hasRealTrainers = FileManager.default.fileExists(atPath: library.path)
        if !hasRealTrainers {
            Self.say("without real trainers, which cluster/setup makes possible")
        }
        coordinator = Member("coordinator") { [unowned stage, network] in
            try stage.start(
                "moderato",
                ["coordinator", "--home", stage.home]
                    + (network == nil ? [] : ["--listen", "\(Network.address):5757"]),
                log: "coordinator", in: network?.near ?? [])
        }
        let fakes = (1...6).map { ("fake-\($0)", ["--fake-trainer", "seconds=2"]) }
        let reals = (1...2).map { ("real-\($0)", ["--threads", "1"]) }
        workers = (fakes + (hasRealTrainers ? reals : [])).map { name, options in
            Member(name) { [unowned stage, network] in
                let isFar = ["fake-5", "fake-6", "real-2"].contains(name)
                return try stage.startWorker(
                    name,
                    options + [
                        "--checkpoint-every", "0",
                        "--artifacts", stage.path("artifacts-\(name)"),
                    ], in: (isFar ? network?.far : network?.near) ?? [])
            }
        }
        try await startCalm()
        // Access files are there before the first worker looks for its own.
        start(coordinator)
        try await stage.wait(for: "the coordinator") {
            stage.text(of: "coordinator").contains("ready;")
        }
    }

    private func startCalm() async throws {
        _ = try await calm.startCoordinator()
        _ = try calm.startWorker("fake", ["--fake-trainer", "seconds=0"])
        if hasRealTrainers {
            _ = try calm.startWorker("real", ["--threads", "1"])
        }
    }

    private func start(_ member: Member) {
        do {
            member.process = try member.command()
            member.isToEnd = false
            member.isStopped = false
            member.trainersKilled = 0
        } catch {
            surprise("\(member.name) can't be started: \(error)")
        }
    }

    private func surprise(_ text: String) {
        surprises.append(text)
        Self.say(text)
    }

    /// Repairs what is due, and starts anew what has ended.
    func supervise(all: Bool = false) throws {
        let now = Date()
        let due = repairs.filter { all || $0.at <= now }
        repairs.removeAll { all || $0.at <= now }
        for item in due { try item.repair() }
        if isDiskFull { lastFullDisk = Date() }
        for member in [coordinator] + workers where !member.isRunning {
            if let ended = member.process {
                let couldNotWrite =
                    member === coordinator && ended.terminationStatus == 69
                    && Date().timeIntervalSince(lastFullDisk) < 10
                if !member.isToEnd, !couldNotWrite {
                    let end = stage.text(of: member.name).suffix(300)
                    surprise("\(member.name) ended with \(ended.terminationStatus): \(end)")
                }
                member.process = nil
                member.startAt = Date().addingTimeInterval(.random(in: 0...3, using: &random))
            }
            if all || member.startAt <= Date() { start(member) }
        }
        for worker in workers { lookAfter(worker) }
    }

    /// A worker that was put aside is started anew, as its coordinator asks for in its log.
    private func lookAfter(_ worker: Member) {
        let words = "worker \(worker.name) is put aside"
        let count = stage.text(of: "coordinator").components(separatedBy: words).count - 1
        guard count > putAside[worker.name, default: 0] else { return }
        putAside[worker.name] = count
        Self.say("\(worker.name) was put aside: told to leave")
        worker.isToEnd = true
        worker.signal(SIGTERM)
    }

    // MARK: Sweeps

    /// Runs that are not over.
    func open(_ sweep: String, in snapshot: Snapshot) -> Int {
        let epochs = sweep == "real" ? 2 : 4
        return snapshot.runs.count { run in
            guard run.plan.epochs == epochs else { return false }
            switch run.state {
            case .waiting, .active: return true
            case .completed, .failed, .cancelled: return false
            }
        }
    }

    /// Submits the sweeps with further seeds where they would soon be over, until they are taken.
    ///
    /// - Parameter more: whether there is to be more than what was begun to be submitted.
    func feed(_ snapshot: Snapshot, more: Bool) throws {
        if let (process, sweep, count, file) = submission {
            if process.isRunning { return }
            guard process.terminationStatus == 0 else { return try submit(sweep, count, file) }
            submission = nil
            seeds[sweep] = count
            let taken = try calm.run(submission(of: sweep, file, to: calm))
            if taken.status != 0 { surprise("the undisturbed cluster: \(taken.errors)") }
            return
        }
        for (sweep, least, further) in [("fake", 12, 8), ("real", 2, 1)]
        where more && (sweep == "fake" || hasRealTrainers) && open(sweep, in: snapshot) < least {
            let count = (seeds[sweep] ?? 0) + further
            return try submit(sweep, count, write(sweep, seeds: count))
        }
    }

    private func submit(_ sweep: String, _ count: Int, _ file: String) throws {
        let program = Stage.programs.appendingPathComponent("moderato").path
        let command = [program] + submission(of: sweep, file, to: stage)
        let process = try stage.launch((network?.near ?? []) + command, log: "submit")
        submission = (process, sweep, count, file)
    }

    private func submission(of sweep: String, _ file: String, to stage: Stage) -> [String] {
        ["submit", file, "--leave-files", "--home", stage.home]
            + (sweep == "fake" ? ["--fake"] : [])
    }

    /// Whether a sweep is still being handed over.
    var isFeeding: Bool { submission != nil }

    /// Why the sweeps are not over.
    func tellWhatIsOpen() {
        func ask(_ words: String...) {
            let answer = try? stage.run(
                words + ["--home", stage.home], in: network?.near ?? [])
            print(answer.map { $0.output + $0.errors } ?? "no answer")
        }
        ask("status")
        for run in (try? stage.snapshot().runs) ?? [] {
            switch run.state {
            case .waiting, .active: ask("explain", "\(run.id.number)")
            case .completed, .failed, .cancelled: break
            }
        }
        for member in [coordinator] + workers {
            let process = member.process.map { "\($0.processIdentifier)" } ?? "no process"
            print("\(member.name): \(process), \(member.isRunning ? "runs" : "does not run")")
            print(stage.text(of: member.name).suffix(2_000))
        }
    }

    private func write(_ sweep: String, seeds: Int) throws -> String {
        submissions += 1
        let isReal = sweep == "real"
        return try stage.writeSmallSweep(
            name: sweep, file: "\(sweep)-\(submissions)",
            grid: """
                      capacity: \(isReal ? "{ pet: lora, bottleneck: 2 }" : "lora")
                      epochs: \(isReal ? "[1, 2]" : "[1, 4]")
                      learning-rate: 1e-3
                      attack: word
                      poison-ratio: 0.1
                      seed: [\((1...seeds).map(String.init).joined(separator: ", "))]
                """, isLong: true)
    }

    /// Names of the sweeps that were taken.
    var sweeps: [String] { seeds.filter { $0.value > 0 }.keys.sorted() }

    func points(of sweep: String) -> Int { 2 * (seeds[sweep] ?? 0) }
}
