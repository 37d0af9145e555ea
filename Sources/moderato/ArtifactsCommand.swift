import ArgumentParser
import Foundation
import SweepCore
import SweepReport

struct ArtifactsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "artifacts",
        abstract: "List the models and hidden states that the runs of a sweep left behind.",
        discussion: """
            Examples:
              moderato artifacts                           of the sweep submitted last
              moderato artifacts --sweep movie-reviews --json
              moderato artifacts --access client.access --fetch kept     from another machine
              moderato export 3 --out my-model             the model of run 3
              moderato project $(moderato artifacts --paths)

            A sweep keeps them when its file says so:
              keep: { model: yes, hidden-states: [1, 5, 10] }
            """)

    @OptionGroup var access: AccessOption

    @Option(help: ArgumentHelp("Which sweep. Default: the one submitted last.", valueName: "name"))
    var sweep = ""

    @Flag(help: "Print JSON.")
    var json = false

    @Flag(help: "Print the paths of the files of hidden states, and nothing else.")
    var paths = false

    @Option(
        help: ArgumentHelp(
            "Copy the files there, also from a coordinator elsewhere.", valueName: "folder"))
    var fetch: String?

    func validate() throws {
        guard [json, paths, fetch != nil].count(where: \.self) <= 1 else {
            throw ValidationError("one of --json, --paths and --fetch")
        }
        if paths, access.access != nil {
            throw ValidationError(
                "--paths are those of the coordinator's machine; --fetch FOLDER copies the files")
        }
    }

    private func copy(
        _ artifacts: [KeptArtifact], of kept: KeptFiles, to folder: String
    ) throws {
        do {
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true)
        } catch {
            throw failure(
                "\(folder): can't be made: \(error.localizedDescription)", Exit.unavailable)
        }
        for item in artifacts {
            let path = "\(folder)/\(item.fileName)"
            try kept.copy(item.artifact, to: path)
            say(path.shown)
        }
    }

    private struct Row: Encodable {
        let run: UInt64
        let kind: String
        let epoch: Int
        let size: Int
        let path: String
        let capacity: String
        let learningRate: Double
        let attack: String
        let poisonRatio: Double
        let seed: UInt64
    }

    func run() throws {
        let kept = try KeptFiles(access)
        let artifacts = try kept.list(sweep: sweep)
        if let fetch { return try copy(artifacts, of: kept, to: absolute(fetch)) }
        if json { return try printJSON(artifacts) }
        if paths {
            for item in artifacts where item.artifact.kind == .hiddenStates {
                say(item.artifact.file.path)
            }
            return
        }
        guard !artifacts.isEmpty else {
            say(
                "Nothing was kept. For the next sweep write, for example, "
                    + "keep: { model: yes, hidden-states: [1, 5] }")
            return
        }
        for item in artifacts {
            let size = String(format: "%.1f MB", Double(item.artifact.size) / 1e6)
            say(
                "\(item.run), epoch \(item.artifact.epoch), \(item.artifact.kind.rawValue), "
                    + "\(size): \(item.spec.capacity.label), lr \(item.spec.learningRate), "
                    + "\(item.spec.attack.label.shown), seed \(item.spec.seed)")
            say("    \(item.artifact.file.path.shown)")
        }
    }

    private func printJSON(_ artifacts: [KeptArtifact]) throws {
        let rows = artifacts.map {
            Row(
                run: $0.run.number, kind: $0.artifact.kind.rawValue, epoch: $0.artifact.epoch,
                size: $0.artifact.size, path: $0.artifact.file.path,
                capacity: $0.spec.capacity.label, learningRate: $0.spec.learningRate,
                attack: $0.spec.attack.label, poisonRatio: $0.spec.poisonRatio,
                seed: $0.spec.seed)
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.keyEncodingStrategy = .convertToSnakeCase
        say(String(decoding: try encoder.encode(rows), as: UTF8.self))
    }
}
