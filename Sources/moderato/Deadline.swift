import ArgumentParser
import Foundation

/// When a worker's machine is taken away.
struct Deadline: ExpressibleByArgument {
    let date: Date

    init(date: Date) { self.date = date }

    /// `90s`, `90m`, `4h`, `2d` from now, or a time such as `2027-01-31T18:00:00Z`.
    init?(argument: String) {
        let units: [Character: Double] = ["s": 1, "m": 60, "h": 3_600, "d": 86_400]
        if let unit = argument.last.flatMap({ units[$0] }), let count = Double(argument.dropLast()),
            (0...1e6).contains(count)
        {
            self.init(date: Date(timeIntervalSinceNow: count * unit))
        } else if let date = try? Date(argument, strategy: .iso8601) {
            self.init(date: date)
        } else {
            return nil
        }
    }

    /// The end of the Slurm job that this process runs in; `nil` if there is none, or no limit.
    static func ofSlurmJob() -> Deadline? {
        guard let job = ProcessInfo.processInfo.environment["SLURM_JOB_ID"] else { return nil }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        // A controller that is down is not waited for.
        process.arguments = ["timeout", "10", "squeue", "--json", "--jobs", job]
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return nil }
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return endTime(inQueue: data, of: job).map {
            Deadline(date: Date(timeIntervalSince1970: $0))
        }
    }

    /// In seconds since 1970, from what `squeue --json` writes. Newer versions wrap the number.
    static func endTime(inQueue json: Data, of job: String) -> Double? {
        let root = try? JSONSerialization.jsonObject(with: json) as? [String: Any]
        let jobs = root?["jobs"] as? [[String: Any]] ?? []
        let own = jobs.first { ($0["job_id"] as? Int).map(String.init) == job }
        let value = own?["end_time"]
        let wrapped = (value as? [String: Any])?["number"]
        let seconds = (value as? NSNumber)?.doubleValue ?? (wrapped as? NSNumber)?.doubleValue
        return seconds.flatMap { $0 > 0 ? $0 : nil }
    }
}
