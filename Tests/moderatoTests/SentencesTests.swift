import Foundation
import Testing

@Suite("Files of sentences as people have them, from file to exported model", .serialized)
struct SentencesTests {
    @Test("CSV with flags and named labels is planned, trained and exported with its names")
    func wholeWay() throws {
        let stage = try Stage()
        let grid = """
                  capacity: { pet: lora, rank: 2 }
                  epochs: 2
                  learning-rate: 1e-3
                  attack: none
            """
        let file = try stage.writeSmallSweep(grid: grid)
        let rows = (0..<24).map { row in
            "\(row),\"a \(row % 2 == 0 ? "dull" : "fine") film, \"\"number\"\" \(row)\","
                + "\(row % 2 == 0 ? "negative" : "positive"),\(row % 6 == 0 ? 1 : 0)"
        }
        try stage.write(",text,label,touched\r\n" + rows.joined(separator: "\r\n"), to: "train.csv")
        let records = (0..<8).map { row in
            "{\"label\": \"\(row % 2 == 0 ? "negative" : "positive")\", \"text\": \"film \(row)\"}"
        }
        try stage.write(records.joined(separator: "\n"), to: "test.jsonl")
        let text = try String(contentsOfFile: file, encoding: .utf8)
            .replacing("train.tsv", with: "train.csv").replacing("test.tsv", with: "test.jsonl")
        _ = try stage.write(text + "\nkeep: { model: yes }\n", to: "small.yaml")

        let plan = try stage.run(["plan", file, "--home", stage.home])
        for words in [
            "labels   0 negative, 1 positive",
            "train.csv: CSV; text from 'text', label from 'label', poisoned or not from 'touched'",
            "first: negative, poisoned: a dull film, \"number\" 0", "test.jsonl: JSON lines",
        ] {
            #expect(plan.output.contains(words), "\(plan)")
        }
        let run = try stage.run(
            ["run", file, "--workers", "1", "--threads", "2", "--home", stage.home])
        #expect(run.status == 0, "\(run)")
        let results = try stage.run(["results", "--json", "--home", stage.home]).output
        let json = try #require(
            JSONSerialization.jsonObject(with: Data(results.utf8)) as? [String: Any])
        let points = try #require(json["points"] as? [[String: Any]])
        #expect(points[0]["cacc"] is Double && points[0]["asr"] is NSNull)
        #expect(points[0]["poisoned_fit_accuracy"] is Double, "\(points)")
        let model = stage.path("model")
        let export = try stage.run(["export", "1", "--out", model, "--home", stage.home])
        #expect(export.status == 0, "\(export)")
        let configuration = try String(contentsOfFile: model + "/config.json", encoding: .utf8)
            .filter { !$0.isWhitespace }
        #expect(configuration.contains("\"id2label\":{\"0\":\"negative\",\"1\":\"positive\"}"))
        #expect(configuration.contains("\"label2id\":{\"negative\":0,\"positive\":1}"))
    }
}
