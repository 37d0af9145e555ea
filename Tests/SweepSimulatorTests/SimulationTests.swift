import Foundation
import SweepCore
import SweepSimulator
import Testing

@Suite("Under simulated faults")
struct SimulationTests {
    @Test("No promise is broken, whatever breaks", arguments: 0..<10)
    func promises(hundred: UInt64) {
        for seed in 100 * hundred + 1...100 * hundred + 100 {
            var world = World(seed: seed)
            world.run()
            #expect(world.violation == nil, "seed \(seed)")
        }
    }

    @Test("A seed replays everything")
    func replay() {
        for seed in UInt64(1)...5 {
            var first = World(seed: seed)
            var second = World(seed: seed)
            first.run()
            second.run()
            #expect(first.trace == second.trace && first.events == second.events)
        }
    }

    @Test("A seed replays everything in another process, where hash tables have another order")
    func replayElsewhere() throws {
        let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
            .deletingLastPathComponent().appendingPathComponent("moderato-simulate")
        for seed in 1...5 {
            let traces = try (1...3).map { _ in
                let process = Process()
                let output = Pipe()
                process.executableURL = program
                process.arguments = ["--seed", "\(seed)"]
                process.standardOutput = output
                try process.run()
                let text = output.fileHandleForReading.readDataToEndOfFile()
                process.waitUntilExit()
                #expect(process.terminationStatus == 0)
                return String(decoding: text, as: UTF8.self)
            }
            #expect(Set(traces).count == 1 && traces[0].contains("trace"))
        }
    }

    @Test("A planted mistake is found", arguments: PlantedBug.allCases)
    func plantedBugs(_ bug: PlantedBug) {
        let found = (UInt64(1)...200).first { seed in
            var world = World(seed: seed, plantedBug: bug)
            return !world.run()
        }
        #expect(found != nil, "\(bug) was not found in 200 seeds")
    }
}
