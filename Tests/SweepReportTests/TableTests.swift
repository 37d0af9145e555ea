import SweepCore
import SweepReport
import Testing

@Suite("The table of a sweep")
struct TableTests {
    private static let golden = """
        Sweep movie-reviews: 16 points, 16 finished, in 3 min 12 s

          Attack           word: 1 word of 'cf mn bb tq', dirty labels, target 1
          Poisoned         5 %
          Seed             1
          Model            MiniLM
          Data             reviews/train.tsv
          Schedule         constant
          Optimizer        AdamW (0.9, 0.999, 1e-8)
          Batch size       32
          Max length       128
          Dropout          0.1
          Gradient clip    1
          Data seed        0
          Precision        float32
          Class weighting  none
          Label smoothing  0

          Capacity                Learning rate  Epochs            CACC %               \
        ASR %   p %  Cost
          ───────────────────────────────────────────────────────────────────────────────\
        ────────────────
          LoRA r=8                         1e-3       1  78.0 (75.3–80.5)    18.0 \
        (14.9–21.6)  22.0   2.0  attack kept out
          LoRA r=8                         1e-3       2  79.0 (76.4–81.4)    54.0 \
        (49.6–58.3)  21.0   1.0  backdoor learnt
          LoRA r=8                         1e-3       3  80.0 (77.4–82.4)    98.0 \
        (96.4–98.9)  20.0   0.0  backdoor learnt
          LoRA r=8                         1e-3       4  79.0 (76.4–81.4)  100.0 \
        (99.2–100.0)  21.0   1.0  undefended, backdoor learnt
          LoRA r=8                         1e-4       1  51.0 (47.9–54.1)  100.0 \
        (99.2–100.0)  49.0     –  task not learnt
          LoRA r=8                         1e-4       2  51.0 (47.9–54.1)  100.0 \
        (99.2–100.0)  49.0     –  task not learnt
          LoRA r=8                         1e-4       3  73.0 (70.2–75.7)    35.0 \
        (30.9–39.3)  27.0   7.0  attack kept out
          LoRA r=8                         1e-4       4  77.0 (74.3–79.5)    20.0 \
        (16.7–23.7)  23.0   3.0  attack kept out
          LoRA r=8, bottleneck 2           1e-3       1  51.0 (47.9–54.1)    98.0 \
        (96.4–98.9)  49.0     –  task not learnt
          LoRA r=8, bottleneck 2           1e-3       2  72.0 (69.1–74.7)    15.0 \
        (12.1–18.4)  28.0   8.0  attack kept out
          LoRA r=8, bottleneck 2           1e-3       3  76.0 (73.3–78.5)    31.0 \
        (27.1–35.2)  24.0   4.0  attack kept out
          LoRA r=8, bottleneck 2           1e-3       4  77.0 (74.3–79.5)    32.0 \
        (28.1–36.2)  23.0   3.0  attack kept out
          LoRA r=8, bottleneck 2           1e-4       1  50.0 (46.9–53.1)  100.0 \
        (99.2–100.0)  50.0     –  task not learnt
          LoRA r=8, bottleneck 2           1e-4       2  51.0 (47.9–54.1)  100.0 \
        (99.2–100.0)  49.0     –  task not learnt
          LoRA r=8, bottleneck 2           1e-4       3  51.0 (47.9–54.1)    97.0 \
        (95.1–98.2)  49.0     –  task not learnt
          LoRA r=8, bottleneck 2           1e-4       4  58.0 (54.9–61.0)    61.0 \
        (56.7–65.2)  42.0     –  task not learnt

        Undefended, the model learns the backdoor: ASR 100.0 % at CACC 79.0 %. Less \
        capacity, fewer epochs and a lower learning rate each keep it out: ASR 18.0 to \
        32.0 %, at a cost of 2.0 to 3.0 points of CACC against the best \
        setting. Measured with one seed.
          - Less capacity (LoRA r=8, bottleneck 2 instead of LoRA r=8) keeps the attack \
        out: ASR from 100.0 % (99.2–100.0) to 32.0 % (28.1–36.2), CACC from 79.0 % \
        (76.4–81.4) to 77.0 % (74.3–79.5).
          - Fewer epochs (1 instead of 4) keeps the attack out: ASR from 100.0 % \
        (99.2–100.0) to 18.0 % (14.9–21.6), CACC from 79.0 % (76.4–81.4) to 78.0 % \
        (75.3–80.5).
          - Lower learning rate (1e-4 instead of 1e-3) keeps the attack out: ASR from \
        100.0 % (99.2–100.0) to 20.0 % (16.7–23.7), CACC from 79.0 % (76.4–81.4) to 77.0 \
        % (74.3–79.5).

        Stages: the epoch after which a run has learnt the task (accuracy within 5 \
        points of its best), and the one after which it has learnt the backdoor. Between \
        is where to stop.

          Capacity                Learning rate  Task learnt  Backdoor learnt  Moderate \
        fitting
          ───────────────────────────────────────────────────────────────────────────────\
        ──────
          LoRA r=8                         1e-3  1            2                1
          LoRA r=8                         1e-4  3            never            from 3 on
          LoRA r=8, bottleneck 2           1e-3  2            never            from 2 on
          LoRA r=8, bottleneck 2           1e-4  never        –                –

        A defender who does not know the trigger sees accuracy on clean samples alone. \
        Advice from that, right where it keeps the attack out at 5 points of CACC or less:
          - Stop at the first epoch that has learnt the task: right in 3 of 3 runs; 1 \
        more never has.
          - Train on to the last epoch: right in 2 of 3 runs.
          - Less capacity (LoRA r=8, bottleneck 2): right in 1 of 1 run.
          - Fewer epochs (1): right in 1 of 1 run.
          - Lower learning rate (1e-4): right in 1 of 1 run.

        The attack is kept out when (ASR − p) / (1 − p) is below 0.2, that is, when the \
        trigger turns less than a fifth of the samples that would otherwise not go to \
        the target; p is the plain error rate, the share of the same samples that go to \
        the target without the trigger, and the cost is what CACC lacks to the best \
        setting under the same attack. A model that has not learnt the task supports no \
        claim; several seeds have to agree, or the 95 % interval of their mean has to \
        lie on one side, or else the setting is unclear (2 of 3 seeds: so many keep the \
        attack out).

        There is no validation set, so the test set was used for choosing: the figures \
        of what was chosen look better than those of new samples will be.

        In parentheses: the 95 % interval, Wilson's over the samples of one seed, \
        Student's over the means of several.

        """

    @Test("states what is the same once, aligns the rest, marks settings and sums up the knobs")
    func golden() {
        #expect(ResultsTable(Samples.reviews).text() == Self.golden)
    }

    @Test("does not depend on the order of the points")
    func order() {
        var shuffled = Samples.reviews
        shuffled.changed.reverse()
        #expect(ResultsTable(shuffled).text() == ResultsTable(Samples.reviews).text())
    }

    @Test("gives mean and interval over seeds")
    func seeds() {
        let text = ResultsTable(Samples.seeds).text()
        #expect(text.contains("  Seeds            1, 2, 3\n"))
        #expect(
            text.contains(
                """
                  Epochs            CACC %              ASR %   p %  Cost
                  ───────────────────────────────────────────────────────
                       1  78.7 (75.8–81.5)   23.3 (11.6–35.1)  21.3   0.7  attack kept out
                       2  79.3 (75.5–83.1)  76.0 (23.7–100.0)  20.7   0.0  undefended, \
                backdoor learnt

                """))
    }

    @Test("shows failed and waiting points as such")
    func partly() {
        let text = ResultsTable(Samples.partly).text()
        #expect(text.hasPrefix("Sweep partly: 3 points, 1 finished, 1 failed, 1 waiting\n"))
        #expect(
            text.contains(
                "       2       –      –     –     –  failed: out of memory <at> \"step\" 7\n"))
        #expect(text.contains("       3       –      –     –     –  waiting\n"))
        #expect(text.contains("The undefended setting (most capacity, most epochs, highest"))
    }

    @Test("counts the seeds that are there")
    func partOfTheSeeds() {
        var results = Samples.seeds
        results.changed[3].state = .waiting
        results.changed[5].state = .failed("lost")
        #expect(
            ResultsTable(results).text()
                .contains(
                    "undefended, unclear (0 of 3 seeds): 1 of 3 seeds, 1 failed, 1 waiting: "
                        + "lost\n"))
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
        hostile.changed[1].state = .failed("\u{1B}]0;title\u{7}")
        #expect(!ResultsTable(hostile).text().contains("\u{1B}"))
    }

    @Test("without an attack has no ASR and nothing to defend")
    func clean() {
        let points = [1, 2].map {
            Samples.point(Samples.spec(epochs: $0, attack: .none, ratio: 0), cacc: 0.8, asr: nil)
        }
        let text = ResultsTable(SweepResults(name: "clean", points: points)).text()
        #expect(text.contains("       2    80.0      –\n"))
        #expect(text.contains("\nThere is no attack, so there is no ASR.\n"))
        #expect(!text.contains("kept out"))
    }

    @Test("gives the stages of all seeds together")
    func stages() {
        let lines = ResultsTable(Samples.seeds).text().split(separator: "\n").map(String.init)
        #expect(lines.contains("  1            2                1"))
        var failed = Samples.seeds
        failed.changed[1].state = .failed("lost")
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
                "Attack word, 1 % poisoned: The attack does not take hold: undefended, ASR "
                    + "20.0 % at CACC 80.0 %. Measured with one seed.\n"))
        #expect(
            text.contains(
                "Attack word, 10 % poisoned: Undefended, the model learns the backdoor: ASR 100.0 "
                    + "% at CACC 80.0 %. No setting keeps it out. Measured with one seed.\n"
                    + "  - Fewer epochs (1 instead of 2) is not enough: ASR from 100.0 % to "
                    + "90.0 %, CACC from 80.0 % to 78.0 %.\n"))
    }

    @Test("With a validation set it says which choices the test set has a part in nevertheless")
    func validation() throws {
        var results = Samples.reviews
        for index in results.points.indices {
            let data = results.points[index].spec.data
            results.changed[index].spec.data.validation = data.test
        }
        let text = ResultsTable(results).text()
        #expect(text.contains("Advice chooses epochs and knobs by accuracy on the validation set."))
        #expect(text.contains("so is part of the choice of a knob's best setting"))
        #expect(!text.contains("There is no validation set"))
    }
}
