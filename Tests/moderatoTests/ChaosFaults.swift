import Foundation
import SweepCore

extension Chaos {
    enum Fault: String, CaseIterable {
        case killWorker = "worker killed"
        case stopWorker = "worker stopped"
        case endWorker = "worker told to leave"
        case killTrainer = "trainer killed"
        case killCoordinator = "coordinator killed"
        case stopCoordinator = "coordinator stopped"
        case killAll = "everything killed"
        case cutNetwork = "network cut"
        case fillDisk = "disk filled"

        /// How often it is chosen, beside the others.
        fileprivate var weight: Int {
            switch self {
            case .killWorker: 5
            case .stopWorker, .endWorker, .killTrainer, .killCoordinator: 3
            case .cutNetwork, .fillDisk: 2
            case .stopCoordinator, .killAll: 1
            }
        }
    }

    /// What a fault is, before anybody looks whether it is possible now: the same for a seed.
    struct Choice {
        let fault: Fault
        /// Which worker, if it is about one.
        let worker: Int
        /// How long it lasts, if it is one that does.
        let seconds: Double
        let pause: Double

        init(_ random: inout RandomSource, workers: Int) {
            let urn = Fault.allCases.flatMap { Array(repeating: $0, count: $0.weight) }
            fault = urn[Int.random(in: 0..<urn.count, using: &random)]
            worker = Int.random(in: 0..<workers, using: &random)
            seconds = Double.random(in: 1...20, using: &random)
            pause = Double.random(in: 1...4, using: &random)
        }
    }

    /// Makes it happen. `nil` if it can't happen now; otherwise what did, in words.
    func carryOut(_ choice: Choice) throws -> String? {
        let worker = workers[choice.worker]
        switch choice.fault {
        case .killWorker:
            guard worker.isRunning else { return nil }
            end(worker, by: SIGKILL)
            return worker.name
        case .endWorker:
            guard worker.isRunning, !worker.isStopped, !worker.isToEnd else { return nil }
            end(worker, by: SIGTERM)
            return worker.name
        case .stopWorker: return stop(worker, for: choice.seconds)
        case .killTrainer:
            guard let victim = try trainerToKill() else { return nil }
            victim.0.trainersKilled += 1
            kill(victim.1, SIGKILL)
            return victim.0.name
        case .killCoordinator:
            guard coordinator.isRunning else { return nil }
            end(coordinator, by: SIGKILL)
            return ""
        case .stopCoordinator: return stop(coordinator, for: choice.seconds / 2)
        case .killAll:
            let pids = workers.compactMap { $0.isRunning ? $0.process : nil }.flatMap(
                stage.trainers)
            for member in [coordinator] + workers { end(member, by: SIGKILL) }
            for pid in pids { kill(pid, SIGKILL) }
            return ""
        case .cutNetwork:
            guard let network, !isNetworkCut else { return nil }
            try network.cut()
            isNetworkCut = true
            repair(after: choice.seconds, "network healed") { chaos in
                try network.heal()
                chaos.isNetworkCut = false
            }
            return lasting(choice.seconds)
        case .fillDisk:
            guard let disk = stage.smallDisk, !isDiskFull else { return nil }
            isDiskFull = true
            disk.fill()
            repair(after: choice.seconds / 2, "disk has room") { chaos in
                disk.free()
                chaos.isDiskFull = false
            }
            return lasting(choice.seconds / 2)
        }
    }

    private func lasting(_ seconds: Double) -> String {
        "for \(seconds.formatted(.number.precision(.fractionLength(1)))) s"
    }

    private func end(_ member: Member, by signal: Int32) {
        member.isToEnd = true
        member.signal(signal)
    }

    private func stop(_ member: Member, for seconds: Double) -> String? {
        guard let process = member.process, process.isRunning, !member.isStopped else { return nil }
        member.isStopped = true
        member.signal(SIGSTOP)
        repair(after: seconds, "\(member.name) goes on") { _ in
            guard process.isRunning, member.process === process else { return }
            member.signal(SIGCONT)
            member.isStopped = false
        }
        return "\(member.name) \(lasting(seconds))"
    }

    private func repair(
        after seconds: Double, _ what: String, _ body: @escaping (Chaos) throws -> Void
    ) {
        repairs.append(
            (
                Date().addingTimeInterval(seconds),
                { [unowned self] in
                    try body(self)
                    Self.say(what)
                }
            ))
    }

    /// A trainer whose run has not failed so often that the next time would be the last, on a
    /// worker that is not about to be put aside.
    private func trainerToKill() throws -> (Member, pid_t)? {
        let runs = try stage.snapshot().runs
        for worker in workers where worker.isRunning && worker.trainersKilled < 2 {
            guard let process = worker.process, let pid = stage.trainers(of: process).first
            else { continue }
            let failures = runs.filter { run in
                if case .active(_, WorkerID(worker.name)) = run.state { true } else { false }
            }.map(\.failures.count)
            if failures.allSatisfy({ $0 < 2 }) { return (worker, pid) }
        }
        return nil
    }
}
