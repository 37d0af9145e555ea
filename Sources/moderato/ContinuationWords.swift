import SweepCore

/// What is said of the runs of a sweep that build on earlier ones, or train anew what there was:
/// sentences each.
struct ContinuationWords {
    let runs: Int
    let continuation: Continuation?
    let retrained: Int
    let unkept: Int

    init(_ submission: Submission) {
        runs = submission.runs
        continuation = submission.continuation
        retrained = submission.retrained
        unkept = submission.unkept
    }

    init(_ plan: Plan) {
        runs = plan.runs.count
        continuation = plan.continuation
        retrained = plan.retrained
        unkept = plan.unkept
    }

    var lines: [String] {
        var lines: [String] = []
        if let continuation {
            let range =
                continuation.fewestEpochs == continuation.mostEpochs
                ? count(continuation.mostEpochs, "epoch")
                : "\(continuation.fewestEpochs) to \(count(continuation.mostEpochs, "epoch"))"
            let saved =
                continuation.steps == 0 ? "" : ", \(count(continuation.steps, "step")) saved"
            let rest = runs - continuation.runs
            lines.append(
                "\(count(continuation.runs, "run")) \(continuation.runs == 1 ? "goes" : "go") on "
                    + "from where earlier ones ended (after \(range)\(saved)); "
                    + "\(rest) \(rest == 1 ? "trains" : "train") from the start.")
        }
        if retrained > 0 {
            lines.append(
                "Note: \(count(retrained, "finished point")) \(retrained == 1 ? "is" : "are") "
                    + "trained again for what the sweep keeps, since the states of that epoch are "
                    + "not there; the results stay as they are.")
        }
        if unkept > 0 {
            lines.append(
                "Note: \(count(unkept, "earlier run")) \(unkept == 1 ? "keeps" : "keep") less "
                    + "than the sweep keeps now; submit it again once they are done.")
        }
        return lines
    }
}
