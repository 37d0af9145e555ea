import Glibc
import Logging
import SweepCore
import SweepWire

/// Reports that the coordinator has not taken, on the worker's disk: frames, each behind its length
/// in four bytes. A process that goes by the same name and has the same folder takes them up.
final class SpillFile {
    private let path: String
    private var file: Int32 = -1

    /// - Parameter folder: Where the file is, named after the worker.
    init(path folder: String, worker: WorkerID) {
        let name = worker.name.utf8.map { byte in
            let isPlain =
                UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte
                || UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte | 0x20
                || byte == UInt8(ascii: "-")
            return isPlain ? String(UnicodeScalar(byte)) : "_\(byte)"
        }.joined()
        path = "\(folder)/\(name).reports"
    }

    deinit { if file >= 0 { close(file) } }

    /// What was written down; nothing if another process has the file. A torn end is left out, and
    /// cut off.
    func read(_ logger: Logger) -> [Report] {
        guard LocalFile.size(path) != nil, open() else { return [] }
        var stream = FrameStream()
        var reports: [Report] = []
        do {
            while let messages = try stream.read(from: file, as: MessageFromTrainer.self) {
                reports += messages.compactMap {
                    if case .report(let report) = $0 { report } else { nil }
                }
            }
        } catch {
            logger.warning("\(path): \(error); what comes behind it is left out")
        }
        ftruncate(file, 0)
        append(reports, logger)
        return reports
    }

    func append(_ reports: [Report], _ logger: Logger) {
        guard open() else { return }
        for report in reports
        where !FrameStream.write(MessageFromTrainer.report(report), to: file) {
            let reason = String(cString: strerror(errno))
            logger.warning("\(path): \(reason); unsent reports are in memory alone")
            return
        }
        fdatasync(file)
    }

    func clear() {
        guard file >= 0 else { return }
        ftruncate(file, 0)
        unlink(path)
        close(file)
        file = -1
    }

    private func open() -> Bool {
        if file >= 0 { return true }
        if let slash = path.lastIndex(of: "/") {
            try? LocalFile.makeFolder(String(path[..<slash]))
        }
        let opened = Glibc.open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard opened >= 0, flock(opened, LOCK_EX | LOCK_NB) == 0 else {
            if opened >= 0 { close(opened) }
            return false
        }
        file = opened
        return true
    }
}
