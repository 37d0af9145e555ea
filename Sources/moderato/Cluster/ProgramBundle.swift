import Foundation
import SweepCore

/// What a host needs to run a worker, as a folder that goes there: `bin` with the programs, `lib`
/// with the libraries that a plain Debian lacks, `shim` with what is compiled there over its torch.
/// It is named by its content, so it is copied once, and hosts with one home share it.
struct ProgramBundle {
    let name: String
    /// Of links; copied with what they lead to.
    let folder: URL
    let hasTrainer: Bool

    /// - Parameter hasTrainer: `false` for the fake trainer, which is in `moderato` itself.
    init(hasTrainer: Bool) throws {
        self.hasTrainer = hasTrainer
        var files = ["bin/moderato": sibling("moderato")]
        for library in try Self.libraries(of: sibling("moderato")) {
            files["lib/" + URL(fileURLWithPath: library).lastPathComponent] = library
        }
        if hasTrainer {
            files["bin/moderato-trainer"] = sibling("moderato-trainer")
            let shim = try Self.shimFolder()
            for file in try FileManager.default.contentsOfDirectory(atPath: shim)
            where file == "build" || file.hasSuffix(".cpp") || file.hasSuffix(".h") {
                files["shim/" + file] = shim + "/" + file
            }
        }
        folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("moderato-bundle-\(getpid())")
        try? FileManager.default.removeItem(at: folder)
        var digest = DigestBuilder()
        for (name, source) in files.sorted(by: { $0.key < $1.key }) {
            let link = folder.appendingPathComponent(name)
            try FileManager.default.createDirectory(
                at: link.deletingLastPathComponent(), withIntermediateDirectories: true)
            try FileManager.default.createSymbolicLink(
                at: link, withDestinationURL: URL(fileURLWithPath: source))
            guard
                let content = try? Data(
                    contentsOf: URL(fileURLWithPath: source), options: .alwaysMapped)
            else {
                throw failure(
                    "\(source): can't be read, and the hosts need it; build it with 'make build'",
                    Exit.unavailable)
            }
            digest.update(Array("\(name) \(content.count)\n".utf8))
            content.withUnsafeBytes { digest.update($0) }
        }
        name = "bundle-\(digest.finish().short)"
    }

    func remove() { try? FileManager.default.removeItem(at: folder) }

    /// Not glibc and the C++ runtime: they belong to the host, whose compiler makes the shim.
    private static let everywhere = [
        "libc.so", "libm.so", "libpthread.so", "libdl.so", "librt.so", "libresolv.so",
        "libstdc++.so", "libgcc_s.so", "ld-linux",
    ]

    /// The paths of the shared libraries that a program loads.
    private static func libraries(of program: String) throws -> [String] {
        let listing = try output(of: ["ldd", program])
        return listing.split(whereSeparator: \.isNewline).compactMap { line in
            let words = line.split(separator: " ").map { $0.trimmingCharacters(in: .whitespaces) }
            guard words.count >= 3, words[1] == "=>", words[2].hasPrefix("/"),
                !everywhere.contains(where: { words[0].hasPrefix($0) })
            else { return nil }
            return words[2]
        }
    }

    /// Beside the programs of a bundle, or in the checkout that they were built in.
    private static func shimFolder() throws -> String {
        var folder = URL(fileURLWithPath: sibling("moderato")).deletingLastPathComponent()
        while folder.path != "/" {
            folder = folder.deletingLastPathComponent()
            for candidate in ["shim", "Sources/CTorchShim"] {
                let path = folder.appendingPathComponent(candidate).path
                if FileManager.default.isExecutableFile(atPath: path + "/build") { return path }
            }
        }
        throw failure(
            "the sources of the trainer's library over libtorch (Sources/CTorchShim) are not "
                + "above \(sibling("moderato")); run the program in the checkout it was built in",
            Exit.unavailable)
    }
}

/// What a program writes to standard output; an error in words if it fails.
func output(of command: [String]) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = command
    let pipe = Pipe()
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = pipe
    process.standardError = FileHandle.nullDevice
    try process.run()
    let data = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
        throw failure(
            "'\(command.joined(separator: " "))' failed (status \(process.terminationStatus)); "
                + "is \(command[0]) installed?", Exit.unavailable)
    }
    return String(decoding: data, as: UTF8.self)
}
