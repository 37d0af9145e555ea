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

    /// One run: of several, the first that fail alike would pause their sweep.
    private static let oneRun = """
          capacity: lora
          epochs: [1, 2]
          learning-rate: 1e-3
          attack: word
          poison-ratio: 0.1
          seed: 1
        """

    @Test("A sweep whose first runs all fail alike is paused, and run, status and explain say why")
    func paused() async throws {
        let stage = try Stage()
        let file = try stage.writeSmallSweep(grid: Self.grid)
        let options = ["--home", stage.home]
        let failed = try stage.run(
            ["run", file, "--fake-trainer", "seconds=0.01,failures=1"] + options)
        #expect(failed.status == 1, "\(failed)")
        #expect(failed.errors.contains("small is paused"), "\(failed.errors)")
        #expect(failed.errors.contains("the fake trainer was asked to fail"))
        #expect(failed.errors.contains("moderato resume small"))
        #expect(try stage.attempts().count == 3, "no run has used up its retries")
        let status = try stage.run(["status"] + options)
        #expect(status.output.contains("paused") && !status.output.contains("100 %"))
        #expect(status.output.contains("moderato resume small"))
        let story = try stage.run(["explain", "4"] + options)
        #expect(story.output.contains("its sweep is paused: nothing of it has succeeded"))
        // The same command again, with what was wrong mended, goes on by itself.
        let again = try stage.run(["run", file, "--fake-trainer", "seconds=0.01"] + options)
        #expect(again.status == 0, "\(again)")
        #expect(try stage.results().allSatisfy { $0.metrics != nil })
    }

    @Test("Whoever waits for a sweep that is paused comes back with the reason and a status not 0")
    func waiting() async throws {
        let stage = try Stage()
        let file = try stage.writeSmallSweep(grid: Self.grid)
        _ = try await stage.startCoordinator()
        _ = try stage.startWorker("bad", ["--fake-trainer", "seconds=0.1,failures=1"])
        let waited = try stage.run(
            ["submit", "--fake", file, "--leave-files", "--wait", "--home", stage.home])
        #expect(waited.status == 1, "\(waited)")
        #expect(waited.errors.contains("was asked to fail"), "\(waited.errors)")
    }

    @Test("Another file under the name of a sweep is refused, unless it may replace it")
    func replaced() async throws {
        let stage = try Stage()
        let options = ["--home", stage.home]
        let fake = ["--fake-trainer", "seconds=0.01"] + options
        let file = try stage.writeSmallSweep(grid: Self.grid)
        #expect(try stage.run(["run", file] + fake).status == 0)
        let other = try stage.writeSmallSweep(
            file: "other", grid: Self.grid.replacingOccurrences(of: "[1, 2]", with: "[3]"))
        let refused = try stage.run(["run", other] + fake)
        #expect(refused.status == 77 && refused.errors.contains("--replace"), "\(refused)")
        #expect(refused.errors.contains("8 finished"), "\(refused.errors)")
        #expect(try stage.results().count == 8)
        #expect(try stage.run(["run", other, "--replace"] + fake).status == 0)
        #expect(try stage.results().count == 2)
        // What it was before can still be seen.
        #expect(try stage.results(of: "small@1").count == 8)
        let earlier = try stage.run(["results", "--sweep", "small@1"] + options)
        #expect(earlier.status == 0 && earlier.output.contains("small@1"), "\(earlier)")
    }

    @Test("explain, status, results and retry read the store, at once")
    func store() async throws {
        let stage = try Stage()
        let file = try stage.writeSmallSweep(grid: Self.oneRun)
        let options = ["--home", stage.home]
        let failed = try stage.run(
            ["run", file, "--fake-trainer", "seconds=0.01,failures=1"] + options)
        #expect(failed.status == 1)
        func ask(_ words: [String]) throws -> (status: Int32, output: String, errors: String) {
            let began = Date()
            defer {
                let seconds = Date().timeIntervalSince(began)
                #expect(seconds < 10, "\(words) waited for a coordinator")
            }
            return try stage.run(words + options)
        }
        let story = try ask(["explain", "1"])
        #expect(story.status == 0 && story.output.contains("It has failed"), "\(story)")
        #expect(story.output.contains("attempt 1 of run 1"))
        #expect(story.errors.contains("no coordinator works in"))
        for number in ["99", "0", "9223372036854775808", "18446744073709551615"] {
            let nothing = try ask(["explain", number])
            #expect(nothing.status == 77, "\(nothing)")
            #expect(nothing.errors.contains("there is no run \(number)"))
            #expect(try ask(["export", number, "--out", "x"]).status != 132)
        }
        let status = try ask(["status"])
        #expect(status.status == 0 && status.output.contains("failed"), "\(status)")
        let json = try ask(["status", "--json"])
        #expect(json.output.hasPrefix("{"))
        #expect(try ask(["results"]).output.contains("Run"))
        let retried = try ask(["retry", "small"])
        #expect(retried.status == 0 && retried.output.contains("tried again"), "\(retried)")
        #expect(retried.output.contains("'moderato run'"))
        #expect(try ask(["retry", "other"]).status == 77)
        #expect(try ask(["drain", "a"]).status == 69)
        let again = try stage.run(["run", file, "--fake-trainer", "seconds=0.01"] + options)
        #expect(again.status == 0, "\(again)")
        let text = try stage.run(["results", "--json"] + options).output
        let document = try #require(
            try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        let points = try #require(document["points"] as? [[String: Any]])
        let runs = Set(points.compactMap { $0["run"] as? Int })
        #expect(runs.count == 1, "\(runs)")
        for run in runs {
            let told = try stage.run(["explain", "\(run)"] + options).output
            #expect(told.contains("It is completed"))
        }
    }

    @Test("While a coordinator works, it is asked")
    func coordinator() async throws {
        let stage = try Stage()
        let coordinator = try await stage.startCoordinator()
        let asked = try stage.run(["explain", "18446744073709551615", "--home", stage.home])
        #expect(asked.status == 77 && asked.errors.contains("18446744073709551615"), "\(asked)")
        #expect(coordinator.isRunning)
        let status = try stage.run(["status", "--home", stage.home])
        #expect(status.status == 0 && status.errors.isEmpty, "\(status)")
    }
}
