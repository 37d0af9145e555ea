import Dispatch
import Foundation

/// SIGINT and SIGTERM as a file that can be polled: it becomes readable when one arrives.
final class StopSignal {
    let descriptor: Int32
    private let writeEnd: Int32
    private var sources: [any DispatchSourceSignal] = []

    /// - Parameter orEndOfInput: also stop when standard input ends, that is, when the process at
    ///   its other end is gone.
    init(orEndOfInput: Bool = false) {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { fatalError("no file descriptor is left for a pipe") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        (descriptor, writeEnd) = (ends[0], ends[1])
        let queue = DispatchQueue(label: "moderato.signals")
        let writeEnd = writeEnd
        @Sendable func stop() { _ = write(writeEnd, [1], 1) }
        for number in [SIGINT, SIGTERM] {
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            source.setEventHandler(handler: stop)
            source.resume()
            sources.append(source)
        }
        // A peer or trainer that goes away is an error of a write, not the end of this process.
        signal(SIGPIPE, SIG_IGN)
        if orEndOfInput {
            Thread.detachNewThread {
                var byte: UInt8 = 0
                while read(0, &byte, 1) > 0 {}
                stop()
            }
        }
    }

    /// Waits until a signal has arrived, or for `seconds`; whether one has.
    func wait(seconds: Double) -> Bool {
        var item = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&item, 1, Int32(seconds * 1_000)) > 0
    }
}
