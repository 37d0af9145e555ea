import Glibc
// A world holds its values: without this an old build would go on with their old layout.
import SweepCore
import SweepSimulator

// Lives through many seeds, on all cores, or one again; tells the first promise that was broken.

let usage = """
    usage: moderato-simulate SEEDS              the seeds 1 to SEEDS
           moderato-simulate --seed SEED [--verbose]
                                                one seed again; prints its trace, or everything
    """

/// What came of some seeds.
struct Tally: Sendable {
    var seeds = 0
    var events = 0
    var faults: [Fault: Int] = [:]
    var broken: (seed: UInt64, violation: String)?

    static func living(through seeds: ClosedRange<UInt64>) -> Tally {
        var tally = Tally()
        for seed in seeds {
            var world = World(seed: seed)
            let isGood = world.run()
            tally.seeds += 1
            tally.events += world.events
            tally.faults.merge(world.faults) { $0 + $1 }
            if !isGood {
                tally.broken = (seed, world.violation ?? "")
                break
            }
        }
        return tally
    }

    mutating func add(_ other: Tally) {
        seeds += other.seeds
        events += other.events
        faults.merge(other.faults) { $0 + $1 }
        if let its = other.broken, its.seed < broken?.seed ?? .max { broken = its }
    }
}

func live(through seeds: UInt64) async -> Tally {
    let began = ContinuousClock.now
    let isTerminal = isatty(STDERR_FILENO) != 0
    return await withTaskGroup(of: Tally.self) { group in
        let block: UInt64 = 50
        var next: UInt64 = 1
        func addBlock() {
            guard next <= seeds else { return }
            let some = next...min(next + block - 1, seeds)
            next = some.upperBound + 1
            group.addTask { Tally.living(through: some) }
        }
        for _ in 0..<sysconf(Int32(_SC_NPROCESSORS_ONLN)) { addBlock() }
        var all = Tally()
        for await tally in group {
            all.add(tally)
            if all.broken == nil { addBlock() }
            if isTerminal {
                let left = (ContinuousClock.now - began) / all.seeds * (Int(seeds) - all.seeds)
                let line =
                    "\r\(all.seeds) of \(seeds) seeds, \(left.components.seconds) s left\u{1B}[K"
                let text = all.seeds < seeds ? line : "\r\u{1B}[K"
                _ = write(STDERR_FILENO, text, text.utf8.count)
            }
        }
        return all
    }
}

let words = CommandLine.arguments.dropFirst()
if words.first == "--seed", let seed = words.dropFirst().first.flatMap({ UInt64($0) }) {
    var world = World(seed: seed)
    if words.last == "--verbose" { world.listener = { print($0) } }
    let isGood = world.run()
    print("seed \(seed): \(world.events) events, trace \(String(world.trace, radix: 16))")
    if let violation = world.violation { print("broken: \(violation)") }
    exit(isGood ? 0 : 1)
} else if let seeds = words.first.flatMap({ UInt64($0) }), seeds > 0 {
    let tally = await live(through: seeds)
    if let broken = tally.broken {
        print("seed \(broken.seed) is broken: \(broken.violation)")
        print("again: moderato-simulate --seed \(broken.seed)")
        exit(1)
    }
    let faults = tally.faults.values.reduce(0, +)
    print("\(seeds) seeds, \(tally.events) events, \(faults) faults, no promise broken")
    for fault in Fault.allCases { print("  \(fault.rawValue): \(tally.faults[fault] ?? 0)") }
} else {
    print(usage)
    exit(64)
}
