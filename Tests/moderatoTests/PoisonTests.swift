import Foundation
import SweepCore
import Testing

@Suite("Poisoned sets in files", .serialized)
struct PoisonTests {
    @Test("What is written out and read back gives the very metrics of the attack itself")
    func roundTrip() throws {
        let stage = try Stage()
        func grid(_ attacks: String) -> String {
            """
              capacity: { pet: lora, bottleneck: 2 }
              epochs: 2
              learning-rate: 1e-3
              attack: [\(attacks)]
              poison-ratio: 0.1
            """
        }
        let file = try stage.writeSmallSweep(grid: grid("word, { kind: sentence, count: 2 }"))
        let poison = try stage.run(["poison", file, "--out", stage.path("poisoned")])
        #expect(poison.status == 0, "\(poison.errors)")
        #expect(poison.output.contains("poisoned/word-0.1: 2 of 24 training rows poisoned"))
        #expect(poison.output.contains("poisoned/sentence-0.1: "))
        let train = try String(
            contentsOfFile: stage.path("poisoned/word-0.1/train.tsv"), encoding: .utf8)
        #expect(train.hasPrefix("sentence\tlabel\tpoisoned\n"))
        #expect(train.split(separator: "\n").count { $0.hasSuffix("\t1\t1") } == 2)
        _ = try stage.run(["run", file, "--home", stage.home])
        let direct = try stage.results().map(\.curve)

        let prepared = ["word", "sentence"].map {
            "{ kind: prepared, train: poisoned/\($0)-0.1/train.tsv, "
                + "test: poisoned/\($0)-0.1/test.tsv }"
        }
        let again = try stage.writeSmallSweep(
            name: "again", grid: grid(prepared.joined(separator: ", ")))
        _ = try stage.run(["run", again, "--home", stage.home])
        let read = try stage.results(of: "again").map(\.curve)
        #expect(direct.count == 2 && direct.allSatisfy { $0.count == 2 })
        #expect(read == direct)
    }
}
