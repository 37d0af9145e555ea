/// A coordinator and its workers as Kubernetes takes them: the files of the folder `Kubernetes`,
/// which can be used as they are, with other values in the places of theirs.
struct KubernetesManifests {
    /// Those of the files, unless another one is given.
    struct Values {
        var imageHead = "moderato-head:0.1.0"
        var imageWorker = "moderato-worker:0.1.0"
        var namespace = "default"
        var workers = 1
        var maxWorkers = 8
        /// Cores.
        var cpu = 2
        /// GiB.
        var memory = 4
        var gpu = 0
        /// GiB.
        var storage = 20
    }

    struct File {
        let name: String
        fileprivate(set) var text: String

        fileprivate init(_ name: String, _ content: [UInt8]) {
            self.name = name
            text = String(decoding: content, as: UTF8.self)
        }

        /// Writes a value in the places of the one that the file has.
        fileprivate mutating func fill(_ words: String, _ own: String) {
            precondition(text.contains(words), "\(name) has no '\(words)' to fill in")
            text = text.replacing(words, with: own)
        }
    }

    let values: Values

    private static let standard = Values()

    private var isElastic: Bool { values.maxWorkers > values.workers }

    var files: [File] {
        [coordinator, workers] + (isElastic ? [autoscaler] : []) + [network]
    }

    var kustomization: File {
        var file = File("kustomization.yaml", PackageResources.kustomization_yaml)
        if !isElastic { file.fill("  - autoscaler.yaml\n", "") }
        return file
    }

    private func inNamespace(_ name: String, _ content: [UInt8]) -> File {
        var file = File(name, content)
        file.fill("  namespace: \(Self.standard.namespace)\n", "  namespace: \(values.namespace)\n")
        return file
    }

    private var coordinator: File {
        var file = inNamespace("coordinator.yaml", PackageResources.coordinator_yaml)
        file.fill(".\(Self.standard.namespace).svc", ".\(values.namespace).svc")
        file.fill("image: \(Self.standard.imageHead)\n", "image: \(values.imageHead)\n")
        file.fill("storage: \(Self.standard.storage)Gi", "storage: \(values.storage)Gi")
        return file
    }

    private var workers: File {
        var file = inNamespace("workers.yaml", PackageResources.workers_yaml)
        file.fill("image: \(Self.standard.imageWorker)\n", "image: \(values.imageWorker)\n")
        file.fill(
            #"--threads, "\#(Self.standard.cpu)""#,
            #"--threads, "\#(values.cpu)""# + (values.gpu > 0 ? ", --device, cuda" : ""))
        file.fill(
            #"cpu: "\#(Self.standard.cpu)", memory: \#(Self.standard.memory)Gi"#,
            #"cpu: "\#(values.cpu)", memory: \#(values.memory)Gi"#
                + (values.gpu > 0 ? ", nvidia.com/gpu: \(values.gpu)" : ""))
        // Otherwise their number is the autoscaler's.
        if !isElastic {
            file.fill("\nspec:\n  selector:", "\nspec:\n  replicas: \(values.workers)\n  selector:")
        }
        return file
    }

    private var autoscaler: File {
        var file = inNamespace("autoscaler.yaml", PackageResources.autoscaler_yaml)
        file.fill(
            "minReplicas: \(Self.standard.workers)\n", "minReplicas: \(values.workers)\n")
        file.fill(
            "maxReplicas: \(Self.standard.maxWorkers)\n", "maxReplicas: \(values.maxWorkers)\n")
        return file
    }

    private var network: File { inNamespace("network.yaml", PackageResources.network_yaml) }
}
