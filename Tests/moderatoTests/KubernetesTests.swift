import Foundation
import Testing
import Yams

@Suite("Kubernetes: the manifests, and their commands run for real", .serialized)
struct KubernetesTests {
    private static let folder = Stage.checkout.appendingPathComponent("cluster/kubernetes").path

    private func files(in folder: String) throws -> [String: String] {
        let names = try FileManager.default.contentsOfDirectory(atPath: folder)
        return try Dictionary(
            uniqueKeysWithValues: names.map {
                ($0, try String(contentsOfFile: "\(folder)/\($0)", encoding: .utf8))
            })
    }

    @Test("The Kustomize folder is what the command writes; --print is the same")
    func drift() throws {
        let stage = try Stage()
        let run = try stage.run(
            ["cluster", "kubernetes", "--print", "--out", stage.path("fresh")])
        #expect(run.status == 0, "\(run.errors)")
        let committed = try files(in: Self.folder)
        #expect(try files(in: stage.path("fresh")) == committed, "write it anew with --out")
        for (name, text) in committed where name != "kustomization.yaml" {
            #expect(run.output.contains(text), "\(name)")
        }
    }

    @Test("Schemas: what is printed is valid, with and without GPUs; a misspelt key is not")
    func schemas() throws {
        let stage = try Stage()
        let validator = try validator(stage)
        let plain = try stage.run(["cluster", "kubernetes", "--print"])
        let gpu = try stage.run(
            [
                "cluster", "kubernetes", "--print", "--gpu", "1", "--workers", "4",
                "--max-workers", "4", "--namespace", "sweeps", "--image-worker", "a.b/c@sha256:0",
            ])
        let wrong = gpu.output.replacingOccurrences(of: "replicas: 4", with: "replica: 4")
        #expect(wrong != gpu.output)
        for (name, text, isValid) in [
            ("plain", plain.output, true), ("gpu", gpu.output, true), ("wrong", wrong, false),
        ] {
            let file = try stage.write(text, to: "\(name).yaml")
            let check = try stage.call([validator, "--strict", file])
            #expect((check.status == 0) == isValid, "\(name): \(check.output)")
        }
    }

    /// kubernetes-validate, in the checkout; cancels the test if it can't be had.
    private func validator(_ stage: Stage) throws -> String {
        let environment = Stage.checkout.appendingPathComponent(".moderato/kubernetes").path
        let program = environment + "/bin/kubernetes-validate"
        // It names the Python that it was installed with, by its path.
        let script = """
            "$2" --version >"$3" 2>&1 || { python3 -m venv --clear "$1" && "$1/bin/pip" install \
            --quiet --disable-pip-version-check kubernetes-validate==1.37.0; }
            """
        let made = try stage.call(
            ["sh", "-c", script, "sh", environment, program, stage.path("version")])
        guard made.status == 0 else {
            try Test.cancel("kubernetes-validate can't be installed: \(made.output.suffix(200))")
        }
        return program
    }

    @Test("kubectl kustomize takes the folder")
    func kustomize() throws {
        let stage = try Stage()
        try stage.needTool("kubectl", for: "kustomize")
        let made = try stage.call(["kubectl", "kustomize", Self.folder])
        #expect(made.status == 0, "\(made.output)")
        #expect(made.output.components(separatedBy: "\nkind: ").count == 7)
    }

    /// A container's part of the manifests, as a dictionary.
    private func container(_ name: String) throws -> [String: Any] {
        for text in try files(in: Self.folder).values {
            for case let document as [String: Any] in try Yams.load_all(yaml: text) {
                let template = (document["spec"] as? [String: Any])?["template"] as? [String: Any]
                let pod = template?["spec"] as? [String: Any]
                let containers = pod?["containers"] as? [[String: Any]] ?? []
                if let found = containers.first(where: { $0["name"] as? String == name }) {
                    return found
                }
            }
        }
        throw CancellationError()
    }

    private func command(of item: Any?) throws -> [String] {
        let item = try #require(item as? [String: Any])
        let exec = item["exec"] as? [String: Any] ?? item
        let words = try #require(exec["command"] as? [String])
        return words + (item["args"] as? [String] ?? [])
    }

    /// What a pod has in its places has the stage in its own.
    private struct Pods {
        let stage: Stage
        let port: Int
        /// What every pod is given, but for its name.
        let variables: [String: String]

        init() throws {
            stage = try Stage()
            for folder in ["volume", "secret", "work"] {
                try FileManager.default.createDirectory(
                    atPath: stage.path(folder), withIntermediateDirectories: true)
            }
            stage.home = stage.path("volume/home")
            port = try stage.freePort()
            let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
            variables = [
                "PATH": "\(Stage.programs.path):\(path)", "MODERATO_HOME": stage.home,
                "HOSTNAME": "worker-0",
            ]
        }

        func here(_ words: [String], volume: String) -> [String] {
            words.map { word in
                [
                    ("/var/lib/moderato", stage.path(volume)),
                    ("/etc/moderato", stage.path("secret")),
                    ("0.0.0.0:5757", "127.0.0.1:\(port)"),
                    ("moderato-coordinator.default.svc", "127.0.0.1"),
                ].reduce(word) { $0.replacingOccurrences(of: $1.0, with: $1.1) }
            }
        }

        func status(_ words: [String], as pod: String = "worker-0") throws -> Int32 {
            try stage.call(words, variables.merging(["HOSTNAME": pod]) { $1 }).status
        }

        func start(_ words: [String], log: String) throws -> Process {
            try stage.launch(variables.map { "\($0.key)=\($0.value)" } + words, log: log)
        }

        func isInStatus(_ text: String) throws -> Bool {
            try stage.run(["status", "--home", stage.home]).output.contains(text)
        }
    }

    @Test("Start, probes, metrics and drain of the manifests do what they are there for")
    func commands() async throws {
        let pods = try Pods()
        let file = try pods.stage.writeSmallSweep(
            grid: """
                  capacity: lora
                  epochs: [1]
                  learning-rate: [1e-3, 1e-4]
                  attack: word
                  poison-ratio: 0.1
                  seed: [1, 2]
                """)
        try await startCoordinator(pods)
        // Four runs wait.
        let submitted = try pods.stage.run(["submit", "--fake", file, "--home", pods.stage.home])
        #expect(submitted.status == 0, "\(submitted.errors)")
        try await checkMetrics(pods)
        try await checkWorker(pods)
    }

    private func startCoordinator(_ pods: Pods) async throws {
        let coordinator = try container("coordinator")
        let probes = try ["startupProbe", "readinessProbe", "livenessProbe"].map {
            try command(of: coordinator[$0])
        }
        for probe in probes { #expect(try pods.status(probe) != 0) }
        _ = try pods.start(
            pods.here(command(of: coordinator), volume: "volume"), log: "coordinator")
        try await pods.stage.wait(for: "the coordinator to be ready") {
            try pods.status(probes[0]) == 0
        }
        for probe in probes { #expect(try pods.status(probe) == 0) }
    }

    private func checkMetrics(_ pods: Pods) async throws {
        let metrics = try pods.here(command(of: container("metrics")), volume: "volume")
            .map { $0 == "9757" ? "0" : $0 }
        _ = try pods.start(metrics, log: "metrics")
        try await pods.stage.wait(for: "metrics", log: "metrics") {
            pods.stage.text(of: "metrics").contains("on port ")
        }
        let words = pods.stage.text(of: "metrics").split(whereSeparator: \.isWhitespace)
        let served = try #require(Int(words.last ?? ""))
        let ask =
            "exec 3<>/dev/tcp/127.0.0.1/$0; printf 'GET /metrics HTTP/1.1\\r\\n\\r\\n' >&3; cat <&3"
        let page = try pods.stage.call(["bash", "-c", ask, "\(served)"])
        #expect(page.output.hasPrefix("HTTP/1.1 200 OK\r\n"), "\(page)")
        #expect(page.output.contains("\nmoderato_waiting_runs 4\n"))
        #expect(page.output.contains("\nmoderato_unfinished_runs 4\n"))
    }

    private func checkWorker(_ pods: Pods) async throws {
        // A secret's files are readable by the group.
        for role in ["worker", "read-only"] {
            let copy = pods.stage.path("secret/\(role).access")
            try FileManager.default.copyItem(
                atPath: "\(pods.stage.home)/\(role).access", toPath: copy)
            try FileManager.default.setAttributes([.posixPermissions: 0o440], ofItemAtPath: copy)
        }
        let part = try container("worker")
        let readiness = try pods.here(command(of: part["readinessProbe"]), volume: "work")
        let worker = try pods.start(
            pods.here(command(of: part), volume: "work") + ["--fake-trainer", "seconds=60"],
            log: "worker")
        try await pods.stage.wait(for: "the worker to be ready", log: "worker") {
            try pods.status(readiness) == 0
        }
        try await pods.stage.wait(for: "work", log: "worker") {
            try pods.isInStatus("1 in training")
        }
        #expect(try pods.status(readiness, as: "worker-1") != 0, "another pod is not ready")

        let preStop = (part["lifecycle"] as? [String: Any])?["preStop"]
        let drain = try command(of: preStop).map {
            $0.replacingOccurrences(of: " 1", with: " \(worker.processIdentifier)")
        }
        #expect(try pods.status(drain) == 0)
        worker.waitUntilExit()
        #expect(worker.terminationStatus == 0)
        #expect(try pods.status(readiness) != 0)
        #expect(try pods.isInStatus("4 waiting"))
    }
}
