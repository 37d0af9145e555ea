import Foundation
import SweepCore
import SweepStore
import Testing

@Suite("Workers that a real Slurm runs", .serialized)
struct SlurmTests {
    private static func grid(seeds: ClosedRange<Int>, epochs: Int = 4) -> String {
        """
              capacity: lora
              epochs: \(epochs)
              learning-rate: 1e-3
              attack: word
              poison-ratio: 0.1
              seed: [\(seeds.map(String.init).joined(separator: ", "))]
        """
    }

    /// Runs that were begun again, and one that was not, are as if trained alone; each epoch of
    /// each run counts once.
    private func compare(_ stage: Stage, sweep: String) async throws {
        let attempts = try stage.attempts()
        #expect(Set(attempts.map(\.id)).count == attempts.count)
        let snapshot = try stage.snapshot()
        #expect(snapshot.runs.allSatisfy { $0.state == .completed })
        // Lost is not failed: scancel's SIGTERM ends no trainer.
        #expect(snapshot.runs.flatMap(\.failures).isEmpty)
        let points = try stage.results(of: sweep)
        for point in points { #expect(point.curve.count == point.spec.epochs) }
        func tries(_ point: PointOutcome) -> Int {
            let run = snapshot.runs.first { $0.plan.spec == point.spec }
            return attempts.count { $0.run == run?.id }
        }
        let order = points.sorted { tries($0) > tries($1) }
        #expect(tries(try #require(order.first)) >= 2)
        for point in order.prefix(2) + order.suffix(1) {
            #expect(try await DirectRun().curve(of: point.spec) == Array(point.curve))
        }
    }

    @Test("A worker cancelled, a node's daemon killed, a task requeued, a time limit: as alone")
    func faults() async throws {
        let stage = try Stage()
        let lab = try await SlurmLab.make(on: stage, nodes: 4)
        let begin = Date()
        let file = try stage.writeSmallSweep(name: "slurm", grid: Self.grid(seeds: 1...24))
        let visitor = try lab.startSweep(
            file, ["--elastic", "1:4", "--advertise", "127.0.0.1"])
        try await stage.wait(for: "four workers at work", log: "visitor") {
            try lab.running().count == 4
                && Set((try? stage.attempts().map(\.worker)) ?? []).count == 4
        }
        let tasks = try lab.running().sorted { $0.key < $1.key }
        func attempts(of task: Int) throws -> Int {
            let name = "slurm-" + tasks[task].key.replacingOccurrences(of: "_", with: "-")
            return try stage.attempts().count { $0.worker.name == name }
        }
        let before = try attempts(of: 2)
        try lab.call("scontrol", "update", "JobId=\(tasks[3].key)", "TimeLimit=1")
        try lab.call("scancel", tasks[0].key)
        try lab.killDaemon(of: tasks[1].value)
        try lab.call("scontrol", "requeue", tasks[2].key)
        // The queue may be emptied at the end: there is work until all has happened.
        var next = 25
        try await stage.wait(for: "all four faults to have happened", log: "visitor") {
            let snapshot = try stage.snapshot()
            if snapshot.runs.count(where: { $0.state == .waiting }) < 8 {
                let more = try stage.writeSmallSweep(
                    name: "more-\(next)", grid: Self.grid(seeds: next...next + 15))
                #expect(try lab.moderato("submit", more).status == 0)
                next += 16
            }
            let running = try lab.running()
            let again = try attempts(of: 2)
            return running[tasks[0].key] == nil && running[tasks[3].key] == nil
                && running[tasks[1].key] != tasks[1].value
                && again > before && lab.story.components(separatedBy: "asked Slurm for").count > 2
        }
        visitor.waitUntilExit()
        #expect(visitor.terminationStatus == 0, "\(stage.text(of: "visitor"))")
        try await stage.wait(for: "an empty queue", log: "visitor") { try lab.queue.isEmpty }
        try await stage.waitUntilOver("slurm")
        let seconds = Int(Date().timeIntervalSince(begin))
        let asked = lab.story.split(separator: "\n").last ?? ""
        print(
            "Slurm, four faults: \(try stage.snapshot().runs.count) runs in \(seconds) s, \(asked)")
        try await compare(stage, sweep: "slurm")
    }

    @Test("What Slurm refuses is told with its cure, and nothing is left behind")
    func refusals() async throws {
        let stage = try Stage()
        let lab = try await SlurmLab.make(on: stage, nodes: 2)
        let file = try stage.writeSmallSweep(name: "slurm", grid: Self.grid(seeds: 1...4))
        func end(_ process: Process) -> Int32 {
            process.waitUntilExit()
            return process.terminationStatus
        }
        let local = ["--advertise", "127.0.0.1", "--fake-trainer", "seconds=1"]
        func refused(_ log: String, _ options: [String], with: [String] = []) throws -> String {
            let process = try lab.startSweep(
                file, ["--workers", "2"] + local + options, log: log, with: with)
            #expect(end(process) != 0)
            return stage.text(of: log)
        }
        #expect(
            try refused("partition", ["--partition", "nope"])
                .contains("Slurm has no partition 'nope'; 'sinfo --summarize' lists"))
        #expect(try refused("gres", ["--gres", "gpu:1"]).contains("nothing called 'gpu:1'"))
        let conf = try String(contentsOfFile: lab.folder + "/slurm.conf", encoding: .utf8)
        let silent = try stage.write(
            conf.split(separator: "\n").filter { !$0.hasPrefix("SlurmctldPort") }
                .joined(separator: "\n") + "\nSlurmctldPort=1\n", to: "silent.conf")
        #expect(
            try refused("controller", [], with: ["SLURM_CONF=\(silent)"])
                .contains("controller gives no answer"))
        #expect(try lab.queue.isEmpty)

        // More nodes than there are: it is said that it may never be had; Ctrl-C twice ends it.
        let visitor = try lab.startSweep(
            file, ["--workers", "1", "--sbatch-option=--cpus-per-task=64"] + local)
        try await stage.wait(for: "Slurm's reason", log: "visitor") {
            stage.text(of: "visitor").contains("this may never be had")
        }
        #expect(try lab.queue.isEmpty == false)
        kill(visitor.processIdentifier, SIGINT)
        try await stage.wait(for: "the question", log: "visitor") {
            stage.text(of: "visitor").contains("Ctrl-C again ends")
        }
        kill(visitor.processIdentifier, SIGINT)
        #expect(end(visitor) == 130)
        #expect(try lab.queue.isEmpty)
        #expect(try lab.moderato("drain", "anybody").status == 69, "the coordinator has ended too")
    }

    @Test("With a quota reached a sweep goes on with the workers it has")
    func quota() async throws {
        let stage = try Stage()
        let lab = try await SlurmLab.make(on: stage, nodes: 2)
        let file = try stage.writeSmallSweep(name: "slurm", grid: Self.grid(seeds: 1...12))
        // The first is let through; then it says what Slurm says when a user has too many jobs.
        try FileManager.default.createDirectory(
            atPath: stage.path("bin"), withIntermediateDirectories: true)
        let sbatch = try stage.write(
            """
            #!/bin/sh
            mkdir '\(stage.path("asked"))' 2>/dev/null && exec /usr/bin/sbatch "$@"
            echo 'sbatch: error: AssocMaxSubmitJobLimit' >&2
            echo 'sbatch: error: Batch job submission failed: Job violates accounting/QOS policy' \\
              '(job submit limit, user'"'"'s size and/or time limits)' >&2
            exit 1
            """, to: "bin/sbatch")
        chmod(sbatch, 0o700)
        let visitor = try lab.startSweep(
            file,
            ["--elastic", "1:2", "--advertise", "127.0.0.1", "--fake-trainer", "seconds=2"],
            with: ["PATH=\(stage.path("bin")):/usr/bin:/bin"])
        try await stage.wait(for: "two workers", log: "visitor") { try lab.running().count == 2 }
        try lab.call("scancel", try #require(lab.running().keys.min()))
        try await stage.wait(for: "the refusal", log: "visitor") {
            lab.story.contains("Slurm's limits for you are reached")
        }
        visitor.waitUntilExit()
        #expect(visitor.terminationStatus == 0, "\(stage.text(of: "visitor"))")
        #expect(try stage.snapshot().runs.allSatisfy { $0.state == .completed })
        #expect(try lab.queue.isEmpty)
    }

    @Test("The coordinator as a job goes on when nobody looks, and ends with the sweep")
    func coordinatorAsJob() async throws {
        let stage = try Stage()
        let lab = try await SlurmLab.make(on: stage, nodes: 3)
        let file = try stage.writeSmallSweep(name: "slurm", grid: Self.grid(seeds: 1...6))
        let visitor = try lab.startSweep(
            file,
            ["--workers", "2", "--coordinator", "job", "--detach"]
                + ["--advertise", "127.0.0.1", "--fake-trainer", "seconds=2"])
        visitor.waitUntilExit()
        #expect(visitor.terminationStatus == 0, "\(stage.text(of: "visitor"))")
        try await stage.wait(for: "workers", log: "visitor") {
            try lab.moderato("workers").output.contains("slurm-")
        }
        // Whoever comes back sees the rest of it.
        let again = try lab.startSweep(file, ["--workers", "2"], log: "again")
        again.waitUntilExit()
        #expect(again.terminationStatus == 0, "\(stage.text(of: "again"))")
        #expect(stage.text(of: "again").contains("6 points, 6 finished"))
        try await stage.wait(for: "an empty queue") { try lab.queue.isEmpty }
    }

    @Test(
        "A coordinator whose job nears its limit begins anew with its workers; nothing runs twice"
    )
    func coordinatorBegunAnew() async throws {
        let stage = try Stage()
        let lab = try await SlurmLab.make(on: stage, nodes: 3)
        let file = try stage.writeSmallSweep(name: "slurm", grid: Self.grid(seeds: 1...20))
        let visitor = try lab.startSweep(
            file,
            ["--workers", "2", "--coordinator", "job", "--detach", "--coordinator-time", "1"]
                + ["--advertise", "127.0.0.1", "--fake-trainer", "seconds=6"])
        visitor.waitUntilExit()
        #expect(visitor.terminationStatus == 0, "\(stage.text(of: "visitor"))")
        try await stage.wait(for: "the second beginning", log: "visitor") {
            lab.story.contains("Slurm begins this job anew")
                && lab.story.components(separatedBy: "the coordinator is reached at").count == 3
        }
        try await stage.waitUntilOver("slurm")
        let attempts = try stage.attempts()
        #expect(attempts.count == 20 && attempts.allSatisfy { $0.outcome == "completed" })
        #expect(Set(attempts.map(\.worker)).count == 2, "no other workers were asked for")
        try await stage.wait(for: "an empty queue") { try lab.queue.isEmpty }
    }

    @Test("A host cut off beyond its lease while it trains: fenced, equal, nothing twice")
    func hostsApart() async throws {
        let stage = try Stage()
        let lab = try await SlurmLab.make(on: stage, nodes: 3, hosts: true)
        let file = try stage.writeSmallSweep(name: "apart", grid: Self.grid(seeds: 1...12))
        let visitor = try lab.startSweep(
            file, ["--workers", "3", "--advertise", "10.88.0.1"] + Stage.shortLease)
        try await stage.wait(for: "three workers at work", log: "visitor") {
            try lab.running().count == 3
                && Set((try? stage.attempts().map(\.worker)) ?? []).count == 3
        }
        let (task, host) = try #require(lab.running().min { $0.key < $1.key })
        let name = "slurm-" + task.replacingOccurrences(of: "_", with: "-")
        try lab.setCable(of: host, isUp: false)
        // Others are busy with their own first; the one cut off trains all the while.
        try await stage.wait(for: "its run to be begun again", log: "visitor") {
            let attempts = try stage.attempts()
            guard
                let lost = attempts.last(where: { $0.worker.name == name && $0.outcome == "lost" })
            else { return false }
            return attempts.contains { $0.run == lost.run && $0.id > lost.id }
        }
        try lab.setCable(of: host, isUp: true)
        visitor.waitUntilExit()
        #expect(visitor.terminationStatus == 0, "\(stage.text(of: "visitor"))")
        try await stage.wait(for: "an empty queue", log: "visitor") { try lab.queue.isEmpty }
        try await compare(stage, sweep: "apart")
    }
}
