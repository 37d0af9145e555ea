import ArgumentParser
import Foundation
import SweepCore
import SweepData
import SweepReport

struct ProjectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "project",
        abstract: "Show hidden states in two dimensions: coordinates as CSV, a chart as SVG.",
        discussion: """
            Examples:
              moderato project epoch-1.safetensors epoch-5.safetensors --out charts
              moderato project epoch-5.safetensors --method tsne --perplexity 50

            For each file NAME.safetensors it writes NAME-pca.csv, NAME-pca.svg, NAME-tsne.csv and
            NAME-tsne.svg; for files that a sweep kept, NAME is run-3-epoch-5. A file holds the
            tensors hidden (F32, rows × columns), kind (I64: 0 clean test rows, 1 triggered ones,
            2 poisoned training rows) and label (I64, before the attack); its metadata says run,
            epoch and target.
            """)

    enum Method: String, ExpressibleByArgument, CaseIterable {
        case pca, tsne, both

        var methods: [Projection.Method] {
            switch self {
            case .pca: [.pca]
            case .tsne: [.tsne]
            case .both: [.pca, .tsne]
            }
        }
    }

    @Argument(
        help: "Files of hidden states (safetensors).",
        completion: .file(extensions: ["safetensors"]))
    var files: [String]

    @Option(help: ArgumentHelp("pca, tsne or both.", valueName: "method"))
    var method = Method.both

    @Option(help: ArgumentHelp("Where the results go; it is made if need be.", valueName: "folder"))
    var out = "."

    @Option(help: ArgumentHelp("Of t-SNE: about how many neighbours a row has.", valueName: "rows"))
    var perplexity = 30.0

    @Option(help: ArgumentHelp("Of t-SNE.", valueName: "count"))
    var iterations = 1_000

    @Option(help: ArgumentHelp("Of t-SNE's start.", valueName: "number"))
    var seed: UInt64 = 1

    func validate() throws {
        guard perplexity.isFinite, perplexity >= 1 else {
            throw ValidationError("--perplexity: 1 or more")
        }
        guard (1...1_000_000).contains(iterations) else {
            throw ValidationError("--iterations: 1 to 1,000,000")
        }
        let names = files.map(name)
        if let twice = names.first(where: { name in names.count { $0 == name } > 1 }) {
            throw ValidationError("two files are called \(twice); give each a --out of its own")
        }
    }

    func run() throws {
        let options = Projection.Options(
            perplexity: perplexity, iterations: iterations, seed: seed)
        let folder = absolute(out)
        do {
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true)
        } catch {
            throw failure(
                "\(out): can't be made: \(error.localizedDescription)", Exit.unavailable)
        }
        var names: Set<String> = []
        for file in files {
            let states = try read(file)
            var title = title(of: states, in: file)
            if !names.insert(title).inserted { title += "-\(name(of: file).prefix(8))" }
            say("\(file.shown): \(states.rows) rows × \(states.columns), epoch \(states.epoch)")
            for method in method.methods {
                let start = ContinuousClock.now
                let projection: Projection
                do {
                    projection = try Projection(of: states, method: method, options: options)
                } catch {
                    throw failure("\(file): \(error)", Exit.usage)
                }
                let seconds = (ContinuousClock.now - start) / .seconds(1)
                let base = "\(folder)/\(title)-\(method.rawValue)"
                try OutputFile.write(projection.csv, to: base + ".csv")
                try OutputFile.write(projection.svg, to: base + ".svg")
                say(
                    "  \(base.shown).svg, .csv: \(projection.summary), in "
                        + String(format: "%.1f s", seconds))
            }
        }
    }

    /// A file that a coordinator keeps goes by its digest, which tells people nothing.
    private func title(of states: HiddenStates, in file: String) -> String {
        let own = name(of: file)
        guard Digest(hex: own) != nil else { return own }
        let run = states.run.hasPrefix("run ") ? states.run.dropFirst(4) : states.run[...]
        return OutputFile.name(for: "run-\(run)-epoch-\(states.epoch)")
    }

    private func name(of file: String) -> String {
        URL(fileURLWithPath: file).deletingPathExtension().lastPathComponent
    }

    private func read(_ file: String) throws -> HiddenStates {
        do {
            return try HiddenStates(readingFrom: absolute(file))
        } catch let error as DataError {
            throw failure(words(for: error, file), Exit.usage)
        } catch {
            throw failure("\(file): \(error)", Exit.usage)
        }
    }

    /// The words for models do not fit; the others do.
    private func words(for error: DataError, _ file: String) -> String {
        if case .badModelFile(_, let problem) = error {
            return "\(file): these are no hidden states: \(problem)"
        }
        if case .missingWeight(_, let name) = error {
            return "\(file): these are no hidden states: there is no tensor '\(name)'"
        }
        return "\(error)"
    }
}

extension HiddenStates {
    fileprivate init(readingFrom path: String) throws {
        let file = try SafeTensors(parsing: FileContent.read(path), path: path)
        let shape = file.shape(of: "hidden") ?? []
        guard shape.count == 2 else {
            throw ReportError.noHiddenStates(
                problem: file.names.contains("hidden")
                    ? "'hidden' has the shape \(shape), not rows × columns"
                    : "there is no tensor 'hidden'")
        }
        guard let epoch = Int(file.metadata["epoch"] ?? "") else {
            throw ReportError.noHiddenStates(problem: "the metadata names no epoch")
        }
        try self.init(
            values: file.withFloats("hidden") { Array($0) }, columns: shape[1],
            kinds: file.integers("kind").map { Int($0) },
            labels: file.integers("label").map { Int($0) },
            run: file.metadata["run"] ?? "?", epoch: epoch,
            target: file.metadata["target"].flatMap { Int($0) })
    }
}
