import Glibc
import SweepCore
import SweepWire

/// A `moderato-trainer` process under the worker. It stays warm between jobs; when it dies, the
/// attempt has failed and the next one gets a new process.
///
/// Spawned with `posix_spawn` and read with `poll`, not through a library: the worker is one loop
/// that waits for its socket and all trainers together.
public final class ProcessTrainer: Trainer {
    private struct Process {
        let pid: pid_t
        /// The trainer's standard input, output and error.
        let input: Int32
        let output: Int32
        /// `nil` once the trainer has closed it: its end would be read again and again.
        var errors: Int32?
        let started = ContinuousClock.now
        var stream = FrameStream()
        var lastWords: [UInt8] = []
        /// Whether it has shown that it can train.
        var isProven = false
        var libtorch = ""
    }

    private static let lastWordsBytes = 4_096

    private let executable: String
    private let arguments: [String]
    private var process: Process?
    /// The time a trainer has to show that it can train, also one that is started anew.
    private var limit = Duration.seconds(120)
    private var pending: [TrainerEvent] = []

    /// - Parameters:
    ///   - executable: path of `moderato-trainer`.
    ///   - arguments: its options, such as `--threads 2`.
    public init(executable: String, arguments: [String]) {
        self.executable = executable
        self.arguments = arguments
        // Loading libtorch takes a while: do it before the first job comes.
        startIfNeeded()
    }

    deinit { shutDown() }

    public var descriptors: [Int32] {
        [process?.output, process?.errors].compactMap(\.self)
    }
    public var wakeUp: Instant? { pending.isEmpty ? nil : Instant(nanoseconds: 0) }

    public func prove(within limit: Duration, until stop: Int32) throws -> Proof {
        self.limit = limit
        while true {
            for event in poll(at: Instant(nanoseconds: 0)) {
                switch event {
                case .unusable(let why): throw WorkerError.unusable(why)
                case .exited, .progress, .report: continue
                }
            }
            if let process, process.isProven { return .ready(libtorch: process.libtorch) }
            let rest = process.map { limit - ($0.started.duration(to: .now)) } ?? .zero
            let sources = ([stop] + descriptors).map { Poll.Source.file($0) }
            let isReadable = try Poll.readable(sources, timeout: max(.zero, rest))
            if isReadable[0] { return .stopped }
        }
    }

    /// Gives up one that says nothing for so long.
    private func giveUpTheSilent() -> [TrainerEvent] {
        guard let process, !process.isProven, process.started.duration(to: .now) >= limit
        else { return [] }
        let words = words
        let silence =
            "\(executable) has not said within \(limit.components.seconds) s that it can train; "
            + "it must be the moderato-trainer of the same version as this worker"
            + (words.isEmpty ? "" : "; its last words: \(words)")
        _ = reap()
        return [.unusable(silence)]
    }

    public func train(_ assignment: Assignment, at now: Instant) {
        startIfNeeded()
        if let process {
            _ = FrameStream.write(MessageToTrainer.assign(assignment), to: process.input)
        }
    }

    public func stop(_ attempt: AttemptID) {
        if let process {
            _ = FrameStream.write(MessageToTrainer.revoke(attempt), to: process.input)
        }
    }

    public func poll(at now: Instant) -> [TrainerEvent] {
        defer { pending.removeAll() }
        guard let current = process else { return pending }
        var events = pending
        if let errors = current.errors, ProcessTrainer.isReadable(errors) { readErrors() }
        while ProcessTrainer.isReadable(current.output), process != nil {
            events += readMessages()
        }
        return events + giveUpTheSilent()
    }

    public func shutDown() {
        guard let process else { return }
        self.process = nil
        // End of its input is the trainer's sign to leave; it need not finish anything.
        close(process.input)
        kill(process.pid, SIGKILL)
        _ = ProcessTrainer.wait(for: process.pid)
        close(process.output)
        if let errors = process.errors { close(errors) }
    }

    private func readMessages() -> [TrainerEvent] {
        do {
            guard let output = process?.output,
                let messages = try process?.stream.read(
                    from: output, as: MessageFromTrainer.self)
            else { return [reaped { $0 }] }
            return messages.compactMap { message in
                switch message {
                case .ready(let libtorch):
                    recordProof(libtorch)
                    return nil
                case .progress(let progress): return .progress(progress)
                case .report(let report): return .report(report.attempt, report.event)
                }
            }
        } catch {
            return [reaped { _ in "the trainer spoke nonsense (\(error)) and was ended" }]
        }
    }

    /// Tells one that has ended before it could train from one that was ended by its work.
    private func reaped(_ words: (String) -> String) -> TrainerEvent {
        let wasProven = process?.isProven == true
        let how = words(reap())
        return wasProven ? .exited(how) : .unusable("\(executable) can't train here: \(how)")
    }

    private func recordProof(_ libtorch: String) {
        process?.isProven = true
        process?.libtorch = libtorch
        let words = process?.lastWords ?? []
        _ = write(2, words, words.count)
    }

    private func readErrors() {
        guard let descriptor = process?.errors else { return }
        var piece = [UInt8](repeating: 0, count: 4_096)
        let count = read(descriptor, &piece, piece.count)
        guard count > 0 else {
            guard count == 0 || errno != EINTR else { return }
            close(descriptor)
            process?.errors = nil
            return
        }
        // For the worker's log as well. Of a trainer that can't train, the error has them.
        if process?.isProven == true { _ = write(2, piece, count) }
        let words = (process?.lastWords ?? []) + piece.prefix(count)
        process?.lastWords = words.suffix(ProcessTrainer.lastWordsBytes)
    }

    /// Takes leave of a process that has ended; how it ended, with the last lines it wrote.
    private func reap() -> String {
        guard let ended = process else { return "the trainer is gone" }
        // One that has closed its output alone would let us wait for ever; how one ended that is
        // gone already does not change.
        kill(ended.pid, SIGKILL)
        let status = ProcessTrainer.wait(for: ended.pid)
        // Until its end, or until those that it has started and left behind are silent.
        while let errors = process?.errors, ProcessTrainer.isReadable(errors) { readErrors() }
        let words = words
        if let errors = process?.errors { close(errors) }
        process = nil
        close(ended.input)
        close(ended.output)
        let signal = status & 0x7F
        let how =
            signal == 0
            ? "the trainer ended with status \(status >> 8 & 0xFF)"
            : "the trainer was ended by signal \(signal) (\(String(cString: strsignal(signal))))"
        return words.isEmpty ? how : "\(how): \(words)"
    }

    private var words: String {
        String(decoding: process?.lastWords ?? [], as: UTF8.self)
            .split(whereSeparator: \.isNewline).suffix(8).joined(separator: "\n")
    }

    private func startIfNeeded() {
        guard process == nil else { return }
        do {
            process = try ProcessTrainer.spawn(executable, arguments)
        } catch {
            pending.append(.unusable("\(executable) can't be started: \(error)"))
        }
    }

    private struct SpawnError: Error, CustomStringConvertible {
        let code: Int32
        var description: String { String(cString: strerror(code)) }
    }

    private static func spawn(_ path: String, _ arguments: [String]) throws -> Process {
        let input = try pipe()
        let output = try pipe()
        let errors = try pipe()
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, input.read, 0)
        posix_spawn_file_actions_adddup2(&actions, output.write, 1)
        posix_spawn_file_actions_adddup2(&actions, errors.write, 2)
        // A group of its own: Ctrl-C at the terminal is the worker's to handle.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // Slurm sends its SIGTERM to all processes of a task, and the state would be lost: only the
        // worker heeds it, and tells the trainer to stop.
        var blocked = sigset_t()
        sigemptyset(&blocked)
        sigaddset(&blocked, SIGTERM)
        posix_spawnattr_setsigmask(&attributes, &blocked)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK))
        var argv: [UnsafeMutablePointer<CChar>?] = ([path] + arguments).map { strdup($0) }
        argv.append(nil)
        defer { for pointer in argv { free(pointer) } }
        // Threads that wait for each other must not spin: beside other trainers that costs most of
        // the speed.
        if getenv("OMP_WAIT_POLICY") == nil { setenv("OMP_WAIT_POLICY", "passive", 1) }
        var pid = pid_t()
        let code = posix_spawn(&pid, path, &actions, &attributes, argv, environ)
        close(input.read)
        close(output.write)
        close(errors.write)
        guard code == 0 else {
            close(input.write)
            close(output.read)
            close(errors.read)
            throw SpawnError(code: code)
        }
        return Process(pid: pid, input: input.write, output: output.read, errors: errors.read)
    }

    private static func pipe() throws -> (read: Int32, write: Int32) {
        var ends: [Int32] = [0, 0]
        guard Glibc.pipe(&ends) == 0 else { throw SpawnError(code: errno) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return (ends[0], ends[1])
    }

    private static func isReadable(_ descriptor: Int32) -> Bool {
        var item = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return Glibc.poll(&item, 1, 0) > 0
    }

    private static func wait(for pid: pid_t) -> Int32 {
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
        return status
    }
}
