import Foundation

/// A line of a hosts file: `[user@]host[:port] [slots=N] [device=D]`.
struct Host: Hashable {
    /// With the user if there is one, as ssh takes it.
    var destination: String
    var port: Int?
    var slots = 1
    /// `nil`: whatever the command line says.
    var device: String?

    /// For people, and for names of workers.
    var label: String {
        let host = destination.split(separator: "@").last.map(String.init) ?? destination
        return port.map { "\(host)-\($0)" } ?? host
    }
}

/// The machines to start workers on; what is wrong is said with file and line.
enum HostsFile {
    static func read(_ path: String) throws -> [Host] {
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
            throw failure(
                "\(path): can't be read; write a file with one host a line, such as: "
                    + "user@node7 slots=2 device=cuda:0", Exit.usage)
        }
        do { return try parse(text, path: path) } catch let mistake as Mistake {
            throw failure(mistake.description, Exit.usage)
        }
    }

    struct Mistake: Error, Hashable, CustomStringConvertible {
        let description: String
    }

    static func parse(_ text: String, path: String) throws -> [Host] {
        var hosts: [Host] = []
        let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        for (index, line) in lines.enumerated() {
            let words = line.prefix { $0 != "#" }.split { $0 == " " || $0 == "\t" || $0 == "\r" }
            guard let first = words.first else { continue }
            do {
                hosts.append(try host(String(first), words.dropFirst().map(String.init)))
            } catch let mistake as Mistake {
                throw Mistake(description: "\(path):\(index + 1): \(mistake.description)")
            }
        }
        guard !hosts.isEmpty else {
            throw Mistake(description: "\(path): no hosts in it; write one a line")
        }
        return hosts
    }

    private static func host(_ name: String, _ settings: [String]) throws -> Host {
        var host = try address(name)
        for setting in settings {
            let parts = setting.split(separator: "=", maxSplits: 1).map(String.init)
            switch (parts.first, parts.dropFirst().first) {
            case ("slots", .some(let value)):
                guard let slots = Int(value), (1...1_024).contains(slots) else {
                    throw Mistake(description: "slots=\(value): 1 to 1024")
                }
                host.slots = slots
            case ("device", .some(let value)):
                guard WorkerCommand.isDevice(value) else {
                    throw Mistake(description: "device=\(value): cpu, cuda or cuda:N")
                }
                host.device = value
            default:
                throw Mistake(
                    description: "'\(setting)' makes no sense here; slots=N and device=D do")
            }
        }
        return host
    }

    /// `host`, `host:22`, `[::1]:22`, each with `user@` before it.
    private static func address(_ text: String) throws -> Host {
        let wrong = Mistake(
            description: "'\(text)': write a host such as node7, user@node7:2222 or user@[::1]:22")
        let at = text.lastIndex(of: "@")
        let user = at.map { String(text[...$0]) } ?? ""
        var host = String(at.map { text[text.index(after: $0)...] } ?? text[...])
        var port: Int?
        let isBracketed = host.hasPrefix("[")
        if let colon = host.lastIndex(of: ":"),
            !isBracketed || host[..<colon].hasSuffix("]")
        {
            guard let number = UInt16(host[colon...].dropFirst()), number > 0 else { throw wrong }
            port = Int(number)
            host = String(host[..<colon])
        }
        if isBracketed {
            guard host.hasSuffix("]") else { throw wrong }
            host = String(host.dropFirst().dropLast())
        }
        let isPlain = (user + host).allSatisfy {
            $0.isASCII && ($0.isLetter || $0.isNumber || "@._-:%\\".contains($0))
        }
        guard !host.isEmpty, !(user + host).hasPrefix("-"), isPlain, user != "@",
            isBracketed || !host.contains(":")
        else { throw wrong }
        return Host(destination: user + host, port: port)
    }
}
