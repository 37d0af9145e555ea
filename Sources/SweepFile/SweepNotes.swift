import Foundation
import SweepCore

extension SweepFile {
    /// What people call a file of samples for choosing.
    private static let validationNames = ["dev.tsv", "valid.tsv", "validation.tsv"]

    /// What a person should know before a sweep is trained: sentences each, without a period.
    public static func notes(on spec: SweepSpec) -> [String] {
        guard spec.data.validation == nil else { return [] }
        let files = [spec.data.train, spec.data.test].compactMap { set in
            if case .sentences(let file) = set { file.path } else { nil }
        }
        for file in files {
            let folder = URL(fileURLWithPath: file).deletingLastPathComponent()
            for name in validationNames {
                let path = folder.appendingPathComponent(name).path
                if !files.contains(path), FileManager.default.fileExists(atPath: path) {
                    return [
                        "the sweep has no validation set, so the test set will be used for "
                            + "choosing; write 'validation: \(path)' under data to use that file"
                    ]
                }
            }
        }
        return []
    }
}
