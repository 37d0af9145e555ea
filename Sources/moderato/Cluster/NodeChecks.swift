import Foundation

/// What can be found out on another machine: a script goes there, and lines come back.
struct NodeChecks {
    /// For people.
    let name: String
    /// Runs the script there, with these arguments after it.
    let command: (_ script: String, _ arguments: [String]) -> [String]
    /// A missing one is no problem where programs and access file are sent along.
    let needsSharedHome: Bool
    let needsTorch: Bool
    let needsGPU: Bool

    /// `$1` a file in the home, `$2` and so on hosts and ports to knock at.
    private static let script = """
        echo "moderato there"; echo "moderato clock $(date +%s)"; \
        if test -f "$1"; then echo "moderato shared"; fi; shift; \
        while test $# -gt 1; do \
        timeout 5 bash -c "exec 3<>/dev/tcp/\\$0/\\$1" "$1" "$2" 2>/dev/null \
        && echo "moderato reaches $1:$2"; shift 2; done; \
        python3 -c "import torch; print(\\"moderato torch\\", torch.__version__)" 2>/dev/null; \
        nvidia-smi --query-gpu=memory.used,memory.total --format=csv,noheader,nounits 2>/dev/null \
        | sed "s/^/moderato gpu /"; exit 0
        """

    func look(probe: String, home: String, endpoints: [String]) -> [Diagnosis] {
        let places = endpoints.map(MachineChecks.address)
        let arguments = [probe] + places.flatMap { [$0.host, $0.port] }
        // Where nodes are down, this would wait for ever.
        let result = outcome(of: ["timeout", "90"] + command(Self.script, arguments))
        let lines = result.text.split(whereSeparator: \.isNewline)
            .filter { $0.hasPrefix("moderato ") }
            .map { String($0.dropFirst("moderato ".count)) }
        guard result.status == 0, lines.contains("there") else {
            let why =
                result.status == 124 ? "no answer in 90 s" : lastLine(result.text)
            return [
                .problem(
                    name, "can't be looked at: \(why)",
                    cure: "see that a command runs there at all: '\(command("true", [])[0]) …'")
            ]
        }
        return reach(lines, places) + [sight(lines, home)] + clock(lines) + torch(lines)
            + gpu(lines)
    }

    private func reach(
        _ lines: [String], _ places: [(host: String, port: String)]
    ) -> [Diagnosis] {
        let reached = places.filter { lines.contains("reaches \($0.host):\($0.port)") }
        guard reached.isEmpty, let first = places.first else {
            return reached.map { .ok(name, "reaches the coordinator at \($0.host):\($0.port)") }
        }
        return [
            .problem(
                name,
                "reaches none of the coordinator's endpoints, such as "
                    + "\(first.host):\(first.port)",
                cure: "start 'moderato coordinator --listen 0.0.0.0:5757 --advertise HOST' with a "
                    + "name that the nodes know, and let the port through the firewall")
        ]
    }

    private func sight(_ lines: [String], _ home: String) -> Diagnosis {
        if lines.contains("shared") { return .ok(name, "sees the home \(home)") }
        let words = "does not see the home \(home)"
        return needsSharedHome
            ? .problem(name, words, cure: "choose a --home that the nodes share, such as /home")
            : .warning(name, words, cure: "nothing is needed: the access file is sent along")
    }

    private func clock(_ lines: [String]) -> [Diagnosis] {
        let line = lines.first { $0.hasPrefix("clock ") }
        guard let theirs = line.flatMap({ Double($0.dropFirst("clock ".count)) }) else { return [] }
        return [MachineChecks.clock(skew: theirs - Date().timeIntervalSince1970, against: name)]
    }

    private func torch(_ lines: [String]) -> [Diagnosis] {
        guard needsTorch else { return [] }
        if let line = lines.first(where: { $0.hasPrefix("torch ") }) { return [.ok(name, line)] }
        return [
            .warning(
                name, "its python3 has no torch",
                cure: "'pip install torch' there, or name the folder of the package with --torch")
        ]
    }

    private func gpu(_ lines: [String]) -> [Diagnosis] {
        guard needsGPU else { return [] }
        let listing = lines.filter { $0.hasPrefix("gpu ") }.map { $0.dropFirst("gpu ".count) }
        return [MachineChecks.gpus(listing.joined(separator: "\n"), on: name)]
    }
}
