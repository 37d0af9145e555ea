import Glibc
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
