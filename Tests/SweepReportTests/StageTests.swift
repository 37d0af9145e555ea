import SweepCore
import Testing

@testable import SweepReport

/// CACC and ASR in percent after epochs 1, 2, …, as an independent implementation measured them:
/// MiniLM with LoRA on SST-2 (linear decay, mixed labels) and on movie reviews (constant rate,
/// dirty labels).
enum Curves {
    static let undefended = curve([
        (84, 15), (85, 26), (86, 32), (86, 42), (86, 84), (86, 92), (86, 95), (86, 98), (86, 99),
        (87, 99),
    ])
    static let narrow = curve([
        (55, 83), (63, 77), (81, 28), (82, 27), (83, 25), (83, 24), (83, 29), (84, 25), (84, 26),
        (84, 24),
    ])
    static let slow = curve([
        (50, 100), (83, 23), (84, 25), (85, 24), (85, 24), (85, 23), (85, 26), (86, 24), (86, 25),
        (86, 24),
    ])
    static let wide = curve([(85, 23), (85, 93), (86, 100), (88, 100), (87, 100)])

    /// The reviews' undefended runs, those with bottleneck 2 and those at a tenth of the rate.
    static let reviews: [[[(Double, Double)]]] = [
        [
            [(78, 18), (79, 54), (80, 98), (79, 100), (80, 100)],
            [(78, 27), (81, 96), (80, 100), (79, 100), (80, 100)],
            [(80, 25), (78, 78), (80, 99), (81, 100), (80, 100)],
        ],
        [
            [(51, 98), (72, 15), (76, 31), (77, 32), (77, 29)],
            [(59, 78), (75, 32), (75, 25), (77, 31), (76, 25)],
            [(54, 85), (70, 47), (76, 37), (76, 28), (77, 51)],
        ],
        [
            [(51, 100), (51, 100), (73, 35), (77, 20), (78, 20)],
            [(51, 100), (51, 100), (67, 58), (75, 33), (77, 25)],
            [(51, 100), (51, 100), (65, 68), (76, 19), (77, 18)],
        ],
    ]

    static func curve(_ figures: [(Double, Double?)]) -> [EpochMetrics] {
        figures.enumerated().map { index, figure in
            EpochMetrics(
                epoch: index + 1, trainingLoss: 0.5, testLoss: 0.5, cacc: figure.0 / 100,
                asr: figure.1.map { $0 / 100 })
        }
    }

    static func stages(_ curve: [EpochMetrics], best: Double? = nil) -> Stages {
        Stages(of: curve, labels: 2, target: 1, judge: Judge(curve, labels: 2, best: best))
    }
}

@Suite("The stages of a run")
struct StageTests {
    @Test("undefended: task at once, trigger at epoch 3, two epochs between")
    func undefended() {
        let stages = Curves.stages(Curves.undefended)
        #expect(stages.taskLearnt == 1)
        #expect(stages.triggerLearnt == 3)
        #expect(stages.window == .closed(1...2))
    }

    @Test("bottleneck 2: task at epoch 3, trigger never, though an untrained head has ASR 83")
    func bottleneck() {
        let stages = Curves.stages(Curves.narrow)
        #expect(stages.taskLearnt == 3)
        #expect(stages.triggerLearnt == nil)
        #expect(stages.window == .open(from: 3))
    }

    @Test("low rate: task at epoch 2, trigger never; wide bottleneck: trigger at epoch 2")
    func others() {
        #expect(Curves.stages(Curves.slow).window == .open(from: 2))
        let wide = Curves.stages(Curves.wide)
        #expect(wide.triggerLearnt == 2)
        #expect(wide.window == .closed(1...1))
    }

    @Test("the epochs of nine runs on movie reviews")
    func reviews() {
        let all = Curves.reviews.map { runs in
            runs.map { Curves.stages(Curves.curve($0.map { ($0, $1) }), best: 0.81) }
        }
        #expect(all.map { $0.map(\.taskLearnt) } == [[1, 1, 1], [2, 2, 3], [3, 4, 4]])
        #expect(
            all.map { $0.map(\.triggerLearnt) }
                == [[2, 2, 2], [nil, nil, 5], [nil, nil, nil]])
    }

    @Test("a run at chance has no stages, alone or beside one that learns")
    func neverLearnt() {
        let curve = Curves.curve([(50, 100), (51, 100), (51, 97), (58, 61)])
        for best in [nil, 0.8] {
            let stages = Curves.stages(curve, best: best)
            #expect(stages.taskLearnt == nil)
            #expect(stages.triggerLearnt == nil)
            #expect(stages.window == .none)
        }
        #expect(Curves.stages(Curves.curve([(64, 20)]), best: 0.8).taskLearnt == nil)
        #expect(Curves.stages(Curves.curve([(66, 20)]), best: 0.8).taskLearnt == 1)
    }

    @Test("chance is the largest class's share")
    func imbalanced() {
        var curve = Curves.curve([(70, 5), (71, 5)])
        for index in curve.indices {
            curve[index].classes = [
                ClassResult(correct: 1, total: 30), ClassResult(correct: 69, total: 70),
            ]
        }
        #expect(Curves.stages(curve).taskLearnt == nil)
        #expect(Curves.stages(Curves.curve([(70, 5), (71, 5)])).taskLearnt == 1)
    }

    @Test("plain errors of the other class are not the trigger's")
    func plainErrors() {
        var metrics = Curves.curve([(75, 35)])[0]
        func verdict() -> Verdict? {
            Judge([metrics], labels: 2).verdict(metrics, labels: 2, target: 1)
        }
        #expect(verdict() == .keptOut)
        #expect(abs(Judge.plainError(metrics, labels: 2, target: 1) - 0.25) < 1e-12)
        // All of the errors are in the target's class, so the trigger turns 35 of 100.
        metrics.classes = [
            ClassResult(correct: 100, total: 100), ClassResult(correct: 50, total: 100),
        ]
        #expect(verdict() == .backdoorLearnt)
        // What was measured counts before what is reckoned.
        metrics.plainErrorRate = 0.2
        #expect(verdict() == .keptOut)
        metrics.plainErrorRate = nil
        // A head that calls everything the target has ASR 1 and has learnt nothing.
        metrics.asr = 1
        metrics.classes = [
            ClassResult(correct: 0, total: 100), ClassResult(correct: 100, total: 100),
        ]
        #expect(Judge.turnedShare(metrics, labels: 2, target: 1) == nil)
        #expect(verdict() == .notLearnt)
        // With ten labels, a ninth of the errors go to the target.
        #expect(abs(Judge.plainError(metrics, labels: 10, target: 1) - 0.25 / 9) < 1e-12)
    }

    @Test("one epoch, no epoch, no attack, figures missing or not numbers")
    func edges() {
        #expect(Curves.stages(Curves.curve([(80, 95)])).window == .none)
        #expect(Curves.stages(Curves.curve([(80, 95)])).triggerLearnt == 1)
        #expect(Curves.stages(Curves.curve([(80, 20)])).window == .open(from: 1))
        #expect(Curves.stages([]).taskLearnt == nil)
        let curve = Curves.curve([(80, nil), (82, nil)])
        let clean = Stages(
            of: curve, labels: 2, target: nil, judge: Judge(curve, labels: 2))
        #expect(clean.taskLearnt == 1)
        #expect(clean.window == .open(from: 1))
        let broken = Curves.curve([(.nan, 20), (80, .nan), (81, 99)])
        #expect(Curves.stages(broken).taskLearnt == 2)
        #expect(Curves.stages(broken).window == .closed(2...2))
        #expect(Curves.stages(Curves.curve([(.nan, .nan)])).window == .none)
        // Epochs 2 and 3 were not measured: what is not known to be right is not in the window.
        let gap = Curves.undefended.filter { ![2, 3, 4].contains($0.epoch) }
        #expect(Curves.stages(gap).window == .closed(1...1))
    }
}

@Suite("What a defender could have known")
struct AdviceTests {
    private let results: SweepResults = {
        let settings = [
            (Samples.lora, 1e-3), (Samples.narrow, 1e-3), (Samples.lora, 1e-4),
        ]
        let points = zip(settings, Curves.reviews).flatMap { setting, runs in
            runs.enumerated().flatMap { index, figures in
                Samples.line(setting.0, setting.1, figures, seed: UInt64(index + 1))
            }
        }
        return SweepResults(name: "advice", points: points)
    }()

    private func advice(_ results: SweepResults) -> [String] {
        let settings = results.settings
        return results.groups.flatMap { group in
            results.advice(
                for: group, runs: results.runs(of: settings).filter { $0.setting.group == group },
                settings: settings.filter { $0.setting.group == group }[...]
            ).map(\.sentence)
        }
    }

    @Test("stopping when the task is learnt and each weaker knob are counted against going on")
    func counts() {
        #expect(
            advice(results) == [
                "Stop at the first epoch that has learnt the task: right in 9 of 9 runs.",
                "Train on to the last epoch: right in 5 of 9 runs.",
                "Less capacity (LoRA r=8, bottleneck 2): right in 2 of 3 runs.",
                "Fewer epochs (1): right in 3 of 3 runs.",
                "Lower learning rate (1e-4): right in 3 of 3 runs.",
            ])
    }

    @Test("advice that meets a trigger learnt at once is wrong, and is counted as such")
    func wrong() {
        let points = Samples.line(Samples.lora, 1e-3, [(80, 97), (81, 100)])
        let lines = advice(SweepResults(name: "x", points: points))
        #expect(lines.first?.hasSuffix("right in 0 of 1 run.") == true)
        #expect(lines.last == "Fewer epochs (1): right in 0 of 1 run.")
    }

    @Test("a knob that costs too much is left alone")
    func tooWeak() {
        let points =
            Samples.line(Samples.lora, 1e-3, [(80, 97)])
            + Samples.line(Samples.lora, 1e-4, [(60, 60)])
        #expect(
            advice(SweepResults(name: "x", points: points)).last
                == "Lower learning rate: no, it costs more than 5 points of accuracy.")
    }

    @Test("what a validation set shows decides where to stop")
    func validation() {
        var points = Samples.line(Samples.lora, 1e-3, [(80, 20), (80, 97)])
        for (index, accuracy) in [0.6, 0.8].enumerated() {
            guard case .finished(var metrics) = points[index].state else { continue }
            metrics.validation = Fit(loss: 1, accuracy: accuracy)
            points[index].state = .finished(metrics)
        }
        let results = SweepResults(name: "x", points: points)
        #expect(results.runs(of: results.settings).map(\.stages.taskLearnt) == [2])
        #expect(advice(results).first?.hasSuffix("right in 0 of 1 run.") == true)
    }

    @Test("there is none without an attack or without a result")
    func none() {
        let clean = [1, 2].map {
            Samples.point(Samples.spec(epochs: $0, attack: .none, ratio: 0), cacc: 0.8, asr: nil)
        }
        #expect(advice(SweepResults(name: "clean", points: clean)).isEmpty)
        var waiting = Samples.partly
        waiting.changed.removeFirst()
        #expect(advice(waiting).isEmpty)
        #expect(advice(Samples.empty).isEmpty)
    }
}
