import SweepCore

extension Snapshot.Run {
    var isActive: Bool {
        switch state {
        case .active: true
        case .waiting, .completed, .failed, .cancelled: false
        }
    }
}

extension Effect {
    func acknowledges(_ report: Report) -> Bool {
        if case .send(.acknowledge(report.attempt, let sequence), _) = self {
            sequence >= report.sequence
        } else {
            false
        }
    }

    var isChunk: Bool {
        if case .send(.chunk, _) = self { true } else { false }
    }
}

extension Message {
    var isAboutFiles: Bool {
        switch self {
        case .upload, .chunk, .fetch, .askFiles: true
        case .hello, .heartbeat, .report, .goodbye, .welcome, .nameTaken, .refused, .identify,
            .assign,
            .acknowledge, .revoke, .leave, .uploadProgress, .missing, .lacking, .ready,
            .progress,
            .submit, .askStatus, .askResults, .askArtifacts, .watch, .control, .explain, .submitted,
            .rejected,
            .status,
            .results,
            .done, .explanation, .artifacts, .ended:
            false
        }
    }
}
