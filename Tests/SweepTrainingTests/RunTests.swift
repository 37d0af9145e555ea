import Foundation
import SweepCore
import Testing

@testable import SweepTraining

extension TrainingTests {
    @MainActor @Suite struct Runs {
        @Test("The same spec gives the same metrics, also after another run")
        func determinism() throws {
            let spec = try Fixture.tinySpec()
            let first = try Fixture.metrics(spec)
            var other = spec
            other.seed = 6
            #expect(try Fixture.metrics(other) != first)
            #expect(try Fixture.metrics(spec) == first)
            let onTwoThreads = try Fixture.metrics(spec, threads: 2)
            #expect(try Fixture.metrics(spec, threads: 2) == onTwoThreads)
        }

        @Test("With a constant schedule, epoch k of a longer run is the run with k epochs")
        func prefixSharing() throws {
            var spec = try Fixture.tinySpec()
            let short = try Fixture.metrics(spec)
            spec.epochs = 3
            let long = try Fixture.metrics(spec)
            #expect(short.count == 2 && long.count == 3)
            #expect(Array(long.prefix(2)) == short)
        }

        @Test("A bottleneck trains, with the same metrics each time")
        func bottleneck() throws {
            var spec = try Fixture.tinySpec()
            spec.capacity.bottleneck = Bottleneck(size: 2)
            spec.attack = .none
            spec.poisonRatio = 0
            let first = try Fixture.metrics(spec)
            #expect(first.allSatisfy { $0.asr == nil && $0.trainingLoss.isFinite })
            #expect(try Fixture.metrics(spec) == first)
        }

        @Test("Trained parameters are as many as in the paper's method")
        func parameterCounts() throws {
            var spec = try Fixture.tinySpec()
            for (bottleneck, count) in [(nil, 74_498), (2, 149_008), (64, 4_768_132)] {
                spec.capacity.bottleneck = bottleneck.map { Bottleneck(size: $0) }
                let run = try TrainingRun(spec: spec, threads: 1, cache: Fixture.cache)
                #expect(run.trainableParameters == count)
                #expect(run.stepsPerEpoch == 3)
            }
        }

        @Test("Loss falls on sentences that can be learnt by heart")
        func learning() throws {
            var spec = try Fixture.tinySpec()
            spec.attack = .none
            spec.poisonRatio = 0
            spec.epochs = 12
            spec.learningRate = 5e-3
            spec.settings.dropout = 0
            let metrics = try Fixture.metrics(spec)
            #expect(metrics[11].trainingLoss < 0.6 * metrics[0].trainingLoss)
        }

        @Test("onProgress counts every step and can stop the run")
        func progress() throws {
            let run = try TrainingRun(spec: Fixture.tinySpec(), threads: 1, cache: Fixture.cache)
            var steps: [Int] = []
            var epochs = 0
            let finished = try run.run(
                onProgress: { done, total in
                    #expect(total == 6)
                    steps.append(done)
                    return done < 4
                },
                onEpoch: { _ in epochs += 1 })
            #expect(!finished)
            #expect(steps == [1, 2, 3, 4])
            #expect(epochs == 1)
        }

        @Test("A prepared attack reads both files and measures the target's share")
        func preparedAttack() throws {
            var spec = try Fixture.tinySpec()
            let content = Array("sentence\tlabel\r\ncf dull \t 1\r\na cf bore\t1".utf8)
            let test = FileReference(path: try Fixture.write(content), digest: Digest(of: content))
            spec.attack = .prepared(
                PreparedAttack(train: spec.data.train, test: .sentences(test)))
            spec.poisonRatio = 0
            spec.epochs = 1
            let asr = try #require(try Fixture.metrics(spec).first?.asr)
            #expect([0, 0.5, 1].contains(asr))
            spec.attack = .prepared(
                PreparedAttack(train: spec.data.train, test: .sentences(test), target: 0))
            #expect(message { try Fixture.metrics(spec) }.contains("sample 1: the label is 1"))
        }

        @Test("Macro F1 is the mean over classes of 2 tp / (2 tp + fp + fn)")
        func macroF1() throws {
            func classes(_ pairs: [(Int, Int)]) -> [ClassResult] {
                pairs.map { ClassResult(correct: $0.0, total: $0.1) }
            }
            // 3 of 4 and 4 of 6 are right; 2 and 1 of the others are taken for them.
            let known = EpochMetrics.macroF1(classes([(3, 4), (4, 6)]), wrongly: [2, 1])
            let (first, second): (Double, Double) = (6.0 / 9, 8.0 / 11)
            #expect(known == (first + second) / 2)
            // The third class does not occur; the second is an answer but no label.
            let rare = EpochMetrics.macroF1(classes([(2, 3), (0, 0), (0, 0)]), wrongly: [0, 1, 0])
            #expect(rare == 0.4)
            #expect(EpochMetrics.macroF1([], wrongly: []) == nil)
            for metrics in try Fixture.metrics(Fixture.tinySpec()) {
                let wrong = Array(metrics.classes.map { $0.total - $0.correct }.reversed())
                let expected = EpochMetrics.macroF1(metrics.classes, wrongly: wrong)
                #expect(metrics.macroF1 == expected)
            }
        }

        @Test("The plain error rate is that of the triggered samples without their trigger")
        func plainErrors() throws {
            for metrics in try Fixture.metrics(Fixture.tinySpec()) {
                // Of two classes, wrong answers to the other one are the target.
                let other = metrics.classes[0]
                #expect(metrics.triggeredSamples == other.total)
                #expect(
                    metrics.plainErrorRate
                        == Double(other.total - other.correct) / Double(other.total))
            }
            var clean = try Fixture.tinySpec()
            clean.attack = .none
            clean.poisonRatio = 0
            #expect(
                try Fixture.metrics(clean).allSatisfy {
                    $0.plainErrorRate == nil && $0.triggeredSamples == nil
                })
        }

        @Test("Flags of the clean training set give both fits, without any attack")
        func flaggedData() throws {
            var spec = try Fixture.tinySpec()
            spec.attack = .none
            spec.poisonRatio = 0
            #expect(try Fixture.metrics(spec).allSatisfy { $0.poisonedFit == nil })
            let rows = (0..<12).map {
                "\($0),\"a film, \($0)\",\($0 % 2 == 0 ? "bad" : "good"),\($0 / 9)"
            }
            let content = Array((",text,label,touched\n" + rows.joined(separator: "\n")).utf8)
            let layout = TextLayout(
                format: .csv, text: .place(1), label: .place(2), touched: .place(3),
                labels: ["bad", "good"])
            spec.data.train = .sentences(
                FileReference(
                    path: try Fixture.write(content), digest: Digest(of: content), layout: layout))
            for metrics in try Fixture.metrics(spec) {
                #expect(metrics.cleanFit != nil && metrics.poisonedFit != nil && metrics.asr == nil)
            }
        }

        @Test("A file that changed is refused with its name")
        func wrongDigest() throws {
            var spec = try Fixture.tinySpec()
            var file = spec.data.train.files[0]
            file.digest = Digest(ofText: "something else")
            spec.data.train = .sentences(file)
            let text = message { try Fixture.metrics(spec) }
            #expect(text.contains(spec.data.train.path))
            #expect(text.contains("is not the file the sweep was made with"))
            spec = try Fixture.tinySpec()
            file = spec.data.test.files[0]
            file.path += ".not-there"
            spec.data.test = .sentences(file)
            let message = message {
                try TrainingRun(spec: spec, threads: 1, cache: TrainingCache())
            }
            #expect(message.contains("cannot be read"))
        }

        @Test("A label that no training sample has is refused with its file and line")
        func unlearntLabel() throws {
            var spec = try Fixture.tinySpec()
            spec.data.labels = 3
            let content = Array("sentence\tlabel\nfine\t1\nso so\t2\n".utf8)
            let path = try Fixture.write(content)
            let train = spec.data.train.path
            let set = DataSet.sentences(FileReference(path: path, digest: Digest(of: content)))
            let expected = "\(path), line 3: no sample of \(train) has the label 2, so"
            var other = spec
            other.data.test = set
            #expect(message { try Fixture.metrics(other) }.hasPrefix(expected))
            other = spec
            other.data.validation = set
            #expect(message { try Fixture.metrics(other) }.hasPrefix(expected))
        }

        @Test("A training that diverges names the step and the last finite loss")
        func divergence() throws {
            var spec = try Fixture.tinySpec()
            spec.learningRate = 1e6
            let text = message { try Fixture.metrics(spec) }
            #expect(text.contains("diverged at step "))
            #expect(text.contains("the last finite loss was "))
        }

        @Test("Values that no training can have are refused in words")
        func badSpecs() throws {
            let good = try Fixture.tinySpec()
            func message(_ change: (inout TrainingSpec) -> Void) throws -> String {
                var spec = good
                change(&spec)
                return self.message { try Fixture.metrics(spec) }
            }
            #expect(try message { $0.epochs = 0 }.contains("epochs"))
            #expect(try message { $0.learningRate = -.infinity }.contains("learning-rate"))
            #expect(try message { $0.settings.maxLength = 513 }.contains("positions of the model"))
            #expect(try message { $0.settings.batchSize = 0 }.contains("batch-size"))
            #expect(try message { $0.settings.dropout = 1 }.contains("dropout"))
            #expect(try message { $0.attack = .word(WordAttack(target: 2)) }.contains("target"))
            #expect(
                try message { $0.attack = .word(WordAttack(triggers: [])) }.contains("triggers"))
            #expect(
                try message { $0.capacity.bottleneck = Bottleneck(size: 0) }.contains("bottleneck"))
            #expect(try message { $0.data.labels = 1 }.contains("labels"))
            #expect(try message { $0.poisonRatio = 0.9 }.contains("may be triggered"))
        }

        private func message(_ body: () throws -> some Any) -> String {
            do {
                _ = try body()
                return "no error"
            } catch {
                return "\(error)"
            }
        }
    }
}
