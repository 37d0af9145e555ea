import Foundation
import SweepFile

/// SIGINT and SIGTERM end a command at once, wherever it is; but for commands that have something
/// to bring in order first, for which there is `StopSignal`.
enum Interruption {
    /// The group of a program that works for this process and ends with it; 0: none.
    nonisolated(unsafe) static var group: pid_t = 0

    static func endAtOnce() {
        group = 0
        // What the handler touches is made before it may be called.
        Paraphrasing.end()
        handle { number in
            if Interruption.group != 0 { kill(-Interruption.group, SIGTERM) }
            Paraphrasing.end()
            _exit(128 + number)
        }
    }

    /// Whoever started this process may have left signals blocked, and what is started here would
    /// inherit that; a shell without SIGCHLD waits for ever.
    fileprivate static func handle(_ handler: @escaping @convention(c) (Int32) -> Void) {
        var action = sigaction()
        action.__sigaction_handler.sa_handler = handler
        action.sa_flags = SA_RESTART
        var blocked = sigset_t()
        sigemptyset(&blocked)
        for number in [SIGINT, SIGTERM] {
            sigaction(number, &action, nil)
            sigaddset(&blocked, number)
        }
        sigaddset(&blocked, SIGCHLD)
        pthread_sigmask(SIG_UNBLOCK, &blocked, nil)
    }
}

/// SIGINT and SIGTERM as a file that can be polled: it becomes readable when one arrives.
///
/// One in a process at a time, and only while somebody looks at it often. A handler, not a dispatch
/// source: while a source is being set up, a signal can be lost.
struct StopSignal {
    let descriptor: Int32

    /// Where the handler writes; set before the handler is.
    nonisolated(unsafe) private static var writeEnd: Int32 = -1

    /// - Parameter orEndOfInput: also stop when standard input ends, that is, when the process at
    ///   its other end is gone.
    init(orEndOfInput: Bool = false) {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { fatalError("no file descriptor is left for a pipe") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        descriptor = ends[0]
        StopSignal.writeEnd = ends[1]
        Interruption.handle { _ in StopSignal.stop() }
        // A peer or trainer that goes away is an error of a write, not the end of this process.
        signal(SIGPIPE, SIG_IGN)
        if orEndOfInput {
            Thread.detachNewThread {
                var byte: UInt8 = 0
                while read(0, &byte, 1) > 0 {}
                StopSignal.stop()
            }
        }
    }

    /// Waits until a signal has arrived, or for `seconds`; whether one has.
    func wait(seconds: Double) -> Bool {
        var item = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        if poll(&item, 1, Int32(seconds * 1_000)) >= 0 { return item.revents != 0 }
        // The signal itself has ended the wait.
        return poll(&item, 1, 0) > 0
    }

    /// Takes note of what has arrived, so that `wait` waits for the next one.
    func forget() {
        var byte: UInt8 = 0
        while wait(seconds: 0), read(descriptor, &byte, 1) > 0 {}
    }

    /// From now on a signal ends this process at once again.
    func release() { Interruption.endAtOnce() }

    private static func stop() {
        var byte: UInt8 = 1
        _ = write(writeEnd, &byte, 1)
    }
}
