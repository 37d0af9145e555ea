import Foundation
import SweepCore
import SweepReport
import Testing

@Suite("The exports of a sweep")
struct ExportTests {
    @Test("CSV has a row for each point, full precision, and quotes as RFC 4180 says")
    func csv() {
        let metrics = EpochMetrics(
            epoch: 2, trainingLoss: 0.1 + 0.2, testLoss: .nan, cacc: 1.0 / 3, asr: 0.5,
            classes: [ClassResult(correct: 1, total: 4), ClassResult(correct: 0, total: 0)],
            cleanFit: Fit(loss: 0.25, accuracy: 0.75), poisonedFit: Fit(loss: .nan, accuracy: 1),
            triggeredSamples: 200, plainErrorRate: 0.25)
        let attack = Attack.word(WordAttack(triggers: ["a,b", "\"c\""], labelMode: .clean))
        let results = SweepResults(
            name: "x",
            points: [
                PointOutcome(
                    spec: Samples.spec(
                        Samples.narrow, epochs: 2, rate: 1e-4, attack: attack, seed: .max),
                    state: .finished(metrics), curve: [metrics], trainableParameters: 74_498),
                PointOutcome(
                    spec: Samples.spec(attack: .none, ratio: 0),
                    state: .failed("first line\nsecond")),
            ])
        let digest = Digest(ofText: "a file").hex
        #expect(
            ResultsExport(results).csv
                == "pet,pet_size,rank,alpha,bottleneck,in_dim,learning_rate,epochs,attack,"
                + "triggers,trigger_count,label_mode,target,poison_ratio,seed,"
                + "trainable_parameters,state,cacc,asr,training_loss,test_loss,"
                + "clean_fit_loss,clean_fit_accuracy,poisoned_fit_loss,poisoned_fit_accuracy,"
                + "validation_loss,validation_accuracy,triggered_samples,plain_error_rate,"
                + "macro_f1,"
                + "class_accuracies,error,attack_details,"
                + "task_learnt,trigger_learnt,window,run,turned_share,verdict,setting_verdict,"
                + "trainer,attempt,worker,host,device,program,training_core,libtorch,"
                + "model_digest,train_digest,test_digest,validation_digest,attack_digests,"
                + "started,ended\r\n"
                + "lora,,8,16,2,2,0.0001,2,word,\"a,b \"\"c\"\"\",1,clean,1,0.05,"
                + "18446744073709551615,74498,finished,0.3333333333333333,0.5,"
                + "0.30000000000000004,,0.25,0.75,,1,,,200,0.25,,0.25 -,,"
                + "\"word: 1 word of 'a,b \"\"c\"\"', clean labels, target 1\",,,,,"
                + "0.3333333333333333,not-learnt,not-learnt,"
                + "unknown,,,,,,,,\(digest),\(digest),\(digest),,,,\r\n"
                + "lora,,8,16,,,0.001,1,none,,,,,0,1,,failed,,,,,,,,,,,,,,,"
                + "\"first line\nsecond\",none,,,,,,,,"
                + "real,,,,,,,,\(digest),\(digest),\(digest),,,,\r\n")
    }

    @Test("JSON has the same keys, sorted, and null where there is no value")
    func json() throws {
        let text = ResultsExport(Samples.partly).json
        let document = try #require(
            try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        #expect(document["name"] as? String == "partly")
        #expect(document["elapsed_seconds"] is NSNull)
        let points = try #require(document["points"] as? [[String: Any]])
        #expect(points.map { $0["state"] as? String } == ["finished", "failed", "waiting"])
        #expect(points.allSatisfy { Set($0.keys) == Set(ResultsExport.columns + ["curve"]) })
        #expect(points[0]["cacc"] as? Double == 0.78)
        #expect(points[1]["error"] as? String == "out of memory\n<at> \"step\" 7")
        #expect(points[2]["asr"] is NSNull)
        #expect(points[0]["class_accuracies"] is NSNull)
        let keys = text.split(separator: "\n").filter { $0.hasPrefix("      \"") }
            .prefix(ResultsExport.columns.count + 1)
            .compactMap { $0.split(separator: "\"").dropFirst().first.map(String.init) }
        #expect(keys == (ResultsExport.columns + ["curve"]).sorted())
    }

    @Test("the curve of a point has every figure of every epoch")
    func curve() throws {
        var metrics = EpochMetrics(
            epoch: 1, trainingLoss: 0.5, testLoss: 0.25, cacc: 0.75, asr: nil)
        metrics.classes = [
            ClassResult(correct: 1, total: 2), ClassResult(correct: 0, total: 0),
        ]
        metrics.validation = Fit(loss: 1, accuracy: 0.5)
        let point = PointOutcome(
            spec: Samples.spec(), state: .finished(metrics), curve: [metrics])
        let text = ResultsExport(SweepResults(name: "x", points: [point])).json
        let document = try #require(
            try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        let points = try #require(document["points"] as? [[String: Any]])
        let epoch = try #require((points[0]["curve"] as? [[String: Any]])?.first)
        #expect(epoch["epoch"] as? Int == 1)
        #expect(epoch["validation_accuracy"] as? Double == 0.5)
        #expect(epoch["clean_fit_loss"] is NSNull)
        let classes = try #require(epoch["class_accuracies"] as? [Any])
        #expect(classes[0] as? Double == 0.5)
        #expect(classes[1] is NSNull)
    }

    @Test("every point has the stages of the run that serves it")
    func stages() throws {
        let rows = ResultsExport(Samples.reviews).csv.split(separator: "\r\n").dropFirst()
        #expect(rows.prefix(4).allSatisfy { $0.contains(",1,2,1-1,,") })
        #expect(rows.dropFirst(4).prefix(4).allSatisfy { $0.contains(",3,,3-,,") })
        #expect(rows.suffix(4).allSatisfy { $0.contains(",500,") })
        #expect(rows.last?.contains(",not-learnt,not-learnt,unknown,") == true)
    }

    @Test("a sweep without points still has a header and a list")
    func empty() {
        #expect(ResultsExport(Samples.empty).csv.hasSuffix(",started,ended\r\n"))
        #expect(ResultsExport(Samples.empty).json.contains("\"points\" : ["))
    }
}
