import SweepCore
import SweepData

/// The one mistake found first in a sweep file, or in a file it names.
public enum SweepFileError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The sweep file itself cannot be read.
    case unreadable(file: String, problem: String)
    /// A mistake at a key such as `grid.learning-rate`; `line` counts from 1. `key` is empty for
    /// a mistake in the YAML itself.
    case mistake(file: String, line: Int, key: String, problem: String)
    /// A file of sentences that the sweep file names at a key is not as it must be.
    case data(LabelledTextError, file: String, line: Int, key: String)

    /// What happened, where, and what to write instead, in one line.
    public var description: String {
        switch self {
        case .unreadable(let file, let problem):
            "\(file): \(problem)"
        case .mistake(let file, let line, let key, let problem):
            key.isEmpty
                ? "\(file), line \(line): \(problem)" : "\(file), line \(line), \(key): \(problem)"
        case .data(let error, let file, let line, let key):
            "\(error) (the file is named in \(file), line \(line), \(key))"
        }
    }
}
