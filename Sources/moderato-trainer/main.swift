import Foundation
import SweepCore
import SweepTraining

// The only program that links libtorch. A worker starts it and speaks with it over pipes;
// `benchmark` is for people.

let usage = """
    usage: moderato-trainer [--threads N] [--device cpu|cuda|cuda:N] [--artifacts FOLDER]
                            [--checkpoint-every SECONDS] [--checkpoint-limit MB]
           moderato-trainer benchmark --model FOLDER --train FILE.tsv [--steps N] [--threads N]
                                      [--device …] [--bottleneck N]
           moderato-trainer export --checkpoint FILE --out FOLDER
                                   [--form transformers|peft|parameters]
           moderato-trainer pretrain --data FOLDER --output FOLDER …

    Without a command it is run by 'moderato worker', and reads jobs from standard input.
    'benchmark' prints training steps per second of LoRA on the sentences, and the share of their
    time that is Swift's and not libtorch's, as JSON; 'export' is run by 'moderato export', and
    'pretrain' by 'moderato pretrain', whose --help has all its options.
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

func count(
    _ options: [String: String], _ name: String, or other: Int, atLeast least: Int = 1
) -> Int {
    guard let text = options[name] else { return other }
    guard let number = Int(text), (least...1_000_000_000).contains(number) else {
        fail("\(name) \(text): \(least) or more")
    }
    return number
}

func device(_ options: [String: String]) -> Device {
    guard let device = Device(options["--device"] ?? "cpu") else {
        fail("--device \(options["--device"] ?? ""): cpu, cuda or cuda:N")
    }
    return device
}

func needed(_ options: [String: String], _ name: String) -> String {
    guard let value = options[name] else { fail("\(name) is needed\n\(usage)") }
    return value
}

let cores = ProcessInfo.processInfo.activeProcessorCount
let words = CommandLine.arguments.dropFirst()
switch words.first {
case "benchmark":
    let options = parseOptions(
        words.dropFirst(),
        known: ["--threads", "--device", "--model", "--train", "--steps", "--bottleneck"])
    Benchmark(
        model: needed(options, "--model"), train: needed(options, "--train"),
        threads: count(options, "--threads", or: cores), device: device(options),
        steps: count(options, "--steps", or: 100),
        bottleneck: options["--bottleneck"].map { _ in count(options, "--bottleneck", or: 1) }
    ).run()
case "export":
    let options = parseOptions(words.dropFirst(), known: ["--checkpoint", "--out", "--form"])
    let name = options["--form"] ?? "transformers"
    guard let form = ModelExport.Form(rawValue: name) else {
        let forms = ModelExport.Form.allCases.map(\.rawValue).joined(separator: ", ")
        fail("--form \(name): one of \(forms)")
    }
    do {
        try ModelExport(Checkpoint(reading: needed(options, "--checkpoint")))
            .write(form, to: needed(options, "--out"))
    } catch {
        fail("\(error)", status: 1)
    }
case "pretrain":
    Pretrain(parseOptions(words.dropFirst(), known: Pretrain.options)).run()
default:
    let options = parseOptions(
        words,
        known: [
            "--threads", "--device", "--artifacts", "--checkpoint-every", "--checkpoint-limit",
        ])
    Service(
        threads: count(options, "--threads", or: cores), device: device(options),
        artifacts: options["--artifacts"] ?? "artifacts",
        states: StatePolicy(
            interval: .seconds(count(options, "--checkpoint-every", or: 60, atLeast: 0)),
            mostBytes: count(options, "--checkpoint-limit", or: 512, atLeast: 0) * 1_000_000)
    ).serve()
}
