import Foundation
import SweepCore
import SweepReport
import Testing

@Suite("The exports of a sweep")
struct ExportTests {
    @Test("CSV has a row for each point, full precision, and quotes as RFC 4180 says")
    func csv() {
        let metrics = EpochMetrics(
            epoch: 2, trainingLoss: 0.1 + 0.2, testLoss: .nan, cacc: 1.0 / 3, asr: 0.5)
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
        #expect(
            ResultsExport(results).csv
                == "pet,rank,alpha,bottleneck,in_dim,learning_rate,epochs,attack,triggers,"
                + "trigger_count,label_mode,target,poison_ratio,seed,"
                + "trainable_parameters,state,cacc,asr,training_loss,test_loss,error\r\n"
                + "lora,8,16,2,2,0.0001,2,word,\"a,b \"\"c\"\"\",1,clean,1,0.05,"
                + "18446744073709551615,74498,finished,0.3333333333333333,0.5,"
                + "0.30000000000000004,,\r\n"
                + "lora,8,16,,,0.001,1,none,,,,,0,1,,failed,,,,,\"first line\nsecond\"\r\n")
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
        let keys = text.split(separator: "\n").filter { $0.hasPrefix("      \"") }
            .prefix(ResultsExport.columns.count + 1)
            .compactMap { $0.split(separator: "\"").dropFirst().first.map(String.init) }
        #expect(keys == (ResultsExport.columns + ["curve"]).sorted())
    }

    @Test("a sweep without points still has a header and a list")
    func empty() {
        #expect(ResultsExport(Samples.empty).csv.hasSuffix("test_loss,error\r\n"))
        #expect(ResultsExport(Samples.empty).json.contains("\"points\" : ["))
    }
}
