import Foundation

/// Programs on other machines, by the ssh of this one. They end when their standard input does,
/// so nothing is left there when the connection breaks.
struct RemoteShell {
    /// As for `ssh -o`.
    let options: [String]

    /// - Parameters:
    ///   - script: for `sh`, without line breaks.
    ///   - arguments: its `$1` and so on.
    func command(on host: Host, _ script: String, _ arguments: [String] = []) -> [String] {
        let words = ["exec", "sh", "-c", quoted(script), "moderato"] + arguments.map(quoted)
        // Of two values of an option ssh takes the first, so people's own come first. Nobody is
        // there to type a password.
        let own = [
            "BatchMode=yes", "ConnectTimeout=10", "ServerAliveInterval=15", "ServerAliveCountMax=3",
        ]
        return ["ssh", "-T"] + (options + own).flatMap { ["-o", $0] }
            + (host.port.map { ["-p", "\($0)"] } ?? []) + ["--", host.destination]
            + [words.joined(separator: " ")]
    }

    private func quoted(_ text: String) -> String {
        "'" + text.replacingOccurrences(of: "'", with: "'\\''") + "'"
    }

    /// Unpacks a bundle from standard input unless it is there, compiles what the trainer needs,
    /// and says how many GPUs there are. `$1` folder, `$2` bundle, `$3` torch's folder, `none`
    /// if there is nothing to train, or empty: ask Python.
    static let prepare = """
        set -e; umask 077; mkdir -p "$1"; cd "$1"; \
        test -d "$2" || { rm -rf "$2.$$"; mkdir "$2.$$"; tar -xf - -C "$2.$$"; \
        mv -T "$2.$$" "$2" 2>/dev/null || rm -rf "$2.$$"; }; exec </dev/null; \
        if test "$3" != none; then torch=$3; \
        test -n "$torch" || torch=$(python3 -c "import torch; print(torch.__path__[0])") \
        || { echo "there is no torch for python3: pip install torch there, or say where it is \
        with --torch" >&2; exit 69; }; flock "$2/lib" "$2/shim/build" "$torch" "$2/lib" >&2; fi; \
        echo "moderato-gpus $(nvidia-smi -L 2>/dev/null | grep -c ^GPU)"
        """

    /// A worker; standard input begins with its access file. `$1` folder, `$2` bundle, `$3` its
    /// name, `$4` the bytes of the access file; then options of `moderato worker`.
    static let work = """
        umask 077; cd "$1" && test -x "$2/bin/moderato" || exit 127; \
        bundle="$PWD/$2"; name=$3; size=$4; shift 4; \
        rm -f "$name.access"; head -c "$size" >"$name.access"; \
        LD_LIBRARY_PATH="$bundle/lib" "$bundle/bin/moderato" worker --access "$PWD/$name.access" \
        --artifacts "$PWD/artifacts" --name "$name" --until-input-ends "$@"; \
        status=$?; rm -f "$name.access"; exit $status
        """
}

/// A process on this machine. It ends when its standard input is closed; its output goes to a log.
final class Tether {
    private let process = Process()
    private let input = Pipe()
    let log: String

    /// - Parameters:
    ///   - first: what it reads first; less than a pipe holds (64 KiB).
    ///   - output: where standard output goes instead of the log.
    init(_ command: [String], first: Data = Data(), log: String, output: Pipe? = nil) throws {
        self.log = log
        _ = fcntl(input.fileHandleForWriting.fileDescriptor, F_SETFD, FD_CLOEXEC)
        _ = FileManager.default.createFile(atPath: log, contents: nil)
        guard let file = FileHandle(forWritingAtPath: log) else {
            throw failure("\(log): can't be written", Exit.unavailable)
        }
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        // ssh closes all files that it was started with, among them the one by which Foundation
        // notices the end of a process; so a shell is between them.
        process.arguments = ["sh", "-c", "\"$@\"; exit $?", "moderato"] + command
        process.standardInput = input.fileHandleForReading
        process.standardOutput = output ?? file
        process.standardError = file
        try process.run()
        try? file.close()
        try? input.fileHandleForReading.close()
        try? input.fileHandleForWriting.write(contentsOf: first)
    }

    var isRunning: Bool { process.isRunning }
    /// Once it has ended.
    var status: Int32 { process.terminationStatus }
    func endInput() { try? input.fileHandleForWriting.close() }
    /// It, and what it started here: each process of ours leads a group.
    func terminate() { if process.isRunning { kill(-process.processIdentifier, SIGTERM) } }

    /// The last thing that it said.
    var lastWords: String {
        let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
        return text.split(whereSeparator: \.isNewline).last.map(String.init) ?? ""
    }
}
