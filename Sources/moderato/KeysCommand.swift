import ArgumentParser
import Foundation
import SweepCoordinator
import SweepCore

struct KeysCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys",
        abstract: "Say who may work, submit or look: one access file each.",
        discussion: """
            A coordinator that runs takes changes in within a second.

            Examples:
              moderato keys new node7                       node7.access, to work
              moderato keys new ada --role client           ada.access, to submit and look
              moderato keys list
              moderato keys revoke node7
            """,
        subcommands: [New.self, List.self, Revoke.self])

    struct New: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a key, and an access file to give to whoever is to come in with it.")

        @Argument(help: "1 to 100 letters, digits, dots, dashes or underscores.") var name: String
        @Option(help: ArgumentHelp("worker, client or read-only.", valueName: "role"))
        var role = "worker"
        @Option(
            help: ArgumentHelp(
                "The access file. Default: NAME.access in the home.", valueName: "file"))
        var out: String?
        @OptionGroup var home: HomeOption

        func validate() throws {
            let isPlain = name.allSatisfy {
                $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0))
            }
            guard (1...100).contains(name.count), isPlain, !name.hasPrefix(".") else {
                throw ValidationError(
                    "the name has 1 to 100 letters, digits, dots, dashes or underscores")
            }
            guard Role(rawValue: role) != nil else {
                throw ValidationError("--role: worker, client or read-only")
            }
        }

        private var purpose: String {
            switch Role(rawValue: role) {
            case .worker, nil: "work"
            case .client: "submit, steer and look"
            case .readOnly: "look"
            }
        }

        func run() throws {
            let file = out.map(absolute) ?? "\(home.folder.path)/\(name).access"
            try inWords {
                try home.folder.addKey(named: name, role: Role(rawValue: role) ?? .worker, to: file)
            }
            say(
                "\(file.shown): a key to \(purpose) with; keep it secret"
            )
        }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the keys that may come in.")

        @OptionGroup var home: HomeOption
        @Flag(help: "Print JSON.") var json = false

        private struct Row: Encodable {
            let name: String
            let role: String
            let publicKey: String
        }

        func run() throws {
            let keys = try inWords { try home.folder.knownSecret().admitted }
            if json {
                let encoder = JSONEncoder()
                encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
                encoder.keyEncodingStrategy = .convertToSnakeCase
                let rows = keys.map {
                    Row(name: $0.label, role: $0.role.rawValue, publicKey: $0.publicKey)
                }
                say(String(decoding: try encoder.encode(rows), as: UTF8.self))
                return
            }
            let width = keys.map(\.label.shown.columns).max() ?? 0
            for key in keys {
                say(
                    key.label.shown.padded(toColumns: width)
                        + "  \(key.role.rawValue)  \(key.publicKey)")
            }
        }
    }

    struct Revoke: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let nobody in with a key any more, and send away who is in.")

        @Argument(help: "Its name; 'moderato keys list' tells them.") var name: String
        @OptionGroup var home: HomeOption

        func run() throws {
            try inWords { try home.folder.revokeKey(named: name) }
            say("\(name) is revoked")
        }
    }
}

private func inWords<T>(_ body: () throws -> T) throws -> T {
    do {
        return try body()
    } catch let error as ExitCode {
        throw error
    } catch {
        throw failure("\(error)", Exit.usage)
    }
}
