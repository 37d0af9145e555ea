import SweepCore

/// A value that knows when its bookkeeping contradicts itself.
protocol HasInvariants {
    func checkInvariants()
}

extension Connections: HasInvariants {}
extension CoordinatorMachine: HasInvariants {}
extension Elastic: HasInvariants {}
extension PeerShares: HasInvariants {}
extension Scheduler: HasInvariants {}
extension Transfers: HasInvariants {}
extension WorkerMachine: HasInvariants {}

/// Checks the invariants after each change.
@propertyWrapper
struct Checked<Value: HasInvariants> {
    var wrappedValue: Value { didSet { wrappedValue.checkInvariants() } }
}

extension Checked: Sendable where Value: Sendable {}
