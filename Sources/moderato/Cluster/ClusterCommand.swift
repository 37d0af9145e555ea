import ArgumentParser

struct ClusterCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cluster",
        abstract: "Have workers run where ssh, Kubernetes or systemd starts them.",
        discussion: "cluster/README.md has a chapter for each.",
        subcommands: [
            SSHCommand.self, KubernetesCommand.self, BundleCommand.self, MetricsCommand.self,
            DoctorCommand.self,
        ])
}
