import Foundation
import SweepCore
import SweepData
import Testing

@testable import SweepTraining

/// All tests that use libtorch: one after the other, since they share its threads and a model.
@MainActor @Suite(.serialized) struct TrainingTests {}

enum Fixture {
    /// The folder with Package.swift.
    static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// What the scripts of the reference implementations wrote.
    static let reference = root.appending(path: "Tests/SweepTrainingTests/Reference")

    /// A path under `.moderato`, which the set-up fills.
    static func setUp(_ path: String) throws -> String {
        let url = root.appending(path: ".moderato/" + path)
        guard FileManager.default.fileExists(atPath: url.path) else {
            throw MissingSetUp(path: url.path)
        }
        return url.path
    }

    struct MissingSetUp: Error, CustomStringConvertible {
        let path: String
        var description: String { "\(path) is missing: run `cluster/setup` first" }
    }

    /// The 3,000 training sentences of the default data.
    static func reviews() throws -> LabelledText {
        let path = try setUp("data/movie-reviews/train.tsv")
        return try LabelledText(parsing: FileContent.read(path), labels: 2, file: path)
    }

    @MainActor static let cache = TrainingCache()

    @MainActor private static var backboneReference: BackboneReference?

    @MainActor static func backbone() throws -> BackboneReference {
        if let backboneReference { return backboneReference }
        let path = try setUp("models/all-MiniLM-L6-v2")
        let reference = try self.reference(path)
        backboneReference = reference
        return reference
    }

    static func reference(_ path: String) throws -> BackboneReference {
        var digests: [String: Digest] = [:]
        for name in BackboneReference.relevantFiles(among: try FileContent.names(in: path)) {
            digests[name] = FileContent.digest(of: try FileContent.read(path + "/" + name))
        }
        return BackboneReference(path: path, digest: BackboneReference.digest(ofFiles: digests))
    }

    @MainActor static func model() throws -> TrainingCache.Backbone {
        try Torch.prepare(threads: 1, device: .processor)
        return try cache.backbone(backbone(), device: .processor, precision: .float32)
    }

    /// A file in a folder of its own.
    static func write(_ content: some DataProtocol, as name: String = "file") throws -> String {
        let folder = FileManager.default.temporaryDirectory
            .appending(path: "moderato-tests-" + UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let url = folder.appending(path: name)
        try Data(content).write(to: url)
        return url.path
    }

    /// `rows` of the default data as a file of their own.
    static func slice(_ rows: Range<Int>) throws -> FileReference {
        let text = try reviews()
        let lines = rows.map { "\(text.sentences[$0])\t\(text.labels[$0])\n" }
        let content = Array(("sentence\tlabel\n" + lines.joined()).utf8)
        return FileReference(
            path: try write(content, as: "slice.tsv"), digest: Digest(of: content))
    }

    /// A run of three short steps an epoch.
    @MainActor static func tinySpec() throws -> TrainingSpec {
        TrainingSpec(
            backbone: try backbone(),
            data: TaskData(
                train: .sentences(try slice(0..<20)), test: .sentences(try slice(100..<110)),
                labels: 2),
            capacity: Capacity(pet: .lora(LoRA())), attack: .word(WordAttack()), poisonRatio: 0.1,
            epochs: 2, learningRate: 1e-3, seed: 5,
            settings: TrainingSettings(schedule: .constant, batchSize: 8))
    }

    /// One thread by default: tests share a machine.
    @MainActor static func metrics(
        _ spec: TrainingSpec, threads: Int = 1
    ) throws -> [EpochMetrics] {
        var all: [EpochMetrics] = []
        try TrainingRun(spec: spec, threads: threads, cache: cache).run { all.append($0) }
        return all
    }
}

/// |a - b| over the larger of |b| and `floor`, at most over all pairs.
func relativeError(_ a: [Double], _ b: [Double], floor: Double) -> Double {
    precondition(a.count == b.count, "\(a.count) and \(b.count) values")
    return zip(a, b).map { abs($0 - $1) / max(abs($1), floor) }.max() ?? 0
}
