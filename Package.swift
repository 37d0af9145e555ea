// swift-tools-version: 6.2
import PackageDescription

// The rooms and what each may import are listed in ARCHITECTURE.md; `make check` holds both to it.

/// Where the set-up puts the shim over libtorch (`cluster/setup`).
let shimFolder = Context.packageDirectory + "/.moderato/lib"

let linkShim: [LinkerSetting] = [
    .unsafeFlags([
        "-L\(shimFolder)",
        "-Xlinker", "-rpath", "-Xlinker", "$ORIGIN/../lib",
        "-Xlinker", "-rpath", "-Xlinker", shimFolder,
        "-Xlinker", "--allow-shlib-undefined",
    ])
]

/// Simulations, tokenizers and weights are too much work for code that is not optimised; this
/// costs the build less time than it saves the tests. Preconditions are checked all the same.
let alwaysFast: [SwiftSetting] = [
    .unsafeFlags(["-O"], .when(configuration: .debug))
]

func product(_ name: String, _ package: String) -> Target.Dependency {
    .product(name: name, package: package)
}

let package = Package(
    name: "Moderato",
    products: [
        .executable(name: "moderato", targets: ["moderato"]),
        .executable(name: "moderato-trainer", targets: ["moderato-trainer"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: [
        .target(
            name: "SweepCore",
            dependencies: [
                product("Crypto", "swift-crypto"), product("DequeModule", "swift-collections"),
                product("HeapModule", "swift-collections"),
            ],
            exclude: ["README.md"], swiftSettings: alwaysFast),
        .target(
            name: "SweepWire", dependencies: ["SweepCore", "CSweepProto", "CZeroMQ"],
            swiftSettings: alwaysFast),
        .target(name: "SweepStore", dependencies: ["SweepCore", product("GRDB", "GRDB.swift")]),
        .target(
            name: "SweepData", dependencies: ["SweepCore", "CZlib"], swiftSettings: alwaysFast),
        .target(
            name: "SweepTraining", dependencies: ["SweepCore", "SweepData", "CTorchShim"],
            exclude: ["README.md"], swiftSettings: alwaysFast),
        .target(
            name: "SweepCoordinator",
            dependencies: ["SweepCore", "SweepWire", "SweepStore", product("Logging", "swift-log")]),
        .target(
            name: "SweepWorker",
            dependencies: [
                "SweepCore", "SweepWire", product("Logging", "swift-log"),
                product("DequeModule", "swift-collections"),
            ]),
        .target(name: "SweepReport", dependencies: ["SweepCore"], exclude: ["README.md"]),
        .target(
            name: "SweepFile", dependencies: ["SweepCore", "SweepData", product("Yams", "Yams")]),
        .target(
            name: "SweepSimulator",
            dependencies: [
                "SweepCore", "SweepWire", product("HeapModule", "swift-collections"),
            ],
            swiftSettings: alwaysFast),
        .executableTarget(
            name: "moderato-simulate", dependencies: ["SweepCore", "SweepSimulator"]),
        .executableTarget(
            name: "moderato",
            dependencies: [
                "SweepCore", "SweepWire", "SweepStore", "SweepCoordinator", "SweepWorker",
                "SweepReport", "SweepFile", "SweepData", product("Logging", "swift-log"),
                product("ArgumentParser", "swift-argument-parser"),
            ],
            resources: [.embedInCode("Cluster/Kubernetes")]),
        .executableTarget(
            name: "moderato-trainer",
            dependencies: [
                "SweepCore", "SweepTraining", "SweepWire",
                product("ArgumentParser", "swift-argument-parser"),
            ],
            linkerSettings: linkShim),
        .executableTarget(
            name: "moderato-bench", dependencies: ["SweepCore", "SweepWire", "SweepWorker"],
            path: "Benchmarks/dispatch/driver"),
        .target(
            name: "CSweepProto",
            linkerSettings: [.linkedLibrary("protobuf-c")]),
        .systemLibrary(name: "CZeroMQ", pkgConfig: "libzmq", providers: [.apt(["libzmq3-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CTorchShim"),
        .systemLibrary(name: "CMalloc", path: "Tests/CMalloc"),

        .testTarget(name: "SweepCoreTests", dependencies: ["SweepCore"]),
        .testTarget(
            name: "SweepWireTests",
            dependencies: ["SweepCore", "SweepStore", "SweepWire", "CSweepProto"],
            exclude: ["Corpus"]),
        .testTarget(
            name: "SweepStoreTests",
            dependencies: ["SweepCore", "SweepStore", product("GRDB", "GRDB.swift")],
            exclude: ["Stores"]),
        .testTarget(
            name: "SweepDataTests", dependencies: ["SweepCore", "SweepData", "CMalloc"],
            exclude: ["Reference"]),
        .testTarget(
            name: "SweepTrainingTests",
            dependencies: ["SweepCore", "SweepData", "SweepTraining"],
            exclude: ["Reference"],
            linkerSettings: linkShim),
        .testTarget(
            name: "SweepReportTests", dependencies: ["SweepCore", "SweepReport"],
            exclude: ["Reference"]),
        .testTarget(name: "SweepWorkerTests", dependencies: ["SweepCore", "SweepWorker"]),
        .testTarget(
            name: "SweepSimulatorTests",
            dependencies: ["SweepCore", "SweepSimulator", "moderato-simulate"]),
        .testTarget(
            name: "SweepFileTests", dependencies: ["SweepCore", "SweepData", "SweepFile"]),
        .testTarget(
            name: "moderatoTests",
            dependencies: [
                "SweepCore", "SweepStore", "SweepWire", "SweepWorker", "moderato",
                "moderato-trainer", product("GRDB", "GRDB.swift"), product("Yams", "Yams"),
            ],
            exclude: ["Exports", "Peer"],
            linkerSettings: linkShim),
    ],
    swiftLanguageModes: [.v6]
)

// Built by `make fuzz-wire` alone: it is linked with libFuzzer.
if Context.environment["MODERATO_FUZZER"] != nil {
    package.targets.append(
        .executableTarget(
            name: "moderato-fuzz-wire", dependencies: ["SweepCore", "SweepStore", "SweepWire"],
            path: "Tests/SweepWireFuzzer", exclude: ["run"]))
}
