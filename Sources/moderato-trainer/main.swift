import Foundation
import SweepCore
import SweepTraining

// The only program that links libtorch. A worker starts it and speaks with it over pipes;
// `benchmark` is for people.

let usage = """
    usage: moderato-trainer [--threads N] [--device cpu|cuda|cuda:N]
           moderato-trainer benchmark --model FOLDER --train FILE.tsv [--steps N] [--threads N]
                                      [--device …] [--bottleneck N]

    Without 'benchmark' it is run by 'moderato worker', and reads jobs from standard input.
    With it, it prints training steps per second of LoRA on the sentences, and the share
    of their time that is Swift's and not libtorch's, as JSON.
    """

func fail(_ message: String, status: Int32 = 64) -> Never {
    FileHandle.standardError.write(Data("moderato-trainer: \(message)\n".utf8))
    exit(status)
}

func parseOptions(_ arguments: ArraySlice<String>, known: Set<String>) -> [String: String] {
    var options: [String: String] = [:]
    var rest = arguments
    while let name = rest.popFirst() {
        if name == "--help" || name == "-h" {
            print(usage)
            exit(0)
        }
        guard known.contains(name), let value = rest.popFirst() else {
            fail("'\(name)' makes no sense here\n\(usage)")
        }
        options[name] = value
    }
    return options
}

func count(_ options: [String: String], _ name: String, or other: Int) -> Int {
    guard let text = options[name] else { return other }
    guard let number = Int(text), number >= 1 else { fail("\(name) \(text): 1 or more") }
    return number
}

let isBenchmark = CommandLine.arguments.dropFirst().first == "benchmark"
let options = parseOptions(
    CommandLine.arguments.dropFirst(isBenchmark ? 2 : 1),
    known: isBenchmark
        ? ["--threads", "--device", "--model", "--train", "--steps", "--bottleneck"]
        : ["--threads", "--device"])
let threads = count(options, "--threads", or: ProcessInfo.processInfo.activeProcessorCount)
guard let device = Device(options["--device"] ?? "cpu") else {
    fail("--device \(options["--device"] ?? ""): cpu, cuda or cuda:N")
}
if isBenchmark {
    guard let model = options["--model"], let train = options["--train"] else {
        fail("--model and --train are needed\n\(usage)")
    }
    Benchmark(
        model: model, train: train, threads: threads, device: device,
        steps: count(options, "--steps", or: 100),
        bottleneck: options["--bottleneck"].map { _ in count(options, "--bottleneck", or: 1) }
    ).run()
} else {
    Service(threads: threads, device: device).serve()
}
