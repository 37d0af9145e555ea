/// Where a coordinator listens or is dialled, as libzmq writes it: `tcp://host:port`.
public enum Endpoint {
    /// Whether it is on this machine, whatever names mean here: `127.…` or `[::1]`, in figures.
    public static func isLoopback(_ endpoint: String) -> Bool {
        guard endpoint.hasPrefix("tcp://"), let colon = endpoint.lastIndex(of: ":") else {
            return false
        }
        let port = endpoint[colon...].dropFirst()
        guard port == "*" || isNumber(port) && UInt16(port) != nil else { return false }
        let host = endpoint[..<colon].dropFirst("tcp://".count)
        if host == "[::1]" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127"
            && parts.allSatisfy { isNumber($0) && UInt8($0) != nil }
    }

    /// What others dial.
    ///
    /// - Parameters:
    ///   - names: hosts, each with a port of its own or with the one of `bound`; none: the host
    ///     of `bound`, or `host` if that is all of this machine's.
    ///   - bound: what the coordinator listens on.
    ///   - host: the name of this machine.
    public static func advertised(
        _ names: [String], bound: String, host: String
    ) -> [String] {
        guard let colon = bound.lastIndex(of: ":") else { return [bound] }
        let port = bound[colon...]
        if names.isEmpty {
            let isEverywhere = bound.hasPrefix("tcp://0.0.0.0:") || bound.hasPrefix("tcp://[::]:")
            return [isEverywhere ? "tcp://\(host)\(port)" : bound]
        }
        return names.map { name in
            let name = isBareAddress(name) ? "[\(name)]" : name
            return hasPort(name) ? "tcp://\(name)" : "tcp://\(name)\(port)"
        }
    }

    /// An IPv6 address without brackets, which can't have a port.
    private static func isBareAddress(_ name: String) -> Bool {
        !name.hasPrefix("[") && name.utf8.count { $0 == UInt8(ascii: ":") } > 1
    }

    /// What is wrong with an address and port to listen on; `nil`: nothing.
    public static func mistake(inListen text: String) -> String? {
        let usual = "write an address and a port, such as 0.0.0.0:5757 or [::]:5757"
        guard let colon = text.lastIndex(of: ":"), colon > text.startIndex else { return usual }
        let host = text[..<colon]
        let port = text[text.index(after: colon)...]
        guard port == "*" || isNumber(port) && UInt16(port) != nil else { return usual }
        if host.hasPrefix("[") && host.hasSuffix("]") { return nil }
        return host.contains(":")
            ? "an address of IPv6 stands in brackets, as in [::1]:5757" : nil
    }

    /// Of `host` and `[address]` neither has one, of `host:5757` and `[address]:5757` each.
    private static func hasPort(_ name: String) -> Bool {
        guard let colon = name.lastIndex(of: ":") else { return false }
        let host = name[..<colon]
        return isNumber(name[colon...].dropFirst()) && (host.hasSuffix("]") || !host.contains(":"))
    }

    private static func isNumber(_ text: some StringProtocol) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }
}
