import Foundation
import SweepCore
import Testing

@testable import moderato

@Suite("Results outlive a worker that can't deliver them")
struct SpillFileTests {
    private static let grid = """
          capacity: lora
          epochs: [2]
          learning-rate: [0.001]
          attack: word
          poison-ratio: 0.2
        """

    @Test("A run that ended while the coordinator was away counts after the worker was killed too")
    func killedWhileAway() async throws {
        let stage = try Stage()
        let coordinator = try await stage.startCoordinator()
        let artifacts = stage.path("worker-files")
        let fake = ["--fake-trainer", "seconds=4,cacc=0.75", "--artifacts", artifacts]
        let worker = try stage.startWorker("steady", fake)
        let file = try stage.writeSmallSweep(grid: Self.grid)
        #expect(
            try stage.run(["submit", "--fake", file, "--leave-files", "--home", stage.home]).status
                == 0)
        try await stage.wait(for: "the run to begin") {
            try stage.snapshot().runs.contains {
                if case .active = $0.state { true } else { false }
            }
        }
        kill(coordinator.processIdentifier, SIGKILL)
        coordinator.waitUntilExit()
        // Both epochs and the end.
        let spilled = "\(artifacts)/steady.reports"
        try await stage.wait(for: "the reports to be on the disk", log: "steady") {
            let data = FileManager.default.contents(atPath: spilled) ?? Data()
            return data.count > 100 && stage.finished(in: data) == 3
        }
        kill(worker.processIdentifier, SIGKILL)
        worker.waitUntilExit()
        _ = try await stage.startCoordinator(log: "again")
        // Had it to be trained again, the figures would be others.
        _ = try stage.startWorker(
            "steady", ["--fake-trainer", "seconds=4,cacc=0.25", "--artifacts", artifacts])
        try await stage.waitUntilOver("small")
        #expect(try stage.results().map(\.metrics?.cacc) == [0.75])
        try await stage.wait(for: "the file to go") {
            !FileManager.default.fileExists(atPath: spilled)
        }
    }

    @Test("Deadlines are read as people write them, and as Slurm tells them")
    func deadlines() throws {
        let soon = try #require(Deadline(argument: "90m")).date.timeIntervalSinceNow
        #expect(abs(soon - 5_400) < 60)
        #expect(
            Deadline(argument: "2027-01-31T18:00:00Z")?.date
                == Date(timeIntervalSince1970: 1_801_418_400))
        for bad in ["", "soon", "-5m", "1e99h", "5", "2027-01-31"] {
            #expect(Deadline(argument: bad) == nil, "\(bad)")
        }
        func end(_ json: String) -> Double? {
            Deadline.endTime(inQueue: Data(json.utf8), of: "7")
        }
        #expect(end(#"{"jobs":[{"job_id":6,"end_time":5},{"job_id":7,"end_time":9}]}"#) == 9)
        #expect(end(#"{"jobs":[{"job_id":7,"end_time":{"set":true,"number":9}}]}"#) == 9)
        #expect(end(#"{"jobs":[{"job_id":7,"end_time":0}]}"#) == nil)
        #expect(end("down") == nil)
    }
}

extension Stage {
    /// Frames in a file, each behind its length.
    fileprivate func finished(in data: Data) -> Int {
        let bytes = Array(data)
        var place = 0
        var count = 0
        while place + 4 <= bytes.count {
            place += 4 + (0..<4).reduce(0) { $0 | Int(bytes[place + $1]) << (8 * $1) }
            if place <= bytes.count { count += 1 }
        }
        return count
    }
}
