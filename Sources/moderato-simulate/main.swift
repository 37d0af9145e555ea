import Glibc
import SweepSimulator

// Lives through many seeds, or one, and tells the first promise that was broken.

let usage = """
    usage: moderato-simulate SEEDS              the seeds 1 to SEEDS
           moderato-simulate --seed SEED [--verbose]
                                                one seed again; prints its trace, or everything
    """

let words = CommandLine.arguments.dropFirst()
if words.first == "--seed", let seed = words.dropFirst().first.flatMap({ UInt64($0) }) {
    var world = World(seed: seed)
    if words.last == "--verbose" { world.listener = { print($0) } }
    let isGood = world.run()
    print("seed \(seed): \(world.events) events, trace \(String(world.trace, radix: 16))")
    if let violation = world.violation { print("broken: \(violation)") }
    exit(isGood ? 0 : 1)
} else if let seeds = words.first.flatMap({ UInt64($0) }), seeds > 0 {
    var events = 0
    var faults: [Fault: Int] = [:]
    for seed in 1...seeds {
        var world = World(seed: seed)
        guard world.run() else {
            print("seed \(seed) is broken: \(world.violation ?? "")")
            print("again: moderato-simulate --seed \(seed)")
            exit(1)
        }
        events += world.events
        faults.merge(world.faults) { $0 + $1 }
    }
    print(
        "\(seeds) seeds, \(events) events, \(faults.values.reduce(0, +)) faults, no promise broken")
    for fault in Fault.allCases { print("  \(fault.rawValue): \(faults[fault] ?? 0)") }
} else {
    print(usage)
    exit(64)
}
