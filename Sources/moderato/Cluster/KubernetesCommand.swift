import ArgumentParser
import Foundation
import SweepCore
import SweepWire

struct KubernetesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kubernetes",
        abstract: "Write the manifests of a coordinator and its workers.",
        discussion: """
            Examples:
              moderato cluster kubernetes --print | kubectl apply -f -
              moderato cluster kubernetes --print --workers 1 --max-workers 8 --gpu 1
              moderato cluster kubernetes --out FOLDER          for kubectl apply -k

            The images are made from cluster/containers; cluster/README.md has every step.
            """)

    private static let standard = KubernetesManifests.Values()

    @Flag(help: "Print all manifests.") var print = false

    @Option(help: ArgumentHelp("Write a Kustomize folder.", valueName: "folder"))
    var out: String?

    @Option(help: ArgumentHelp("The coordinator's image.", valueName: "image"))
    var imageHead = Self.standard.imageHead

    @Option(help: ArgumentHelp("The workers' image.", valueName: "image"))
    var imageWorker = Self.standard.imageWorker

    @Option(help: ArgumentHelp("The namespace of everything.", valueName: "name"))
    var namespace = Self.standard.namespace

    @Option(help: ArgumentHelp("Workers, at least.", valueName: "count"))
    var workers = Self.standard.workers

    @Option(
        help: ArgumentHelp(
            "Workers, at most: their number follows the runs that are to be done.",
            valueName: "count"))
    var maxWorkers = Self.standard.maxWorkers

    @Option(help: ArgumentHelp("Cores of each worker.", valueName: "count"))
    var cpu = Self.standard.cpu

    @Option(help: ArgumentHelp("Memory of each worker, in GiB.", valueName: "count"))
    var memory = Self.standard.memory

    @Option(help: ArgumentHelp("GPUs of each worker: one slot each.", valueName: "count"))
    var gpu = Self.standard.gpu

    @Option(help: ArgumentHelp("The coordinator's volume, in GiB.", valueName: "count"))
    var storage = Self.standard.storage

    func validate() throws {
        guard print || out != nil else { throw ValidationError("--print, or --out FOLDER") }
        guard (1...1_024).contains(workers), (workers...1_024).contains(maxWorkers) else {
            throw ValidationError("--workers and --max-workers: 1 to 1024, the second not less")
        }
        guard (1...1_024).contains(cpu), (1...65_536).contains(memory),
            (0...1).contains(gpu), (1...1_000_000).contains(storage)
        else {
            throw ValidationError(
                "--cpu, --memory and --storage: 1 or more; --gpu: 0 or 1, as more workers use "
                    + "more GPUs")
        }
        let names = [imageHead, imageWorker, namespace]
        let isPlain = names.joined().allSatisfy {
            $0.isASCII && ($0.isLetter || $0.isNumber || ".-_:/@".contains($0))
        }
        guard isPlain, !names.contains("") else {
            throw ValidationError(
                "--image-head, --image-worker and --namespace: letters, digits and .-_:/@")
        }
    }

    func run() throws {
        let manifests = KubernetesManifests(
            values: .init(
                imageHead: imageHead, imageWorker: imageWorker, namespace: namespace,
                workers: workers, maxWorkers: maxWorkers, cpu: cpu, memory: memory, gpu: gpu,
                storage: storage))
        if print {
            say(manifests.files.map(\.text).joined(separator: "---\n"), terminator: "")
        }
        guard let out else { return }
        let folder = absolute(out)
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
        for file in manifests.files + [manifests.kustomization] {
            do {
                try Data(file.text.utf8).write(to: URL(fileURLWithPath: "\(folder)/\(file.name)"))
            } catch {
                throw failure("\(folder)/\(file.name): \(error.localizedDescription)", Exit.usage)
            }
        }
    }
}
