import ArgumentParser
import Foundation
import SweepCore

/// Streams 0 to 2 of this process. One that whoever started it has closed is opened on `/dev/null`,
/// so that no socket or store gets its number and no write to it traps.
enum Streams {
    /// Whether standard input, output and error were closed at the start; set once, in `main`.
    nonisolated(unsafe) private(set) static var wereClosed = [false, false, false]

    static func openClosed() {
        // The lowest number that is free is taken, so in this order each lands in its place.
        for descriptor in Int32(0)...2 where fcntl(descriptor, F_GETFD) < 0 && errno == EBADF {
            wereClosed[Int(descriptor)] = true
            _ = open("/dev/null", O_RDWR)
        }
    }

    /// From now on what goes to a standard error that was closed, such as a log, goes to `path`.
    static func logToFile(_ path: String) {
        guard wereClosed[2] else { return }
        let file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard file >= 0 else { return }
        dup2(file, 2)
        close(file)
    }

    /// Writes all of it; the error's number, or `nil`.
    static func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) -> Int32? {
        var rest = bytes
        while let start = rest.baseAddress, !rest.isEmpty {
            let count = Glibc.write(descriptor, start, rest.count)
            if count >= 0 {
                rest = UnsafeRawBufferPointer(rebasing: rest[count...])
                continue
            }
            switch errno {
            case EINTR: continue
            case EAGAIN:
                var item = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                poll(&item, 1, -1)
            case let number: return number
            }
        }
        return nil
    }
}

/// Standard output of all commands. Output that can't be written ends the command: with a word and
/// a status of its own, or, where a reader such as `head` has enough, as quietly as any program.
func say(_ text: String, terminator: String = "\n") {
    var text = text + terminator
    text.withUTF8 { Output.write(UnsafeRawBufferPointer($0)) }
}

/// As `say`, for a process whose work goes on when nobody reads its output any more.
func announce(_ text: String) {
    var text = text + "\n"
    text.withUTF8 { _ = Streams.write(UnsafeRawBufferPointer($0), to: 1) }
}

enum Output {
    /// What to do first where nobody reads the output any more.
    nonisolated(unsafe) static var quietEnd: (() -> Void)?

    static func write(_ bytes: UnsafeRawBufferPointer) {
        if bytes.isEmpty { return }
        guard let number = Streams.wereClosed[1] ? EBADF : Streams.write(bytes, to: 1) else {
            return
        }
        if number == EPIPE { endQuietly() }
        let reason = String(cString: strerror(number))
        let cure =
            number == ENOSPC || number == EDQUOT
            ? "make room, and give the command again" : "what is there is not complete"
        complain("moderato: standard output can't be written: \(reason); \(cure)")
        _exit(Exit.output.rawValue)
    }

    /// The reader is gone: this process ends as if by SIGPIPE, also where that is ignored.
    private static func endQuietly() -> Never {
        quietEnd?()
        var pipe = sigset_t()
        sigemptyset(&pipe)
        sigaddset(&pipe, SIGPIPE)
        signal(SIGPIPE, SIG_DFL)
        pthread_sigmask(SIG_UNBLOCK, &pipe, nil)
        raise(SIGPIPE)
        _exit(128 + SIGPIPE)
    }
}

/// Standard error; where that can't be written, nobody can be told.
func complain(_ text: String) {
    var line = text.shownLines + "\n"
    line.withUTF8 { _ = Streams.write(UnsafeRawBufferPointer($0), to: 2) }
}

/// Says what is wrong on standard error; throw the result to end with `code`.
func failure(_ message: String, _ code: ExitCode) -> ExitCode {
    complain("moderato: \(message)")
    return code
}
