import SweepCore
import SweepReport

extension SweepResults {
    init(_ slice: ResultsSlice) {
        self.init(
            name: slice.name,
            points: slice.points.map { point in
                let state: PointState =
                    switch point.state {
                    case .waiting: .waiting
                    case .finished(let metrics): .finished(metrics)
                    case .failed(let error): .failed(error: error)
                    }
                return PointResult(spec: point.spec, state: state)
            })
    }
}
