import SweepCore
import Testing

@Suite("Results that are put together from answers")
struct GatheredResultsTests {
    private let specs = Plan(Sample.sweep(epochs: [1, 3])).points.map(\.spec)

    private func metrics(_ epoch: Int, cacc: Double = 0.5) -> EpochMetrics {
        EpochMetrics(epoch: epoch, trainingLoss: 1, testLoss: 1, cacc: cacc, asr: nil)
    }

    private func run(
        _ number: UInt64?, _ milestones: [(Int, MilestoneOutcome.State)],
        curve: [EpochMetrics] = []
    ) -> RunOutcome {
        RunOutcome(
            run: number.map { RunID($0) }, spec: specs[1],
            milestones: milestones.map {
                MilestoneOutcome(place: $0.0, epochs: $0.0 == 0 ? 1 : 3, state: $0.1)
            }, curve: curve)
    }

    private func slice(
        _ runs: [RunOutcome], change: UInt64 = 1, isAnew: Bool = false
    ) -> ResultsSlice {
        ResultsSlice(
            name: "x", total: 2, isAnew: isAnew, runs: runs,
            cursor: ResultsCursor(change: change), goesOn: false)
    }

    @Test("A point leaves the run that served it for the one that it is told with")
    func moved() {
        var results = GatheredResults(of: "")
        results.add(slice([run(nil, [(0, .waiting), (1, .waiting)])], isAnew: true))
        #expect(results.name == "x" && results.points.map(\.run) == [nil, nil])
        results.add(
            slice(
                [run(4, [(0, .finished(AttemptID(1))), (1, .waiting)], curve: [metrics(1)])],
                change: 2))
        #expect(results.runs.map(\.run) == [RunID(4)])
        #expect(results.points.map(\.metrics) == [metrics(1), nil])
        results.add(slice([run(5, [(1, .cancelled)])], change: 3))
        #expect(results.points.map(\.run) == [RunID(4), RunID(5)])
        #expect(results.points.map(\.state) == [.finished(metrics(1)), .cancelled])
        #expect(results.question == .askResults(sweep: "x", since: ResultsCursor(change: 3)))
    }

    @Test("An epoch that is told again has its newest figures; others stay in their order")
    func epochs() {
        var results = GatheredResults(of: "x")
        results.add(slice([run(4, [(1, .waiting)], curve: [metrics(2)])], isAnew: true))
        results.add(
            slice(
                [run(4, [(1, .waiting)], curve: [metrics(1), metrics(2, cacc: 1), metrics(3)])]))
        #expect(results.runs[0].curve == [metrics(1), metrics(2, cacc: 1), metrics(3)])
        results.add(slice([run(7, [(0, .failed)])], isAnew: true))
        #expect(results.runs.map(\.run) == [RunID(7)])
    }

    @Test("A run that is cut is whole again wherever the cut is", arguments: 1...5)
    func parts(cut: Int) {
        let whole = run(
            4, [(0, .finished(AttemptID(1))), (1, .waiting)],
            curve: [metrics(1), metrics(2), metrics(3)])
        var results = GatheredResults(of: "x")
        let parts = [whole].parts
        for begin in stride(from: 0, to: parts, by: cut) {
            let part = [whole].parts(begin..<min(parts, begin + cut))
            results.add(slice(part, isAnew: begin == 0))
        }
        #expect(results.runs == [whole])
    }
}
