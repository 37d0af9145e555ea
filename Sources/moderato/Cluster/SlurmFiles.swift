import Foundation
import SweepCoordinator
import SweepCore
import SweepWire

/// What lies in the home beside the coordinator's: scripts, logs, who looks after it.
final class SlurmFiles {
    let folder: String
    private var lockFile: Int32 = -1

    init(_ home: CoordinatorHome) { folder = home.path + "/slurm" }

    var log: String { folder + "/household.log" }
    var workerScript: String { folder + "/worker.sh" }
    var coordinatorScript: String { folder + "/coordinator.sh" }
    private var lockPath: String { folder + "/lock" }
    private var stopPath: String { folder + "/stop" }

    func make() throws {
        do {
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700])
        } catch {
            throw failure(
                "\(folder): can't be made: \(error.localizedDescription)", Exit.unavailable)
        }
    }

    /// A path as `sbatch --output` takes it.
    func pattern(_ name: String) -> String {
        folder.replacingOccurrences(of: "%", with: "%%") + "/" + name
    }

    func writeScript(_ path: String, _ text: String) throws {
        try OutputFile.write(text, to: path)
        chmod(path, 0o700)
    }

    /// Holds it until this process ends; `false` if another one does.
    func lock() throws -> Bool {
        try make()
        lockFile = open(lockPath, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard lockFile >= 0 else {
            throw failure("\(lockPath): can't be written", Exit.unavailable)
        }
        return flock(lockFile, LOCK_EX | LOCK_NB) == 0
    }

    /// Whether somebody looks after the home.
    var isLocked: Bool {
        let file = open(lockPath, O_RDWR | O_CLOEXEC)
        guard file >= 0 else { return false }
        defer { close(file) }
        return flock(file, LOCK_EX | LOCK_NB) != 0
    }

    // A file and not a signal: it may look from another machine.
    var isStopWanted: Bool { access(stopPath, F_OK) == 0 }
    func wantStop() throws { try OutputFile.write("", to: stopPath) }
    func forgetStop() { unlink(stopPath) }

    /// A connection to the coordinator of the home, if one runs.
    static func running(_ home: CoordinatorHome) -> Dialer? {
        guard let access = try? AccessFile(reading: home.accessPath(for: .client)),
            let dialer = try? Dialer(access),
            case .status? = try? dialer.request(.askStatus, timeout: .seconds(2))
        else { return nil }
        return dialer
    }
}
