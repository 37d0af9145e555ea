import Glibc

/// Names of machines and what they stand for, as this machine resolves them now.
enum HostName {
    enum Family: Hashable { case v4, v6 }

    struct Address: Hashable {
        let family: Family
        /// In figures, without brackets.
        let text: String
    }

    /// All addresses of a name, those of IPv4 first; of figures, themselves.
    static func addresses(of host: String) -> Result<[Address], Problem> {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let status = getaddrinfo(host, nil, &hints, &list)
        defer { if let list { freeaddrinfo(list) } }
        guard status == 0 else {
            return .failure(Problem(reason: String(cString: gai_strerror(status))))
        }
        var found: [Address] = []
        var next = list
        while let item = next {
            next = item.pointee.ai_next
            let family: Family? =
                switch item.pointee.ai_family {
                case AF_INET: .v4
                case AF_INET6: .v6
                default: nil
                }
            var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
            guard let family,
                getnameinfo(
                    item.pointee.ai_addr, item.pointee.ai_addrlen, &text, UInt32(text.count), nil,
                    0, NI_NUMERICHOST) == 0
            else { continue }
            let address = Address(
                family: family,
                text: String(
                    decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self))
            if !found.contains(address) { found.append(address) }
        }
        return .success(found.filter { $0.family == .v4 } + found.filter { $0.family == .v6 })
    }

    struct Problem: Error { let reason: String }
}

extension Endpoint {
    /// The host of `tcp://host:port`, without brackets.
    static func host(of endpoint: String) -> String {
        let place = endpoint.hasPrefix("tcp://") ? endpoint.dropFirst(6) : endpoint[...]
        let host = place.lastIndex(of: ":").map { place[..<$0] } ?? place
        return host.hasPrefix("[") && host.hasSuffix("]")
            ? String(host.dropFirst().dropLast()) : String(host)
    }

    /// What to bind for an endpoint whose host may be a name: that of its first address. Names of
    /// network interfaces stay.
    static func bindable(_ endpoint: String) throws(WireError) -> String {
        let host = host(of: endpoint)
        guard host != "*", if_nametoindex(host) == 0, let colon = endpoint.lastIndex(of: ":") else {
            return endpoint
        }
        let port = endpoint[colon...]
        switch HostName.addresses(of: host) {
        case .success(let addresses):
            guard let first = addresses.first else { return endpoint }
            return first.family == .v6
                ? "tcp://[\(first.text)]\(port)" : "tcp://\(first.text)\(port)"
        case .failure(let problem):
            throw .name(host: host, reason: problem.reason)
        }
    }

    /// The families of addresses that it can be dialled by; why none, if its name has no address.
    static func families(of endpoint: String) -> Result<[HostName.Family], HostName.Problem> {
        HostName.addresses(of: host(of: endpoint)).map { addresses in
            HostName.Family.allCases.filter { family in
                addresses.contains { $0.family == family }
            }
        }
    }
}

extension HostName.Family: CaseIterable {}
