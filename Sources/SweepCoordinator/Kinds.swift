import SweepCore
import SweepWire

extension Snapshot.Run {
    var isActive: Bool {
        switch state {
        case .active: true
        case .waiting, .completed, .failed, .cancelled: false
        }
    }
}

extension Effect {
    var isChunk: Bool {
        if case .answerFile(.chunk, _) = self { true } else { false }
    }
}

extension Report {
    var artifact: Artifact? {
        if case .artifact(let artifact) = event { artifact } else { nil }
    }
}

extension Listener.Arrival {
    var peer: CoordinatorMachine.Peer { .init(route: route, key: key) }
}
