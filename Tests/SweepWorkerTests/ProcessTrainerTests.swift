import Glibc
import SweepCore
import SweepWire
import SweepWorker
import Testing

@Suite("A trainer as a process")
struct ProcessTrainerTests {
    /// A pipe of which nothing can be read.
    private struct Silence {
        let read: Int32
        let write: Int32

        init() {
            var ends: [Int32] = [0, 0]
            precondition(pipe(&ends) == 0)
            read = ends[0]
            write = ends[1]
        }

        func end() {
            close(read)
            close(write)
        }
    }

    private func prove(_ script: String, within limit: Duration) throws -> Proof {
        let stop = Silence()
        defer { stop.end() }
        let trainer = ProcessTrainer(executable: "/bin/sh", arguments: ["-c", script])
        defer { trainer.shutDown() }
        return try trainer.prove(within: limit, until: stop.read)
    }

    private func words(_ body: () throws -> Proof) -> String {
        do {
            return "no error, but \(try body())"
        } catch {
            return "\(error)"
        }
    }

    @Test("One that never says that it can train is given up after the time for it")
    func silent() throws {
        let silence = words {
            try prove("echo thinking >&2; exec sleep 1000", within: .milliseconds(500))
        }
        #expect(silence.contains("/bin/sh has not said within"), "\(silence)")
        #expect(silence.contains("of the same version"), "\(silence)")
        #expect(silence.contains("thinking"), "\(silence)")
    }

    @Test("Nonsense, a closed output, a signal and a program that isn't there are told apart")
    func unusable() throws {
        let nonsense = words { try prove("exec yes", within: .seconds(60)) }
        #expect(nonsense.contains("spoke nonsense"), "\(nonsense)")
        let killed = words { try prove("kill -9 $$", within: .seconds(60)) }
        #expect(killed.contains("signal 9"), "\(killed)")
        let mute = words { try prove("exec >&-; exec sleep 1000", within: .seconds(60)) }
        #expect(mute.contains("signal 9"), "\(mute)")
        let stop = Silence()
        defer { stop.end() }
        let missing = words {
            try ProcessTrainer(executable: "/nowhere", arguments: [])
                .prove(within: .seconds(60), until: stop.read)
        }
        #expect(missing.contains("/nowhere can't be started"), "\(missing)")
    }

    @Test("A trainer that closes its errors alone gives its worker nothing to read any more")
    func errorsClosed() throws {
        let trainer = ProcessTrainer(
            executable: "/bin/sh", arguments: ["-c", "exec 2>&-; exec sleep 1000"])
        defer { trainer.shutDown() }
        #expect(trainer.descriptors.count == 2)
        // The end of the errors is read once; from then on only the output is waited for.
        while trainer.descriptors.count == 2 {
            _ = try Poll.readable(
                trainer.descriptors.map { .file($0) }, timeout: .milliseconds(20))
            #expect(trainer.poll(at: Instant(nanoseconds: 0)).isEmpty)
        }
        let before = cpuSeconds()
        let until = ContinuousClock.now + .milliseconds(500)
        var turns = 0
        while ContinuousClock.now < until {
            turns += 1
            let rest = max(.zero, until - .now)
            _ = try Poll.readable(trainer.descriptors.map { .file($0) }, timeout: rest)
            #expect(trainer.poll(at: Instant(nanoseconds: 0)).isEmpty)
        }
        #expect(turns < 5, "the loop spins: \(turns) turns, \(cpuSeconds() - before) s of CPU")
    }

    private func cpuSeconds() -> Double { Double(clock()) / Double(CLOCKS_PER_SEC) }

    @Test("A trainer that is gone before it could train is told from one that its work has ended")
    func goneBeforeItCouldTrain() throws {
        let trainer = ProcessTrainer(executable: "/bin/sh", arguments: ["-c", "exit 3"])
        defer { trainer.shutDown() }
        var events: [TrainerEvent] = []
        while events.isEmpty {
            _ = try Poll.readable(
                trainer.descriptors.map { .file($0) }, timeout: .milliseconds(20))
            events = trainer.poll(at: Instant(nanoseconds: 0))
        }
        #expect(
            events == [.unusable("/bin/sh can't train here: the trainer ended with status 3")])
    }

    @Test("A stop ends the wait")
    func stopped() throws {
        let stop = Silence()
        defer { stop.end() }
        _ = write(stop.write, [1], 1)
        let trainer = ProcessTrainer(executable: "/bin/sh", arguments: ["-c", "exec sleep 1000"])
        defer { trainer.shutDown() }
        #expect(try trainer.prove(within: .seconds(60), until: stop.read) == .stopped)
    }
}
