import CMalloc
import Foundation
import Glibc
import SweepData
import Testing

/// Each reader is given changed files: 2,000 in `make test`, as many as `make fuzz INPUTS=…` says.
///
/// An input may cost 0.25 s of processor time. `make fuzz` also measures memory, which needs a
/// process with nothing else in it: what a result holds is at most the format's factor times the
/// input's size, plus 16 KiB, and what the heap grows by beyond its highest level so far is at most
/// that much, plus the 256 KiB in which it grows. For large files the kernel's count of the most
/// memory in use is held to the same factor.
@MainActor @Suite(.serialized) struct FuzzTests {
    private static let wanted = ProcessInfo.processInfo.environment["MODERATO_FUZZ"].flatMap(
        Int.init)

    @Test(
        "No changed file crashes a reader, holds it up or makes it take memory",
        arguments: FuzzFormat.all)
    func changedFiles(_ format: FuzzFormat) {
        FuzzCrash.report()
        if Self.wanted != nil { Heap.watch() }
        let inputs = Self.wanted ?? 2000
        let start = processorSeconds()
        var accepted = 0
        var slowest = (seconds: 0.0, input: 0)
        var largest = (bytes: 0, input: 0)
        // What Swift sets up once is not an input's.
        for number in 0..<20 { _ = try? format.read(format.mutation.input(number)) }
        for number in 0..<inputs {
            FuzzCrash.place(format.name, number)
            let (isAccepted, seconds, bytes) = measure(
                format, format.mutation.input(number), "input \(number)")
            if isAccepted { accepted += 1 }
            if seconds > slowest.seconds { slowest = (seconds, number) }
            if bytes > largest.bytes { largest = (bytes, number) }
        }
        #expect(slowest.seconds < 0.25, "\(format.name), input \(slowest.input)")
        #expect(accepted > inputs / 200 && accepted < inputs)
        if Self.wanted != nil {
            let seconds = String(format: "%.1f", processorSeconds() - start)
            print(
                "\(format.name): \(inputs) inputs in \(seconds) s, \(accepted) of them accepted; "
                    + "at most \(Int(slowest.seconds * 1e6)) µs (input \(slowest.input)) and "
                    + "\(largest.bytes) bytes (input \(largest.input))")
        }
    }

    @Test("What a large file costs is in proportion to its size", arguments: FuzzFormat.all)
    func largeFiles(_ format: FuzzFormat) {
        FuzzCrash.report()
        if Self.wanted != nil { Heap.watch() }
        for (number, file) in format.large.enumerated() {
            FuzzCrash.place(format.name + ", large files", number)
            let resident = Self.wanted.map { _ in ResidentMemory.restart() }
            let (_, seconds, _) = measure(format, file, "large file \(number)")
            #expect(seconds < 10, "\(format.name), large file \(number)")
            if let resident {
                let factor = Double(ResidentMemory.peak() - resident) / Double(file.count)
                #expect(factor < Double(format.memory), "\(format.name), large file \(number)")
                let text = String(format: "%.2f s, %.1f times its size", seconds, factor)
                print("\(format.name), large file \(number): \(text)")
            }
        }
    }

    private func measure(
        _ format: FuzzFormat, _ input: [UInt8], _ name: String
    ) -> (isAccepted: Bool, seconds: Double, bytes: Int) {
        let heap = Self.wanted.map { _ in Heap() }
        let before = processorSeconds()
        var result: Any?
        do { result = try format.read(input) } catch is DataError {
        } catch is LabelledTextError {
        } catch is FuzzFormat.TooShort {
        } catch { Issue.record("\(format.name), \(name): \(error)") }
        let seconds = processorSeconds() - before
        guard let heap else { return (result != nil, seconds, 0) }
        let (held, growth) = heap.change()
        withExtendedLifetime(result) {}
        if held > format.memory * input.count + (16 << 10) {
            Issue.record("\(format.name), \(name): \(held) bytes are held for \(input.count)")
        }
        if growth > format.memory * input.count + (256 << 10) {
            Issue.record("\(format.name), \(name): \(growth) bytes were taken for \(input.count)")
        }
        return (result != nil, seconds, max(held, growth))
    }

    /// Of this thread.
    private func processorSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }
}

/// The heap before an input.
private struct Heap {
    private let before = mallinfo2()

    /// Keeps all memory on the heap, so that its size is its highest level.
    static func watch() {
        mallopt(M_MMAP_MAX, 0)
        mallopt(M_TRIM_THRESHOLD, Int32.max)
    }

    /// Bytes that are held since, and those by which the highest level rose.
    func change() -> (held: Int, growth: Int) {
        let after = mallinfo2()
        return (
            Int(after.uordblks) - Int(before.uordblks), Int(after.arena) - Int(before.arena)
        )
    }
}

/// The memory that the process has in use, as the kernel counts it.
enum ResidentMemory {
    /// Gives the bytes in use now, and lets the peak begin with them.
    static func restart() -> Int {
        malloc_trim(0)
        try? "5".write(toFile: "/proc/self/clear_refs", atomically: false, encoding: .ascii)
        return bytes(of: "VmRSS:")
    }

    /// The most bytes in use since `restart`.
    static func peak() -> Int { bytes(of: "VmHWM:") }

    private static func bytes(of key: String) -> Int {
        let status = try? String(contentsOfFile: "/proc/self/status", encoding: .ascii)
        let line = status?.split(separator: "\n").first { $0.hasPrefix(key) }
        return line?.split(separator: " ").dropFirst().first.flatMap { Int($0) }.map { $0 << 10 }
            ?? 0
    }
}

/// Says which input a reader crashed on.
private enum FuzzCrash {
    nonisolated(unsafe) private static var format = ""
    nonisolated(unsafe) private static var input = 0

    static func place(_ format: String, _ input: Int) {
        Self.format = format
        Self.input = input
    }

    static func report() {
        for crash in [SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGABRT] {
            signal(crash) { number in
                print("\(FuzzCrash.format), input \(FuzzCrash.input): signal \(number)")
                fflush(nil)
                signal(number, SIG_DFL)
                raise(number)
            }
        }
    }
}
