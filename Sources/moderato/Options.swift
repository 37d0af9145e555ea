import ArgumentParser
import Foundation
import SweepCoordinator
import SweepCore
import SweepFile
import SweepStore
import SweepWire

struct HomeOption: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Folder of the coordinator: its store, keys and access files.",
            discussion: "Default: $MODERATO_HOME, or ~/.moderato.", valueName: "folder"))
    var home: String?

    var folder: CoordinatorHome {
        let environment = ProcessInfo.processInfo.environment
        let path = home ?? environment["MODERATO_HOME"] ?? "~/.moderato"
        return CoordinatorHome(path: absolute(path))
    }
}

struct AccessOption: ParsableArguments {
    @OptionGroup var home: HomeOption

    @Option(
        help: ArgumentHelp(
            "File with the coordinator's endpoint and keys.",
            discussion: "Default: the one in the coordinator's home.", valueName: "file"))
    var access: String?

    func path(for role: Role) -> String {
        access.map(absolute) ?? home.folder.accessPath(for: role)
    }

    /// The access file, and a connection that will use it.
    func read(for role: Role) throws -> AccessFile {
        let path = path(for: role)
        guard FileManager.default.fileExists(atPath: path) else {
            throw failure(
                "\(path): there is no such access file; start 'moderato coordinator' on this "
                    + "machine, or copy its \(role.rawValue).access here and name it with --access",
                Exit.unavailable)
        }
        do {
            return try AccessFile(reading: path)
        } catch {
            throw failure("\(error)", Exit.usage)
        }
    }

    func dial(as role: Role = .client) throws -> Dialer {
        let path = path(for: role)
        return try Dialer(try read(for: role), reread: { try? AccessFile(reading: path) })
    }
}

extension Dialer {
    /// The answer to a request; what goes wrong ends the command in words.
    func ask(
        _ message: MessageToCoordinator, timeout: Duration = .seconds(10)
    ) throws -> MessageToClient {
        do {
            return try request(message, timeout: timeout)
        } catch .rejected(let reason) {
            throw failure(reason, Exit.refused)
        } catch {
            throw failure("\(error)", Exit.unavailable)
        }
    }

    func status() throws -> StatusReport {
        guard case .status(let report) = try ask(.askStatus) else {
            throw failure("the coordinator gave an answer that does not fit", Exit.unavailable)
        }
        return report
    }
}

/// The path from the root, with `~` and `..` resolved.
func absolute(_ path: String) -> String {
    physicalPath(expandingTilde(path), in: FileManager.default.currentDirectoryPath)
}

/// `$HOME` comes before what the system says of this user, as in a shell.
private func expandingTilde(_ path: String) -> String {
    let home = ProcessInfo.processInfo.environment["HOME"] ?? ""
    if home.hasPrefix("/"), path == "~" || path.hasPrefix("~/") { return home + path.dropFirst() }
    return NSString(string: path).expandingTildeInPath
}

func printNotes(on spec: SweepSpec) {
    for note in SweepFile.notes(on: spec) { say("Note: \(note).") }
}

/// What the user's programs keep to be faster next time.
func userCacheFolder() -> String {
    let base = ProcessInfo.processInfo.environment["XDG_CACHE_HOME"] ?? ""
    return absolute(base.hasPrefix("/") ? base : "~/.cache") + "/moderato"
}

/// - Parameters:
///   - isFake: Whether fake trainers make its results up.
///   - digests: Of the model's files.
func readSweep(
    _ path: String, isFake: Bool = false, digests: DigestCache = DigestCache()
) throws -> SweepSpec {
    do {
        var spec = try SweepFile.read(path: path) { try? digests.digest(of: $0) }
        spec.trainer = isFake ? .fake : .real
        return spec
    } catch {
        throw failure("\(error)", Exit.usage)
    }
}
