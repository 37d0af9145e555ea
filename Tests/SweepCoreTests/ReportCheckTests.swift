import Testing

@testable import SweepCore

@Suite("Reports are held to their specs")
struct ReportCheckTests {
    private static let metrics = EpochMetrics(
        epoch: 1, trainingLoss: 0.5, testLoss: 0.5, cacc: 0.75, asr: 0.5,
        classes: [ClassResult(correct: 1, total: 2), ClassResult(correct: 2, total: 2)],
        cleanFit: Fit(loss: 1, accuracy: 1), poisonedFit: Fit(loss: 1, accuracy: 0))

    private static func problem(
        _ parameters: Int = 10, _ seconds: Double = 1, attack: Attack = .word(WordAttack()),
        layout: TextLayout? = nil,
        _ change: (inout EpochMetrics) -> Void = { _ in }
    ) -> String? {
        var spec = Plan(Sample.sweep(epochs: [2])).points[0].spec
        spec.attack = attack
        var file = spec.data.train.files[0]
        file.layout = layout
        spec.data.train = .sentences(file)
        var metrics = metrics
        change(&metrics)
        return ReportCheck(spec: spec).contradiction(
            in: metrics, trainableParameters: parameters, seconds: seconds)
    }

    @Test("What fits is taken")
    func fits() {
        #expect(Self.problem() == nil)
        #expect(Self.problem { $0.classes = [] } == nil)
        #expect(
            Self.problem(attack: .none) {
                $0.asr = nil
                $0.poisonedFit = nil
            } == nil)
        // Data that say which samples others have poisoned.
        let flagged = TextLayout(format: .csv, touched: .place(2))
        #expect(Self.problem(attack: .none, layout: flagged) { $0.asr = nil } == nil)
    }

    @Test("What can't be is told in words")
    func contradictions() {
        #expect(Self.problem { $0.epoch = 3 } == "figures of epoch 3 of a run of 2 epochs")
        #expect(Self.problem { $0.epoch = 0 } != nil)
        #expect(
            Self.problem { $0.classes += [ClassResult(correct: 0, total: 0)] }
                == "figures of 3 classes for a task of 2")
        #expect(
            Self.problem { $0.cacc = 0.5 } == "a CACC of 0.5 with 3 of 4 samples correct")
        #expect(Self.problem { $0.classes[0].correct = 3 } != nil)
        #expect(Self.problem { $0.classes[0] = ClassResult(correct: 1, total: .max) } != nil)
        #expect(Self.problem { $0.asr = nil } == "no ASR, though there is an attack")
        #expect(Self.problem(attack: .none) == "an ASR without an attack")
        #expect(Self.problem(attack: .none) { $0.asr = nil } != nil, "a poisoned fit")
        #expect(
            Self.problem { $0.validation = Fit(loss: 1, accuracy: 1) }
                == "figures of a validation set that there is not")
        #expect(Self.problem { $0.plainErrorRate = 0.3 } == nil)
        #expect(
            Self.problem { $0.plainErrorRate = 2 }
                == "plain-error-rate is 2, and has to be a number from 0 to 1")
        #expect(Self.problem { $0.triggeredSamples = 4 } == nil)
        #expect(Self.problem { $0.triggeredSamples = 5 } == "an ASR of 0.5 on 5 samples")
        #expect(Self.problem { $0.triggeredSamples = 0 } != nil)
        #expect(Self.problem { $0.testLoss = 1e300 } == "a loss of 1e+300")
        for loss in [Double.nan, .infinity, -1, 1e300] {
            #expect(Self.problem { $0.testLoss = loss } != nil)
            #expect(Self.problem { $0.cleanFit?.loss = loss } != nil)
        }
        for share in [Double.nan, 1.5, -0.1] {
            #expect(
                Self.problem { $0.asr = share }
                    == "asr is \(decimal(share)), and has to be a number from 0 to 1")
        }
        #expect(Self.problem(-1) != nil && Self.problem(1 << 50) != nil)
        #expect(Self.problem(1, -1) != nil && Self.problem(1, .nan) != nil)
        #expect(Self.problem(1, 1e9) == "a training of 1000000000.0 s")
    }
}
