/// What Slurm refused, in words that say what to do.
struct SlurmError: Error, CustomStringConvertible {
    enum Kind {
        /// The same again is refused again: an option is wrong.
        case option
        /// A quota or limit: there may be room later.
        case quota
        /// Nobody answered.
        case silence
        case other
    }

    let kind: Kind
    let words: String
    var description: String { words }

    init(kind: Kind, words: String) {
        self.kind = kind
        self.words = words
    }

    init(
        status: Int32, complaint: String, program: String, arguments: [String], seconds: Int
    ) {
        func value(_ option: String) -> String {
            let place = arguments.firstIndex { $0.hasPrefix("--\(option)=") }
            return place.map { String(arguments[$0].dropFirst(option.count + 3)) } ?? ""
        }
        let text = complaint.lowercased()
        func says(_ parts: String...) -> Bool { parts.contains { text.contains($0) } }
        // Without "sbatch: error:", which stands before every line.
        let said =
            complaint.split(whereSeparator: \.isNewline).map { line in
                line.split(separator: ":", maxSplits: 2).last.map {
                    String($0.drop { $0 == " " })
                } ?? ""
            }.last ?? "exit status \(status)"
        if status == 127 {
            self.init(
                kind: .option,
                words: "\(program) is not on this machine; run this where Slurm's commands are, "
                    + "such as a login node, or load its module")
        } else if status == 124 || status == 137
            || says("unable to contact", "connection refused", "timed out", "slurm_load_jobs error")
        {
            self.init(
                kind: .silence,
                words: "Slurm's controller gives no answer (\(program), \(seconds) s at most); "
                    + "see 'scontrol ping'")
        } else if says("policy", "qos", "quota", "assoc", "too many") {
            self.init(
                kind: .quota,
                words: "Slurm's limits for you are reached: \(said); fewer --workers fit in, "
                    + "'sacctmgr show assoc' tells the limits")
        } else if says("invalid partition") {
            self.init(
                kind: .option,
                words: "Slurm has no partition '\(value("partition"))'; 'sinfo --summarize' lists "
                    + "those there are, --partition takes one")
        } else if says("generic resource") {
            self.init(
                kind: .option,
                words: "Slurm has nothing called '\(value("gres"))'; 'sinfo --format=\"%P %G\"' "
                    + "lists what nodes have, --gres takes it")
        } else if says("time limit", "--time") {
            self.init(
                kind: .option,
                words: "Slurm does not take the time limit '\(value("time"))': \(said); "
                    + "'sinfo --format=\"%P %l\"' tells the longest, --time takes one")
        } else if says("node configuration", "cpu count", "memory specification", "processors") {
            self.init(
                kind: .option,
                words: "no node has what each worker is to get: \(said); "
                    + "'sinfo --format=\"%P %c %m %G\"' tells what nodes have; lower "
                    + "--cpus-per-task, --gres or what --sbatch-option asks for")
        } else if says("job array") {
            self.init(
                kind: .option,
                words: "Slurm does not take an array of so many tasks; 'scontrol show config' "
                    + "tells its MaxArraySize: lower --workers or --elastic")
        } else if says("account") && says("invalid") {
            self.init(
                kind: .option,
                words: "Slurm wants an account: \(said); --sbatch-option=--account=NAME")
        } else {
            self.init(kind: .other, words: "\(program) refused: \(said)")
        }
    }
}
