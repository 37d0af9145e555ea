import Foundation
import SweepCore
import SweepWire

// The other side of `Benchmarks/dispatch/measure`: submits sweeps and plays the workers. Each command
// prints one figure a line, as `name value`.

let usage = """
    usage: moderato-bench drain HOME WORKERS JOBS     jobs per second, all workers connected before
           moderato-bench latency HOME ROUNDS         ms from submit to the notice that it is over,
                                                      idle cluster
           moderato-bench hold HOME WORKERS SECONDS   stay connected with heartbeats
           moderato-bench submit HOME JOBS            seconds until a sweep is taken
           moderato-bench turns HOME CELLS            the coordinator's longest turn while a sweep
                                                      is taken, paused, cancelled and tried again
    """

func fail(_ message: String) -> Never {
    FileHandle.standardError.write(Data("moderato-bench: \(message)\n".utf8))
    exit(64)
}

func access(_ home: String, _ role: String) throws -> AccessFile {
    try AccessFile(reading: "\(home)/\(role).access")
}

/// A sweep of so many runs of one epoch; no file of it is ever read.
func sweep(_ name: String, jobs: Int, seed: UInt64) -> SweepSpec {
    let file = FileReference(path: "/nowhere/data.tsv", digest: Digest(ofText: name))
    let rates = max(1, Int(Double(jobs).squareRoot()))
    let seeds = (jobs + rates - 1) / rates
    return SweepSpec(
        name: name,
        backbone: BackboneReference(path: "/nowhere/model", digest: Digest(ofText: "model")),
        data: TaskData(train: .sentences(file), test: .sentences(file), labels: 2),
        grid: Grid(
            capacities: [Capacity(pet: .lora(LoRA()))], epochs: [1],
            learningRates: (1...rates).map { Double($0) * 1e-6 }, attacks: [.word(WordAttack())],
            poisonRatios: [0.05], seeds: (0..<seeds).map { seed + UInt64($0) }),
        settings: TrainingSettings(schedule: .constant), trainingSamples: [file.digest: 320],
        trainer: .fake)
}

func submit(_ spec: SweepSpec, _ client: Dialer) throws -> Submission {
    guard
        case .submitted(let submission) = try client.request(.submit(spec), timeout: .seconds(120))
    else { fail("the sweep was not taken") }
    return submission
}

func number(_ place: Int) -> Int {
    guard CommandLine.arguments.count > place, let number = Int(CommandLine.arguments[place]),
        number > 0
    else { fail(usage) }
    return number
}

guard CommandLine.arguments.count > 3 else { fail(usage) }
let home = CommandLine.arguments[2]
let client = try Dialer(access(home, "client"))
let name = "bench-\(UInt64(Date().timeIntervalSince1970 * 1e6))"
switch CommandLine.arguments[1] {
case "drain":
    let driver = try Driver(number(3), access: access(home, "worker"))
    try driver.join()
    let jobs = try submit(sweep(name, jobs: number(4), seed: 0), client).runs
    // From when the first job is done: the plan was made before it.
    while driver.completed == 0 { try driver.round() }
    let begin = driver.seconds
    while driver.completed < jobs { try driver.round() }
    print("jobs_per_second \(Int(Double(jobs) / (driver.seconds - begin)))")
case "latency":
    let driver = try Driver(1, access: access(home, "worker"))
    try driver.join()
    for round in 0..<number(3) {
        let begin = driver.seconds
        let one = "\(name)-\(round)"
        _ = try client.send(.submit(sweep(one, jobs: 1, seed: UInt64(round))))
        _ = try client.send(.watch(sweep: one))
        var isOver = false
        while !isOver {
            try driver.round(watching: client.socket)
            while let answer = try client.receive(as: MessageToClient.self) {
                if answer == .ended(sweep: one) { isOver = true }
            }
        }
        print("milliseconds \((driver.seconds - begin) * 1e3)")
    }
case "hold":
    let driver = try Driver(number(3), access: access(home, "worker"))
    try driver.join()
    print("joined_after_seconds \(driver.seconds)")
    fflush(nil)
    let end = driver.seconds + Double(number(4))
    while driver.seconds < end { try driver.round() }
case "submit":
    let begin = ContinuousClock.now
    let submission = try submit(sweep(name, jobs: number(3), seed: 0), client)
    print("runs \(submission.runs)")
    print("submit_seconds \((ContinuousClock.now - begin) / .seconds(1))")
case "turns":
    let onlooker = try Dialer(access(home, "client"))
    let large = sweep(name, jobs: number(3), seed: 0)
    let requests: [(String, MessageToCoordinator)] = [
        ("submit", .submit(large)), ("pause", .control(.pause(sweep: name))),
        ("prioritize", .control(.prioritize(sweep: name, 3))),
        ("cancel", .control(.cancel(sweep: name))), ("retry", .control(.retry(sweep: name))),
        ("explain", .explain(.run(RunID(1)))), ("watch", .watch(sweep: "none")),
        ("artifacts", .askArtifacts(AskArtifacts(sweep: name))),
        ("results", .askResults(sweep: name)),
    ]
    var slowest = 0.0
    for (word, request) in requests {
        let begin = ContinuousClock.now
        // Before it is connected, nothing is sent.
        while try !client.send(request) { usleep(5_000) }
        while try !Poll.readable([.socket(client.socket)], timeout: .milliseconds(20))[0] {
            let asked = ContinuousClock.now
            _ = try onlooker.request(.askStatus, timeout: .seconds(60))
            slowest = max(slowest, (ContinuousClock.now - asked) / .milliseconds(1))
        }
        while try client.receive(as: MessageToClient.self) != nil {}
        print("\(word)_seconds \((ContinuousClock.now - begin) / .seconds(1))")
    }
    guard case .status(let status) = try onlooker.request(.askStatus, timeout: .seconds(60)),
        let loop = status.loop
    else { fail("the coordinator tells nothing of its turns") }
    print("slowest_status_milliseconds \(slowest)")
    print("turns \(loop.turns)")
    print("turns_over_200_milliseconds \(loop.longTurns)")
    print("longest_turn_milliseconds \(loop.longestSeconds * 1e3)")
default: fail(usage)
}
