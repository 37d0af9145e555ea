import ArgumentParser
import Foundation

struct BundleCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bundle",
        abstract: "Put the programs into a folder that runs on a plain Debian, for images.",
        discussion: """
            bin has the programs, lib the libraries that a plain Debian lacks (LD_LIBRARY_PATH), and
            shim what is compiled over the torch that is there.

            Example:
              moderato cluster bundle head --no-trainer
            """)

    @Argument(help: "The folder to make.") var folder: String

    @Flag(inversion: .prefixedNo, help: "With the trainer.") var trainer = true

    func run() throws {
        let path = absolute(folder)
        guard !FileManager.default.fileExists(atPath: path) else {
            throw failure("\(path) is there already; name another folder", Exit.usage)
        }
        let bundle = try ProgramBundle(hasTrainer: trainer)
        defer { bundle.remove() }
        _ = try output(of: ["cp", "-rL", bundle.folder.path, path])
        say("\(path.shown): \(bundle.name.shown)")
    }
}
