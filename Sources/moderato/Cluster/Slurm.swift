import Foundation
import SweepCore

/// What is asked of Slurm. Every program gets a time, since some wait for ever when nodes or the
/// controller are down.
struct Slurm {
    /// One task of an array job.
    struct Task {
        /// As `scancel` takes it: `12_3`.
        var id: String
        var place: Elastic.Place
        /// Why it waits, in Slurm's words.
        var reason: String
    }

    /// Jobs of one home go by names that are made of it, so that they are found again.
    let home: String
    var workersName: String { "moderato-\(Digest(ofText: home).short)" }
    var coordinatorName: String { workersName + "-coordinator" }

    private static let seconds = 30

    /// Hands a batch script in; the job's number.
    func submit(_ arguments: [String]) throws(SlurmError) -> String {
        let output = try Self.call("sbatch", ["--parsable"] + arguments)
        // With several clusters it is followed by the cluster's name.
        let job = output.split(whereSeparator: { ";\n".contains($0) }).first.map(String.init) ?? ""
        guard Int(job) != nil else {
            throw SlurmError(
                kind: .other, words: "sbatch gave no number of a job: \(output.prefix(200))")
        }
        return job
    }

    /// The workers of this home that Slurm still holds, each task by itself.
    func workers() throws(SlurmError) -> [Task] {
        try queue(workersName).compactMap { fields in
            guard fields.count == 4 else { return nil }
            // One that a node could not launch is held back, for ever.
            let isHeld = fields[3].lowercased().contains("held")
            return Task(
                id: "\(fields[0])_\(fields[1])",
                place: Elastic.Place(
                    Self.worker(job: fields[0], task: fields[1]),
                    isHeld ? .ending : Self.state(fields[2])),
                reason: fields[3])
        }
    }

    /// The number of the job in which a coordinator of this home waits or runs.
    func coordinatorJob() throws(SlurmError) -> String? {
        try queue(coordinatorName).first { $0.count == 4 && Self.state($0[2]) != .ending }?[0]
    }

    static func worker(job: String, task: String) -> WorkerID {
        WorkerID("slurm-\(job)-\(task)")
    }

    func cancel(_ ids: [String]) throws(SlurmError) {
        if !ids.isEmpty { _ = try Self.call("scancel", ids) }
    }

    /// All jobs of this home.
    func cancelAll() throws(SlurmError) {
        for name in [workersName, coordinatorName] {
            _ = try Self.call("scancel", ["--name=\(name)"])
        }
    }

    func holdsNothing() throws(SlurmError) -> Bool {
        try queue("\(workersName),\(coordinatorName)").isEmpty
    }

    private func queue(_ names: String) throws(SlurmError) -> [[String]] {
        let output = try Self.call(
            "squeue", ["--array", "--noheader", "--format=%F|%K|%T|%r", "--name=\(names)"])
        return output.split(whereSeparator: \.isNewline).map {
            $0.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
        }
    }

    private static func state(_ word: String) -> Elastic.Place.State {
        switch word {
        case "PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED": .waiting
        case "RUNNING", "SUSPENDED", "STOPPED", "RESIZING", "SIGNALING", "STAGE_OUT": .running
        default: .ending
        }
    }

    static func call(_ program: String, _ arguments: [String]) throws(SlurmError) -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["timeout", "--kill-after=5", "\(seconds)", program] + arguments
        // What the job sets that this may run in is not meant for the workers' jobs.
        process.environment = ProcessInfo.processInfo.environment.filter {
            !$0.key.hasPrefix("SLURM_") || $0.key == "SLURM_CONF"
        }
        let output = Pipe()
        let errors = Pipe()
        process.standardOutput = output
        process.standardError = errors
        process.standardInput = FileHandle.nullDevice
        guard (try? process.run()) != nil else {
            throw SlurmError(kind: .other, words: "\(program) can't be started")
        }
        let text = String(
            decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        let complaint = String(
            decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw SlurmError(
                status: process.terminationStatus, complaint: complaint, program: program,
                arguments: arguments, seconds: seconds)
        }
        return text
    }
}
