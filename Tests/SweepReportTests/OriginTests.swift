import SweepCore
import Testing

@testable import SweepReport

@Suite("Where figures come from")
struct OriginTests {
    private static func results(_ trainer: TrainerKind) -> SweepResults {
        var results = Samples.reviews
        for index in results.points.indices {
            results.changed[index].spec.trainer = trainer
            results.changed[index].run = RunID(7)
            results.changed[index].provenance = Provenance(
                run: RunID(7), attempt: AttemptID(9), worker: WorkerID("w-1"),
                process: WorkerProcess(
                    host: "node-1", device: "cpu, 2 threads", trainer: trainer, program: "0.1.0",
                    trainingCore: 2, libtorch: trainer == .fake ? "" : "2.9.1"),
                started: 1_500_000_000.5, ended: 1_500_000_060)
        }
        return results
    }

    @Test("is in CSV, JSON, table and page of every result")
    func everywhere() throws {
        let results = Self.results(.real)
        let csv = ResultsExport(results).csv.split(separator: "\r\n")
        let header = csv[0].split(separator: ",").map(String.init)
        #expect(header.first == "pet")
        let digest = Digest(ofText: "a file").hex
        #expect(
            csv[1].hasSuffix(
                ",real,9,w-1,node-1,\"cpu, 2 threads\",0.1.0,2,2.9.1,"
                    + "\(digest),\(digest),\(digest),,,1500000000.5,1500000060"))
        #expect(csv[1].contains(",1,2,1-1,7,"))
        let json = ResultsExport(results).json
        for line in ["\"worker\" : \"w-1\"", "\"libtorch\" : \"2.9.1\"", "\"trainer\" : \"real\""] {
            #expect(json.contains(line))
        }
        #expect(!json.contains("WARNING"))
        let text = ResultsTable(results).text()
        #expect(
            text.contains("Trained with     moderato 0.1.0, training core 2, libtorch 2.9.1\n"))
        #expect(!text.contains("FAKE"))
        let page = ResultsPage(results).html
        for words in ["node-1", "cpu, 2 threads", "SHA-256 \(digest)"] {
            #expect(page.contains(words))
        }
        #expect(!page.contains("FAKE"))
    }

    @Test("is said first where a fake trainer made the figures up")
    func fake() throws {
        let results = Self.results(.fake)
        #expect(
            ResultsTable(results).text()
                .hasPrefix("FAKE TRAINER, MADE-UP FIGURES: sweep movie-reviews: 16 points"))
        #expect(
            ResultsExport(results).csv.hasPrefix("\"FAKE TRAINER, MADE-UP FIGURES\",pet,pet_size,"))
        #expect(
            ResultsExport(results).json
                .hasPrefix("{\n  \"WARNING\" : \"FAKE TRAINER, MADE-UP FIGURES\",\n"))
        let page = ResultsPage(results).html
        #expect(page.contains("<title>FAKE TRAINER, MADE-UP FIGURES: movie-reviews</title>"))
        #expect(page.contains("<main><p class=\"fake\">FAKE TRAINER, MADE-UP FIGURES</p>"))
        #expect(try #require(ResultsPage.chartSVG(results)).contains("FAKE TRAINER"))
    }
}
