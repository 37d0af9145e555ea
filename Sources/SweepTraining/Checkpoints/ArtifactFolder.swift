import SweepCore
import SweepData

/// A folder of files that are named by what is in them.
public struct ArtifactFolder {
    public let path: String

    public init(path: String) { self.path = path }

    /// Writes `content` as `DIGEST.safetensors`, and makes the folder if need be.
    public func write(
        _ content: [UInt8], kind: Artifact.Kind, epoch: Int, steps: Int = 0
    ) throws(TrainingError) -> Artifact {
        try TrainingError.reading { () throws(DataError) in
            try FileContent.makeFolder(path)
            let digest = FileContent.digest(of: content)
            let file = FileReference(path: "\(path)/\(digest.hex).safetensors", digest: digest)
            if !FileContent.exists(file.path) { try FileContent.write(content, to: file.path) }
            return Artifact(
                kind: kind, epoch: epoch, file: file, size: content.count, steps: steps)
        }
    }
}
