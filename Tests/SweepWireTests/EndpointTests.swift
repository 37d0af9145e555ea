import SweepWire
import Testing

@Suite("Endpoints")
struct EndpointTests {
    @Test(
        "Loopback is told by figures alone",
        arguments: [
            ("tcp://127.0.0.1:5757", true), ("tcp://127.0.0.1:*", true),
            ("tcp://127.255.3.4:1", true), ("tcp://[::1]:5757", true),
            ("tcp://localhost:5757", false), ("tcp://127.0.0.1.example.org:5757", false),
            ("tcp://0.0.0.0:5757", false), ("tcp://[::]:5757", false), ("tcp://*:5757", false),
            ("tcp://127.0.0.1:5757;tcp://192.0.2.1:1", false),
            ("tcp://192.0.2.1;127.0.0.1:5", false),
            ("tcp://127.0.0:5757", false), ("tcp://127.0.0.256:5757", false),
            ("tcp://127.0.0.+1:5757", false), ("tcp://127.0.0.1:65536", false),
            ("tcp://127.0.0.1", false), ("tcp://[::1]", false), ("ipc:///127.0.0.1:1", false),
            ("127.0.0.1:5757", false), ("", false),
        ])
    func loopback(_ endpoint: String, _ isLoopback: Bool) {
        #expect(Endpoint.isLoopback(endpoint) == isLoopback)
    }

    @Test("Others dial the names they are told, with the port listened on unless one is named")
    func advertised() {
        func advertised(_ names: String..., bound: String) -> [String] {
            Endpoint.advertised(names, bound: bound, host: "node1")
        }
        #expect(advertised(bound: "tcp://127.0.0.1:7") == ["tcp://127.0.0.1:7"])
        #expect(advertised(bound: "tcp://0.0.0.0:7") == ["tcp://node1:7"])
        #expect(advertised(bound: "tcp://[::]:7") == ["tcp://node1:7"])
        #expect(
            advertised("a", "b:8", "[fe80::1]", "fe80::1", "[fe80::1]:9", bound: "tcp://0.0.0.0:7")
                == [
                    "tcp://a:7", "tcp://b:8", "tcp://[fe80::1]:7", "tcp://[fe80::1]:7",
                    "tcp://[fe80::1]:9",
                ])
    }
}
