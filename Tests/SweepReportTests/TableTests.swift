import SweepCore
import SweepReport
import Testing

@Suite("The table of a sweep")
struct TableTests {
    @Test("states what is the same once, aligns the rest, marks settings and sums up the knobs")
    func golden() {
        #expect(
            ResultsTable(Samples.reviews).text() == """
                Sweep movie-reviews: 16 points, 16 finished, in 3 min 12 s

                  Attack             word: 1 word of 'cf mn bb tq', dirty labels, target 1
                  Poisoned           5 %
                  Seed               1
                  Model              MiniLM
                  Data               reviews/train.tsv
                  Schedule           constant
                  Batch size         32
                  Tokens at most     128
                  Dropout            0.1
                  Gradient clipping  norm 1
                  Optimizer          AdamW (0.9, 0.999, 1e-8)
                  Data seed          0

                  Capacity                Learning rate  Epochs  CACC %  ASR %
                  ────────────────────────────────────────────────────────────
                  LoRA r=8                         1e-3       1    78.0   18.0  defended
                  LoRA r=8                         1e-3       2    79.0   54.0
                  LoRA r=8                         1e-3       3    80.0   98.0
                  LoRA r=8                         1e-3       4    79.0  100.0  undefended
                  LoRA r=8                         1e-4       1    51.0  100.0  task not learnt
                  LoRA r=8                         1e-4       2    51.0  100.0  task not learnt
                  LoRA r=8                         1e-4       3    73.0   35.0
                  LoRA r=8                         1e-4       4    77.0   20.0  defended
                  LoRA r=8, bottleneck 2           1e-3       1    51.0   98.0  task not learnt
                  LoRA r=8, bottleneck 2           1e-3       2    72.0   15.0
                  LoRA r=8, bottleneck 2           1e-3       3    76.0   31.0  defended
                  LoRA r=8, bottleneck 2           1e-3       4    77.0   32.0  defended
                  LoRA r=8, bottleneck 2           1e-4       1    50.0  100.0  task not learnt
                  LoRA r=8, bottleneck 2           1e-4       2    51.0  100.0  task not learnt
                  LoRA r=8, bottleneck 2           1e-4       3    51.0   97.0  task not learnt
                  LoRA r=8, bottleneck 2           1e-4       4    58.0   61.0  task not learnt

                Undefended, the model learns the backdoor: ASR 100.0 % at CACC 79.0 %. \
                Less capacity, fewer epochs and a lower learning rate each keep it out: \
                ASR 18.0 to 32.0 %.
                  - Less capacity (LoRA r=8, bottleneck 2 instead of LoRA r=8) takes ASR from \
                100.0 % to 32.0 %, CACC from 79.0 % to 77.0 %.
                  - Fewer epochs (1 instead of 4) takes ASR from 100.0 % to 18.0 %, CACC from \
                79.0 % to 78.0 %.
                  - Lower learning rate (1e-4 instead of 1e-3) takes ASR from 100.0 % to 20.0 %, \
                CACC from 79.0 % to 77.0 %.

                Stages: the epoch after which a run has learnt the task (CACC within 5 points of \
                its best), and the trigger (it turns half of the samples or more). Between is \
                where to stop.

                  Capacity                Learning rate  Task learnt  Trigger learnt  \
                Moderate fitting
                  ──────────────────────────────────────────────────────────────────────\
                ──────────────
                  LoRA r=8                         1e-3  1            3               1–2
                  LoRA r=8                         1e-4  3            never           from 3 on
                  LoRA r=8, bottleneck 2           1e-3  2            never           from 2 on
                  LoRA r=8, bottleneck 2           1e-4  never        –               –

                A defender who does not know the trigger sees accuracy on clean samples alone. \
                Advice from that:
                  - Stop at the first epoch that has learnt the task: right in 3 of 3 runs; 1 more \
                never has.
                  - Train on to the last epoch: right in 2 of 3 runs.
                  - Less capacity (LoRA r=8, bottleneck 2): right in 1 of 1 run.
                  - Fewer epochs (1): right in 1 of 1 run.
                  - Lower learning rate (1e-4): right in 1 of 1 run.

                """)
    }

    @Test("does not depend on the order of the points")
    func order() {
        var shuffled = Samples.reviews
        shuffled.points.reverse()
        #expect(ResultsTable(shuffled).text() == ResultsTable(Samples.reviews).text())
    }

    @Test("gives mean and standard deviation over seeds")
    func seeds() {
        let text = ResultsTable(Samples.seeds).text()
        #expect(text.contains("  Seeds              1, 2, 3\n"))
        #expect(
            text.contains(
                """
                  Epochs      CACC %        ASR %
                  ───────────────────────────────
                       1  78.7 ± 1.2   23.3 ± 4.7  defended
                       2  79.3 ± 1.5  76.0 ± 21.1  undefended

                """))
    }

    @Test("shows failed and waiting points as such")
    func partly() {
        let text = ResultsTable(Samples.partly).text()
        #expect(text.hasPrefix("Sweep partly: 3 points, 1 finished, 1 failed, 1 waiting\n"))
        #expect(text.contains("       2       –      –  failed: out of memory <at> \"step\" 7\n"))
        #expect(text.contains("       3       –      –  waiting\n"))
        #expect(text.contains("The undefended setting (most capacity, most epochs, highest"))
    }

    @Test("counts the seeds that are there")
    func partOfTheSeeds() {
        var results = Samples.seeds
        results.points[3].state = .waiting
        results.points[5].state = .failed("lost")
        #expect(
            ResultsTable(results).text()
                .contains("undefended: 1 of 3 seeds, 1 failed, 1 waiting: lost\n"))
    }

    @Test("of a sweep without points says so")
    func empty() {
        #expect(ResultsTable(Samples.empty).text() == "Sweep empty: 0 points, 0 finished\n")
    }

    @Test("has colours on a terminal only, and lets no text command the terminal")
    func colours() {
        let plain = ResultsTable(Samples.reviews).text()
        let coloured = ResultsTable(Samples.reviews).text(isTerminal: true)
        #expect(!plain.contains("\u{1B}"))
        #expect(coloured.contains("\u{1B}[31m  LoRA r=8                         1e-3       4"))
        #expect(coloured.contains("\u{1B}[32m  LoRA r=8                         1e-3       1"))
        var hostile = Samples.partly
        hostile.name = "\u{1B}[2Jname\n"
        hostile.points[1].state = .failed("\u{1B}]0;title\u{7}")
        #expect(!ResultsTable(hostile).text().contains("\u{1B}"))
    }

    @Test("without an attack has no ASR and nothing to defend")
    func clean() {
        let points = [1, 2].map {
            Samples.point(Samples.spec(epochs: $0, attack: .none, ratio: 0), cacc: 0.8, asr: nil)
        }
        let text = ResultsTable(SweepResults(name: "clean", points: points)).text()
        #expect(text.contains("       2    80.0      –\n"))
        #expect(text.hasSuffix("There is no attack, so there is no ASR.\n"))
    }

    @Test("gives the stages of all seeds together")
    func stages() {
        let lines = ResultsTable(Samples.seeds).text().split(separator: "\n").map(String.init)
        #expect(lines.contains("  1            2, never in 1 of 3  1"))
        var failed = Samples.seeds
        failed.points[1].state = .failed("lost")
        #expect(ResultsTable(failed).text().contains("2, not yet in 1 of 3"))
    }

    @Test("compares within an attack and a ratio")
    func groups() {
        let results = SweepResults(
            name: "ratios",
            points: Samples.line(Samples.lora, 1e-3, [(78, 10), (80, 20)], ratio: 0.01)
                + Samples.line(Samples.lora, 1e-3, [(78, 90), (80, 100)], ratio: 0.1))
        let text = ResultsTable(results).text()
        #expect(
            text.contains(
                "Attack word, 1 % poisoned: The attack does not take hold: undefended, ASR is "
                    + "20.0 % at CACC 80.0 %.\n"))
        #expect(
            text.contains(
                "Attack word, 10 % poisoned: Undefended, the model learns the backdoor: ASR 100.0 "
                    + "% at CACC 80.0 %. No setting halves ASR at 5 points of CACC or less.\n"
                    + "  - Fewer epochs (1 instead of 2) is not enough: ASR from 100.0 % to "
                    + "90.0 %, CACC from 80.0 % to 78.0 %.\n"))
    }
}
