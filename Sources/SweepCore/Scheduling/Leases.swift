extension Scheduler {
    /// An attempt's right to its run.
    struct Lease: Hashable, Sendable {
        let attempt: AttemptID
        let worker: WorkerID
        var expires: Instant
        /// Training steps that the worker has told of; `nil`: it has not yet spoken of the attempt.
        var stepsDone: Int?
    }

    /// The leases on a run that is being trained: one, or two where the first attempt is slow. When
    /// the first ends, the second takes its place.
    struct Leases: Hashable, Sendable {
        private(set) var first: Lease
        private(set) var second: Lease?

        init(_ first: Lease) { self.first = first }

        var all: [Lease] { [first] + (second.map { [$0] } ?? []) }

        /// As far as any attempt has come; `nil`: none has begun.
        var stepsDone: Int? { all.compactMap(\.stepsDone).max() }

        /// The lease of an attempt that has one; set to renew it.
        subscript(attempt: AttemptID) -> Lease? {
            get { all.first { $0.attempt == attempt } }
            set {
                guard let newValue else { return }
                if first.attempt == attempt { first = newValue }
                if second?.attempt == attempt { second = newValue }
            }
        }

        mutating func add(_ lease: Lease) {
            precondition(second == nil, "\(lease.attempt) would be a third attempt: \(all)")
            second = lease
        }

        /// What is left once the attempt has no lease any more; `nil`: nothing.
        func without(_ attempt: AttemptID) -> Leases? {
            let rest = all.filter { $0.attempt != attempt }
            guard let first = rest.first else { return nil }
            var leases = Leases(first)
            leases.second = rest.dropFirst().first
            return leases
        }

        mutating func prolong(by duration: Duration) {
            first.expires = first.expires + duration
            second.map { second?.expires = $0.expires + duration }
        }
    }
}
