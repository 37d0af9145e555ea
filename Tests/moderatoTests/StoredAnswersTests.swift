import Foundation
import SweepCore
import Testing

@Suite("Questions after the coordinator has ended")
struct StoredAnswersTests {
    private static let grid = """
          capacity: lora
          epochs: [1, 2]
          learning-rate: [1e-3, 1e-4]
          attack: word
          poison-ratio: 0.1
          seed: [1, 2]
        """

    @Test("explain, status, results and retry read the store, at once")
    func store() async throws {
        let stage = try Stage()
        let file = try stage.writeSmallSweep(grid: Self.grid)
        let options = ["--home", stage.home]
        let failed = try stage.run(
            ["run", file, "--fake-trainer", "seconds=0.01,failures=1"] + options)
        #expect(failed.status == 1)
        let began = Date()
        let story = try stage.run(["explain", "1"] + options)
        #expect(story.status == 0 && story.output.contains("It has failed"), "\(story)")
        #expect(story.output.contains("attempt 1 of run 1"))
        #expect(story.errors.contains("no coordinator works in"))
        #expect(try stage.run(["explain", "99"] + options).status == 77)
        let status = try stage.run(["status"] + options)
        #expect(status.status == 0 && status.output.contains("failed"), "\(status)")
        let json = try stage.run(["status", "--json"] + options)
        #expect(json.output.hasPrefix("{"))
        #expect(try stage.run(["results"] + options).output.contains("Run"))
        let retried = try stage.run(["retry", "small"] + options)
        #expect(retried.status == 0 && retried.output.contains("tried again"), "\(retried)")
        #expect(retried.output.contains("'moderato run'"))
        #expect(try stage.run(["retry", "other"] + options).status == 77)
        #expect(try stage.run(["drain", "a"] + options).status == 69)
        // Nobody waited ten seconds for a coordinator, in any of them.
        #expect(Date().timeIntervalSince(began) < 10)
        let again = try stage.run(["run", file, "--fake-trainer", "seconds=0.01"] + options)
        #expect(again.status == 0, "\(again)")
        let text = try stage.run(["results", "--json"] + options).output
        let document = try #require(
            try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        let points = try #require(document["points"] as? [[String: Any]])
        let runs = Set(points.compactMap { $0["run"] as? Int })
        #expect(runs.count == 4, "\(runs)")
        for run in runs {
            let told = try stage.run(["explain", "\(run)"] + options).output
            #expect(told.contains("It is completed"))
        }
    }

    @Test("While a coordinator works, it is asked")
    func coordinator() async throws {
        let stage = try Stage()
        _ = try await stage.startCoordinator()
        let status = try stage.run(["status", "--home", stage.home])
        #expect(status.status == 0 && status.errors.isEmpty, "\(status)")
    }
}
